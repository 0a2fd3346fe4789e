import CLinux
import EventLoop

extension Worker {
    /// Looks at a client that takes nothing, within `timeouts.send`.
    private static let looks: Int64 = 4

    /// The client did not take everything: from now on it is timed.
    ///
    /// Handshakes and tunnels have times of their own, which a slow reader does not change.
    mutating func awaitClient(_ slot: Int32) {
        let phase = down[slot].pointee.phase
        if phase == .handshake || phase == .tunnel { return }
        let exchange = down[slot].pointee.exchange
        guard exchange >= 0 else {
            setDeadline(downstream: slot, now + limits.send)
            return
        }
        exchanges[exchange].pointee.tookLast = now
        if exchanges[exchange].pointee.acknowledged == 0 {
            exchanges[exchange].pointee.acknowledged = acknowledged(down[slot])
        }
        lookAgain(slot, exchange)
    }

    /// The socket has had no room for a while: the client is cut unless it reads all the same.
    ///
    /// The kernel reports room only once a third of its buffer, megabytes at times, is free. A
    /// slow client may need longer than the time-out for that, so what counts is whether it has
    /// acknowledged bytes.
    mutating func clientTakesNothing(_ slot: Int32) {
        let exchangeSlot = down[slot].pointee.exchange
        let exchange = exchanges[exchangeSlot]
        if noteAcknowledged(exchange) { exchange.pointee.tookLast = now }
        guard now - exchange.pointee.tookLast < limits.send,
            !exchange.pointee.sendPace.isTooSlow(at: now)
        else {
            abort(exchangeSlot, .sendTimeout)
            return
        }
        lookAgain(slot, exchangeSlot)
    }

    /// The kernel has taken bytes for the client, who need not have got them yet: over TCP what it
    /// acknowledges is what counts.
    mutating func noteSent(_ exchange: UnsafeMutablePointer<Exchange>, _ count: Int) {
        if down[exchange.pointee.downstream].pointee.peer.isInternet { return }
        exchange.pointee.sendPace.moved(count, at: now)
    }

    /// Whether the client reads too slowly on average.
    mutating func readsTooSlowly(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        guard exchange.pointee.sendPace.isTooSlow(at: now) else { return false }
        _ = noteAcknowledged(exchange)
        return exchange.pointee.sendPace.isTooSlow(at: now)
    }

    /// Counts what the client has acknowledged since the last look; false if that is nothing.
    private mutating func noteAcknowledged(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        let acknowledged = acknowledged(down[exchange.pointee.downstream])
        let more = acknowledged &- exchange.pointee.acknowledged
        guard more > 0 else { return false }
        exchange.pointee.acknowledged = acknowledged
        exchange.pointee.sendPace.moved(Int(more), at: now)
        return true
    }

    /// Bytes that the client has taken so far: acknowledged ones, or those that its window let go.
    private mutating func acknowledged(_ downstream: UnsafeMutablePointer<Downstream>) -> Int64 {
        downstream.isOfStream
            ? downstream.pointee.streams.taken
            : weir_bytes_acknowledged(downstream.pointee.descriptor)
    }

    private mutating func lookAgain(_ slot: Int32, _ exchange: Int32) {
        guard limits.send != Int64.max else {
            setDeadline(downstream: slot, exchanges[exchange].pointee.deadline)
            return
        }
        let look = now + limits.send / Self.looks
        setDeadline(downstream: slot, min(look, exchanges[exchange].pointee.deadline))
    }
}
