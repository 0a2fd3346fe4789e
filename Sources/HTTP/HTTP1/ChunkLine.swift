import CBytes

/// The line before a chunk's data: its size and extensions (RFC 9112 §7.1).
struct ChunkLine {
    /// Bytes of data that follow; 0 for the last chunk.
    var size: UInt64
    /// Past the CRLF.
    var end: Int

    /// The most digits of a size: what always fits a signed 64-bit number.
    static let mostDigits = 15

    /// Reads the line at `start`; nil if it is cut off.
    ///
    /// White space is accepted before a semicolon and around an equals sign's neighbours only
    /// where the grammar has it ("BWS"), never between the size and the line's end.
    init?(_ input: RawSpan, from start: Int) throws(BodyError) {
        let end = min(input.byteCount, start &+ BodyDecoder.longestChunkLine)
        size = 0
        self.end = 0
        var position = start
        while position < end {
            let digit = cbytes_hex_value(input.byte(at: position))
            if digit > 15 { break }
            if position &- start >= Self.mostDigits { throw .chunkSizeTooLong }
            size = size &<< 4 | UInt64(digit)
            position &+= 1
        }
        guard position < end else { return nil }
        if position == start { throw .invalidChunkSize }
        var reader = ExtensionReader(position: position, end: end)
        let isComplete = try reader.read(input)
        if !isComplete {
            if end &- start >= BodyDecoder.longestChunkLine { throw .chunkLineTooLong }
            return nil
        }
        self.end = reader.position
    }
}

/// Passes over chunk extensions and the line end behind them, checking each byte.
private struct ExtensionReader {
    var position: Int
    let end: Int

    /// Whether the line was there to its end.
    mutating func read(_ input: RawSpan) throws(BodyError) -> Bool {
        var isFirst = true
        while position < end {
            let byte = input.byte(at: position)
            if byte == Byte.carriageReturn {
                guard position &+ 1 < end else { return false }
                guard input.byte(at: position &+ 1) == Byte.lineFeed else {
                    throw .bareLineEnd
                }
                position &+= 2
                return true
            }
            if byte == Byte.lineFeed { throw .bareLineEnd }
            guard byte == Byte.semicolon || isBlank(byte) else {
                throw isFirst ? .invalidChunkSize : .invalidChunkExtension
            }
            isFirst = false
            guard try readExtension(input) else { return false }
        }
        return false
    }

    /// Passes over `BWS ";" BWS name [ BWS "=" BWS value ]`.
    private mutating func readExtension(_ input: RawSpan) throws(BodyError) -> Bool {
        skipBlanks(input)
        guard position < end else { return false }
        guard input.byte(at: position) == Byte.semicolon else { throw .invalidChunkExtension }
        position &+= 1
        skipBlanks(input)
        guard try readToken(input) else { return false }
        let nameEnd = position
        skipBlanks(input)
        guard position < end else { return false }
        guard input.byte(at: position) == Byte.equals else {
            position = nameEnd
            return true
        }
        position &+= 1
        skipBlanks(input)
        guard position < end else { return false }
        if input.byte(at: position) == Byte.quote { return try readQuoted(input) }
        return try readToken(input)
    }

    private mutating func skipBlanks(_ input: RawSpan) {
        while position < end, isBlank(input.byte(at: position)) { position &+= 1 }
    }

    private mutating func readToken(_ input: RawSpan) throws(BodyError) -> Bool {
        let tokenEnd = input.tokenEnd(from: position, to: end)
        guard tokenEnd < end else { return false }
        guard tokenEnd > position else { throw .invalidChunkExtension }
        position = tokenEnd
        return true
    }

    private mutating func readQuoted(_ input: RawSpan) throws(BodyError) -> Bool {
        position &+= 1
        while position < end {
            let byte = input.byte(at: position)
            if cbytes_stops_value(byte) != 0 { throw .invalidChunkExtension }
            position &+= 1
            if byte == Byte.quote { return true }
            if byte == Byte.backslash {
                guard position < end else { return false }
                if cbytes_stops_value(input.byte(at: position)) != 0 {
                    throw .invalidChunkExtension
                }
                position &+= 1
            }
        }
        return false
    }
}
