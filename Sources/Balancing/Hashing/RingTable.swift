/// A ring of points (Karger et al., STOC 1997): a key's endpoint is that of the next point.
///
/// Each endpoint has 160 points per unit of weight, as ketama and nginx have it. How many depends
/// on its own weight only, so that another weight moves only what it has to, until there are more
/// than ``greatestCount`` and more than 320 a server: then all have half, a quarter and so on.
///
/// An index by the first bits takes a key to the few points of its neighbourhood at once, where a
/// binary search would touch a cache line at each step.
final class RingTable: StrategyTable {
    /// Points per unit of weight.
    static let pointsPerWeight = 160
    /// Up to so many points none is left out.
    static let greatestCount = 131_072

    /// What picks read; valid as long as the ring.
    let view: View

    /// A ring of the members, sorted by name.
    init(_ members: [HashMember]) {
        let counts = RingTable.counts(members.map(\.weight))
        let total = counts.reduce(0, +)
        var bits: UInt64 = 1
        while bits < 24, (1 << bits) < total { bits &+= 1 }
        var hashed: [UInt64] = []
        hashed.reserveCapacity(total)
        for (rank, member) in members.enumerated() {
            for point in 0..<counts[rank] {
                let mixed = KeyHash.mix(member.hash &+ UInt64(point) &* 0x9e37_79b9_7f4a_7c15)
                hashed.append((mixed >> 32) << 32 | UInt64(rank))
            }
        }
        let (sorted, starts) = RingTable.sort(hashed, bits: bits)
        // Equal places are in the order of names; only then do indices of the file come in.
        let points = sorted.map { point in
            let rank = Int(truncatingIfNeeded: point & 0xffff_ffff)
            return (point >> 32) << 32 | UInt64(truncatingIfNeeded: members[rank].index)
        }
        view = View(points: FlatArray(points), starts: FlatArray(starts), shift: 32 &- bits)
    }

    deinit {
        view.points.deallocate()
        view.starts.deallocate()
    }

    var memory: Int { view.points.memory + view.starts.memory }

    /// The points and their index.
    struct View {
        /// A point's place in the upper half, its endpoint in the lower one.
        fileprivate let points: FlatArray<UInt64>
        /// For each value of a place's first bits, the first point that has it or a greater one.
        fileprivate let starts: FlatArray<UInt32>
        fileprivate let shift: UInt64

        /// How many points there are.
        var count: Int { points.count }

        /// The point that a hash belongs to; the ring must not be empty.
        func locate(_ hash: UInt64) -> Int {
            let place = hash >> 32
            var point = Int(starts[Int(truncatingIfNeeded: place >> shift)])
            while point < points.count, points[point] >> 32 < place { point &+= 1 }
            return point == points.count ? 0 : point
        }

        /// The next point, the first one after the last.
        func following(_ point: Int) -> Int {
            point &+ 1 == points.count ? 0 : point &+ 1
        }

        /// Where a point lies, in 0..<2^32.
        func place(_ point: Int) -> UInt64 { points[point] >> 32 }

        /// The endpoint that a point belongs to.
        func owner(_ point: Int) -> EndpointIndex {
            Int(truncatingIfNeeded: points[point] & 0xffff_ffff)
        }
    }

    private static func counts(_ weights: [Int]) -> [Int] {
        let whole = weights.map { $0.multipliedReportingOverflow(by: pointsPerWeight) }
            .map { $0.overflow ? Int(Int32.max) : min($0.partialValue, Int(Int32.max)) }
        let most = max(greatestCount, 2 &* pointsPerWeight &* weights.count)
        var halvings = 0
        while whole.reduce(0, { $0 &+ ($1 >> halvings) }) > most { halvings &+= 1 }
        return whole.map { max(1, $0 >> halvings) }
    }

    /// Sorts by the first bits at once, then what they have in common, one or two each.
    private static func sort(_ points: [UInt64], bits: UInt64) -> ([UInt64], [UInt32]) {
        let shift = 64 &- bits
        var starts = [UInt32](repeating: 0, count: (1 << bits) + 1)
        for point in points { starts[Int(point >> shift) &+ 1] &+= 1 }
        for bucket in 1..<starts.count { starts[bucket] &+= starts[bucket &- 1] }
        var ends = starts
        var sorted = [UInt64](repeating: 0, count: points.count)
        for point in points {
            let bucket = Int(point >> shift)
            var place = Int(ends[bucket])
            while place > Int(starts[bucket]), sorted[place &- 1] > point {
                sorted[place] = sorted[place &- 1]
                place &-= 1
            }
            sorted[place] = point
            ends[bucket] &+= 1
        }
        return (sorted, starts)
    }
}
