import CLinux
import HTTP

/// What is exported of a request, or of one try to have it answered.
///
/// Bytes are borrowed; parts that are missing are `nil`.
struct SpanRecord {
    /// As in OTLP's `Span.SpanKind`.
    enum Kind: UInt64 {
        /// The request, as its client sees it.
        case server = 2
        /// A try, as its server sees it.
        case client = 3
    }

    var kind: Kind
    var trace: TraceContext
    /// Nanoseconds since 1970.
    var start: Int64 = 0
    var end: Int64 = 0
    var method = HTTP.Method.other
    var methodName: UnsafeRawBufferPointer?
    var host: UnsafeRawBufferPointer?
    /// The request's target; its query is not exported.
    var target: UnsafeRawBufferPointer?
    var route: UnsafeRawBufferPointer?
    var pool: UnsafeRawBufferPointer?
    var endpoint: UnsafeRawBufferPointer?
    var client = weir_address()
    var masksClient = false
    var isSecure = false
    var isHTTP2 = false
    var minorVersion: UInt8 = 1
    /// The status that was sent, of a try the one that came; 0 for none.
    var status = 0
    var outcome: Outcome
    /// Tries begun, of a try itself included.
    var tries = 0

    init(_ kind: Kind, _ trace: TraceContext, _ outcome: Outcome) {
        self.kind = kind
        self.trace = trace
        self.outcome = outcome
    }

    /// Whether the span failed, by OpenTelemetry's conventions for HTTP: what is the client's doing
    /// is no error of the server's span.
    var isError: Bool {
        switch kind {
        case .client: return status >= 400 || (outcome != .ok && outcome != .clientAborted)
        case .server:
            if status >= 500 { return true }
            let isClients = outcome == .clientAborted || outcome == .sendTimeout
            return outcome != .ok && !isClients && !(400..<500).contains(status)
        }
    }
}

/// A host, or an endpoint's name, taken apart.
struct HostAndPort {
    var host: UnsafeRawBufferPointer
    /// 0 for none.
    var port: UInt64 = 0

    /// Splits at the last colon, if digits alone stand behind it and it is not inside brackets.
    init(_ text: UnsafeRawBufferPointer) {
        host = text
        guard let colon = text.lastIndex(of: 0x3a), colon > 0 else { return }
        let digits = text[(colon + 1)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return }
        port = digits.reduce(0) { $0 * 10 + UInt64($1 &- 0x30) }
        host = UnsafeRawBufferPointer(rebasing: text[..<colon])
    }
}
