/// A CIDR block.
public struct Network: Hashable, Sendable {
    /// The block's first address.
    public var address: IPAddress
    /// How many leading bits are fixed: 0 to 32 for IPv4, 0 to 128 for IPv6.
    public var prefixLength: Int

    /// The block that begins at `address`.
    public init(address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a bare address, which is a block of one.
    ///
    /// Bits past the prefix are cleared, so that equal blocks are equal values. A block of
    /// IPv4-mapped addresses becomes the IPv4 block. `nil` for all else, a prefix that is too long
    /// included.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
        let addressBytes = bytes[..<(slash ?? bytes.count)]
        guard let parsed = unsafe parseAddress(Array(addressBytes).span.bytes) else { return nil }
        let address = parsed.address
        var length = address.bitCount
        if let slash {
            let digits = bytes[(slash + 1)...]
            guard var given = Network.prefixLength(digits) else { return nil }
            if parsed.wasMapped {
                guard given >= 96 else { return nil }
                given -= 96
            }
            guard given <= length else { return nil }
            length = given
        }
        self.init(address: address.masked(to: length), prefixLength: length)
    }

    /// Whether `other` lies in the block; never for an address of the other family.
    public func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4, .v4), (.v6, .v6):
            address.masked(to: prefixLength) == other.masked(to: prefixLength)
        default:
            false
        }
    }

    /// One to three digits without a needless zero in front.
    private static func prefixLength(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...3).contains(digits.count) else { return nil }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        var value = 0
        for digit in digits {
            guard let number = decimalValue(digit) else { return nil }
            value = value &* 10 &+ number
        }
        return value
    }
}

extension Network: CustomStringConvertible {
    /// The block in CIDR form.
    public var description: String { "\(address)/\(prefixLength)" }
}
