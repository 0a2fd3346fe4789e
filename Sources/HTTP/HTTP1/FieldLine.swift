/// One line of a field section: a field, or the blank line behind the last one (RFC 9112 §5).
struct FieldLine {
    /// The field; of the blank line only `lineEnd` means something.
    var field: Field
    var isBlank: Bool

    /// Reads the line at `start`; nil if it is cut off at `end`.
    init?(_ input: RawSpan, from start: Int, to end: Int) throws(HeadError) {
        let nameEnd = input.nameEnd(from: start, to: end)
        guard nameEnd < end else { return nil }
        guard input.byte(at: nameEnd) == Byte.colon, nameEnd > start else {
            guard try Self.isBlankLine(input, from: start, nameEnd: nameEnd, to: end) else {
                return nil
            }
            field = Field(
                name: .empty,
                value: .empty,
                lineEnd: UInt32(truncatingIfNeeded: start &+ 2),
                id: .other,
                isHopByHop: false
            )
            isBlank = true
            return
        }
        let id = input.fieldName(from: start, to: nameEnd)
        if id == .other, input.tokenEnd(from: start, to: nameEnd) != nameEnd {
            throw .invalidFieldName
        }
        var valueStart = nameEnd &+ 1
        while valueStart < end, HTTP.isBlank(input.byte(at: valueStart)) { valueStart &+= 1 }
        let lineEnd = input.valueEnd(from: valueStart, to: end)
        guard try endsLine(input, at: lineEnd, to: end) else { return nil }
        var valueEnd = lineEnd
        while valueEnd > valueStart, HTTP.isBlank(input.byte(at: valueEnd &- 1)) {
            valueEnd &-= 1
        }
        field = Field(
            name: ByteRange(from: start, to: nameEnd),
            value: ByteRange(from: valueStart, to: valueEnd),
            lineEnd: UInt32(truncatingIfNeeded: lineEnd &+ 2),
            id: id,
            isHopByHop: id.isHopByHop
        )
        isBlank = false
    }

    /// Whether a line without a name before a colon is blank; false if it is cut off.
    private static func isBlankLine(
        _ input: RawSpan,
        from start: Int,
        nameEnd: Int,
        to end: Int
    ) throws(HeadError) -> Bool {
        let byte = input.byte(at: nameEnd)
        if nameEnd == start {
            if HTTP.isBlank(byte) { throw .foldedLine }
            if byte == Byte.carriageReturn { return try endsLine(input, at: nameEnd, to: end) }
        }
        switch byte {
        case Byte.lineFeed: throw .bareLineFeed
        case Byte.carriageReturn:
            guard try endsLine(input, at: nameEnd, to: end) else { return false }
            throw .invalidFieldLine
        case Byte.colon: throw .invalidFieldLine
        case Byte.space, Byte.tab: throw .spaceBeforeColon
        case 0x80...: throw .invalidFieldName
        default: throw .controlByte
        }
    }
}
