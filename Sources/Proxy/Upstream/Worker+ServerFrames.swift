import CLinux
import EventLoop
import HTTP

/// Frames to and from endpoints: all that the streams of a carrier have written in a batch of
/// events leaves together.
extension Worker {
    // MARK: Sending

    /// Has the carrier's frames sent with the others of the batch.
    mutating func queueServerCarrier(_ slot: Int32) {
        let carrier = up[slot]
        if carrier.pointee.streams.flags.contains(.isQueued) { return }
        carrier.pointee.streams.flags.insert(.isQueued)
        serversToSend.append(Self.token(.upstream, slot, carrier.pointee.generation))
    }

    /// Sends what carriers to endpoints have.
    mutating func sendServerFrames() {
        swap(&serversToSend, &serversSending)
        for index in serversSending.indices {
            let token = serversSending[index]
            let slot = Self.slot(of: token)
            if up.find(slot, generation: UInt32(truncatingIfNeeded: token)) != nil {
                sendServerFrames(slot)
            }
        }
        serversSending.removeAll(keepingCapacity: true)
    }

    /// Sends the carrier's frames as far as the kernel takes them.
    private mutating func sendServerFrames(_ slot: Int32) {
        let carrier = up[slot]
        carrier.pointee.streams.flags.remove(.isQueued)
        guard let session = serverSession(slot), !carrier.pointee.flags.contains(.sendFailed)
        else { return }
        let generation = carrier.pointee.generation
        var left = Self.turnBytes
        while carrier.pointee.output.isEmpty, left > 0 {
            if carrier.pointee.streams.bodies > 0 { lendBodies(carrier, session) }
            let count = session.send(into: frameArea, room: Self.frameSize)
            guard count > 0 else { break }
            left &-= count
            guard sendToServer(carrier, frameArea, count) else {
                // What the server has said before is read first.
                carrier.pointee.flags.insert([.sendFailed, .readable, .broken])
                carrierFailed(slot)
                queueUpstream(slot)
                return
            }
            if carrier.pointee.streams.bodies > 0 { takeBodiesBack(slot, session) }
            guard up.find(slot, generation: generation) != nil else { return }
        }
        if left <= 0 { queueServerCarrier(slot) }
        if session.eventCount > 0 {
            takeServerEvents(slot, session)
            guard up.find(slot, generation: generation) != nil else { return }
        }
        // A fault of the server's that nghttp2 has answered by itself.
        if session.endCode != nil {
            failCarrier(server: slot, .badAnswer)
            return
        }
        sendWhatFits(slot)
    }

    /// Sends requests that wait for a place: one is free only once the reset of the stream before
    /// has left, or when the server allows more than it did.
    private mutating func sendWhatFits(_ slot: Int32) {
        let carrier = up[slot]
        if carrier.pointee.streams.waiting > 0,
            carrier.pointee.streams.flags.contains(.isSettled)
        {
            sendWaiting(slot, .max)
        }
    }

    /// Sends bytes on a carrier; what the kernel does not take waits.
    ///
    /// False if that failed.
    mutating func sendToServer(
        _ carrier: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Bool {
        if carrier.pointee.secure.isOn {
            guard seal(&carrier.pointee.secure, bytes, count, nil, 0, spare: 0) else {
                secure.clearOutput()
                return false
            }
            return sendSealed(carrier)
        }
        var sent = weir_send(carrier.pointee.descriptor, bytes, count)
        if sent < 0 {
            guard sent == Int(-EAGAIN) else { return false }
            sent = 0
        }
        carrier.pointee.sent &+= UInt64(sent)
        if sent < count {
            buffers.append(bytes + sent, count &- sent, to: &carrier.pointee.output)
        }
        return true
    }

    /// Lends the codec what streams have of their requests' bodies, until the next frames are
    /// written.
    private mutating func lendBodies(
        _ carrier: UnsafeMutablePointer<Upstream>,
        _ session: HTTP2Connection
    ) {
        var stream = carrier.pointee.streams.oldest
        while stream >= 0 {
            let entry = up[stream]
            if let bytes = entry.pointee.output.head {
                session.supply(entry.pointee.streams.id, bytes, entry.pointee.output.count)
                // What did not leave is no longer the end, unless it is said again.
                if entry.pointee.streams.flags.contains(.ended) { finishRequest(entry, session) }
            }
            stream = entry.pointee.streams.newer
        }
    }

    /// Drops what the codec has taken of the bodies, and has those go on that were waiting for
    /// room.
    private mutating func takeBodiesBack(_ slot: Int32, _ session: HTTP2Connection) {
        let carrier = up[slot]
        let generation = carrier.pointee.generation
        var stream = carrier.pointee.streams.oldest
        while stream >= 0 {
            let entry = up[stream]
            let newer = entry.pointee.streams.newer
            if !entry.pointee.output.isEmpty {
                // A stream that is over for the codec takes nothing.
                let count =
                    session.taken(entry.pointee.streams.id) ?? entry.pointee.output.count
                if count > 0 { bodyLeft(stream, carrier, count) }
                guard up.find(slot, generation: generation) != nil else { return }
            }
            stream = newer
        }
    }

    private mutating func bodyLeft(
        _ stream: Int32,
        _ carrier: UnsafeMutablePointer<Upstream>,
        _ count: Int
    ) {
        let entry = up[stream]
        buffers.consume(count, from: &entry.pointee.output)
        guard entry.pointee.output.isEmpty else { return }
        carrier.pointee.streams.bodies &-= 1
        if !entry.pointee.streams.flags.contains(.ended) { queueUpstream(stream) }
    }

    // MARK: Receiving

    /// The kernel reports something about a carrier.
    mutating func serverCarrierEvent(_ slot: Int32, _ readiness: Readiness) {
        let carrier = up[slot]
        if !readiness.isDisjoint(with: [.readable, .peerFinished, .ended, .failed]) {
            carrier.pointee.flags.insert(.readable)
        }
        if readiness.contains(.peerFinished) { carrier.pointee.flags.insert(.finished) }
        if !readiness.isDisjoint(with: [.ended, .failed]) {
            carrier.pointee.flags.insert(.broken)
        }
        if !carrier.pointee.output.isEmpty, flushSealed(carrier) { queueServerCarrier(slot) }
        readServerFrames(slot)
    }

    /// Reads frames as far as they come, and does what they say.
    mutating func readServerFrames(_ slot: Int32) {
        let carrier = up[slot]
        let generation = carrier.pointee.generation
        var left = Self.turnBytes
        while carrier.pointee.flags.contains(.readable) {
            if left <= 0 {
                queueUpstream(slot)
                return
            }
            let count = receive(carrier, frameInput, Self.readSize)
            if count == Int(-EAGAIN) {
                // Frames were lost on their way out: nothing that follows them would make sense.
                if carrier.pointee.flags.contains(.sendFailed) {
                    failCarrier(server: slot, .reset)
                }
                return
            }
            guard count > 0 else {
                if count < 0 { carrier.pointee.flags.insert(.broken) }
                failCarrier(server: slot, .reset)
                return
            }
            left &-= count
            takeServerFrames(slot, count)
            guard up.find(slot, generation: generation) != nil else { return }
        }
    }

    /// Does what the frames in ``frameInput`` say.
    private mutating func takeServerFrames(_ slot: Int32, _ count: Int) {
        guard let session = serverSession(slot) else { return }
        let carrier = up[slot]
        let generation = carrier.pointee.generation
        let goesOn = session.receive(frameInput, count, now: now.nanoseconds)
        queueServerCarrier(slot)
        takeServerEvents(slot, session)
        guard up.find(slot, generation: generation) != nil else { return }
        if !goesOn {
            sendServerFrames(slot)
            if up.find(slot, generation: generation) != nil {
                failCarrier(server: slot, .badAnswer)
            }
        } else if session.isSettled, !carrier.pointee.streams.flags.contains(.isSettled) {
            carrierSettled(slot, session)
        } else {
            sendWhatFits(slot)
        }
    }

    /// Does what the codec tells; requests that it could not send any more are among it.
    private mutating func takeServerEvents(_ slot: Int32, _ session: HTTP2Connection) {
        let generation = up[slot].pointee.generation
        var index = 0
        while index < session.eventCount {
            handleServer(session.event(index), slot, session)
            guard up.find(slot, generation: generation) != nil else { break }
            index &+= 1
        }
        session.clearEvents()
        pumpStreamsRead()
    }

    private mutating func handleServer(
        _ event: HTTP2Event,
        _ slot: Int32,
        _ session: HTTP2Connection
    ) {
        if event.kind == .goAway {
            carrierIsEnding(slot, last: event.stream)
            return
        }
        let stream = Int32(truncatingIfNeeded: event.token >> 32)
        let generation = UInt32(truncatingIfNeeded: event.token)
        guard let entry = up.find(stream, generation: generation),
            entry.pointee.streams.carrier == slot
        else { return }
        let carrier = up[slot]
        carrier.pointee.streams.heard = now
        switch event.kind {
        case .head, .interim:
            carrier.pointee.flags.insert(.reused)
            if !event.sensitive.isEmpty {
                let client = exchanges[entry.pointee.exchange].pointee.downstream
                down[client].pointee.streams.sensitive.formUnion(event.sensitive)
            }
            takeText(stream, session.text.slice(event))
        case .data:
            takeAnswerData(
                stream,
                frameInput + Int(event.offset),
                Int(event.count),
                isLast: event.endsStream
            )
        case .trailers: takeAnswerTrailers(stream, session.text.slice(event))
        case .end: break
        case .reset:
            streamWasReset(stream)
            return
        case .refused:
            entry.pointee.streams.flags.insert(.reset)
            // Behind a GOAWAY a connection that has served others is no try (RFC 9113 §6.8).
            let isEnding =
                carrier.pointee.streams.flags.contains(.ending) && mayTurnAway(entry)
            if isEnding { noteReused(entry, carrier) }
            failServerStream(stream, isEnding ? .closedUnseen : .refused)
            return
        case .malformed:
            entry.pointee.streams.flags.insert(.reset)
            failServerStream(stream, .badAnswer)
            return
        default: return
        }
        if event.endsStream, let again = up.find(stream, generation: generation) {
            again.pointee.streams.flags.insert(.serverEnded)
            noteRead(stream)
        }
    }
}
