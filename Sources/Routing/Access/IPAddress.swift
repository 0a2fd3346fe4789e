/// An IPv4 or IPv6 address.
///
/// IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) never occur: whoever makes one unmaps it first.
public enum IPAddress: BitwiseCopyable, Hashable, Sendable {
    /// The four bytes as one number, the first byte highest.
    case v4(UInt32)
    /// The sixteen bytes as two numbers, the first byte highest.
    case v6(high: UInt64, low: UInt64)
}

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
}
