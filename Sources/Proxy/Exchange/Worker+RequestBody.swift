import EventLoop
import HTTP

extension Worker {
    /// Appends bytes to the exchange's request.
    mutating func appendRequest(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) {
        let start = Int(exchange.pointee.request.start)
        if start > 0, exchange.pointee.request.room < count {
            // Growing moves the bytes to the start of the memory, and what is counted from there.
            buffers.reserve(count, in: &exchange.pointee.request)
            exchange.pointee.headEnd &-= UInt32(truncatingIfNeeded: start)
            exchange.pointee.requestSent &-= UInt32(truncatingIfNeeded: start)
            exchange.pointee.shiftRequest(by: -start)
        }
        buffers.append(bytes, count, to: &exchange.pointee.request)
    }

    private mutating func appendRequest(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ text: StaticString
    ) {
        appendRequest(exchange, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Puts the body bytes that came with the head behind it.
    ///
    /// Returns the bytes of the request used so far, or a number below 0 of which ``refusal(_:)``
    /// knows the reason.
    mutating func takeFirstBody(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ request: ReceivedRequest
    ) -> Int {
        if exchange.pointee.flags.contains(.requestComplete) || request.bodyThere == 0 {
            if exchange.pointee.requestBody.isComplete {
                exchange.pointee.flags.insert(.requestComplete)
            }
            return request.head.headSize
        }
        let used = decodeBody(exchange, request.bytes, request.count, request.head.headSize)
        limitKept(exchange)
        return used
    }

    /// Gives up sending the request again once its body is larger than may be kept.
    mutating func limitKept(_ exchange: UnsafeMutablePointer<Exchange>) {
        let body = Int(exchange.pointee.request.end &- exchange.pointee.headEnd)
        if body > route(exchange).pointee.keepLimit {
            exchange.pointee.flags.remove(.resendable)
        }
    }

    /// Decodes body bytes from `offset` on and appends what goes upstream to the exchange's request
    /// buffer.
    ///
    /// Returns where decoding stopped, or a number below 0 of which ``refusal(_:)`` knows the
    /// reason.
    mutating func decodeBody(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ from: Int
    ) -> Int {
        let span = RawSpan(_unsafeStart: bytes, byteCount: count)
        let isChunked = exchange.pointee.flags.contains(.chunkedUp)
        var offset = from
        while true {
            let event: BodyDecoder.Event
            do throws(BodyError) {
                event = try exchange.pointee.requestBody.next(
                    span,
                    from: offset,
                    limits: headLimits
                )
            } catch { return Self.refusal(of: error) }
            switch event {
            case .data(let range):
                offset = range.end
                exchange.pointee.bodyReceived &+= UInt64(range.count)
                if exchange.pointee.bodyReceived > limits.bodySize { return -2 }
                appendBody(exchange, bytes, range, isChunked)
            case .trailers(let range):
                offset = range.end
                guard appendTrailers(exchange, bytes, count, range) else { return -1 }
            case .needMore(let consumed):
                exchange.pointee.bytesIn &+= UInt64(consumed &- from)
                return consumed
            case .end(let consumed):
                exchange.pointee.flags.insert(.requestComplete)
                if isChunked { endChunks(exchange) }
                exchange.pointee.bytesIn &+= UInt64(consumed &- from)
                return consumed
            }
        }
    }

    private mutating func appendBody(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ range: ByteRange,
        _ isChunked: Bool
    ) {
        if isChunked {
            out.removeAll()
            out.append(hex: UInt64(range.count))
            out.append("\r\n")
            appendRequest(exchange, out.start, out.count)
        }
        appendRequest(exchange, bytes + range.start, Int(range.count))
        if isChunked { appendRequest(exchange, "\r\n") }
    }

    /// Keeps the trailer fields that may be passed on, between the last chunk and its end.
    private mutating func appendTrailers(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ range: ByteRange
    ) -> Bool {
        out.removeAll()
        let isEdited = exchange.pointee.flags.contains(.editsRequest)
        let edits = isEdited ? snapshot.edits[Int(exchange.pointee.route)].request : nil
        guard writeTrailers(bytes, count, range, edits) else { return false }
        appendRequest(exchange, "0\r\n")
        appendRequest(exchange, out.start, out.count)
        appendRequest(exchange, "\r\n")
        exchange.pointee.flags.remove(.chunkedUp)
        return true
    }

    private mutating func endChunks(_ exchange: UnsafeMutablePointer<Exchange>) {
        // Trailers have written the end already.
        guard exchange.pointee.flags.contains(.chunkedUp) else { return }
        appendRequest(exchange, "0\r\n\r\n")
    }

    /// Writes the trailer lines that may be passed on to `out`; false if they are not valid, or
    /// have no room.
    mutating func writeTrailers(
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ range: ByteRange,
        _ edits: HeadEdits?
    ) -> Bool {
        let span = RawSpan(_unsafeStart: bytes, byteCount: count)
        do throws(HeadError) {
            try parseTrailers(span, in: range, into: &fields, limits: headLimits)
        } catch { return false }
        for index in 0..<fields.count where !fields[index].isHopByHop {
            let field = fields[index]
            if let edits, edits.drops(name: bytes + field.name.start, Int(field.name.count)) {
                continue
            }
            out.append(bytes + field.name.start, Int(field.lineEnd) &- field.name.start)
        }
        return !out.overflowed
    }

    // MARK: Refusing

    /// The number that stands for a body whose framing is refused.
    private static func refusal(of error: BodyError) -> Int { -16 &- Int(error.rawValue) }

    /// Why a request was not taken, by the number below 0 that says so: -1 for a broken body, -2
    /// for one that is too large, -3 for a head that has no room, else a fault of the framing.
    static func refusal(_ used: Int) -> (outcome: Outcome, reason: StaticString?) {
        switch used {
        case -2: return (.bodyTooLarge, nil)
        case -3: return (.headTooLarge, nil)
        default:
            guard let error = BodyError(rawValue: UInt8(truncatingIfNeeded: -16 &- used)) else {
                return (.badRequest, nil)
            }
            return (error.isTooLarge ? .headTooLarge : .badRequest, error.explanation)
        }
    }
}
