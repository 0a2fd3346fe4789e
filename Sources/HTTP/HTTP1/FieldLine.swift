import CBytes

extension Field {
    /// The field of a line that CBytes read.
    init(_ line: cbytes_field) {
        name = ByteRange(offset: line.name_start, count: line.name_count)
        value = ByteRange(offset: line.value_start, count: line.value_count)
        lineEnd = line.line_end
        id = FieldName(code: line.name)
        isHopByHop = line.is_hop_by_hop != 0
    }
}

/// What a line is that is no plain field line, and not refused (RFC 9112 §5).
enum OddLine {
    /// The empty line behind the last field; its CRLF is two bytes.
    case blank
    /// There is no whole line yet.
    case incomplete

    /// Finds out what is the matter with the line at `start`, which is no plain field line.
    init(_ input: RawSpan, from start: Int, to end: Int) throws(HeadError) {
        let nameEnd = input.nameEnd(from: start, to: end)
        guard nameEnd < end else {
            self = .incomplete
            return
        }
        guard input.byte(at: nameEnd) == Byte.colon, nameEnd > start else {
            self = try Self.withoutName(input, from: start, nameEnd: nameEnd, to: end)
            return
        }
        if input.tokenEnd(from: start, to: nameEnd) != nameEnd { throw .invalidFieldName }
        let lineEnd = input.valueEnd(from: nameEnd &+ 1, to: end)
        guard try endsLine(input, at: lineEnd, to: end) else {
            self = .incomplete
            return
        }
        assertionFailure("a correct field line was not read as a plain one")
        throw .invalidFieldLine
    }

    private static func withoutName(
        _ input: RawSpan,
        from start: Int,
        nameEnd: Int,
        to end: Int
    ) throws(HeadError) -> OddLine {
        let byte = input.byte(at: nameEnd)
        if nameEnd == start {
            if isBlank(byte) { throw .foldedLine }
            if byte == Byte.carriageReturn {
                return try endsLine(input, at: nameEnd, to: end) ? .blank : .incomplete
            }
        }
        switch byte {
        case Byte.lineFeed: throw .bareLineFeed
        case Byte.carriageReturn:
            guard try endsLine(input, at: nameEnd, to: end) else { return .incomplete }
            throw .invalidFieldLine
        case Byte.colon: throw .invalidFieldLine
        case Byte.space, Byte.tab: throw .spaceBeforeColon
        case 0x80...: throw .invalidFieldName
        default: throw .controlByte
        }
    }
}
