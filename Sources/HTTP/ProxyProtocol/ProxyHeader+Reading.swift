extension ProxyHeader {
    /// Reads the header with which a connection begins.
    ///
    /// `bytes` are all that have come so far; at most ``mostBinary`` of them are looked at. Shown
    /// more and more of a connection it never takes back anything but ``Reading/needMore``.
    ///
    /// - Throws: ``ProxyHeaderError`` for what begins as a header and is none.
    public static func read(_ bytes: RawSpan) throws(ProxyHeaderError) -> Reading {
        guard bytes.byteCount > 0 else { return .needMore }
        if bytes.byte(at: 0) == signature[0] { return try readBinary(bytes) }
        return try readText(bytes)
    }

    /// How the bytes compare with a beginning: `nil` if it has not come whole.
    private static func begins(
        _ bytes: RawSpan,
        count: Int,
        with byte: (Int) -> UInt8
    ) -> Bool? {
        let there = min(bytes.byteCount, count)
        for index in 0..<there where bytes.byte(at: index) != byte(index) { return false }
        return there == count ? true : nil
    }

    // MARK: Version 2

    private static func readBinary(_ bytes: RawSpan) throws(ProxyHeaderError) -> Reading {
        switch begins(bytes, count: signature.count, with: { signature[$0] }) {
        case nil: return .needMore
        case false?: return .absent
        case true?: break
        }
        // Version and command, family and protocol, and the length of what follows.
        guard bytes.byteCount >= 16 else { return .needMore }
        let command = bytes.byte(at: 12)
        guard command == 0x20 || command == 0x21 else { throw .unknownCommand }
        let kind = bytes.byte(at: 13)
        guard kind >> 4 <= 3, kind & 15 <= 2 else { throw .unknownFamily }
        let length = Int(number16(bytes, 14))
        guard 16 &+ length <= mostBinary else { throw .tooLong }
        let needed = command == 0x20 ? 0 : addressBytes(kind)
        guard length >= needed else { throw .tooShort }
        guard bytes.byteCount >= 16 &+ length else { return .needMore }
        // What stands behind the addresses are extensions (§2.2), which say nothing Weir needs.
        let header = command == 0x20 ? .local : addresses(bytes, kind)
        return .header(header, size: 16 &+ length)
    }

    /// Bytes that both addresses of a family take.
    private static func addressBytes(_ kind: UInt8) -> Int {
        switch kind >> 4 {
        case 1: 12
        case 2: 36
        case 3: 216
        default: 0
        }
    }

    private static func addresses(_ bytes: RawSpan, _ kind: UInt8) -> ProxyHeader {
        switch kind {
        case 0x11:
            return .client(
                ProxyAddress(bits: number32(bytes, 16), port: number16(bytes, 24)),
                at: ProxyAddress(bits: number32(bytes, 20), port: number16(bytes, 26))
            )
        case 0x21:
            return .client(
                ProxyAddress(
                    high: number64(bytes, 16),
                    low: number64(bytes, 24),
                    port: number16(bytes, 48)
                ),
                at: ProxyAddress(
                    high: number64(bytes, 32),
                    low: number64(bytes, 40),
                    port: number16(bytes, 50)
                )
            )
        case 0x31: return .unix
        // Datagrams do not become connections: as good as nothing said (§2.2).
        default: return .unknown
        }
    }

    private static func number16(_ bytes: RawSpan, _ offset: Int) -> UInt16 {
        UInt16(bytes.byte(at: offset)) << 8 | UInt16(bytes.byte(at: offset &+ 1))
    }

    private static func number32(_ bytes: RawSpan, _ offset: Int) -> UInt32 {
        UInt32(number16(bytes, offset)) << 16 | UInt32(number16(bytes, offset &+ 2))
    }

    private static func number64(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        UInt64(number32(bytes, offset)) << 32 | UInt64(number32(bytes, offset &+ 4))
    }

    // MARK: Version 1

    private static let word = Array("PROXY ".utf8)

    private static func readText(_ bytes: RawSpan) throws(ProxyHeaderError) -> Reading {
        let first = word
        switch begins(bytes, count: first.count, with: { first[$0] }) {
        case nil: return .needMore
        case false?: return .absent
        case true?: break
        }
        let limit = min(bytes.byteCount, mostText)
        var end = first.count
        while end < limit, bytes.byte(at: end) != Byte.lineFeed { end &+= 1 }
        guard end < limit else {
            if limit == mostText { throw .tooLong }
            return .needMore
        }
        guard bytes.byte(at: end &- 1) == Byte.carriageReturn else { throw .malformedLine }
        var line = ProxyLine(from: first.count, to: end &- 1)
        guard let header = line.read(bytes) else { throw .malformedLine }
        return .header(header, size: end &+ 1)
    }
}
