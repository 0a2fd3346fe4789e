import CLinux
import EventLoop
import HTTP

/// A client's connection that speaks HTTP/2, which carries streams.
extension Worker {
    /// What a client that speaks HTTP/2 from the start sends first (RFC 9113 §3.4).
    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    // MARK: Beginning

    /// The connection speaks HTTP/2 from now on; false if it is closed.
    mutating func becomeCarrier(_ slot: Int32) -> Bool {
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
            return false
        }
        downstream.pointee.streams.session = .passRetained(session)
        statistics.listeners.row(Int(downstream.pointee.listener)).add(ListenerColumn.http2)
        downstream.pointee.phase = .carrier
        restCarrier(slot)
        queueCarrier(slot)
        return true
    }

    /// Whether a connection in the clear begins as one of HTTP/2 does; `nil` if too little of it
    /// has come to tell.
    mutating func beginsWithPreface(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool? {
        let size = Self.preface.utf8CodeUnitCount
        let there = min(count, size)
        for index in 0..<there
        where bytes.load(fromByteOffset: index, as: UInt8.self) != Self.preface.utf8Start[index] {
            return false
        }
        return there == size ? true : nil
    }

    /// Whether what was refused as a connection's first request was to be a preface of HTTP/2: it
    /// is told in HTTP/2 that it is none.
    mutating func isBrokenPreface(
        _ slot: Int32,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Bool {
        let downstream = down[slot]
        guard downstream.pointee.served == 0, !downstream.isOfStream,
            snapshot.listeners[Int(downstream.pointee.listener)].speaksHTTP2InClear
        else { return false }
        // The method alone tells: no other request has it (RFC 9113 §11.4).
        return count >= 4
            && (0..<4).allSatisfy {
                bytes.load(fromByteOffset: $0, as: UInt8.self) == Self.preface.utf8Start[$0]
            }
    }

    /// The client speaks HTTP/2 without TLS; `bytes` are its first ones, and wait nowhere else.
    mutating func beginCleartext(_ slot: Int32, _ bytes: UnsafeRawPointer, _ count: Int) {
        var left = count
        var next = bytes
        let generation = down[slot].pointee.generation
        guard becomeCarrier(slot) else { return }
        while left > 0, down.find(slot, generation: generation) != nil {
            let part = min(left, Self.readSize)
            frameInput.copyMemory(from: next, byteCount: part)
            takeFrames(slot, part)
            left &-= part
            next += part
        }
        guard let downstream = down.find(slot, generation: generation) else { return }
        buffers.give(&downstream.pointee.input)
        queueDownstream(slot)
    }

    /// Without a stream the carrier is as idle as a connection between two requests.
    private mutating func restCarrier(_ slot: Int32) {
        let downstream = down[slot]
        guard downstream.pointee.output.isEmpty else {
            if session(of: slot)?.notes.waitsSince == nil { awaitClient(slot) }
            return
        }
        if isEnding(downstream) { endCarrier(slot) }
        let flags = downstream.pointee.streams.flags
        if flags.contains(.insideHead) {
            setDeadline(downstream: slot, now + limits.head)
        } else if flags.contains(.ending) {
            setDeadline(downstream: slot, now + Self.lingerTime)
        } else {
            listIdle(slot)
            setDeadline(downstream: slot, now + untilRest(downstream, limits.keepAlive))
        }
    }

    /// The client has begun a head, for which it has as much time as over HTTP/1, or has ended it.
    private mutating func noteHead(_ slot: Int32, _ isInside: Bool) {
        let carrier = down[slot]
        guard isInside != carrier.pointee.streams.flags.contains(.insideHead) else { return }
        if isInside {
            carrier.pointee.streams.flags.insert(.insideHead)
            unlistIdle(slot)
        } else {
            carrier.pointee.streams.flags.remove(.insideHead)
        }
        if carrier.pointee.flags.contains(.closesAfterOutput) { return }
        timeCarrier(slot)
    }

    /// Sets the time of a carrier that waits for nothing of the client's but frames.
    private mutating func timeCarrier(_ slot: Int32) {
        let carrier = down[slot]
        guard carrier.pointee.output.isEmpty else { return }
        if carrier.pointee.streams.count == 0 {
            restCarrier(slot)
        } else if carrier.pointee.streams.flags.contains(.insideHead) {
            setDeadline(downstream: slot, now + limits.head)
        } else {
            setDeadline(downstream: slot, .never)
        }
    }

    /// A head was not complete in time; nothing else can come on its connection.
    private mutating func headTimedOut(_ slot: Int32, _ session: HTTP2Connection) {
        let id = RequestID(high: random.next(), low: random.next())
        var entry = LogEntry(outcome: .headTimeout, status: Outcome.headTimeout.status, id: id)
        entry.client = down[slot].pointee.peer
        countUnanswered(entry, of: slot)
        log(entry)
        session.terminate(HTTP2Code.enhanceYourCalm)
        queueCarrier(slot)
        endForFault(slot)
    }

    // MARK: Reading

    /// Reads frames as far as they come, and does what they say.
    mutating func readFrames(_ slot: Int32) {
        let downstream = down[slot]
        let generation = downstream.pointee.generation
        if downstream.pointee.streams.flags.contains(.inputEnded) {
            // Over TLS the end comes twice: in its words, and as that of the connection.
            downstream.pointee.flags.remove(.readable)
            if downstream.pointee.flags.contains(.broken) { closeCarrier(slot) }
            return
        }
        var left = Self.turnBytes
        // While a client reads nothing, what it sends can only be answered into a growing buffer.
        while downstream.pointee.flags.contains(.readable), downstream.pointee.output.isEmpty {
            if left <= 0 {
                queueDownstream(slot)
                return
            }
            let count = receive(downstream, frameInput, Self.readSize)
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                if count < 0 || !outlivesInput(slot) { closeCarrier(slot) }
                return
            }
            left &-= count
            takeFrames(slot, count)
            guard down.find(slot, generation: generation) != nil else { return }
        }
    }

    /// The client sends nothing more: streams whose requests are whole go on, as over HTTP/1.
    ///
    /// False if nothing is left to do.
    private mutating func outlivesInput(_ slot: Int32) -> Bool {
        let carrier = down[slot]
        guard carrier.pointee.flags.isDisjoint(with: [.broken, .closesAfterOutput]),
            let session = session(of: slot)
        else { return false }
        carrier.pointee.flags.remove(.readable)
        carrier.pointee.streams.flags.insert(.inputEnded)
        var stream = carrier.pointee.streams.newest
        while stream >= 0 {
            if down[stream].pointee.streams.flags.contains(.clientEnded) {
                stream = down[stream].pointee.streams.older
                continue
            }
            down[stream].pointee.streams.flags.insert(.reset)
            dropStream(stream)
            stream = carrier.pointee.streams.newest
        }
        queueCarrier(slot)
        return carrier.pointee.streams.count > 0 || session.wantsSend
    }

    /// Does what the frames in ``frameInput`` say.
    private mutating func takeFrames(_ slot: Int32, _ count: Int) {
        guard let session = session(of: slot) else { return }
        let generation = down[slot].pointee.generation
        // After a fault of the client's nothing it sends is looked at any more.
        if down[slot].pointee.flags.contains(.closesAfterOutput) { return }
        let goesOn = session.receive(frameInput, count, now: now.nanoseconds)
        queueCarrier(slot)
        var index = 0
        while index < session.eventCount {
            handle(index, slot, session)
            guard down.find(slot, generation: generation) != nil else { break }
            index &+= 1
        }
        session.clearEvents()
        guard down.find(slot, generation: generation) != nil else { return }
        if goesOn { noteHead(slot, session.isInsideHead) } else { endForFault(slot) }
    }

    /// The client broke the protocol: its streams end, and the carrier once the GOAWAY has left.
    mutating func endForFault(_ slot: Int32) {
        let carrier = down[slot]
        guard !carrier.pointee.flags.contains(.closesAfterOutput) else { return }
        carrier.pointee.flags.insert(.closesAfterOutput)
        noteFault(carrier.pointee.peer)
        endStreams(slot)
        unlistIdle(slot)
        setDeadline(downstream: slot, now + Self.lingerTime)
    }

    private mutating func handle(_ index: Int, _ slot: Int32, _ session: HTTP2Connection) {
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
            if event.kind == .malformed, event.token == 0 { logMalformed(index, slot, session) }
            return
        }
        switch event.kind {
        case .data: takeData(stream, frameInput + Int(event.offset), Int(event.count))
        case .trailers: takeTrailers(stream, session.text.slice(event))
        case .end: break
        case .reset, .malformed, .refused:
            entry.pointee.streams.flags.insert([.reset, .clientEnded])
            dropStream(stream, event.kind == .malformed ? .badRequest : .clientAborted)
            return
        default: return
        }
        if event.endsStream, down.find(stream, generation: generation) != nil { endBody(stream) }
    }

    /// Logs a request that is malformed before it was begun; the budget of resets bounds the lines.
    private mutating func logMalformed(_ index: Int, _ slot: Int32, _ session: HTTP2Connection) {
        let event = session.event(index)
        // One whose head came with the same bytes is in the log already.
        for earlier in 0..<index where session.event(earlier).stream == event.stream { return }
        let id = RequestID(high: random.next(), low: random.next())
        var entry = LogEntry(outcome: .badRequest, status: Outcome.badRequest.status, id: id)
        entry.client = down[slot].pointee.peer
        entry.reason = event.flaw.explanation.description
        countUnanswered(entry, of: slot)
        log(entry)
    }

    /// Nanoseconds between two notes in the log about connections that ended for their frames.
    private static let noteEvery: Int64 = 10_000_000_000

    /// A connection ends for what its client sent as frames, which no request tells of.
    private mutating func noteFault(_ client: weir_address) {
        faults &+= 1
        guard now >= faultsNoted else { return }
        faultsNoted = now + Self.noteEvery
        let text = "\(faults) connections of HTTP/2 ended for the frames that came, the last from"
        shared.logs.note(level: .warning, "\(text) \(addressText(client))")
        faults = 0
    }

    /// The client takes bytes again.
    mutating func carrierTakesAgain(_ slot: Int32) {
        let carrier = down[slot]
        session(of: slot)?.notes.waitsSince = nil
        if carrier.pointee.flags.contains(.closesAfterOutput) {
            setDeadline(downstream: slot, now + Self.lingerTime)
        } else {
            timeCarrier(slot)
        }
        queueCarrier(slot)
        // What it sent meanwhile was not read.
        if carrier.pointee.flags.contains(.readable) { queueDownstream(slot) }
    }

    // MARK: Ending

    /// The carrier takes no further stream and ends once those that run have ended.
    mutating func endCarrier(_ slot: Int32) {
        let downstream = down[slot]
        guard !downstream.pointee.streams.flags.contains(.ending),
            let session = session(of: slot)
        else { return }
        downstream.pointee.streams.flags.insert(.ending)
        session.goAway()
        queueCarrier(slot)
        guard downstream.pointee.streams.count == 0 else { return }
        unlistIdle(slot)
        setDeadline(downstream: slot, now + Self.lingerTime)
    }

    /// Ends all streams of a carrier whose client wants none of them any more.
    mutating func endStreams(_ slot: Int32, _ outcome: Outcome = .clientAborted) {
        let carrier = down[slot]
        while carrier.pointee.streams.newest >= 0 {
            let stream = carrier.pointee.streams.newest
            down[stream].pointee.streams.flags.insert(.reset)
            dropStream(stream, outcome)
        }
    }

    /// The carrier has ended, and with it all its streams.
    mutating func closeCarrier(_ slot: Int32, _ outcome: Outcome = .clientAborted) {
        endStreams(slot, outcome)
        closeDownstream(slot)
    }

    /// A stream has ended: the carrier may be idle now.
    mutating func streamEnded(on slot: Int32) {
        let carrier = down[slot]
        guard carrier.pointee.streams.count == 0, carrier.pointee.phase == .carrier,
            !carrier.pointee.flags.contains(.closesAfterOutput)
        else { return }
        restCarrier(slot)
        queueCarrier(slot)
    }

    /// The carrier's time is up: it was idle too long, or its client reads nothing.
    mutating func carrierTimedOut(_ slot: Int32) {
        let carrier = down[slot]
        let isStuck = !carrier.pointee.output.isEmpty
        if isStuck, !carrier.pointee.flags.contains(.closesAfterOutput), carrierGoesOn(slot) {
            return
        }
        if !isStuck, carrier.pointee.streams.flags.contains(.insideHead),
            !carrier.pointee.flags.contains(.closesAfterOutput), let session = session(of: slot)
        {
            headTimedOut(slot, session)
            return
        }
        guard !isStuck, carrier.pointee.streams.count == 0, let session = session(of: slot),
            !carrier.pointee.flags.contains(.closesAfterOutput)
        else {
            closeCarrier(slot, isStuck ? .sendTimeout : .clientAborted)
            return
        }
        guard carrier.pointee.streams.flags.contains(.ending) else {
            if !goesToRest(slot) { endCarrier(slot) }
            return
        }
        // The client has not said that it knows: it is told once more, for the last time.
        session.goAway()
        carrier.pointee.flags.insert(.closesAfterOutput)
        queueCarrier(slot)
        setDeadline(downstream: slot, now + Self.lingerTime)
    }
}
