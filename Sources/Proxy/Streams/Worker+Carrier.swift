import CLinux
import EventLoop
import HTTP

/// A client's connection that speaks HTTP/2, which carries streams.
extension Worker {
    /// The connection speaks HTTP/2 from now on.
    mutating func becomeCarrier(_ slot: Int32) {
        let downstream = down[slot]
        let options = HTTP2Options(
            headLimits: headLimits,
            streams: limits.streams,
            budget: limits.streamBudget,
            seed: random.next()
        )
        guard let session = HTTP2Connection(role: .server, options: options, memory: frames)
        else {
            closeDownstream(slot)
            return
        }
        downstream.pointee.streams.session = .passRetained(session)
        downstream.pointee.phase = .carrier
        restCarrier(slot)
        queueCarrier(slot)
        readFrames(slot)
    }

    /// Without a stream the carrier is as idle as a connection between two requests.
    private mutating func restCarrier(_ slot: Int32) {
        guard down[slot].pointee.output.isEmpty else {
            awaitClient(slot)
            return
        }
        listIdle(slot)
        setDeadline(downstream: slot, now + (isDraining ? 0 : limits.keepAlive))
        if isDraining { endCarrier(slot) }
    }

    // MARK: Reading

    /// Reads frames as far as they come, and does what they say.
    mutating func readFrames(_ slot: Int32) {
        let downstream = down[slot]
        let generation = downstream.pointee.generation
        var left = Self.turnBytes
        // While a client reads nothing, what it sends can only be answered into a growing buffer.
        while downstream.pointee.flags.contains(.readable), downstream.pointee.output.isEmpty {
            if left <= 0 {
                queueDownstream(slot)
                return
            }
            let count = receive(downstream, readBase, Self.readSize)
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                closeCarrier(slot)
                return
            }
            left &-= count
            takeFrames(slot, readBase, count)
            guard down.find(slot, generation: generation) != nil else { return }
        }
    }

    private mutating func takeFrames(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) {
        guard let session = down[slot].pointee.streams.session?.takeUnretainedValue() else { return }
        let goesOn = session.receive(bytes, count, now: now.nanoseconds)
        queueCarrier(slot)
        let generation = down[slot].pointee.generation
        var index = 0
        while index < session.eventCount {
            handle(index, slot, session, bytes)
            guard down.find(slot, generation: generation) != nil else { break }
            index &+= 1
        }
        session.clearEvents()
        guard let carrier = down.find(slot, generation: generation) else { return }
        if !goesOn { carrier.pointee.flags.insert(.closesAfterOutput) }
    }

    private mutating func handle(
        _ index: Int,
        _ slot: Int32,
        _ session: HTTP2Connection,
        _ bytes: UnsafeMutableRawPointer
    ) {
        let event = session.event(index)
        if event.kind == .head || event.kind == .reject {
            beginStream(slot, index, session)
            return
        }
        let stream = Int32(truncatingIfNeeded: event.token >> 32)
        let generation = UInt32(truncatingIfNeeded: event.token)
        guard let entry = down.find(stream, generation: generation),
            entry.pointee.streams.carrier == slot
        else {
            // Nobody wants these bytes any more: others may have their place in the window.
            if event.kind == .data { session.credit(event.stream, Int(event.count)) }
            return
        }
        switch event.kind {
        case .data: takeData(stream, bytes + Int(event.offset), Int(event.count))
        case .trailers: takeTrailers(stream, session.text.slice(event))
        case .end: break
        case .reset, .malformed, .refused:
            entry.pointee.streams.flags.insert([.reset, .clientEnded])
            entry.pointee.flags.insert(.broken)
            dropStream(stream)
            return
        default: return
        }
        if event.endsStream, down.find(stream, generation: generation) != nil {
            endBody(stream)
        }
    }

    /// The client takes bytes again.
    mutating func carrierTakesAgain(_ slot: Int32) {
        let carrier = down[slot]
        if carrier.pointee.streams.count == 0 { restCarrier(slot) }
        queueCarrier(slot)
        // What it sent meanwhile was not read.
        if carrier.pointee.flags.contains(.readable) { queueDownstream(slot) }
    }

    // MARK: Ending

    /// The carrier takes no further stream and ends once those that run have ended.
    mutating func endCarrier(_ slot: Int32) {
        let downstream = down[slot]
        guard let session = downstream.pointee.streams.session?.takeUnretainedValue() else { return }
        session.goAway()
        if downstream.pointee.streams.count == 0 {
            downstream.pointee.flags.insert(.closesAfterOutput)
        }
        queueCarrier(slot)
    }

    /// The carrier has ended, and with it all its streams.
    mutating func closeCarrier(_ slot: Int32) {
        let downstream = down[slot]
        while downstream.pointee.streams.newest >= 0 {
            let stream = downstream.pointee.streams.newest
            down[stream].pointee.streams.flags.insert(.reset)
            dropStream(stream)
        }
        closeDownstream(slot)
    }

    /// A stream has ended: the carrier may be idle now.
    mutating func streamEnded(on slot: Int32) {
        let downstream = down[slot]
        guard downstream.pointee.streams.count == 0, downstream.pointee.phase == .carrier else {
            return
        }
        if isDraining || downstream.pointee.flags.contains(.closesAfterOutput) {
            downstream.pointee.flags.insert(.closesAfterOutput)
            queueCarrier(slot)
        } else {
            restCarrier(slot)
        }
    }

    /// The carrier's time is up: it was idle too long, or its client reads nothing.
    mutating func carrierTimedOut(_ slot: Int32) {
        let downstream = down[slot]
        if downstream.pointee.output.isEmpty, downstream.pointee.streams.count == 0,
            !downstream.pointee.flags.contains(.closesAfterOutput)
        {
            endCarrier(slot)
            setDeadline(downstream: slot, now + Self.lingerTime)
        } else {
            closeCarrier(slot)
        }
    }
}
