import CBytes

/// Reads the line of a PROXY header of version 1, behind `PROXY ` and without its end.
///
/// As strictly as it is defined: one blank between two words, numbers without leading zeros.
struct ProxyLine {
    /// Where the next word begins.
    private var position: Int
    private let end: Int

    /// The part of the input between two offsets.
    init(from start: Int, to end: Int) {
        position = start
        self.end = end
    }

    /// The header, or `nil` if the line is malformed.
    mutating func read(_ input: RawSpan) -> ProxyHeader? {
        if takes("UNKNOWN", input) {
            // What else stands in the line is not to be looked at (§2.1).
            return position == end || input.byte(at: position) == Byte.space ? .unknown : nil
        }
        let isIPv6 = takes("TCP6 ", input)
        guard isIPv6 || takes("TCP4 ", input) else { return nil }
        guard var source = isIPv6 ? ipv6(input) : ipv4(input), takes(" ", input),
            var destination = isIPv6 ? ipv6(input) : ipv4(input), takes(" ", input),
            let from = number(input, upTo: 65535), takes(" ", input),
            let to = number(input, upTo: 65535), position == end
        else { return nil }
        source.port = UInt16(truncatingIfNeeded: from)
        destination.port = UInt16(truncatingIfNeeded: to)
        return .client(source, at: destination)
    }

    /// Steps over a word that stands here; false if another one does.
    private mutating func takes(_ word: StaticString, _ input: RawSpan) -> Bool {
        var next = position
        for byte in word.description.utf8 {
            guard next < end, input.byte(at: next) == byte else { return false }
            next &+= 1
        }
        position = next
        return true
    }

    /// A decimal number without leading zeros.
    private mutating func number(_ input: RawSpan, upTo most: Int) -> Int? {
        let first = position
        var value = 0
        while position < end {
            let digit = input.byte(at: position) &- Byte.zero
            guard digit <= 9 else { break }
            guard position == first || value > 0 else { return nil }
            value = value &* 10 &+ Int(digit)
            guard value <= most else { return nil }
            position &+= 1
        }
        return position > first ? value : nil
    }

    /// Four decimal numbers.
    private mutating func ipv4(_ input: RawSpan) -> ProxyAddress? {
        var bits: UInt32 = 0
        for part in 0..<4 {
            if part > 0, !takes(".", input) { return nil }
            guard let value = number(input, upTo: 255) else { return nil }
            bits = bits << 8 | UInt32(truncatingIfNeeded: value)
        }
        return ProxyAddress(bits: bits, port: 0)
    }

    /// Up to eight groups, one `::` at most, and IPv4 form at the end (RFC 4291 §2.2).
    private mutating func ipv6(_ input: RawSpan) -> ProxyAddress? {
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        var gap: Int?
        var isBehindGroup = false
        if takes("::", input) { gap = 0 }
        while position < end, input.byte(at: position) != Byte.space {
            if isBehindGroup {
                guard takes(":", input) else { return nil }
                if takes(":", input) {
                    guard gap == nil else { return nil }
                    gap = count
                    isBehindGroup = false
                    continue
                }
            }
            guard count < 8 else { return nil }
            let first = position
            if count <= 6, let mapped = ipv4(input) {
                groups[count] = UInt16(truncatingIfNeeded: mapped.low >> 16)
                groups[count &+ 1] = UInt16(truncatingIfNeeded: mapped.low)
                count &+= 2
                break
            }
            position = first
            guard let value = group(input) else { return nil }
            groups[count] = value
            count &+= 1
            isBehindGroup = true
        }
        return Self.address(groups, count: count, gap: gap)
    }

    /// One to four hexadecimal digits.
    private mutating func group(_ input: RawSpan) -> UInt16? {
        let first = position
        var value: UInt16 = 0
        while position < end {
            let digit = cbytes_hex_value(input.byte(at: position))
            if digit > 15 { break }
            guard position &- first < 4 else { return nil }
            value = value << 4 | UInt16(digit)
            position &+= 1
        }
        return position > first ? value : nil
    }

    /// The groups as an address, zeros put in where the `::` stood.
    private static func address(
        _ groups: InlineArray<8, UInt16>,
        count: Int,
        gap: Int?
    ) -> ProxyAddress? {
        // A gap stands for one group at least.
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        let zeros = 8 &- count
        var high: UInt64 = 0
        var low: UInt64 = 0
        for place in 0..<8 {
            var value: UInt16 = 0
            if let gap, place >= gap {
                if place >= gap &+ zeros { value = groups[place &- zeros] }
            } else {
                value = groups[place]
            }
            high = high << 16 | low >> 48
            low = low << 16 | UInt64(value)
        }
        return ProxyAddress(high: high, low: low, port: 0)
    }
}
