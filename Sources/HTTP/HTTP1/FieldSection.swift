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
        while true {
            let reason = fields.readLines(input, from: &position, to: end, limit, interpreted)
            switch reason {
            case .odd:
                if input.holdsLineEnd(at: position, to: end) {
                    position &+= 2
                    return true
                }
                guard try OddLine(input, from: position, to: end) == .blank else {
                    return false
                }
                position &+= 2
                return true
            case .stopped:
                let field = fields[fields.count &- 1]
                do throws(HeadError) {
                    try interpret(field.id, field.value, input)
                } catch {
                    // An error is the line's in which it is.
                    position = field.name.start
                    fields.removeLast()
                    throw error
                }
            case .full: throw .tooManyFields
            }
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
