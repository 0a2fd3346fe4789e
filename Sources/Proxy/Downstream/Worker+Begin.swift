import Balancing
import CLinux
import Configuration
import EventLoop
import HTTP
import Routing

/// A parsed head with the bytes it was parsed from.
struct ReceivedRequest {
    var head: RequestHead
    var bytes: UnsafeMutableRawPointer
    var count: Int
    var id: RequestID
    /// Whether the connection may serve another request after this one.
    var keepAlive: Bool

    /// Bytes behind the head.
    var bodyThere: Int { count &- head.headSize }
    /// Whether the whole request is among the bytes; chunked bodies count as not.
    var isWhole: Bool {
        switch head.framing {
        case .none: true
        case .length(let length): length <= UInt64(bodyThere)
        case .chunked, .untilClose: false
        }
    }
    /// Bytes of the whole request, if it ``isWhole``.
    var size: Int {
        if case .length(let length) = head.framing { return head.headSize &+ Int(length) }
        return head.headSize
    }
}

extension Worker {
    /// Decides what happens to a request and begins it.
    ///
    /// Returns the bytes used, or -1 if the connection ends with this request.
    mutating func beginRequest(
        _ slot: Int32,
        _ head: RequestHead,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Int {
        let downstream = down[slot]
        downstream.pointee.served &+= 1
        let request = ReceivedRequest(
            head: head,
            bytes: bytes,
            count: count,
            id: RequestID(high: random.next(), low: random.next()),
            keepAlive: head.keepAlive && !isDraining
                && downstream.pointee.served < limits.requestsPerConnection
        )
        if isLate || buffers.bytesInUse > limits.memory {
            return refuse(slot, request, .overloaded)
        }
        let normalised = normalise(request)
        guard let normalised else { return refuse(slot, request, .badRequest) }
        let method = RawSpan(
            _unsafeStart: bytes + head.methodName.start,
            byteCount: Int(head.methodName.count)
        )
        guard
            let match = matcher.match(
                host: RawSpan(_unsafeStart: normalised.host, byteCount: normalised.hostCount),
                path: RawSpan(_unsafeStart: normalised.path, byteCount: normalised.pathCount),
                method: method
            )
        else { return refuse(slot, request, .noRoute) }
        let index = snapshot.owners[match]
        let route = snapshot.routes + index
        if case .length(let length) = head.framing, length > limits.bodySize {
            return refuse(slot, request, .bodyTooLarge, route: index)
        }
        if route.pointee.pool < 0 { return answerByRoute(slot, request, index) }
        return forward(slot, request, index)
    }

    private struct Normalised {
        var host: UnsafeRawPointer
        var hostCount: Int
        var path: UnsafeRawPointer
        var pathCount: Int
    }

    /// Host and path in the form in which routes match them; nil for a path that hides something.
    private func normalise(_ request: ReceivedRequest) -> Normalised? {
        let head = request.head
        let host = RawSpan(
            _unsafeStart: request.bytes + head.authority.start,
            byteCount: Int(head.authority.count)
        )
        let hostCount = normaliseHost(
            host,
            into: UnsafeMutableRawBufferPointer(start: scratch, count: scratchSize)
        )
        let rawPath = request.bytes + head.path.start
        let path = RawSpan(_unsafeStart: rawPath, byteCount: Int(head.path.count))
        let output = UnsafeMutableRawBufferPointer(
            start: scratch + scratchSize,
            count: scratchSize
        )
        switch normalisePath(path, into: output) {
        case .unchanged:
            return Normalised(
                host: scratch,
                hostCount: hostCount,
                path: rawPath,
                pathCount: Int(head.path.count)
            )
        case .written(let count):
            return Normalised(
                host: scratch,
                hostCount: hostCount,
                path: scratch + scratchSize,
                pathCount: count
            )
        case .refused: return nil
        }
    }

    // MARK: Forwarding

    private mutating func forward(_ slot: Int32, _ request: ReceivedRequest, _ route: Int) -> Int {
        let exchangeSlot = exchanges.allocate()
        guard exchangeSlot >= 0 else { return refuse(slot, request, .overloaded, route: route) }
        let exchange = exchanges[exchangeSlot]
        let downstream = down[slot]
        downstream.pointee.phase = .busy
        downstream.pointee.exchange = exchangeSlot
        setDeadline(downstream: slot, .never)
        exchange.pointee.downstream = slot
        exchange.pointee.route = UInt32(truncatingIfNeeded: route)
        exchange.pointee.pool = snapshot.routes[route].pool
        exchange.pointee.method = request.head.method
        exchange.pointee.requestID = request.id
        exchange.pointee.started = now
        exchange.pointee.client = client(of: slot, request)
        exchange.pointee.deadline = now + snapshot.routes[route].total
        exchange.pointee.requestBody = BodyDecoder(request.head.framing)
        exchange.pointee.flags = Self.flags(of: request, snapshot.routes[route])
        writeRequest(exchange, downstream, request)
        exchange.pointee.bytesIn = UInt64(request.head.headSize)
        let used = takeFirstBody(exchange, request)
        guard used >= 0 else {
            fail(exchangeSlot, used == -2 ? .bodyTooLarge : .badRequest)
            return -1
        }
        tryUpstream(exchangeSlot)
        return used
    }

    private static func flags(
        of request: ReceivedRequest,
        _ route: RouteEntry
    ) -> Exchange.Flags {
        var flags: Exchange.Flags = .resendable
        if request.head.minorVersion == 0 { flags.insert(.http10) }
        if request.keepAlive { flags.insert(.keepAlive) }
        if request.head.upgrade == .websocket { flags.insert(.upgrade) }
        if request.head.method.isIdempotent { flags.insert(.idempotent) }
        if case .chunked = request.head.framing { flags.insert(.chunkedUp) }
        if case .none = request.head.framing { flags.insert(.requestComplete) }
        if !route.isLogged { flags.insert(.unlogged) }
        return flags
    }

    /// Serialises the head for the upstream, with room for as much body as may be kept.
    private mutating func writeRequest(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) {
        let head = request.head
        // Weir's fields: two copies of the host, two addresses, an id, fixed text.
        let headRoom = head.headSize &+ 2 &* Int(head.authority.count) &+ 512
        var bodyRoom = 0
        if case .length(let length) = head.framing, length <= 65_536 { bodyRoom = Int(length) }
        if headRoom &+ bodyRoom > 65_536 { bodyRoom = 0 }
        var buffer = buffers.take(headRoom &+ bodyRoom)
        guard let base = buffer.base else { return }
        var writer = ByteWriter(base, capacity: Int(buffer.capacity))
        let context = ForwardContext(
            forwarding: snapshot.config.forwarding,
            isTrusted: downstream.pointee.flags.contains(.trustedPeer),
            peer: downstream.pointee.peer,
            requestID: request.id
        )
        var headWriter = RequestHeadWriter(source: request.bytes, head: head, context: context)
        let written = headWriter.write(fields: fields, to: &writer)
        buffer.end = UInt32(truncatingIfNeeded: writer.count)
        exchange.pointee.request = buffer
        exchange.pointee.headEnd = buffer.end
        exchange.pointee.methodRange = written.method
        exchange.pointee.targetRange = written.target
        exchange.pointee.hostRange = written.host
        exchange.pointee.idRange = written.requestID
        if !written.requestID.isEmpty { exchange.pointee.flags.insert(.foreignRequestID) }
    }

    /// Puts the body bytes that came with the head behind it.
    ///
    /// Returns the bytes of the request used so far; -1 for a broken body, -2 for one that is too
    /// large.
    private mutating func takeFirstBody(
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
    func limitKept(_ exchange: UnsafeMutablePointer<Exchange>) {
        let body = Int(exchange.pointee.request.end &- exchange.pointee.headEnd)
        if body > route(exchange).pointee.keepLimit {
            exchange.pointee.flags.remove(.resendable)
        }
    }

    /// Decodes body bytes from `offset` on and appends what goes upstream to the exchange's request
    /// buffer.
    ///
    /// Returns where decoding stopped, -1 for a broken body, -2 for one that is too large.
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
            } catch { return -1 }
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
            buffers.append(out.start, out.count, to: &exchange.pointee.request)
        }
        buffers.append(bytes + range.start, Int(range.count), to: &exchange.pointee.request)
        if isChunked { buffers.append("\r\n", to: &exchange.pointee.request) }
    }

    /// Keeps the trailer fields that may be passed on, between the last chunk and its end.
    private mutating func appendTrailers(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ range: ByteRange
    ) -> Bool {
        out.removeAll()
        guard writeTrailers(bytes, count, range) else { return false }
        buffers.append("0\r\n", to: &exchange.pointee.request)
        buffers.append(out.start, out.count, to: &exchange.pointee.request)
        buffers.append("\r\n", to: &exchange.pointee.request)
        exchange.pointee.flags.remove(.chunkedUp)
        return true
    }

    private mutating func endChunks(_ exchange: UnsafeMutablePointer<Exchange>) {
        // Trailers have written the end already.
        guard exchange.pointee.flags.contains(.chunkedUp) else { return }
        buffers.append("0\r\n\r\n", to: &exchange.pointee.request)
    }

    /// Writes the trailer lines that may be passed on to `out`; false if they are not valid.
    mutating func writeTrailers(
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        _ range: ByteRange
    ) -> Bool {
        let span = RawSpan(_unsafeStart: bytes, byteCount: count)
        do throws(HeadError) {
            try parseTrailers(span, in: range, into: &fields, limits: headLimits)
        } catch { return false }
        for index in 0..<fields.count where !fields[index].isHopByHop {
            let field = fields[index]
            out.append(bytes + field.name.start, Int(field.lineEnd) &- field.name.start)
        }
        return true
    }
}

extension BufferPool {
    /// Appends fixed text.
    mutating func append(_ text: StaticString, to buffer: inout Buffer) {
        append(text.utf8Start, text.utf8CodeUnitCount, to: &buffer)
    }
}
