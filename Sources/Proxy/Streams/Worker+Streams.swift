import CLinux
import EventLoop
import HTTP

/// Streams of HTTP/2, each of which is a connection of one request to its exchange.
extension Worker {
    // MARK: Beginning

    /// A request's head has come on a new stream.
    ///
    /// `index`: that of the codec's event.
    mutating func beginStream(_ slot: Int32, _ index: Int, _ session: HTTP2Connection) {
        let event = session.event(index)
        // A quarter of the slots is for connections, whatever streams there are.
        let isFull = down.count >= down.capacity &- down.capacity / 4
        let stream = isFull ? -1 : down.allocate()
        guard stream >= 0 else {
            session.reset(event.stream, HTTP2Code.refusedStream)
            return
        }
        let carrier = down[slot]
        let entry = down[stream]
        entry.pointee.peer = carrier.pointee.peer
        entry.pointee.listener = carrier.pointee.listener
        entry.pointee.flags = carrier.pointee.flags.intersection([.trustedPeer, .encrypted])
        entry.pointee.streams.carrier = slot
        entry.pointee.streams.id = event.stream
        entry.pointee.streams.sensitive = event.sensitive
        link(stream, to: carrier)
        unlistIdle(slot)
        if carrier.pointee.output.isEmpty { setDeadline(downstream: slot, .never) }
        carrier.pointee.served &+= 1
        if carrier.pointee.served >= limits.requestsPerConnection { endCarrier(slot) }
        let generation = entry.pointee.generation
        session.setToken(Self.token(stream, generation), ofStreamAt: index)
        if event.endsStream { entry.pointee.streams.flags.insert(.clientEnded) }
        if event.kind == .reject {
            session.discardInput(event.stream)
            answerBroken(stream, Self.outcome(ofReject: event.code), isHead: event.isHead)
            return
        }
        guard let text = session.text.slice(event).baseAddress else { return }
        let bytes = UnsafeMutableRawPointer(mutating: text)
        if event.isGone {
            dropUnseen(stream, bytes, Int(event.count))
            return
        }
        let used = parseRequest(stream, bytes, Int(event.count))
        guard down.find(stream, generation: generation) != nil else { return }
        if used == 0 {
            let isHead = Self.asksForHead(bytes, Int(event.count))
            answerBroken(stream, .badRequest, isHead: isHead)
        } else if entry.pointee.phase == .busy {
            noteFraming(entry)
            if event.isCall { noteCall(entry.pointee.exchange) }
        }
    }

    /// The stream was over before its request was looked at: nothing but the log hears of it.
    private mutating func dropUnseen(
        _ stream: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) {
        let entry = down[stream]
        entry.pointee.streams.flags.insert([.reset, .clientEnded])
        let text = RawSpan(_unsafeStart: bytes, byteCount: count)
        let limits = headLimits.ofBuiltText
        if let head = try? entry.pointee.parser.parse(text, into: &fields, limits: limits) {
            let id = RequestID(high: random.next(), low: random.next())
            let request = ReceivedRequest(
                head: head,
                bytes: bytes,
                count: count,
                id: id,
                keepAlive: false
            )
            var line = LogEntry(outcome: .clientAborted, status: 0, id: id)
            line.client = client(of: stream, request)
            line.request = request
            line.loggedID = .made(id)
            self.count(line, of: stream)
            log(line)
        }
        closeStream(stream)
    }

    private static func outcome(ofReject status: UInt32) -> Outcome {
        switch status {
        case 431: .headTooLarge
        case 414: .targetTooLong
        default: .protocolRefused
        }
    }

    private static func token(_ slot: Int32, _ generation: UInt32) -> UInt64 {
        UInt64(UInt32(bitPattern: slot)) << 32 | UInt64(generation)
    }

    private mutating func noteFraming(_ entry: UnsafeMutablePointer<Downstream>) {
        guard entry.pointee.exchange >= 0 else { return }
        if exchanges[entry.pointee.exchange].pointee.flags.contains(.chunkedUp) {
            entry.pointee.streams.flags.insert(.chunked)
        }
    }

    private mutating func link(_ stream: Int32, to carrier: UnsafeMutablePointer<Downstream>) {
        let newest = carrier.pointee.streams.newest
        down[stream].pointee.streams.older = newest
        if newest >= 0 { down[newest].pointee.streams.newer = stream }
        carrier.pointee.streams.newest = stream
        carrier.pointee.streams.count &+= 1
    }

    private mutating func unlink(_ stream: Int32, from carrier: UnsafeMutablePointer<Downstream>) {
        let side = down[stream].pointee.streams
        if side.newer >= 0 {
            down[side.newer].pointee.streams.older = side.older
        } else {
            carrier.pointee.streams.newest = side.older
        }
        if side.older >= 0 { down[side.older].pointee.streams.newer = side.newer }
        carrier.pointee.streams.count &-= 1
    }

    // MARK: The client's body

    /// Body bytes have come.
    mutating func takeData(_ stream: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) {
        let entry = down[stream]
        entry.pointee.streams.uncredited &+= UInt32(truncatingIfNeeded: count)
        guard entry.pointee.phase == .busy || entry.pointee.phase == .tunnel,
            entry.pointee.exchange >= 0
        else {
            creditBody(entry)
            dropBody(stream, count)
            return
        }
        exchanges[entry.pointee.exchange].pointee.bodyPace.moved(count, at: now)
        if entry.pointee.streams.flags.contains(.chunked) {
            var line = ByteWriter(scratch, capacity: scratchSize)
            line.append(hex: UInt64(count))
            line.append("\r\n")
            buffers.append(line.start, line.count, to: &entry.pointee.input)
            buffers.append(bytes, count, to: &entry.pointee.input)
            appendInput(entry, "\r\n")
        } else {
            buffers.append(bytes, count, to: &entry.pointee.input)
        }
        pumpStream(stream)
    }

    /// Trailer fields have come, as lines.
    mutating func takeTrailers(_ stream: Int32, _ lines: UnsafeRawBufferPointer) {
        let entry = down[stream]
        guard entry.pointee.streams.flags.contains(.chunked) else { return }
        appendInput(entry, "0\r\n")
        if let bytes = lines.baseAddress {
            buffers.append(bytes, lines.count, to: &entry.pointee.input)
        }
        appendInput(entry, "\r\n")
        entry.pointee.streams.flags.remove(.chunked)
    }

    /// The client has sent its last byte.
    mutating func endBody(_ stream: Int32) {
        let entry = down[stream]
        entry.pointee.streams.flags.insert(.clientEnded)
        if entry.pointee.phase == .discarding {
            finishStream(stream)
            return
        }
        // A tunnel learns of the end by reading it.
        if entry.pointee.phase == .tunnel { entry.pointee.flags.insert(.readable) }
        if entry.pointee.streams.flags.contains(.chunked) {
            entry.pointee.streams.flags.remove(.chunked)
            appendInput(entry, "0\r\n\r\n")
        }
        pumpStream(stream)
    }

    private mutating func appendInput(
        _ entry: UnsafeMutablePointer<Downstream>,
        _ text: StaticString
    ) {
        buffers.append(text.utf8Start, text.utf8CodeUnitCount, to: &entry.pointee.input)
    }

    /// What a stream has besides its input: nothing, or its end.
    mutating func receiveOfStream(_ entry: UnsafeMutablePointer<Downstream>) -> Int {
        entry.pointee.flags.remove(.readable)
        return entry.pointee.streams.flags.contains(.clientEnded) ? 0 : Int(-EAGAIN)
    }

    /// Has the exchange take what has come, and gives the client room for as much again.
    private mutating func pumpStream(_ stream: Int32) {
        let entry = down[stream]
        let generation = entry.pointee.generation
        progressDownstream(stream)
        guard down.find(stream, generation: generation) != nil else { return }
        creditBody(entry)
    }

    /// Body bytes that were used make room in the client's window.
    mutating func creditBody(_ entry: UnsafeMutablePointer<Downstream>) {
        let count = Int(entry.pointee.streams.uncredited)
        guard count > 0, entry.pointee.input.isEmpty || entry.pointee.exchange < 0 else { return }
        entry.pointee.streams.uncredited = 0
        let carrier = entry.pointee.streams.carrier
        session(of: carrier)?.credit(entry.pointee.streams.id, count)
        queueCarrier(carrier)
    }

    /// The carrier's codec.
    mutating func session(of carrier: Int32) -> HTTP2Connection? {
        down[carrier].pointee.streams.session?.takeUnretainedValue()
    }

    // MARK: The answer

    /// Takes bytes of an answer, as ``deliver`` does; they leave with the others of the batch.
    mutating func deliverStream(
        _ stream: Int32,
        _ head: UnsafeRawPointer,
        _ headCount: Int,
        _ body: UnsafeMutableRawPointer?,
        _ bodyCount: Int
    ) -> Bool {
        let entry = down[stream]
        if entry.pointee.streams.flags.contains(.reset) { return false }
        buffers.append(head, headCount, to: &entry.pointee.output)
        if let body { buffers.append(body, bodyCount, to: &entry.pointee.output) }
        queueStream(stream)
        return true
    }

    /// Keeps an answer's trailer fields for the stream's end; false if they are not valid.
    mutating func keepTrailers(
        _ entry: UnsafeMutablePointer<Downstream>,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ range: ByteRange,
        _ edits: HeadEdits?
    ) -> Bool {
        let before = out
        guard writeTrailers(bytes, count, range, edits) else { return false }
        let lines = out.start + before.count
        buffers.append(lines, out.count &- before.count, to: &entry.pointee.streams.trailers)
        out = before
        return true
    }

    // MARK: Ending

    /// The exchange has given its answer whole, or closes the connection that it sees: the stream
    /// ends as soon as all has left.
    mutating func finishStream(_ stream: Int32) {
        let entry = down[stream]
        if entry.pointee.streams.flags.contains(.ended), entry.pointee.output.isEmpty {
            closeStream(stream)
            return
        }
        entry.pointee.phase = .lingering
        entry.pointee.flags.insert(.closesAfterOutput)
        setDeadline(downstream: stream, .never)
        creditBody(entry)
        queueStream(stream)
    }

    /// An answer that needed no server is on its way before the request is complete: it ends with
    /// the request, whose faults the client still hears of, unless that takes too much or too long.
    mutating func awaitStreamEnd(_ stream: Int32) {
        let entry = down[stream]
        if entry.pointee.streams.flags.contains(.clientEnded) {
            finishStream(stream)
            return
        }
        entry.pointee.phase = .discarding
        entry.pointee.dropped = 0
        setDeadline(downstream: stream, now + limits.body)
        queueStream(stream)
    }

    /// Body bytes came that nobody wants.
    private mutating func dropBody(_ stream: Int32, _ count: Int) {
        let entry = down[stream]
        guard entry.pointee.phase == .discarding else { return }
        entry.pointee.dropped &+= UInt32(truncatingIfNeeded: count)
        if Int(entry.pointee.dropped) > Self.mostDropped { finishStream(stream) }
    }

    /// Ends the stream's exchange, if one runs, and the stream.
    mutating func dropStream(_ stream: Int32, _ outcome: Outcome = .clientAborted) {
        let exchange = down[stream].pointee.exchange
        if exchange >= 0 { abort(exchange, outcome) } else { closeStream(stream) }
    }

    /// Frees the stream's slot; a stream that is not complete is reset.
    mutating func closeStream(_ stream: Int32) {
        let entry = down[stream]
        assert(entry.pointee.exchange < 0, "a stream closes under its exchange")
        let slot = entry.pointee.streams.carrier
        let flags = entry.pointee.streams.flags
        if let session = down[slot].pointee.streams.session, !flags.contains(.reset) {
            creditBody(entry)
            if entry.pointee.flags.contains(.shut), !flags.contains(.ended),
                entry.pointee.output.isEmpty
            {
                // A tunnel whose both directions have ended.
                _ = session._withUnsafeGuaranteedRef { $0.finish(entry.pointee.streams.id) }
            } else if !flags.contains(.ended) || !entry.pointee.output.isEmpty {
                // A tunnel that breaks off is cancelled (RFC 8441 §5).
                let isTunnel = entry.pointee.phase == .tunnel
                let code = isTunnel ? HTTP2Code.cancel : HTTP2Code.internalError
                session._withUnsafeGuaranteedRef { $0.reset(entry.pointee.streams.id, code) }
            } else if !flags.contains(.clientEnded) {
                session._withUnsafeGuaranteedRef { $0.discardInput(entry.pointee.streams.id) }
            }
            queueCarrier(slot)
        }
        downTimers.cancel(stream)
        buffers.give(&entry.pointee.input)
        buffers.give(&entry.pointee.output)
        buffers.give(&entry.pointee.streams.trailers)
        unlink(stream, from: down[slot])
        down.free(stream)
        streamEnded(on: slot)
    }
}

extension UnsafeMutablePointer<Downstream> {
    /// Whether this is one of several streams of a carrier.
    ///
    /// Looks at one number rather than at a copy of all.
    var isOfStream: Bool { pointee.streams.carrier >= 0 }
}

extension UnsafeRawBufferPointer {
    /// The bytes of an event that has text.
    func slice(_ event: HTTP2Event) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[Int(event.offset)..<Int(event.offset + event.count)])
    }
}
