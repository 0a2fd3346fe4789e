/// An IPv4 or IPv6 address.
///
/// IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) never occur: whoever makes one unmaps it first
/// (parsing and ``init(v6High:low:)`` do), or a client on a dual-stack socket would slip past
/// rules that name its IPv4 address.
public enum IPAddress: BitwiseCopyable, Hashable, Sendable {
    /// The four bytes as one number, the first byte highest.
    case v4(UInt32)
    /// The sixteen bytes as two numbers, the first byte highest.
    case v6(high: UInt64, low: UInt64)

    /// The address of these sixteen bytes; an IPv4-mapped one becomes ``v4(_:)``.
    public init(v6High high: UInt64, low: UInt64) {
        if high == 0, low >> 32 == 0xffff {
            self = .v4(UInt32(truncatingIfNeeded: low))
        } else {
            self = .v6(high: high, low: low)
        }
    }

    /// 32 or 128.
    public var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// The address with all bits after the first `length` cleared.
    public func masked(to length: Int) -> IPAddress {
        switch self {
        case .v4(let bits):
            return .v4(bits & (length <= 0 ? 0 : UInt32.max << UInt32(max(0, 32 - length))))
        case .v6(let high, let low):
            // Smart shifts by 64 or more give 0, as wanted.
            let highMask = length <= 0 ? 0 : UInt64.max << UInt64(max(0, 64 - length))
            let lowMask = length <= 64 ? 0 : UInt64.max << UInt64(max(0, 128 - length))
            return .v6(high: high & highMask, low: low & lowMask)
        }
    }
}
