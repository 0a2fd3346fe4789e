/// How many of so many tries were good, and between which rates the truth surely lies.
///
/// The ends are Wilson's ("Probable Inference", 1927) with z = 4: the truth is outside of them
/// once in 16,000 times. It has to be so seldom, since each endpoint is looked at some thirty times
/// a second: with z = 3, one of two that fail alike was ejected by chance about hourly. Unlike the
/// plain rate, the ends say little after few tries.
struct SureRate: BitwiseCopyable {
    /// Good tries.
    let good: UInt32
    /// All of them.
    let tries: UInt32

    /// The rate as measured, 0 to 1; 1 without a try.
    var rate: Double { tries == 0 ? 1 : Double(good) / Double(tries) }

    /// What the rate surely is at least.
    var lower: Double { max(0, centre - reach) }

    /// What the rate surely is at most.
    var upper: Double { min(1, centre + reach) }

    private static let square = 16.0

    private var centre: Double {
        guard tries > 0 else { return 0.5 }
        let count = Double(tries)
        return (rate + Self.square / (2 * count)) / (1 + Self.square / count)
    }

    private var reach: Double {
        guard tries > 0 else { return 0.5 }
        let count = Double(tries)
        let variance = rate * (1 - rate) / count + Self.square / (4 * count * count)
        return (Self.square * variance).squareRoot() / (1 + Self.square / count)
    }
}

/// The median of all values but one's own.
///
/// With one's own among them, two endpoints could not be told apart: half of one's own badness
/// would be in what one is compared with.
struct MedianOfOthers {
    private let sorted: [Double]

    /// Of these values.
    init(_ values: [Double]) { sorted = values.sorted() }

    /// The median without one value that is equal to `own`; `nil` if none is left.
    func median(without own: Double) -> Double? {
        let others = sorted.count - 1
        guard others > 0 else { return nil }
        let place = firstPlace(of: own)
        func other(_ index: Int) -> Double { sorted[index < place ? index : index + 1] }
        let middle = others / 2
        if others % 2 == 1 { return other(middle) }
        return (other(middle - 1) + other(middle)) / 2
    }

    /// The first place whose value is not below `value`, at most the last place.
    private func firstPlace(of value: Double) -> Int {
        var (low, high) = (0, sorted.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
