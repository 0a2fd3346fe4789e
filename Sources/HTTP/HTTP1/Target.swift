import CBytes

/// The parts of a request target (RFC 9112 §3.2).
struct Target {
    /// Which form it has.
    var form = TargetForm.origin
    /// The path without the query; empty for an absolute form without one.
    var path = ByteRange.empty
    /// The query without its question mark.
    var query = ByteRange.empty
    /// Whether there is a question mark.
    var hasQuery = false
    /// The absolute form's host and port.
    var authority = ByteRange.empty

    /// Takes a target apart; it is not empty and holds visible ASCII without "#" only.
    init(_ input: RawSpan, _ range: ByteRange, method: Method) throws(HeadError) {
        var from = range.start
        switch input.byte(at: from) {
        case Byte.slash: break
        case Byte.asterisk:
            guard range.count == 1, method == .options else { throw .invalidTarget }
            form = .asterisk
            path = range
            return
        default:
            form = .absolute
            from = try Self.skipScheme(input, range)
            let authorityStart = from
            while from < range.end, !Self.endsAuthority(input.byte(at: from)) { from &+= 1 }
            authority = ByteRange(from: authorityStart, to: from)
            guard isAuthority(input, authority) else { throw .invalidHost }
        }
        let question = input.first(Byte.question, from: from, to: range.end)
        path = ByteRange(from: from, to: question)
        if question < range.end {
            hasQuery = true
            query = ByteRange(from: question &+ 1, to: range.end)
        }
    }

    /// Makes these the parts of the head's target.
    func note(in head: inout RequestHead) {
        head.form = form
        head.path = path
        head.query = query
        head.hasQuery = hasQuery
        head.authority = authority
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == Byte.slash || byte == Byte.question
    }

    /// Past "http://" or "https://".
    private static func skipScheme(
        _ input: RawSpan,
        _ range: ByteRange
    ) throws(HeadError) -> Int {
        for scheme: StaticString in ["http://", "https://"] {
            let count = scheme.utf8CodeUnitCount
            guard Int(range.count) >= count else { continue }
            let prefix = ByteRange(from: range.start, to: range.start &+ count)
            if input.equalIgnoringCase(prefix, scheme) { return prefix.end }
        }
        throw .invalidTarget
    }
}

/// Whether the bytes are a host with an optional port (RFC 9110 §7.2, RFC 3986 §3.2.2).
///
/// Stricter than the grammar where it lets two readers disagree: no user information, no comma,
/// no percent-encoding, not empty; an IP literal holds hexadecimal digits, colons and dots only;
/// a port has at most five digits and is at most 65535.
func isAuthority(_ input: RawSpan, _ range: ByteRange) -> Bool {
    if range.isEmpty { return false }
    var position = range.start
    if input.byte(at: position) == Byte.openBracket {
        guard let end = literalEnd(input, range) else { return false }
        position = end
    } else {
        position = input.hostEnd(from: position, to: range.end)
        if position == range.start { return false }
    }
    if position == range.end { return true }
    guard input.byte(at: position) == Byte.colon else { return false }
    return isPort(input, from: position &+ 1, to: range.end)
}

/// Past the bracket that ends an IPv6 literal; nil if it is none.
private func literalEnd(_ input: RawSpan, _ range: ByteRange) -> Int? {
    var position = range.start &+ 1
    var colons = 0
    while position < range.end {
        let byte = input.byte(at: position)
        if byte == Byte.closeBracket { return colons >= 2 ? position &+ 1 : nil }
        if byte == Byte.colon {
            colons &+= 1
        } else if cbytes_is_hex(byte) == 0, byte != Byte.dot {
            return nil
        }
        position &+= 1
    }
    return nil
}

/// Whether the bytes are a port; an empty one means the scheme's own.
private func isPort(_ input: RawSpan, from: Int, to end: Int) -> Bool {
    if end &- from > 5 { return false }
    var number = 0
    var position = from
    while position < end {
        let digit = input.byte(at: position) &- Byte.zero
        if digit > 9 { return false }
        number = number &* 10 &+ Int(digit)
        position &+= 1
    }
    return number <= 65535
}
