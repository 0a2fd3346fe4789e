/// The version that stands at `start`; nil if it is cut off.
func parseVersion(
    _ input: RawSpan,
    at start: Int,
    to end: Int
) throws(HeadError) -> (major: UInt8, minor: UInt8)? {
    if start &+ 8 <= end, input.holds("HTTP/1.1", at: start) { return (1, 1) }
    // A line that is no version is refused by its first wrong byte, so that a short one such as
    // "GET / \r\n" is not taken for one that is cut off.
    var index = 0
    while index < 8 {
        guard start &+ index < end else { return nil }
        let byte = input.byte(at: start &+ index)
        let isRight =
            switch index {
            case 5, 7: byte &- Byte.zero <= 9
            case 6: byte == Byte.dot
            default: isPrefixByte(byte, index)
            }
        if !isRight { throw .invalidVersion }
        index &+= 1
    }
    return (
        input.byte(at: start &+ 5) &- Byte.zero, input.byte(at: start &+ 7) &- Byte.zero
    )
}

/// Whether `byte` is the one at `index` of "HTTP/".
private func isPrefixByte(_ byte: UInt8, _ index: Int) -> Bool {
    switch index {
    case 0: byte == 0x48
    case 1, 2: byte == 0x54
    case 3: byte == 0x50
    default: byte == Byte.slash
    }
}

/// Whether a CRLF stands at `offset`; anything else but a bare CR or LF is `error`.
func endsLine(
    _ input: RawSpan,
    at offset: Int,
    to end: Int,
    else error: HeadError
) throws(HeadError) -> Bool {
    guard offset < end else { return false }
    let byte = input.byte(at: offset)
    guard byte == Byte.carriageReturn || byte == Byte.lineFeed else { throw error }
    return try endsLine(input, at: offset, to: end)
}
