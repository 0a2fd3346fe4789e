import EventLoop
import HTTP

/// Answers that come on streams: what the client's side does not take waits with the stream, and
/// the server gets no room for more until it has gone.
///
/// An answer ends with its stream, whatever its length says, which the codec has checked.
extension Worker {
    // MARK: What comes

    /// Has what the stream has received passed on once all frames that came have been read.
    mutating func noteRead(_ stream: Int32) {
        let entry = up[stream]
        if entry.pointee.streams.flags.contains(.isQueued) { return }
        entry.pointee.streams.flags.insert(.isQueued)
        streamsRead.append(Self.token(.upstream, stream, entry.pointee.generation))
    }

    /// Passes on what streams have received.
    mutating func pumpStreamsRead() {
        // Nothing is added on the way: that is for whoever reads frames.
        for index in streamsRead.indices {
            let token = streamsRead[index]
            let slot = Self.slot(of: token)
            guard let entry = up.find(slot, generation: UInt32(truncatingIfNeeded: token)) else {
                continue
            }
            entry.pointee.streams.flags.remove(.isQueued)
            pumpServerStream(slot)
        }
        streamsRead.removeAll(keepingCapacity: true)
    }

    /// A head has come, an interim or the final one, as text.
    mutating func takeText(_ stream: Int32, _ text: UnsafeRawBufferPointer) {
        guard let bytes = text.baseAddress else { return }
        buffers.append(bytes, text.count, to: &up[stream].pointee.input)
        noteRead(stream)
    }

    /// Body bytes have come.
    mutating func takeAnswerData(
        _ stream: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        isLast: Bool
    ) {
        let entry = up[stream]
        entry.pointee.streams.uncredited &+= UInt32(truncatingIfNeeded: count)
        let exchange = exchanges[entry.pointee.exchange]
        guard entry.pointee.input.isEmpty, exchange.pointee.answer == .body, takesMore(exchange)
        else {
            buffers.append(bytes, count, to: &entry.pointee.input)
            noteRead(stream)
            return
        }
        let generation = entry.pointee.generation
        if isLast {
            noteCallWithoutStatus(exchange)
            exchange.pointee.answerBody = BodyDecoder(.length(UInt64(count)))
        }
        out.removeAll()
        _ = takeAnswerBody(stream, bytes, count, 0, spare: 0)
        if let again = up.find(stream, generation: generation) { creditAnswer(again) }
    }

    /// Trailer fields have come, as lines.
    mutating func takeAnswerTrailers(_ stream: Int32, _ lines: UnsafeRawBufferPointer) {
        guard let bytes = lines.baseAddress else { return }
        buffers.append(bytes, lines.count, to: &up[stream].pointee.streams.answerTrailers)
    }

    /// The server has reset the stream.
    mutating func streamWasReset(_ stream: Int32) {
        let entry = up[stream]
        entry.pointee.streams.flags.insert(.reset)
        // Behind a whole answer it only says that the rest of the request is not wanted
        // (RFC 9113 §8.1).
        if entry.pointee.streams.flags.contains(.serverEnded) {
            exchanges[entry.pointee.exchange].pointee.flags.insert(.requestDropped)
        } else {
            failServerStream(stream, .reset)
        }
    }

    // MARK: Passing on

    /// Whether the client's side takes more of the answer now.
    private mutating func takesMore(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        let downstream = down[exchange.pointee.downstream]
        if downstream.pointee.output.isEmpty { return true }
        return downstream.isOfStream && downstream.pointee.output.count < Self.readSize
    }

    /// Passes on what has come of an answer as far as the client takes it, and goes on with the
    /// request.
    mutating func pumpServerStream(_ stream: Int32) {
        let entry = up[stream]
        let generation = entry.pointee.generation
        guard entry.pointee.phase == .busy else { return }
        if entry.pointee.streams.flags.contains(.unspeakable) {
            fail(entry.pointee.exchange, .badRequest)
            return
        }
        while up.find(stream, generation: generation) != nil,
            takesMore(exchanges[entry.pointee.exchange]), passPiece(stream)
        {}
        guard up.find(stream, generation: generation) != nil else { return }
        creditAnswer(entry)
        upstreamTakesAgain(entry.pointee.exchange)
    }

    /// Passes on one piece of the answer; false if there is nothing to pass on now.
    private mutating func passPiece(_ stream: Int32) -> Bool {
        let entry = up[stream]
        let exchange = exchanges[entry.pointee.exchange]
        let hasEnded = entry.pointee.streams.flags.contains(.serverEnded)
        let hasTrailers = !entry.pointee.streams.answerTrailers.isEmpty
        guard let bytes = entry.pointee.input.head else {
            guard hasEnded, exchange.pointee.answer == .body else { return false }
            endAnswer(stream)
            return true
        }
        // A head stands there whole.
        let most =
            exchange.pointee.answer == .head
            ? Self.readSize &+ headLimits.headSize : Self.readSize
        let count = min(entry.pointee.input.count, most)
        let isLast = hasEnded && !hasTrailers && count == entry.pointee.input.count
        let generation = entry.pointee.generation
        out.removeAll()
        var offset = 0
        if exchange.pointee.answer == .head {
            offset = takeHeads(stream, bytes, count)
            guard offset >= 0 else { return false }
            if exchange.pointee.answer == .head {
                buffers.consume(offset, from: &entry.pointee.input)
                return false
            }
        }
        if isLast { noteCallWithoutStatus(exchange) }
        exchange.pointee.answerBody = BodyDecoder(
            isLast ? .length(UInt64(count &- offset)) : .untilClose
        )
        let step = takeAnswerBody(stream, bytes, count, offset, spare: offset)
        guard case .used = step, up.find(stream, generation: generation) != nil else {
            return false
        }
        buffers.consume(count, from: &entry.pointee.input)
        return true
    }

    /// Takes heads up to the final one, which it writes to ``out``.
    ///
    /// Returns how many bytes they are, -1 if the exchange has left the stream.
    private mutating func takeHeads(
        _ stream: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Int {
        let entry = up[stream]
        let slot = entry.pointee.exchange
        let exchange = exchanges[slot]
        var offset = 0
        while exchange.pointee.answer == .head, offset < count {
            let span = RawSpan(_unsafeStart: bytes + offset, byteCount: count &- offset)
            let parsed: ResponseHead?
            do throws(HeadError) {
                let limits = headLimits.ofBuiltText
                parsed = try entry.pointee.parser.parse(span, into: &fields, limits: limits)
            } catch {
                retryOrFail(slot, .badAnswer)
                return -1
            }
            guard let head = parsed else {
                retryOrFail(slot, .badAnswer)
                return -1
            }
            let source = UnsafeRawPointer(bytes + offset)
            offset &+= head.headSize
            if head.status < 200 {
                guard passInterim(slot, head, source) else { return -1 }
                continue
            }
            if exchange.pointee.flags.contains(.call) {
                guard takeCallHead(slot, stream, head, source) else { return -1 }
            } else if retriesAnswer(slot, head, source) {
                return -1
            }
            guard beginAnswer(exchange, entry, head, source) else {
                fail(slot, .badAnswer)
                return -1
            }
            // Its chunks were never made.
            exchange.pointee.flags.remove(.chunkedAnswer)
        }
        return offset
    }

    /// The answer has been passed on but for its trailers, and is complete.
    private mutating func endAnswer(_ stream: Int32) {
        let entry = up[stream]
        let exchange = exchanges[entry.pointee.exchange]
        out.removeAll()
        let trailers = entry.pointee.streams.answerTrailers
        if let lines = trailers.head, !trailers.isEmpty {
            let range = ByteRange(from: 0, to: trailers.count)
            guard appendAnswerTrailers(exchange, lines, trailers.count, range) else {
                retryOrFail(entry.pointee.exchange, .badAnswer)
                return
            }
        }
        if exchange.pointee.flags.contains(.call) {
            let count = trailers.isEmpty ? 0 : trailers.count
            let lines = RawSpan(_unsafeStart: trailers.head ?? scratch, byteCount: count)
            callEnded(exchange, GRPCStatus(lines: lines))
        }
        exchange.pointee.answerBody = BodyDecoder(.none)
        _ = takeAnswerBody(stream, scratch, 0, 0, spare: 0)
    }

    /// Body bytes that were passed on make room in the server's window.
    mutating func creditAnswer(_ entry: UnsafeMutablePointer<Upstream>) {
        let waiting = UInt32(truncatingIfNeeded: entry.pointee.input.count)
        let count =
            entry.pointee.streams.uncredited &- min(waiting, entry.pointee.streams.uncredited)
        guard count > 0 else { return }
        entry.pointee.streams.uncredited &-= count
        let slot = entry.pointee.streams.carrier
        guard let session = serverSession(slot) else { return }
        session.credit(entry.pointee.streams.id, Int(count))
        queueServerCarrier(slot)
    }
}
