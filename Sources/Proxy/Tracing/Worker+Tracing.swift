import CBytes
import EventLoop
import HTTP

/// Traces: where a request stands in one, and what is exported of it.
extension Worker {
    // MARK: Contexts

    /// The place of a request whose fields are those parsed last.
    mutating func beginTrace(_ request: ReceivedRequest) -> TraceContext {
        guard tracing.isOn else { return TraceContext() }
        if fields.contains(.traceParent), let parent = traceParent(request) {
            return tracing.join(parent) { random.next() }
        }
        return tracing.begin(request.id) { random.next() }
    }

    /// What the request's one `traceparent` says, if it is valid.
    private mutating func traceParent(_ request: ReceivedRequest) -> TraceParent? {
        guard let index = fields.only(.traceParent), !fields[index].isHopByHop else { return nil }
        let head = RawSpan(_unsafeStart: request.bytes, byteCount: request.head.headSize)
        return TraceParent(head, fields[index].value)
    }

    /// Another try follows: it gets a span of its own, which its server is told.
    mutating func renewTry(_ exchange: UnsafeMutablePointer<Exchange>) {
        let old = exchange.pointee.trace.tried
        let new = random.next() | 1
        exchange.pointee.trace.tried = new
        guard exchange.pointee.trace.isWritten, let base = exchange.pointee.request.base else {
            return
        }
        // Wherever it went by the route's changes: no other 16 digits are the same.
        let before = cbytes_hex_digits(old)
        let after = cbytes_hex_digits(new)
        var place = Int(exchange.pointee.headEnd) &- 16
        while place >= Int(exchange.pointee.request.start) {
            let there = base + place
            if there.loadUnaligned(as: UInt64.self) == before.first,
                there.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == before.last
            {
                there.storeBytes(of: after.first, as: UInt64.self)
                there.storeBytes(of: after.last, toByteOffset: 8, as: UInt64.self)
                return
            }
            place &-= 1
        }
    }

    // MARK: Spans

    /// Exports the try that ends now; `status` is the server's, 0 if none came.
    mutating func recordTry(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ outcome: Outcome,
        status: UInt16
    ) {
        var span = SpanRecord(.client, exchange.pointee.trace, outcome)
        describe(&span, exchange)
        span.status = Int(status)
        spans.append(span, from: exchange.pointee.tryBegan, to: now)
    }

    /// Exports a try that failed, and behind which another one follows.
    mutating func recordRetry(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ failure: TryFailure
    ) {
        switch failure {
        case .status, .callStatus:
            recordTry(exchange, .ok, status: exchange.pointee.status)
        default: recordTry(exchange, failure.outcome, status: 0)
        }
        renewTry(exchange)
    }

    /// Exports a forwarded request that ends now.
    mutating func recordRequest(_ exchange: UnsafeMutablePointer<Exchange>, _ outcome: Outcome) {
        var span = SpanRecord(.server, exchange.pointee.trace, outcome)
        describe(&span, exchange)
        let request = exchange.pointee.request
        let downstream = down[exchange.pointee.downstream]
        span.host = request.bytes(exchange.pointee.hostRange)
        span.target = request.bytes(exchange.pointee.targetRange)
        span.route = snapshot.routeNames[Int(exchange.pointee.route)]
        span.client = exchange.pointee.client
        span.masksClient = tracing.masksClient
        span.isSecure = downstream.pointee.flags.contains(.encrypted)
        span.isHTTP2 = downstream.isOfStream
        span.minorVersion = exchange.pointee.flags.contains(.http10) ? 0 : 1
        span.status = Int(exchange.pointee.status)
        spans.append(span, from: exchange.pointee.started, to: now)
    }

    /// What both spans of an exchange say.
    private mutating func describe(
        _ span: inout SpanRecord,
        _ exchange: UnsafeMutablePointer<Exchange>
    ) {
        span.method = exchange.pointee.method
        span.methodName = exchange.pointee.request.bytes(exchange.pointee.methodRange)
        let pool = Int(exchange.pointee.pool)
        if pool >= 0 { span.pool = snapshot.poolNames[pool] }
        let endpoint = Int(exchange.pointee.endpoint)
        if endpoint >= 0 { span.endpoint = endpoints[endpoint].name }
        span.tries = Int(exchange.pointee.tries)
    }

    /// Exports a request that Weir answered itself.
    mutating func recordRequest(_ entry: LogEntry, of slot: Int32, _ request: ReceivedRequest) {
        var span = SpanRecord(.server, entry.trace, entry.outcome)
        let bytes = UnsafeRawPointer(request.bytes)
        span.method = request.head.method
        span.methodName = bytes.slice(request.head.methodName)
        span.host = bytes.slice(request.head.authority)
        span.target = bytes.slice(request.head.path)
        if entry.route >= 0 { span.route = snapshot.routeNames[entry.route] }
        span.client = entry.client
        span.masksClient = tracing.masksClient
        span.isSecure = down[slot].pointee.flags.contains(.encrypted)
        span.isHTTP2 = down[slot].isOfStream
        span.minorVersion = request.head.minorVersion
        span.status = entry.status
        spans.append(span, from: now, to: now)
    }
}
