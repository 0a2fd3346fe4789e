/// A quantile of the last 64 numbers in flight that were reported, kept up to date at each one.
///
/// A histogram and a pointer into it (as Huang's median filter, 1979): adding one number moves the
/// pointer by a bin or so. Bins are exact up to 63, and an eighth of a power of two wide above.
struct LoadQuantile {
    private static let kept = 64
    private static let exact = 64
    private static let bins = 64 + 26 * 8

    private let recent = FlatArray([UInt16](repeating: 0, count: kept))
    private let counts = FlatArray([UInt16](repeating: 0, count: bins))
    private var next = 0
    private var size = 0
    /// The bin of the quantile: the lowest that has ``rank`` numbers at or below it.
    private var bin = 0
    private var atOrBelow = 0
    /// From so many in flight on an endpoint is hot.
    private(set) var hotFrom: Float
    private let quantile: Double
    /// Whether the numbers matter: at 0 and 1 they do not.
    private let isCounting: Bool
    /// The rank among as many numbers as are kept.
    private let fullRank: Int

    /// A quantile, 0 to 1, of nothing yet.
    init(_ quantile: Double) {
        self.quantile = quantile
        isCounting = quantile > 0 && quantile < 1
        fullRank = LoadQuantile.rank(quantile, of: LoadQuantile.kept)
        hotFrom = quantile <= 0 ? -.infinity : quantile < 1 ? 1 : .infinity
    }

    private static func rank(_ quantile: Double, of size: Int) -> Int {
        max(1, min(size, Int((Double(size) * quantile).rounded(.up))))
    }

    private static func bin(_ inFlight: Float) -> Int {
        let number = Int32(min(max(inFlight, 0), 2_000_000_000))
        guard number >= Int32(exact) else { return Int(number) }
        let power = 31 - number.leadingZeroBitCount
        return exact + (power - 6) * 8 + Int((number >> Int32(power - 3)) & 7)
    }

    /// The least number that belongs to a bin.
    private static func least(_ bin: Int) -> Float {
        guard bin >= exact else { return Float(bin) }
        let (power, part) = (bin - exact).quotientAndRemainder(dividingBy: 8)
        return Float((8 + part) << (power + 3))
    }

    /// Frees the memory; after the last use.
    func deallocate() {
        recent.deallocate()
        counts.deallocate()
    }

    /// Whether an endpoint with so many in flight is hot: above the quantile.
    ///
    /// At 0 all are, so that only the number in flight decides, at 1 none.
    func isHot(_ inFlight: Float) -> Bool {
        inFlight >= hotFrom
    }

    /// Takes a reported number in flight into account.
    mutating func add(_ inFlight: Float) {
        guard isCounting else { return }
        let added = LoadQuantile.bin(inFlight)
        let place = next
        next = (next &+ 1) % LoadQuantile.kept
        var rank = fullRank
        if size == LoadQuantile.kept {
            let dropped = Int(recent[place])
            // One like it goes: nothing else changes.
            guard dropped != added else { return }
            counts[dropped] &-= 1
            if dropped <= bin { atOrBelow &-= 1 }
        } else {
            size &+= 1
            rank = LoadQuantile.rank(quantile, of: size)
        }
        recent[place] = UInt16(truncatingIfNeeded: added)
        counts[added] &+= 1
        if added <= bin { atOrBelow &+= 1 }
        move(to: rank)
    }

    /// Moves the pointer to the bin of this rank.
    private mutating func move(to rank: Int) {
        let counts = counts
        while atOrBelow < rank && bin < LoadQuantile.bins - 1 {
            bin &+= 1
            atOrBelow &+= Int(counts[bin])
        }
        while bin > 0 && atOrBelow &- Int(counts[bin]) >= rank {
            atOrBelow &-= Int(counts[bin])
            bin &-= 1
        }
        hotFrom = LoadQuantile.least(bin &+ 1)
    }
}
