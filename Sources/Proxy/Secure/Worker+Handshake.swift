import CLinux
import EventLoop
import TLS

/// The TLS handshake of a client's connection.
extension Worker {
    /// A new connection on a listener with TLS begins its handshake; false if there is no room.
    mutating func beginHandshake(_ slot: Int32, _ context: TLSServerContext) -> Bool {
        guard let connection = context.accept(secure) else { return false }
        let downstream = down[slot]
        downstream.pointee.secure.connection = connection
        downstream.pointee.phase = .handshake
        handshakes &+= 1
        listUnheard(slot)
        setDeadline(downstream: slot, now + limits.handshake)
        pumpHandshake(slot)
        return true
    }

    /// Whether one more handshake stays within the listener's bounds; it counts against its rate.
    ///
    /// Who connects and says nothing keeps nobody waiting: the oldest of them goes.
    mutating func admitsHandshake(_ listener: WorkerListener) -> Bool {
        if handshakes >= snapshot.listeners[listener.index].maxHandshakes {
            guard weir_is_readable(listener.descriptor) > 0, closeOldestUnheard() else {
                return false
            }
        }
        return handshakeTokens[listener.index]?.take(at: now) ?? true
    }

    /// Goes on with the handshake as far as what has come allows.
    mutating func pumpHandshake(_ slot: Int32) {
        let downstream = down[slot]
        guard let connection = downstream.pointee.secure.connection else { return }
        // All that came before is used; a server has nothing to say before the client has.
        while downstream.pointee.flags.contains(.readable) {
            let offered = receiveSealed(downstream)
            if offered == Int(-EAGAIN) { return }
            guard offered > 0 else {
                endHandshake(slot, .clientAborted, because: nil)
                return
            }
            connection.offer(sealedArea, offered)
            let step = connection.handshake()
            if case .failed(let failure) = step, failure.kind == .plainHTTP {
                secure.clearOutput()
                answerPlain(slot)
                return
            }
            // A ClientHello is whole once the server has said something to it.
            if secure.output.count > 0 { unlistUnheard(slot) }
            if step == .done, connection.endsWithTickets {
                holdSealed(downstream)
            } else if !sendSealed(slot) {
                endHandshake(slot, .clientAborted, because: nil)
                return
            }
            switch step {
            case .done:
                keepSealed(&downstream.pointee.secure, offered)
                handshakeDone(slot)
                return
            case .needMore: break
            case .failed(let failure):
                endHandshake(slot, .handshakeFailed, because: failure)
                return
            }
        }
    }

    /// Receives ciphertext once.
    private mutating func receiveSealed(_ downstream: UnsafeMutablePointer<Downstream>) -> Int {
        let count = weir_recv(downstream.pointee.descriptor, sealedArea, Self.sealedSize)
        if count == Int(-EAGAIN)
            || (count > 0 && count < Self.sealedSize
                && downstream.pointee.flags.isDisjoint(with: [.finished, .broken]))
        {
            downstream.pointee.flags.remove(.readable)
        }
        return count
    }

    /// The connection is encrypted from now on: it waits for requests.
    private mutating func handshakeDone(_ slot: Int32) {
        let downstream = down[slot]
        handshakes &-= 1
        unlistUnheard(slot)
        downstream.pointee.phase = .idle
        if !downstream.pointee.secure.sealed.isEmpty {
            downstream.pointee.flags.insert(.readable)
        }
        downstream.pointee.flags.insert(.encrypted)
        countHandshake(downstream)
        if downstream.pointee.secure.connection?.isHTTP2 == true {
            if becomeCarrier(slot) { readFrames(slot) }
            return
        }
        becomeIdle(slot, downstream)
        let generation = downstream.pointee.generation
        readRequests(slot)
        // Without a request there is no answer for the ticket to leave with.
        guard down.find(slot, generation: generation) != nil, downstream.pointee.phase != .busy
        else { return }
        restoreHeld(&downstream.pointee.secure)
        if !sendSealed(slot) { closeDownstream(slot) }
    }

    /// The handshake's last output, a session ticket, waits for the answer to a request that may
    /// have come with the client's last flight: a send less.
    private mutating func holdSealed(_ downstream: UnsafeMutablePointer<Downstream>) {
        let output = secure.output
        if let bytes = output.baseAddress, output.count > 0 {
            if downstream.pointee.output.isEmpty {
                buffers.append(bytes, output.count, to: &downstream.pointee.secure.held)
            } else {
                buffers.append(bytes, output.count, to: &downstream.pointee.output)
            }
        }
        secure.clearOutput()
    }

    /// Puts what is held into the worker's port, before anything else of the connection.
    mutating func restoreHeld(_ side: inout SecureSide) {
        guard let bytes = side.held.head else { return }
        secure.restore(bytes, side.held.count)
        buffers.give(&side.held)
    }

    /// The handshake has failed, or lasted too long: the connection ends, and the log says why.
    mutating func endHandshake(_ slot: Int32, _ outcome: Outcome, because failure: TLSFailure?) {
        let downstream = down[slot]
        handshakes &-= 1
        unlistUnheard(slot)
        var entry = LogEntry(
            outcome: outcome,
            status: outcome.status,
            id: RequestID(high: random.next(), low: random.next())
        )
        entry.client = downstream.pointee.peer
        entry.reason = failure?.text
        countUnanswered(entry, of: slot)
        statistics.listeners.row(Int(downstream.pointee.listener))
            .add(ListenerColumn.handshakeFailures)
        log(entry)
        release(&downstream.pointee.secure)
        // The alert must not be overtaken by a reset for bytes that nobody read.
        downstream.pointee.phase = .idle
        downstream.pointee.flags.insert([.closesAfterOutput, .lingers])
        if downstream.pointee.output.isEmpty { finishDownstream(slot) } else { awaitClient(slot) }
    }

    /// The client speaks plain HTTP where TLS is spoken: it is told so, in the clear.
    private mutating func answerPlain(_ slot: Int32) {
        let downstream = down[slot]
        handshakes &-= 1
        unlistUnheard(slot)
        release(&downstream.pointee.secure)
        downstream.pointee.phase = .idle
        answerBroken(slot, .badRequest, because: "This port speaks HTTPS; use https:// instead.")
    }
}
