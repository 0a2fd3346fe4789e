/// A quantile of the last 64 numbers in flight that were reported, kept up to date at each one.
///
/// A histogram and a pointer into it (as Huang's median filter, 1979): adding one number moves the
/// pointer by a bin or so. Bins are exact up to 63, and an eighth of a power of two wide above.
struct LoadQuantile {
    private static let kept = 64
    private static let exact = 64
    private static let bins = 64 + 26 * 8

    private var recent = [UInt16](repeating: 0, count: kept)
    private var counts = [UInt16](repeating: 0, count: bins)
    private var next = 0
    private var size = 0
    /// The bin of the quantile: the lowest that has ``rank`` numbers at or below it.
    private var bin = 0
    private var atOrBelow = 0
    private let quantile: Double

    /// A quantile, 0 to 1, of nothing yet.
    init(_ quantile: Double) {
        self.quantile = quantile
    }

    private static func bin(_ inFlight: Float) -> Int {
        let number = UInt32(min(max(inFlight, 0), 2_000_000_000))
        guard number >= UInt32(exact) else { return Int(number) }
        let power = 31 - number.leadingZeroBitCount
        return exact + (power - 6) * 8 + Int((number >> UInt32(power - 3)) & 7)
    }

    /// Whether an endpoint with so many in flight is hot: above the quantile.
    ///
    /// At 0 all are, so that only the number in flight decides, at 1 none.
    func isHot(_ inFlight: Float) -> Bool {
        if quantile <= 0 { return true }
        return quantile < 1 && LoadQuantile.bin(inFlight) > bin
    }

    /// Takes a reported number in flight into account.
    mutating func add(_ inFlight: Float) {
        let added = LoadQuantile.bin(inFlight)
        if size == LoadQuantile.kept {
            let dropped = Int(recent[next])
            counts[dropped] &-= 1
            if dropped <= bin { atOrBelow &-= 1 }
        } else {
            size &+= 1
        }
        recent[next] = UInt16(added)
        next = (next &+ 1) % LoadQuantile.kept
        counts[added] &+= 1
        if added <= bin { atOrBelow &+= 1 }
        let rank = max(1, min(size, Int((Double(size) * quantile).rounded(.up))))
        while atOrBelow < rank && bin < LoadQuantile.bins - 1 {
            bin &+= 1
            atOrBelow &+= Int(counts[bin])
        }
        while bin > 0 && atOrBelow &- Int(counts[bin]) >= rank {
            atOrBelow &-= Int(counts[bin])
            bin &-= 1
        }
    }
}
