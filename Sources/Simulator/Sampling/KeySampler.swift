import Balancing

/// Draws a request's key: Zipf distributed over a fixed number of keys.
///
/// Vose's alias method: two table entries and one random number a draw, whatever the number of
/// keys.
struct KeySampler {
    private var thresholds: [Double] = []
    private var aliases: [UInt32] = []
    private let count: Int

    /// The key in place k (from 1) is drawn with a probability proportional to 1 / k^skew.
    init(count: Int, skew: Double) {
        self.count = max(1, count)
        guard skew > 0, count > 1 else { return }
        var shares = (1...count).map { Maths.power(Double($0), -skew) }
        let scale = Double(count) / shares.reduce(0, +)
        var small: [Int] = []
        var large: [Int] = []
        for index in shares.indices {
            shares[index] *= scale
            if shares[index] < 1 { small.append(index) } else { large.append(index) }
        }
        thresholds = Array(repeating: 1, count: count)
        aliases = (0..<count).map { UInt32($0) }
        while let poor = small.popLast(), let rich = large.popLast() {
            thresholds[poor] = shares[poor]
            aliases[poor] = UInt32(rich)
            shares[rich] -= 1 - shares[poor]
            if shares[rich] < 1 { small.append(rich) } else { large.append(rich) }
        }
    }

    /// The place of a key, from 0.
    func draw(_ random: inout SeededRandom) -> Int {
        let place = random.next(below: count)
        guard !thresholds.isEmpty else { return place }
        return random.unit() <= thresholds[place] ? place : Int(aliases[place])
    }

    /// The hash that a strategy sees of the key in a place.
    static func hash(_ place: Int) -> UInt64 { mixedBits(UInt64(truncatingIfNeeded: place)) }
}
