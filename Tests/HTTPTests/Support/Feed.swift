import HTTP

/// Limits as the configuration has them by default.
let usualLimits = HeadLimits(headSize: 16 << 10, fields: 100, targetSize: 8 << 10)

/// What parsing a request head came to, as text, so that two ways of feeding can be compared.
enum HeadResult: Equatable, CustomStringConvertible {
    case head(String)
    case error(HeadError)
    case incomplete

    var description: String {
        switch self {
        case .head(let text): "head \(text)"
        case .error(let error): "error \(error)"
        case .incomplete: "incomplete"
        }
    }

    var error: HeadError? {
        if case .error(let error) = self { error } else { nil }
    }
}

/// The text of a stretch; bytes that are not UTF-8 are repaired.
func text(_ range: ByteRange, _ bytes: [UInt8]) -> String {
    guard range.end <= bytes.count else { return "<outside: \(range)>" }
    return String(decoding: bytes[range.start..<range.end], as: UTF8.self)
}

/// The fields as `name: value` lines, a `-` before those that are hop-by-hop.
func describe(_ fields: borrowing FieldTable, _ bytes: [UInt8]) -> String {
    var lines = ""
    for index in 0..<fields.count {
        let field = fields[index]
        lines += field.isHopByHop ? "-" : "+"
        lines += "\(field.id) \(text(field.name, bytes))=\(text(field.value, bytes))"
        lines += "@\(field.lineEnd);"
    }
    return lines
}

/// Everything that a request head says.
func describe(
    _ head: RequestHead,
    _ fields: borrowing FieldTable,
    _ bytes: [UInt8]
) -> String {
    """
    \(head.method) \(text(head.methodName, bytes)) \(text(head.target, bytes)) \(head.form) \
    path=\(text(head.path, bytes)) query=\(head.hasQuery)\(text(head.query, bytes)) \
    authority=\(text(head.authority, bytes)) 1.\(head.minorVersion) \(head.start)..<\
    \(head.headSize) \(head.framing) keep=\(head.keepAlive) continue=\(head.expectsContinue) \
    upgrade=\(head.upgrade) \(describe(fields, bytes))
    """
}

/// Everything that an answer's head says.
func describe(
    _ head: ResponseHead,
    _ fields: borrowing FieldTable,
    _ bytes: [UInt8]
) -> String {
    """
    \(head.status) \(text(head.reason, bytes)) 1.\(head.minorVersion) \(head.headSize) \
    length=\(String(describing: head.contentLength)) chunked=\(head.isChunked) \
    keep=\(head.keepAlive) timeout=\(String(describing: head.keepAliveTimeout)) \
    websocket=\(head.upgradesToWebSocket) \(describe(fields, bytes))
    """
}

/// Parses a request head whose bytes arrive up to each of `cuts` in turn.
func parseRequest(
    _ bytes: [UInt8],
    cuts: [Int],
    limits: HeadLimits = usualLimits
) -> HeadResult {
    var parser = RequestParser()
    var fields = FieldTable(capacity: limits.fields)
    for cut in cuts {
        // Exactly as large as what has arrived, so that a read past it is found by sanitizers.
        let arrived = Array(bytes[..<cut])
        do throws(HeadError) {
            if let head = try parser.parse(arrived.span.bytes, into: &fields, limits: limits) {
                return .head(describe(head, fields, arrived))
            }
        } catch {
            return .error(error)
        }
    }
    return .incomplete
}

/// Parses an answer's head whose bytes arrive up to each of `cuts` in turn.
func parseResponse(
    _ bytes: [UInt8],
    cuts: [Int],
    limits: HeadLimits = usualLimits
) -> HeadResult {
    var parser = ResponseParser()
    var fields = FieldTable(capacity: limits.fields)
    for cut in cuts {
        let arrived = Array(bytes[..<cut])
        do throws(HeadError) {
            if let head = try parser.parse(arrived.span.bytes, into: &fields, limits: limits) {
                return .head(describe(head, fields, arrived))
            }
        } catch {
            return .error(error)
        }
    }
    return .incomplete
}
