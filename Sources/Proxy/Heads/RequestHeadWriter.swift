import CLinux
import Configuration
import HTTP
import Routing

/// What a forwarded request's head depends on besides the head that came.
struct ForwardContext {
    /// Which fields about the client are sent on.
    var forwarding: ForwardingConfig
    /// Whether the peer's own forwarding fields are believed.
    var isTrusted: Bool
    /// The peer.
    var peer: weir_address
    /// The id for a request that brings none that is believed.
    var requestID: RequestID
    /// Whether the peer came by https.
    var isSecure = false
    /// Whether the peer speaks HTTP/2.
    var isHTTP2 = false
    /// The request's place in its trace.
    var trace = TraceContext()
}

/// Where things that the access log needs stand in the written head.
struct WrittenHead {
    var method = ByteRange.empty
    var target = ByteRange.empty
    var host = ByteRange.empty
    var requestID = ByteRange.empty
}

/// Writes the head of a forwarded request: the request line, the fields that are end to end, and
/// Weir's own fields after them (RFC 9110 §7.6).
struct RequestHeadWriter: ~Copyable {
    private let source: UnsafeRawPointer
    private let head: RequestHead
    private let context: ForwardContext
    private var written = WrittenHead()

    /// A writer for the head that was parsed from `source`.
    init(source: UnsafeRawPointer, head: RequestHead, context: ForwardContext) {
        self.source = source
        self.head = head
        self.context = context
    }

    /// Bytes that a head with so many field lines takes at most as it goes on.
    static func room(for head: RequestHead, lines: Int) -> Int {
        // A line may gain the space behind its colon. Weir's fields are two copies of the host, two
        // addresses, an id, and fixed text.
        head.headSize &+ lines &+ 2 &* Int(head.authority.count) &+ 512
    }

    /// Writes the whole head, blank line included.
    mutating func write(
        fields: borrowing FieldTable,
        to out: inout ByteWriter
    ) -> WrittenHead {
        if isUsual {
            copyHead(fields, to: &out)
        } else {
            writeRequestLine(to: &out)
            let start = fields.count > 0 ? fields[0].name.start : 0
            _ = out.appendLines(
                of: fields,
                from: source,
                startingAt: start,
                looksAtAll: true
            ) {
                $0.id != .host && goesOn($0)
            }
        }
        writeFraming(to: &out)
        if isCommon {
            writeCommonFields(to: &out)
        } else {
            writeOwnFields(fields, to: &out)
            out.append("\r\n")
        }
        return written
    }

    /// Whether the request line can go on as it came: it has a path and ends in `HTTP/1.1`, which
    /// later minor versions do not (RFC 9110 §2.5 has them read as 1.1).
    private var isUsual: Bool {
        guard head.form != .absolute, head.minorVersion == 1, !head.authority.isEmpty else {
            return false
        }
        return source.load(fromByteOffset: head.target.end &+ 8, as: UInt8.self) == 0x31
    }

    /// The usual case: request line and fields go on as they came, mostly in one stretch.
    private mutating func copyHead(_ fields: borrowing FieldTable, to out: inout ByteWriter) {
        let line = out.count &- head.start
        written.method = ByteRange(
            from: line &+ head.methodName.start,
            to: line &+ head.methodName.end
        )
        written.target = ByteRange(from: line &+ head.target.start, to: line &+ head.target.end)
        let needsThought =
            fields.contains(.xRequestID) || fields.contains(.xForwardedFor)
            || fields.contains(.xForwardedProto) || fields.contains(.xForwardedHost)
            || fields.contains(.forwarded)
            || (context.trace.isWritten
                && (fields.contains(.traceParent) || fields.contains(.traceState)))
        let host = out.appendLines(
            of: fields,
            from: source,
            startingAt: head.start,
            tracking: head.authority.start,
            looksAtAll: needsThought
        ) { goesOn($0) }
        written.host = ByteRange(from: host, to: host &+ Int(head.authority.count))
    }

    private mutating func writeRequestLine(to out: inout ByteWriter) {
        written.method = ByteRange(from: out.count, to: out.count &+ Int(head.methodName.count))
        out.append(head.methodName, of: source)
        out.append(byte: 0x20)
        let start = out.count
        switch head.form {
        case .origin, .asterisk:
            out.append(head.target, of: source)
        case .absolute:
            // RFC 9112 §3.2.4: OPTIONS without a path asks about the server as a whole.
            if head.path.isEmpty {
                out.append(head.method == .options && !head.hasQuery ? "*" : "/")
            } else {
                out.append(head.path, of: source)
            }
            if head.hasQuery {
                out.append(byte: 0x3f)
                out.append(head.query, of: source)
            }
        }
        written.target = ByteRange(from: start, to: out.count)
        out.append(" HTTP/1.1\r\nHost: ")
        written.host = ByteRange(from: out.count, to: out.count &+ Int(head.authority.count))
        out.append(head.authority, of: source)
        out.append("\r\n")
    }

    private func goesOn(_ field: Field) -> Bool {
        if field.isHopByHop { return false }
        switch field.id {
        case .other: return true
        case .xRequestID: return false
        case .expect: return head.minorVersion >= 1
        case .xForwardedFor: return context.isTrusted && !context.forwarding.xForwarded
        case .xForwardedProto, .xForwardedHost: return context.isTrusted
        case .forwarded: return context.isTrusted && !context.forwarding.forwarded
        case .traceParent: return !context.trace.isWritten
        // What vendors know of a trace means nothing in another one.
        case .traceState: return !context.trace.isWritten || context.trace.caller != 0
        default: return true
        }
    }

    private func writeFraming(to out: inout ByteWriter) {
        if case .chunked = head.framing { out.append("Transfer-Encoding: chunked\r\n") }
        if head.upgrade == .websocket {
            out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n")
        }
    }

    /// Whether Weir's own fields are the default ones, for a peer that is not believed.
    private var isCommon: Bool {
        context.forwarding == ForwardingConfig() && !context.isTrusted
            && context.peer.isInternet && head.minorVersion >= 1 && !context.isHTTP2
            && !head.authority.isEmpty
    }

    /// The common case of ``writeOwnFields(_:to:)``, and the blank line.
    private func writeCommonFields(to out: inout ByteWriter) {
        out.append("X-Forwarded-For: ")
        out.append(address: context.peer)
        if context.isSecure {
            out.append("\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: ")
        } else {
            out.append("\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ")
        }
        out.append(head.authority, of: source)
        out.append("\r\nVia: 1.1 weir\r\nX-Request-Id: ")
        let id = out.count
        out.append(context.requestID)
        if context.trace.isWritten {
            out.append("\r\ntraceparent: 00-")
            if context.trace.caller == 0 {
                out.append(againFrom: id)
                out.append(byte: 0x2d)
                out.append(spanID: context.trace.tried)
            } else {
                appendTrace(to: &out)
            }
            out.append(context.trace.isSampled ? "-01\r\n\r\n" : "-00\r\n\r\n")
        } else {
            out.append("\r\n\r\n")
        }
    }

    private mutating func writeOwnFields(_ fields: borrowing FieldTable, to out: inout ByteWriter) {
        if context.forwarding.xForwarded { writeXForwarded(fields, to: &out) }
        if context.forwarding.forwarded {
            out.append("Forwarded: ")
            if context.isTrusted { appendValues(.forwarded, fields, to: &out) }
            writeForwardedElement(to: &out)
            out.append("\r\n")
        }
        if context.forwarding.via {
            out.append(viaLine)
        }
        writeRequestID(fields, to: &out)
        if context.trace.isWritten {
            out.append("traceparent: 00-")
            appendTrace(to: &out)
            out.append(context.trace.isSampled ? "-01\r\n" : "-00\r\n")
        }
    }

    /// The ids of trace and span, as they stand in `traceparent` (W3C Trace Context, §3.2.2).
    private func appendTrace(to out: inout ByteWriter) {
        out.append(RequestID(high: context.trace.high, low: context.trace.low))
        out.append(byte: 0x2d)
        out.append(spanID: context.trace.tried)
    }

    private var scheme: StaticString { context.isSecure ? "https" : "http" }

    private var viaLine: StaticString {
        if context.isHTTP2 { return "Via: 2 weir\r\n" }
        return head.minorVersion >= 1 ? "Via: 1.1 weir\r\n" : "Via: 1.0 weir\r\n"
    }

    private func writeXForwarded(_ fields: borrowing FieldTable, to out: inout ByteWriter) {
        let knowsBefore = context.isTrusted && first(.xForwardedFor, fields) != nil
        if context.peer.isInternet || knowsBefore {
            out.append("X-Forwarded-For: ")
            if knowsBefore { appendValues(.xForwardedFor, fields, to: &out) }
            if context.peer.isInternet {
                out.append(address: context.peer)
            } else {
                out.append("unknown")
            }
            out.append("\r\n")
        }
        if !(context.isTrusted && first(.xForwardedProto, fields) != nil) {
            out.append("X-Forwarded-Proto: ")
            out.append(scheme)
            out.append("\r\n")
        }
        if !(context.isTrusted && first(.xForwardedHost, fields) != nil), !head.authority.isEmpty {
            out.append("X-Forwarded-Host: ")
            out.append(head.authority, of: source)
            out.append("\r\n")
        }
    }

    /// The first field of this name that goes on; one that Connection names counts as absent.
    private func first(_ id: FieldName, _ fields: borrowing FieldTable) -> Int? {
        guard let first = fields.first(id) else { return nil }
        for index in first..<fields.count where fields[index].id == id {
            if !fields[index].isHopByHop { return index }
        }
        return nil
    }

    /// All values of a list field, each followed by a comma, so that another may come.
    private func appendValues(
        _ id: FieldName,
        _ fields: borrowing FieldTable,
        to out: inout ByteWriter
    ) {
        for index in 0..<fields.count where fields[index].id == id {
            let value = fields[index].value
            if value.isEmpty || fields[index].isHopByHop { continue }
            // Behind an open quote, what Weir adds would be a part of somebody else's words.
            if id == .forwarded, !closesQuotes(value) { continue }
            out.append(value, of: source)
            out.append(", ")
        }
    }

    /// Whether each quoted string of a field's value ends in it (RFC 9110 §5.6.4).
    private func closesQuotes(_ value: ByteRange) -> Bool {
        var isQuoted = false
        var index = value.start
        while index < value.end {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\\"), isQuoted { index &+= 1 }
            index &+= 1
        }
        return !isQuoted
    }

    /// RFC 7239 §4; addresses of IPv6 and hosts with a port stand in quotes.
    private func writeForwardedElement(to out: inout ByteWriter) {
        switch context.peer.family {
        case 4:
            out.append("for=")
            out.append(address: context.peer)
        case 6:
            out.append("for=\"[")
            out.append(address: context.peer)
            out.append("]\"")
        default:
            out.append("for=unknown")
        }
        if !head.authority.isEmpty {
            out.append(";host=\"")
            out.append(head.authority, of: source)
            out.append(byte: 0x22)
        }
        out.append(";proto=")
        out.append(scheme)
    }

    private mutating func writeRequestID(
        _ fields: borrowing FieldTable,
        to out: inout ByteWriter
    ) {
        let foreign = believedRequestID(fields)
        guard context.forwarding.requestID || foreign != nil else { return }
        out.append("X-Request-Id: ")
        let start = out.count
        if let foreign { out.append(foreign, of: source) } else { out.append(context.requestID) }
        if foreign != nil { written.requestID = ByteRange(from: start, to: out.count) }
        out.append("\r\n")
    }

    private func believedRequestID(_ fields: borrowing FieldTable) -> ByteRange? {
        context.isTrusted ? fields.requestID(in: source) : nil
    }
}

extension ByteWriter {
    /// An IPv4 or IPv6 address as text, without brackets.
    mutating func append(address: weir_address) {
        appendDirectly(IPAddress.maximumTextCount) { IPAddress(address).write(into: $0) }
    }
}

extension IPAddress {
    /// The address of a peer; only for internet addresses.
    public init(_ address: weir_address) {
        self =
            address.family == 4
            ? .v4(UInt32(truncatingIfNeeded: address.low))
            : .v6(high: address.high, low: address.low)
    }
}
