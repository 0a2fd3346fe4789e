import EventLoop
import HTTP

extension Worker {
    /// Passes on body bytes from `offset` on, and the head in `out` before them.
    mutating func takeAnswerBody(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ from: Int,
        spare: Int
    ) -> AnswerStep {
        let exchangeSlot = up[slot].pointee.exchange
        let exchange = exchanges[exchangeSlot]
        let isDirect = exchange.pointee.flags.isDisjoint(with: [.chunkedAnswer, .chunkedDown])
        var body = ByteRange.empty
        var offset = from
        var isComplete = false
        let span = RawSpan(_unsafeStart: bytes, byteCount: count)
        decoding: while true {
            let event: BodyDecoder.Event
            do throws(BodyError) {
                event = try exchange.pointee.answerBody.next(
                    span,
                    from: offset,
                    limits: headLimits
                )
            } catch {
                retryOrFail(exchangeSlot, .badAnswer)
                return .over
            }
            switch event {
            case .data(let range):
                offset = range.end
                if isDirect { body = range } else { appendChunk(exchange, bytes, range) }
            case .trailers(let range):
                offset = range.end
                guard appendAnswerTrailers(exchange, bytes, count, range) else {
                    retryOrFail(exchangeSlot, .badAnswer)
                    return .over
                }
            case .needMore(let consumed):
                offset = consumed
                break decoding
            case .end(let consumed):
                offset = consumed
                isComplete = true
                break decoding
            }
        }
        // Whatever follows a complete answer was not asked for: it may belong to nobody.
        if isComplete, offset < count {
            retryOrFail(exchangeSlot, .badAnswer)
            return .over
        }
        if isComplete, exchange.pointee.flags.contains(.chunkedDown) { out.append("0\r\n\r\n") }
        return passAnswer(slot, bytes, body, isComplete, used: offset, spare: spare)
    }

    private mutating func passAnswer(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ body: ByteRange,
        _ isComplete: Bool,
        used: Int,
        spare: Int
    ) -> AnswerStep {
        let exchangeSlot = up[slot].pointee.exchange
        let exchange = exchanges[exchangeSlot]
        if out.overflowed {
            retryOrFail(exchangeSlot, .badAnswer)
            return .over
        }
        let total = out.count &+ Int(body.count)
        if total > 0 {
            exchange.pointee.flags.insert(.answerBegun)
            let downSlot = exchange.pointee.downstream
            if isComplete, total <= Self.mostDelayed, down[downSlot].pointee.output.isEmpty {
                return sendWhole(exchangeSlot, bytes, body)
            }
            guard
                deliver(
                    downSlot,
                    head: out.start,
                    out.count,
                    body: bytes + body.start,
                    Int(body.count),
                    spare: spare
                )
            else {
                abort(exchangeSlot, .clientAborted)
                return .over
            }
            exchange.pointee.bytesOut &+= UInt64(total)
            out.removeAll()
            timeSending(exchange)
        }
        if isComplete {
            answerComplete(exchangeSlot)
            return .over
        }
        shrinkRequest(exchange)
        let wait = now + route(exchange).pointee.stream
        setDeadline(upstream: slot, min(wait, exchange.pointee.deadline))
        return .used(used)
    }

    /// Has a small answer that is complete sent with the others of its batch of events.
    private mutating func sendWhole(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ body: ByteRange
    ) -> AnswerStep {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        let total = out.count &+ Int(body.count)
        var whole = buffers.take(total)
        whole.base?.copyMemory(from: out.start, byteCount: out.count)
        whole.base.map { $0 + out.count }?
            .copyMemory(from: bytes + body.start, byteCount: Int(body.count))
        whole.end = UInt32(truncatingIfNeeded: total)
        if down[downSlot].pointee.secure.isOn {
            guard sealWhole(down[downSlot], &whole) else {
                abort(slot, .clientAborted)
                return .over
            }
        } else {
            down[downSlot].pointee.output = whole
        }
        exchange.pointee.bytesOut &+= UInt64(total)
        flushSoon(downSlot)
        answerComplete(slot)
        return .over
    }

    /// Begins to time a client that does not take everything at once.
    private mutating func timeSending(_ exchange: UnsafeMutablePointer<Exchange>) {
        if !down[exchange.pointee.downstream].pointee.output.isEmpty {
            exchange.pointee.sendPace.began(at: now)
        }
    }

    private mutating func appendChunk(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ range: ByteRange
    ) {
        guard exchange.pointee.flags.contains(.chunkedDown) else {
            out.append(range, of: bytes)
            return
        }
        out.append(hex: UInt64(range.count))
        out.append("\r\n")
        out.append(range, of: bytes)
        out.append("\r\n")
    }

    mutating func appendAnswerTrailers(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ range: ByteRange
    ) -> Bool {
        let downstream = down[exchange.pointee.downstream]
        let isEdited = exchange.pointee.flags.contains(.editsAnswer)
        let edits = isEdited ? snapshot.edits[Int(exchange.pointee.route)].answer : nil
        if downstream.isOfStream { return keepTrailers(downstream, bytes, count, range, edits) }
        let isPassed = exchange.pointee.flags.contains(.chunkedDown)
        if isPassed { out.append("0\r\n") }
        let before = out
        guard writeTrailers(bytes, count, range, edits) else { return false }
        if isPassed {
            out.append("\r\n")
            exchange.pointee.flags.remove(.chunkedDown)
        } else {
            out = before
        }
        return true
    }

    /// An answer that takes its time keeps of its request only the head, for the log.
    private mutating func shrinkRequest(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.request.capacity > 16_384,
            exchange.pointee.flags.contains(.requestComplete),
            exchange.pointee.requestSent == exchange.pointee.request.end,
            let head = exchange.pointee.request.head
        else { return }
        let start = Int(exchange.pointee.request.start)
        let count = Int(exchange.pointee.headEnd) &- start
        guard count <= 16_384 else { return }
        var small = buffers.take(count)
        buffers.append(head, count, to: &small)
        buffers.give(&exchange.pointee.request)
        exchange.pointee.request = small
        exchange.pointee.headEnd = small.end
        exchange.pointee.requestSent = small.end
        exchange.pointee.shiftRequest(by: -start)
        exchange.pointee.flags.remove(.resendable)
    }
}
