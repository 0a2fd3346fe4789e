import CLinux
import HTTP

extension ByteWriter {
    /// Bytes of one value at most; the rest is cut off.
    private static var mostOfValue: Int { 1024 }

    /// A span as an object of OTLP's JSON (opentelemetry-proto, `trace.proto`), with the attributes
    /// that OpenTelemetry's conventions for HTTP name, and Weir's own.
    mutating func append(span: SpanRecord) {
        let isServer = span.kind == .server
        append("{\"traceId\":\"")
        append(RequestID(high: span.trace.high, low: span.trace.low))
        append("\",\"spanId\":\"")
        append(spanID: isServer ? span.trace.own : span.trace.tried)
        let parent = isServer ? span.trace.caller : span.trace.own
        if parent != 0 {
            append("\",\"parentSpanId\":\"")
            append(spanID: parent)
        }
        // Sampled; whether the parent is another's is known, and so it is or not.
        append("\",\"flags\":")
        append(isServer && parent != 0 ? "769,\"name\":\"" : "257,\"name\":\"")
        append(span.method == .other ? "HTTP" : span.method.name)
        if isServer, let route = span.route {
            append(byte: 0x20)
            appendEscaped(Self.cut(route))
        }
        append("\",\"kind\":")
        append(decimal: span.kind.rawValue)
        append(",\"startTimeUnixNano\":\"")
        append(decimal: UInt64(max(0, span.start)))
        append("\",\"endTimeUnixNano\":\"")
        append(decimal: UInt64(max(0, max(span.start, span.end))))
        append("\",\"attributes\":[")
        appendMethod(span)
        if isServer { appendRequest(span) } else { appendTry(span) }
        if span.status > 0 {
            append("http.response.status_code", number: UInt64(span.status))
        }
        append("weir.pool", span.pool)
        append("weir.endpoint", span.endpoint)
        append("weir.outcome", word: span.outcome.word)
        if span.isError { appendError(span) }
        append(span.isError ? "],\"status\":{\"code\":2}}" : "]}")
    }

    private mutating func appendMethod(_ span: SpanRecord) {
        append("{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"")
        append(span.method == .other ? "_OTHER" : span.method.name)
        append("\"}}")
        if span.method == .other { append("http.request.method_original", span.methodName) }
    }

    private mutating func appendRequest(_ span: SpanRecord) {
        append("url.scheme", word: span.isSecure ? "https" : "http")
        if let target = span.target {
            let end = target.firstIndex(of: 0x3f) ?? target.count
            append("url.path", UnsafeRawBufferPointer(rebasing: target[..<end]))
        }
        if let host = span.host, host.count > 0 { appendServer(host) }
        if span.client.isInternet {
            appendKey("client.address")
            append(byte: 0x22)
            appendClient(span.client, masked: span.masksClient)
            append("\"}}")
        }
        append(
            "network.protocol.version",
            word: span.isHTTP2 ? "2" : span.minorVersion == 0 ? "1.0" : "1.1"
        )
        append("weir.route", span.route)
        append("weir.tries", number: UInt64(max(0, span.tries)))
    }

    private mutating func appendTry(_ span: SpanRecord) {
        if let endpoint = span.endpoint { appendServer(endpoint) }
        if span.tries > 1 {
            append("http.request.resend_count", number: UInt64(span.tries - 1))
        }
    }

    private mutating func appendServer(_ text: UnsafeRawBufferPointer) {
        let parts = HostAndPort(text)
        append("server.address", parts.host)
        if parts.port > 0 { append("server.port", number: parts.port) }
    }

    /// What kind of error it is: Weir's word, or the status where the server said so itself.
    private mutating func appendError(_ span: SpanRecord) {
        guard span.outcome == .ok else {
            append("error.type", word: span.outcome.word)
            return
        }
        appendKey("error.type")
        append(byte: 0x22)
        append(decimal: UInt64(max(0, span.status)))
        append("\"}}")
    }

    // MARK: Attributes

    private mutating func appendKey(_ key: StaticString, _ type: StaticString = "stringValue") {
        append(",{\"key\":\"")
        append(key)
        append("\",\"value\":{\"")
        append(type)
        append("\":")
    }

    private mutating func append(_ key: StaticString, word: StaticString) {
        appendKey(key)
        append(byte: 0x22)
        append(word)
        append("\"}}")
    }

    /// Integers of 64 bits are text in the JSON of protocol buffers.
    private mutating func append(_ key: StaticString, number: UInt64) {
        appendKey(key, "intValue")
        append(byte: 0x22)
        append(decimal: number)
        append("\"}}")
    }

    private mutating func append(_ key: StaticString, _ bytes: UnsafeRawBufferPointer?) {
        guard let bytes, bytes.count > 0 else { return }
        appendKey(key)
        append(byte: 0x22)
        appendEscaped(Self.cut(bytes))
        append("\"}}")
    }

    private static func cut(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes.prefix(mostOfValue))
    }
}
