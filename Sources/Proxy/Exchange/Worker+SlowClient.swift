import CLinux
import EventLoop

extension Worker {
    /// Looks at a client that takes nothing, within `timeouts.send`.
    private static let looks: Int64 = 4

    /// The client did not take everything: from now on it is timed.
    mutating func awaitClient(_ slot: Int32) {
        let exchange = down[slot].pointee.exchange
        guard exchange >= 0 else {
            setDeadline(downstream: slot, now + limits.send)
            return
        }
        exchanges[exchange].pointee.tookLast = now
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
        let acknowledged = weir_bytes_acknowledged(down[slot].pointee.descriptor)
        if acknowledged > exchange.pointee.acknowledged {
            exchange.pointee.acknowledged = acknowledged
            exchange.pointee.tookLast = now
        }
        guard now - exchange.pointee.tookLast < limits.send,
            !exchange.pointee.sendPace.isTooSlow(at: now)
        else {
            abort(exchangeSlot, .sendTimeout)
            return
        }
        lookAgain(slot, exchangeSlot)
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
