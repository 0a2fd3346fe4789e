import CLinux
import EventLoop
import HTTP

extension Worker {
    /// Looks at a client that takes nothing, within `timeouts.send`.
    private static let looks: Int64 = 4

    /// The client did not take everything: from now on it is timed.
    ///
    /// Handshakes and tunnels have times of their own, which a slow reader does not change.
    mutating func awaitClient(_ slot: Int32) {
        let phase = down[slot].pointee.phase
        if phase == .handshake || phase == .tunnel { return }
        if phase == .carrier {
            awaitCarrier(slot)
            return
        }
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
        if waitsForCarrier(slot) {
            exchange.pointee.sendPace.paused(at: now)
            exchange.pointee.tookLast = now
            lookAgain(slot, exchangeSlot)
            return
        }
        exchange.pointee.sendPace.began(at: now)
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
        setDeadline(downstream: slot, min(nextLook, exchanges[exchange].pointee.deadline))
    }

    private var nextLook: Instant {
        limits.send == Int64.max ? .never : now + limits.send / Self.looks
    }

    // MARK: HTTP/2

    /// The client of a carrier did not take everything: from now on it is timed, for all streams.
    private mutating func awaitCarrier(_ slot: Int32) {
        guard let session = session(of: slot) else { return }
        if session.notes.waitsSince == nil {
            // Mostly there is room again before anybody looks: only who looks asks the kernel.
            session.notes = HTTP2Notes()
            session.notes.waitsSince = now.nanoseconds
        }
        session.notes.tookLast = now.nanoseconds
        setDeadline(downstream: slot, nextLook)
    }

    /// The socket of a carrier has had no room for a while; false if its client is to be cut.
    mutating func carrierGoesOn(_ slot: Int32) -> Bool {
        guard let session = session(of: slot) else { return false }
        if noteAcknowledged(slot, session) { session.notes.tookLast = now.nanoseconds }
        guard now.nanoseconds &- session.notes.tookLast < limits.send, !isTooSlow(session)
        else { return false }
        setDeadline(downstream: slot, nextLook)
        return true
    }

    /// Whether a carrier's client, which has just taken so many bytes, reads too slowly on average.
    mutating func carrierReadsTooSlowly(_ slot: Int32, _ sent: Int) -> Bool {
        guard let session = session(of: slot) else { return false }
        if !down[slot].pointee.peer.isInternet { session.notes.taken &+= Int64(sent) }
        guard isTooSlow(session) else { return false }
        _ = noteAcknowledged(slot, session)
        return isTooSlow(session)
    }

    private mutating func isTooSlow(_ session: HTTP2Connection) -> Bool {
        guard let since = session.notes.waitsSince else { return false }
        return Pace.isTooSlow(session.notes.taken, within: now.nanoseconds &- since)
    }

    /// Counts what the carrier's client has acknowledged since the last look; false if that is
    /// nothing, or nobody has looked before.
    private mutating func noteAcknowledged(_ slot: Int32, _ session: HTTP2Connection) -> Bool {
        let acknowledged = weir_bytes_acknowledged(down[slot].pointee.descriptor)
        let before = session.notes.acknowledged
        guard acknowledged > before else { return false }
        session.notes.acknowledged = acknowledged
        guard before > 0 else {
            // How much came before is not known: the average begins here.
            session.notes.waitsSince = now.nanoseconds
            return false
        }
        session.notes.taken &+= acknowledged &- before
        return true
    }

    /// Whether the slot is a stream whose carrier has no room, which is timed for all its streams.
    mutating func waitsForCarrier(_ slot: Int32) -> Bool {
        let entry = down[slot]
        guard entry.isOfStream else { return false }
        let carrier = entry.pointee.streams.carrier
        return !down[carrier].pointee.output.isEmpty
            && session(of: carrier)?.notes.waitsSince != nil
    }
}
