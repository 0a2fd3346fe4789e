import CLinux
import EventLoop
import Routing
import Synchronization

/// What becomes of a client's connection between requests, and how it ends.
extension Worker {
    /// Bytes dropped from a client that goes on sending after its answer.
    static let mostDropped = 262_144
    /// Nanoseconds for which a client may go on sending after its answer.
    static let lingerTime: Int64 = 2_000_000_000

    /// The connection has nothing under way: it waits for the next request.
    mutating func becomeIdle(_ slot: Int32, _ downstream: UnsafeMutablePointer<Downstream>) {
        if downstream.isOfStream {
            finishStream(slot)
            return
        }
        downstream.pointee.phase = .idle
        downstream.pointee.flags.remove(.overstays)
        // While an answer still leaves, what is timed is the client's reading.
        guard downstream.pointee.output.isEmpty else {
            awaitClient(slot)
            return
        }
        listIdle(slot)
        let wait = isEnding(downstream) ? min(limits.keepAlive, 1_000_000_000) : limits.keepAlive
        setDeadline(downstream: slot, now + untilRest(downstream, wait))
    }

    /// Closes a connection whose output has left, lingering if the client may still be sending.
    mutating func finishDownstream(_ slot: Int32) {
        let downstream = down[slot]
        if downstream.isOfStream {
            finishStream(slot)
            return
        }
        sendCloseNotify(downstream)
        guard downstream.pointee.flags.contains(.lingers),
            !downstream.pointee.flags.contains(.broken)
        else {
            closeDownstream(slot)
            return
        }
        unlistIdle(slot)
        downstream.pointee.phase = .lingering
        buffers.give(&downstream.pointee.input)
        // What still comes is dropped undecrypted.
        release(&downstream.pointee.secure)
        _ = weir_shutdown_write(downstream.pointee.descriptor)
        setDeadline(downstream: slot, now + Self.lingerTime)
        drop(slot)
    }

    /// Reads and forgets what a client still sends after its answer.
    mutating func drop(_ slot: Int32) {
        let downstream = down[slot]
        while downstream.pointee.flags.contains(.readable) {
            let count = receive(downstream, readBase, Self.readSize)
            if count == Int(-EAGAIN) { return }
            guard count > 0, Int(downstream.pointee.dropped) < Self.mostDropped else {
                closeDownstream(slot)
                return
            }
            downstream.pointee.dropped &+= UInt32(truncatingIfNeeded: count)
        }
    }

    /// Closes a client's connection at once and frees its slot.
    mutating func closeDownstream(_ slot: Int32) {
        let downstream = down[slot]
        if downstream.isOfStream {
            closeStream(slot)
            return
        }
        // A carrier never goes before its streams.
        if downstream.pointee.streams.newest >= 0 { endStreams(slot) }
        assert(downstream.pointee.exchange < 0, "a connection closes under its exchange")
        unlistIdle(slot)
        downTimers.cancel(slot)
        if downstream.pointee.phase == .idle { sendCloseNotify(downstream) }
        if downstream.pointee.phase == .handshake { handshakes &-= 1 }
        if downstream.pointee.phase == .header { leaveHeaderPhase(slot) }
        unlistUnheard(slot)
        buffers.give(&downstream.pointee.input)
        buffers.give(&downstream.pointee.output)
        release(&downstream.pointee.secure)
        buffers.give(&downstream.pointee.identity)
        downstream.pointee.streams.session?.release()
        downstream.pointee.streams.session = nil
        weir_close(downstream.pointee.descriptor)
        let listener = Int(downstream.pointee.listener)
        shared.connections.value.subtract(1, ordering: .relaxed)
        shared.listenerConnections[listener].value.subtract(1, ordering: .relaxed)
        if downstream.pointee.flags.contains(.countedClient) {
            shared.clients.leave(IPAddress(downstream.pointee.peer))
        }
        down.free(slot)
    }

    /// Whether an idle connection whose time is over stays a moment more: its next request has come
    /// meanwhile, and would be reset unread.
    private mutating func overstays(_ slot: Int32) -> Bool {
        let downstream = down[slot]
        guard !downstream.pointee.flags.contains(.overstays),
            weir_is_readable(downstream.pointee.descriptor) > 0
        else { return false }
        // Once: bytes that make no request must not hold it.
        downstream.pointee.flags.formUnion([.overstays, .readable])
        setDeadline(downstream: slot, now + 1_000_000_000)
        queueDownstream(slot)
        return true
    }

    /// The connection's phase has lasted too long.
    mutating func downstreamTimedOut(_ slot: Int32) {
        let downstream = down[slot]
        switch downstream.pointee.phase {
        case .discarding where downstream.isOfStream && downstream.pointee.output.isEmpty:
            finishStream(slot)
        case .idle:
            if goesToRest(slot) || overstays(slot) { return }
            closeDownstream(slot)
        case .discarding where waitsForCarrier(slot), .lingering where waitsForCarrier(slot):
            awaitClient(slot)
        case .discarding, .lingering: closeDownstream(slot)
        case .carrier: carrierTimedOut(slot)
        case .header: refuseProxyHeader(slot, .handshakeTimeout, "no PROXY header came in time")
        case .handshake: endHandshake(slot, .handshakeTimeout, because: nil)
        case .head:
            if downstream.pointee.output.isEmpty {
                let input = downstream.pointee.input
                let isHead = input.head.map { Self.asksForHead($0, input.count) } ?? false
                answerBroken(slot, .headTimeout, isHead: isHead)
            } else {
                closeDownstream(slot)
            }
        case .busy:
            let exchange = downstream.pointee.exchange
            if now >= exchanges[exchange].pointee.deadline {
                fail(exchange, .totalTimeout)
            } else if !downstream.pointee.output.isEmpty || hasPiped(exchange) {
                clientTakesNothing(slot)
            } else {
                fail(exchange, .bodyTimeout)
            }
        case .tunnel: abort(downstream.pointee.exchange, .ok)
        }
    }
}
