import Balancing
import CLinux
import Configuration
import EventLoop
import HTTP
import Routing

/// A parsed head with the bytes it was parsed from.
struct ReceivedRequest {
    var head = RequestHead()
    var bytes: UnsafeMutableRawPointer
    var count: Int
    var id = RequestID(high: 0, low: 0)
    /// Whether the connection may serve another request after this one.
    var keepAlive = false

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
    /// Bytes of a body from which on the memory they lie in is kept rather than copied.
    private static let leastTaken = 4096

    /// Decides what happens to a request and begins it.
    ///
    /// Returns the bytes used, or -1 if the connection ends with this request.
    ///
    /// `request` has its head; its id, and whether the connection goes on, are found out here.
    mutating func beginRequest(_ slot: Int32, _ request: inout ReceivedRequest) -> Int {
        let downstream = down[slot]
        downstream.pointee.served &+= 1
        request.id = RequestID(high: random.next(), low: random.next())
        request.keepAlive =
            request.head.keepAlive && !isEnding(downstream)
            && downstream.pointee.served < limits.requestsPerConnection
        let held = buffers.bytesInUse &+ frames.bytesInUse &- Int(readArea.capacity)
        if isLate || held > limits.memory {
            return refuse(slot, request, .overloaded)
        }
        let normalised = normalise(request)
        if let error = normalised.refusal {
            return refuse(slot, request, .badRequest, because: error.explanation)
        }
        if downstream.pointee.flags.contains(.encrypted), !isCovered(downstream, request) {
            return refuse(slot, request, .misdirected)
        }
        let listener = snapshot.listeners + Int(downstream.pointee.listener)
        if listener.pointee.answersItself {
            if normalised.isPath(listener.pointee.readyPath) {
                return answerReadiness(slot, request)
            }
            let port = listener.pointee.httpsPort
            if port > 0 { return redirectToHTTPS(slot, request, port) }
        }
        let method = RawSpan(
            _unsafeStart: request.bytes + request.head.methodName.start,
            byteCount: Int(request.head.methodName.count)
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
        if case .length(let length) = request.head.framing, length > limits.bodySize {
            return refuse(slot, request, .bodyTooLarge, route: index)
        }
        if route.pointee.pool < 0 { return answerByRoute(slot, request, index) }
        if fields.contains(.maxForwards), let used = countForwards(slot, request, index) {
            return used
        }
        return forward(slot, request, index, normalised)
    }

    /// Whether the listener may serve the request's host: one that asks clients for certificates,
    /// or refuses unknown names, only serves what its own certificates cover (RFC 9110 §7.4).
    private mutating func isCovered(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) -> Bool {
        let listener = Int(downstream.pointee.listener)
        guard snapshot.listeners[listener].servesCoveredOnly,
            let context = certificates[listener]
        else { return true }
        var name = TemplateValues.text(request.bytes, request.head.authority)
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("]") {
            name.removeSubrange(colon...)
        }
        return context.covers(name)
    }

    private struct Normalised {
        var host: UnsafeRawPointer
        var hostCount: Int
        var path: UnsafeRawPointer
        var pathCount: Int
        /// Why the path is refused.
        var refusal: PathError?

        /// Whether the path is this one; never for an empty one.
        func isPath(_ other: UnsafeRawBufferPointer) -> Bool {
            guard other.count > 0, pathCount == other.count, let base = other.baseAddress else {
                return false
            }
            return (0..<pathCount).allSatisfy {
                path.load(fromByteOffset: $0, as: UInt8.self)
                    == base.load(fromByteOffset: $0, as: UInt8.self)
            }
        }

        var hostBytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: host, count: hostCount)
        }
        var pathBytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: path, count: pathCount)
        }
    }

    /// Host and path in the form in which routes match them.
    private mutating func normalise(_ request: ReceivedRequest) -> Normalised {
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
        var normalised = Normalised(
            host: scratch,
            hostCount: hostCount,
            path: rawPath,
            pathCount: Int(head.path.count)
        )
        switch normalisePath(path, into: output) {
        case .unchanged: break
        case .written(let count):
            normalised.path = UnsafeRawPointer(scratch + scratchSize)
            normalised.pathCount = count
        case .refused(let error): normalised.refusal = error
        }
        return normalised
    }

    // MARK: Forwarding

    private mutating func forward(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ route: Int,
        _ normalised: Normalised
    ) -> Int {
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
        exchange.pointee.trace = beginTrace(request)
        exchange.pointee.started = now
        exchange.pointee.client = client(of: slot, request)
        exchange.pointee.deadline = now + snapshot.routes[route].total
        exchange.pointee.requestBody = BodyDecoder(request.head.framing)
        exchange.pointee.flags = flags(of: request, snapshot.routes + route)
        exchange.pointee.bytesIn = UInt64(request.head.headSize)
        countBegun(exchange)
        countForBudget(pools + Int(exchange.pointee.pool))
        if snapshot.routes[route].fallback >= 0 { chooseServingPool(exchange) }
        noteKeys(
            exchange,
            request,
            host: normalised.hostBytes,
            path: normalised.pathBytes
        )
        let used: Int
        if !exchange.pointee.flags.isDisjoint(with: [.editsRequest, .editsAnswer]) {
            used = takeEdited(exchange, downstream, request)
        } else {
            used = takeRequest(exchange, downstream, request)
        }
        guard used >= 0 else {
            let (outcome, reason) = Self.refusal(used)
            // What came with it was not looked at.
            exchange.pointee.flags.remove(.keepAlive)
            fail(exchangeSlot, outcome, because: reason)
            return -1
        }
        if exchange.pointee.flags.contains(.requestComplete) { timeTries(exchange) }
        tryUpstream(exchangeSlot)
        let pool = pools + Int(snapshot.routes[route].pool)
        if pool.pointee.probes != nil { chooseProbes(pool) }
        return used
    }

    /// Takes the head and what has come of the body into the exchange.
    ///
    /// Returns the bytes used, or a number below 0 of which ``refusal(_:)`` knows the reason.
    mutating func takeRequest(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) -> Int {
        if takesArea(request) { return takeArea(exchange, downstream, request) }
        guard writeRequest(exchange, downstream, request) else { return -3 }
        return takeFirstBody(exchange, request)
    }

    private mutating func flags(
        of request: ReceivedRequest,
        _ route: UnsafeMutablePointer<RouteEntry>
    ) -> Exchange.Flags {
        var flags = route.pointee.marks.union(.resendable)
        if request.head.minorVersion == 0 { flags.insert(.http10) }
        if request.keepAlive { flags.insert(.keepAlive) }
        if request.head.upgrade == .websocket { flags.insert(.upgrade) }
        if request.head.expectsContinue { flags.insert(.expectsContinue) }
        if request.head.method.isIdempotent
            || (route.pointee.heedsIdempotencyKey && hasKey(request))
        {
            flags.insert(.idempotent)
        }
        if case .chunked = request.head.framing {
            flags.formUnion([.chunkedUp, .chunkedRequest])
        }
        if case .none = request.head.framing { flags.insert(.requestComplete) }
        return flags
    }

    /// Whether the request has an `Idempotency-Key`: its server keeps repeated ones apart.
    private mutating func hasKey(_ request: ReceivedRequest) -> Bool {
        let name: StaticString = "idempotency-key"
        let start = UnsafeRawPointer(name.utf8Start)
        return fields.first(
            .other,
            named: RawSpan(_unsafeStart: start, byteCount: name.utf8CodeUnitCount),
            in: RawSpan(_unsafeStart: request.bytes, byteCount: request.head.headSize)
        ) != nil
    }

    /// Serialises the head for the upstream, with room for as much body as may be kept; false if
    /// it has no room itself.
    private mutating func writeRequest(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) -> Bool {
        let head = request.head
        let headRoom = RequestHeadWriter.room(for: head, lines: fields.count)
        var bodyRoom = 0
        if case .length(let length) = head.framing, length <= 65_536 { bodyRoom = Int(length) }
        if headRoom &+ bodyRoom > 65_536 { bodyRoom = 0 }
        var buffer = buffers.take(headRoom &+ bodyRoom)
        guard let base = buffer.base else { return false }
        var writer = ByteWriter(base, capacity: Int(buffer.capacity))
        writeHead(exchange, downstream, request, to: &writer)
        // Without what did not fit it would be another request.
        if writer.overflowed {
            buffers.give(&buffer)
            return false
        }
        buffer.end = UInt32(truncatingIfNeeded: writer.count)
        exchange.pointee.request = buffer
        exchange.pointee.headEnd = buffer.end
        return true
    }

    /// Writes the head as it goes to a server.
    mutating func writeHead(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest,
        to writer: inout ByteWriter
    ) {
        let context = ForwardContext(
            forwarding: snapshot.config.forwarding,
            isTrusted: downstream.pointee.flags.contains(.trustedPeer),
            peer: downstream.pointee.peer,
            requestID: request.id,
            isSecure: downstream.pointee.flags.contains(.encrypted),
            isHTTP2: downstream.isOfStream,
            trace: exchange.pointee.trace
        )
        var headWriter = RequestHeadWriter(
            source: request.bytes,
            head: request.head,
            context: context
        )
        let written = headWriter.write(fields: fields, to: &writer)
        exchange.pointee.methodRange = written.method
        exchange.pointee.targetRange = written.target
        exchange.pointee.hostRange = written.host
        exchange.pointee.idRange = written.requestID
        if !written.requestID.isEmpty { exchange.pointee.flags.insert(.foreignRequestID) }
    }

    /// Whether the request takes the memory along into which it was received, rather than being
    /// copied: where much of a body came with the head, and nothing behind it.
    private mutating func takesArea(_ request: ReceivedRequest) -> Bool {
        guard request.bytes == readBase, request.bodyThere >= Self.leastTaken,
            case .length(let length) = request.head.framing
        else { return false }
        return UInt64(request.bodyThere) <= length
    }

    /// Makes the memory that was received into the exchange's request.
    ///
    /// The rewritten head goes in front of the body. Returns the bytes used, which are all.
    private mutating func takeArea(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) -> Int {
        var written = out
        written.removeAll()
        writeHead(exchange, downstream, request, to: &written)
        let bodyStart = Self.headroom &+ request.head.headSize
        guard !written.overflowed, written.count <= bodyStart, let base = readArea.base else {
            guard writeRequest(exchange, downstream, request) else { return -3 }
            return takeFirstBody(exchange, request)
        }
        let start = bodyStart &- written.count
        (base + start).copyMemory(from: written.start, byteCount: written.count)
        var area = readArea
        area.start = UInt32(truncatingIfNeeded: start)
        area.end = UInt32(truncatingIfNeeded: Self.headroom &+ request.count)
        exchange.pointee.request = area
        exchange.pointee.headEnd = UInt32(truncatingIfNeeded: bodyStart)
        exchange.pointee.shiftRequest(by: start)
        let body = UInt64(request.bodyThere)
        exchange.pointee.requestBody.consumed(body)
        exchange.pointee.bodyReceived = body
        exchange.pointee.bytesIn &+= body
        if exchange.pointee.requestBody.isComplete {
            exchange.pointee.flags.insert(.requestComplete)
        }
        readArea = buffers.take(Self.headroom + Self.readSize)
        readBase = (readArea.base ?? base) + Self.headroom
        limitKept(exchange)
        return request.count
    }
}
