import CBytes

/// What the field lines of one head say, gathered line by line.
///
/// Errors come at the first line that has one, so that a head gives the same error however its
/// bytes arrive.
struct FieldSection {
    /// Where the next line begins.
    var position: Int
    /// The value of the one Content-Length.
    var contentLength: UInt64?
    /// Whether there is a Transfer-Encoding, which then is `chunked`.
    var isChunked = false
    /// The value of Host.
    var host = ByteRange.empty
    /// Whether there is a Host.
    var hasHost = false
    /// What the Connection fields say.
    var options = ConnectionOptions()

    /// Names whose values the parser itself looks at.
    private let interpreted: UInt64

    /// A section whose first line is at `position`; Host means something in requests only.
    init(position: Int, isRequest: Bool) {
        self.position = position
        interpreted =
            FieldName.connection.bit | FieldName.contentLength.bit
            | FieldName.transferEncoding.bit | (isRequest ? FieldName.host.bit : 0)
    }

    /// Reads lines until the blank one, which it consumes; false if bytes run out at `end` before.
    mutating func readLines(
        _ input: RawSpan,
        to end: Int,
        into fields: inout FieldTable,
        limit: Int
    ) throws(HeadError) -> Bool {
        let run = fields.readLines(input, from: &position, to: end, limit, interpreted)
        try interpret(run.wanted, fields, input)
        if run.isFull { throw .tooManyFields }
        if !input.holdsLineEnd(at: position, to: end) {
            guard try OddLine(input, from: position, to: end) == .blank else { return false }
        }
        position &+= 2
        return true
    }

    /// Looks at the values of the lines that `wanted` has a bit for, the highest for all from the
    /// 64th on.
    private mutating func interpret(
        _ wanted: UInt64,
        _ fields: borrowing FieldTable,
        _ input: RawSpan
    ) throws(HeadError) {
        var rest = wanted & (.max >> 1)
        while rest != 0 {
            try interpret(fields[rest.trailingZeroBitCount], input)
            rest &= rest &- 1
        }
        guard wanted >> 63 != 0 else { return }
        for index in 63..<fields.count where fields[index].id.bit & interpreted != 0 {
            try interpret(fields[index], input)
        }
    }

    private mutating func interpret(_ field: Field, _ input: RawSpan) throws(HeadError) {
        do throws(HeadError) {
            try interpret(field.id, field.value, input)
        } catch {
            // An error is the line's in which it is.
            position = field.name.start
            throw error
        }
    }

    private mutating func interpret(
        _ id: FieldName,
        _ value: ByteRange,
        _ input: RawSpan
    ) throws(HeadError) {
        switch id {
        case .host:
            if hasHost { throw .repeatedHost }
            guard isAuthority(input, value) else { throw .invalidHost }
            hasHost = true
            host = value
        case .contentLength:
            if contentLength != nil { throw .repeatedContentLength }
            contentLength = try parseContentLength(input, value)
        case .transferEncoding:
            if isChunked { throw .invalidTransferEncoding }
            guard input.equalIgnoringCase(value, "chunked") else {
                throw .invalidTransferEncoding
            }
            isChunked = true
        case .connection: try options.add(input, value)
        default: break
        }
    }
}

/// Whether the byte is a space or a tab.
func isBlank(_ byte: UInt8) -> Bool { byte == Byte.space || byte == Byte.tab }

/// Whether a CRLF stands at `offset`, where a control byte does; false if it is cut off.
func endsLine(_ input: RawSpan, at offset: Int, to end: Int) throws(HeadError) -> Bool {
    guard offset < end else { return false }
    switch input.byte(at: offset) {
    case Byte.carriageReturn:
        guard offset &+ 1 < end else { return false }
        if input.byte(at: offset &+ 1) == Byte.lineFeed { return true }
        throw .bareCarriageReturn
    case Byte.lineFeed: throw .bareLineFeed
    default: throw .controlByte
    }
}
