/// Counts of latencies in memory that does not grow: exact to 0.4 %.
///
/// Each power of two is divided into 128 parts, as in HdrHistogram; a value is told as the middle
/// of its part.
public struct LatencyHistogram: Sendable {
    private static let partBits = 7
    private static let parts = 1 << partBits

    private var counts = [UInt64](repeating: 0, count: (64 - partBits + 1) * parts)
    private var sum: Int128 = 0
    /// How many values were recorded.
    public private(set) var count: UInt64 = 0
    /// The greatest one, exactly; 0 without any.
    public private(set) var greatest: Int64 = 0

    /// An empty one.
    public init() {}

    /// Records a value in nanoseconds; what is below 0 counts as 0.
    public mutating func record(_ value: Int64) {
        let value = max(0, value)
        counts[LatencyHistogram.place(UInt64(value))] &+= 1
        count &+= 1
        sum &+= Int128(value)
        if value > greatest { greatest = value }
    }

    /// The mean, rounded down; 0 without any value.
    public var mean: Int64 {
        count == 0 ? 0 : Int64(clamping: sum / Int128(count))
    }

    /// The value that a share of all values, in millionths, does not exceed.
    public func value(atMillionths millionths: Int) -> Int64 {
        guard count > 0 else { return 0 }
        let wanted = (UInt64(clamping: millionths).multipliedFullWidth(by: count))
        let rank = max(1, wanted.high > 0 ? count : (wanted.low &+ 999_999) / 1_000_000)
        var passed: UInt64 = 0
        for (place, number) in counts.enumerated() where number > 0 {
            passed &+= number
            if passed >= rank { return min(greatest, LatencyHistogram.middle(place)) }
        }
        return greatest
    }

    private static func place(_ value: UInt64) -> Int {
        guard value >= UInt64(parts) else { return Int(value) }
        let shift = 63 &- partBits &- value.leadingZeroBitCount
        return (shift &+ 1) &* parts &+ Int(value >> UInt64(shift)) &- parts
    }

    private static func middle(_ place: Int) -> Int64 {
        guard place >= parts else { return Int64(place) }
        let shift = place / parts - 1
        let least = UInt64(place % parts + parts) << UInt64(shift)
        return Int64(clamping: least + (UInt64(1) << UInt64(shift)) / 2)
    }
}
