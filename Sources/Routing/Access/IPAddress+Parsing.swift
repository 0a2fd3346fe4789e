extension IPAddress {
    /// Reads an address from its text, without brackets, port or zone.
    ///
    /// IPv4 in four decimal numbers without needless zeros; IPv6 by RFC 4291 §2.2, its last 32
    /// bits in IPv4 form if the text has it so. An IPv4-mapped address becomes ``v4(_:)``.
    public init?(parsing text: RawSpan) {
        guard let parsed = parseAddress(text) else { return nil }
        self = parsed.address
    }

    /// Reads an address as proxies write it into X-Forwarded-For: alone, IPv4 with a port behind a
    /// colon, or IPv6 in brackets, with a port or without.
    public init?(parsingNode text: RawSpan) {
        let count = text.byteCount
        if count > 0, text.byte(at: 0) == UInt8(ascii: "[") {
            guard let close = Self.first(UInt8(ascii: "]"), in: text, from: 1),
                close == count &- 1 || Self.isPort(text, from: close &+ 1)
            else { return nil }
            let inside = text.extracting(1..<close)
            guard Self.first(UInt8(ascii: ":"), in: inside, from: 0) != nil else { return nil }
            self.init(parsing: inside)
            return
        }
        guard let colon = Self.first(UInt8(ascii: ":"), in: text, from: 0),
            Self.first(UInt8(ascii: ":"), in: text, from: colon &+ 1) == nil
        else {
            self.init(parsing: text)
            return
        }
        guard Self.isPort(text, from: colon) else { return nil }
        self.init(parsing: text.extracting(0..<colon))
    }

    private static func first(_ wanted: UInt8, in text: RawSpan, from start: Int) -> Int? {
        var index = start
        while index < text.byteCount {
            if text.byte(at: index) == wanted { return index }
            index &+= 1
        }
        return nil
    }

    /// Whether a colon and one to five digits are all that is left.
    private static func isPort(_ text: RawSpan, from colon: Int) -> Bool {
        let digits = colon &+ 1..<max(colon &+ 1, text.byteCount)
        return colon < text.byteCount && text.byte(at: colon) == UInt8(ascii: ":")
            && (1...5).contains(digits.count)
            && digits.allSatisfy { decimalValue(text.byte(at: $0)) != nil }
    }

    /// Reads an address as ``init(parsing:)`` does.
    public init?(_ text: String) {
        unsafe self.init(parsing: Array(text.utf8).span.bytes)
    }
}

/// The digit's value, or `nil` if it is none.
func decimalValue(_ byte: UInt8) -> Int? {
    let value = byte &- UInt8(ascii: "0")
    return value <= 9 ? Int(value) : nil
}

/// The hexadecimal digit's value in either case, or `nil` if it is none.
func hexadecimalValue(_ byte: UInt8) -> Int? {
    if let value = decimalValue(byte) { return value }
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    return letter <= 5 ? Int(letter) &+ 10 : nil
}

/// What ``parseAddress(_:)`` found.
struct ParsedAddress {
    var address: IPAddress
    /// Whether the text was an IPv4-mapped IPv6 address.
    var wasMapped: Bool
}

/// Reads an address of either family.
func parseAddress(_ text: RawSpan) -> ParsedAddress? {
    // The longest text is `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
    guard text.byteCount >= 2, text.byteCount <= 45 else { return nil }
    for index in 0..<text.byteCount where text.byte(at: index) == UInt8(ascii: ":") {
        guard let (high, low) = parseIPv6(text) else { return nil }
        let address = IPAddress(v6High: high, low: low)
        return ParsedAddress(address: address, wasMapped: address.bitCount == 32)
    }
    guard let bits = parseIPv4(text, from: 0) else { return nil }
    return ParsedAddress(address: .v4(bits), wasMapped: false)
}

/// Four decimal numbers that end with the text.
private func parseIPv4(_ text: RawSpan, from start: Int) -> UInt32? {
    var bits: UInt32 = 0
    var position = start
    for part in 0..<4 {
        if part > 0 {
            guard position < text.byteCount, text.byte(at: position) == UInt8(ascii: ".") else {
                return nil
            }
            position += 1
        }
        let first = position
        var value = 0
        while position < text.byteCount, let digit = decimalValue(text.byte(at: position)) {
            // A zero in front means octal to some readers, so nobody may write one.
            guard position == first || value > 0 else { return nil }
            value = value &* 10 &+ digit
            guard value <= 255 else { return nil }
            position += 1
        }
        guard position > first else { return nil }
        bits = bits << 8 | UInt32(truncatingIfNeeded: value)
    }
    return position == text.byteCount ? bits : nil
}

/// Up to eight groups, one `::` at most, and IPv4 form at the end.
private func parseIPv6(_ text: RawSpan) -> (high: UInt64, low: UInt64)? {
    var groups = InlineArray<8, UInt16>(repeating: 0)
    var count = 0
    var gap: Int?
    var position = 0
    if text.byte(at: 0) == UInt8(ascii: ":") {
        guard text.byte(at: 1) == UInt8(ascii: ":") else { return nil }
        gap = 0
        position = 2
    }
    while position < text.byteCount {
        guard count < 8 else { return nil }
        let first = position
        var value = 0
        while position < text.byteCount, let digit = hexadecimalValue(text.byte(at: position)) {
            guard position &- first < 4 else { return nil }
            value = value << 4 | digit
            position += 1
        }
        if position < text.byteCount, text.byte(at: position) == UInt8(ascii: ".") {
            guard count <= 6, let bits = parseIPv4(text, from: first) else { return nil }
            groups[count] = UInt16(truncatingIfNeeded: bits >> 16)
            groups[count + 1] = UInt16(truncatingIfNeeded: bits)
            count += 2
            break
        }
        guard position > first else { return nil }
        groups[count] = UInt16(truncatingIfNeeded: value)
        count += 1
        guard position < text.byteCount else { break }
        guard text.byte(at: position) == UInt8(ascii: ":"), position + 1 < text.byteCount else {
            return nil
        }
        position += 1
        if text.byte(at: position) == UInt8(ascii: ":") {
            guard gap == nil else { return nil }
            gap = count
            position += 1
        }
    }
    return assemble(groups, count: count, gap: gap)
}

/// The groups as numbers, zeros put in where the `::` stood.
private func assemble(
    _ groups: InlineArray<8, UInt16>,
    count: Int,
    gap: Int?
) -> (high: UInt64, low: UInt64)? {
    // `::` stands for one group at least.
    guard gap == nil ? count == 8 : count < 8 else { return nil }
    let zeros = 8 &- count
    var high: UInt64 = 0
    var low: UInt64 = 0
    for index in 0..<8 {
        var group: UInt16 = 0
        if let gap, index >= gap {
            if index >= gap &+ zeros { group = groups[index &- zeros] }
        } else {
            group = groups[index]
        }
        if index < 4 {
            high = high << 16 | UInt64(group)
        } else {
            low = low << 16 | UInt64(group)
        }
    }
    return (high, low)
}
