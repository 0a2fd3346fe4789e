/// How a histogram of durations is parted: each power of two into equally wide buckets, so that a
/// value is known to the same share of itself whatever its size.
///
/// As HdrHistogram does it (Tene, http://hdrhistogram.org), in units of 1,024 ns.
public struct DurationBuckets: BitwiseCopyable, Sendable {
    /// Each power of two has 2 to this many buckets.
    private let precision: UInt64
    /// How many buckets there are.
    public let count: Int
    /// Values from here on count as this, in units: more than an hour.
    private static let most: UInt64 = (1 << 32) - 1
    /// Nanoseconds of a unit.
    static let unit = 1024.0

    /// Right to 1 %: 64 buckets for each power of two.
    public static let fine = DurationBuckets(precision: 6)
    /// Right to 4 %: 16 buckets for each power of two.
    public static let coarse = DurationBuckets(precision: 4)

    private init(precision: UInt64) {
        self.precision = precision
        count = Int((31 - precision) << precision + 2 << precision)
    }

    /// The bucket of a duration in nanoseconds; negative ones count as zero.
    func index(_ nanoseconds: Int64) -> Int {
        let value = min(UInt64(bitPattern: max(0, nanoseconds)) >> 10, Self.most)
        let highest = 63 &- UInt64(truncatingIfNeeded: (value | 1).leadingZeroBitCount)
        let shift = highest > precision ? highest &- precision : 0
        return Int(truncatingIfNeeded: shift << precision &+ value >> shift)
    }

    /// The nanoseconds in the middle of a bucket.
    public func middle(_ index: Int) -> Double {
        let (start, width) = bounds(index)
        return (start + width / 2) * Self.unit
    }

    /// The nanoseconds at which a bucket ends.
    public func end(_ index: Int) -> Double {
        let (start, width) = bounds(index)
        return (start + width) * Self.unit
    }

    private func bounds(_ index: Int) -> (start: Double, width: Double) {
        let size = 1 << Int(precision)
        let index = max(0, min(index, count - 1))
        if index < 2 * size { return (Double(index), 1) }
        let shift = index / size - 1
        let start = (index - shift * size) << shift
        return (Double(start), Double(1 << shift))
    }
}

/// How often durations of which size occurred.
public struct DurationHistogram: Sendable, Equatable {
    /// By bucket of ``DurationBuckets/fine``.
    public private(set) var counts: [UInt64]
    /// All together.
    public private(set) var total: UInt64 = 0

    /// A histogram without a value.
    public init() { counts = Array(repeating: 0, count: DurationBuckets.fine.count) }

    /// Counts `times` durations of so many nanoseconds.
    public mutating func add(_ nanoseconds: Double, times: UInt64) {
        counts[DurationBuckets.fine.index(Int64(min(nanoseconds, 1e18)))] &+= times
        total &+= times
    }

    /// Adds what stands in buckets of one kind or the other.
    mutating func add(_ buckets: DurationBuckets, _ read: (Int) -> UInt64) {
        for index in 0..<buckets.count {
            let count = read(index)
            if count > 0 { add(buckets.middle(index), times: count) }
        }
    }

    /// Adds another one.
    public mutating func add(_ other: DurationHistogram) {
        guard other.total > 0 else { return }
        for index in counts.indices { counts[index] &+= other.counts[index] }
        total &+= other.total
    }

    /// What was counted since `earlier`, an earlier state of the same histogram; nothing where it
    /// had more, as what was counted may have been forgotten since.
    public func since(_ earlier: DurationHistogram) -> DurationHistogram {
        var difference = self
        difference.total = 0
        for index in counts.indices {
            let (now, before) = (counts[index], earlier.counts[index])
            difference.counts[index] = now > before ? now - before : 0
            difference.total &+= difference.counts[index]
        }
        return difference
    }

    /// The nanoseconds that a share of the values, 0 to 1, does not exceed; `nil` without a value.
    public func quantile(_ share: Double) -> Double? {
        guard total > 0 else { return nil }
        let wanted = max(1, UInt64((Double(total) * min(max(share, 0), 1)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen &+= count
            if seen >= wanted { return DurationBuckets.fine.middle(index) }
        }
        return nil
    }

    /// How many values are at most so many nanoseconds, to the width of a bucket.
    public func count(upTo nanoseconds: Double) -> UInt64 {
        var sum: UInt64 = 0
        for (index, count) in counts.enumerated() {
            if count > 0, DurationBuckets.fine.middle(index) <= nanoseconds { sum &+= count }
        }
        return sum
    }
}
