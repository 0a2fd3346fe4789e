/// Smooth weighted round robin, as nginx does it (commit 52327e0, 2012).
///
/// In each turn every endpoint gains its weight, the one with the most is picked and loses the
/// sum of all weights: with 5, 1, 1 the order is a a b a c a a, not a a a a a b c. Over one period
/// (the sum of the weights by their greatest common divisor) each gets exactly its share.
///
/// The order repeats after a period, so periods up to ``longestTable`` turns are laid out once and
/// a pick is one read: its cost does not grow with the endpoints. Longer ones are computed turn by
/// turn, linear in the endpoints. Each worker starts at a random place; else all of them would
/// send their first requests to the same endpoint.
///
/// A second try is drawn at random by weight and does not move the rotation: going on to the next
/// in line would load the successor of a failing endpoint with all that it refuses.
public final class RoundRobin: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "round-robin",
        summary: "each endpoint in turn, as often as its weight says, evenly interleaved",
        source: "nginx's smooth weighted round robin",
        make: { RoundRobin($0, random: &$1) }
    )

    /// The longest period that is laid out in memory, in turns (4 bytes each).
    static let longestTable = 4096
    /// How many draws a second try gets before it takes the next that is allowed.
    private static let draws = 8
    /// The most turns that a rotation too long for a table is advanced at the start.
    private static let startingTurns = 256

    private var rotation = SmoothRotation(weights: [])
    private var table: [UInt32] = []
    private var position = 0

    /// A rotation over these endpoints that begins at a random place.
    public init(_ context: StrategyContext, random: inout SeededRandom) {
        super.init()
        let weights = context.endpoints.map {
            UInt32(clamping: $0.weight) &* BalancingStrategy.unitWeight
        }
        weightsChanged(weights, random: &random)
    }

    /// The next endpoint in the rotation; for a second try one at random, by weight.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        let tried = request.tried
        guard tried.isEmpty else { return retry(excluding: tried, random: &random) }
        guard !table.isEmpty else { return rotation.next(excluding: tried) }
        let picked = table[position]
        position &+= 1
        if position == table.count { position = 0 }
        return Int(picked)
    }

    /// Begins a new rotation at a random place.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        rotation = SmoothRotation(weights: weights.map { Int($0) })
        table = []
        position = 0
        let period = rotation.period
        if period <= RoundRobin.longestTable {
            table.reserveCapacity(period)
            for _ in 0..<period {
                guard let next = rotation.next(excluding: TriedEndpoints()) else { break }
                table.append(UInt32(truncatingIfNeeded: next))
            }
            position = random.next(below: table.count)
        } else {
            for _ in 0..<random.next(below: RoundRobin.startingTurns) {
                _ = rotation.next(excluding: TriedEndpoints())
            }
        }
    }

    private func retry(
        excluding tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        guard !table.isEmpty else { return rotation.next(excluding: tried) }
        var place = 0
        for _ in 0..<RoundRobin.draws {
            place = random.next(below: table.count)
            let drawn = Int(table[place])
            if !tried.contains(drawn) { return drawn }
        }
        for offset in 0..<table.count {
            let index = place &+ offset
            let next = Int(table[index < table.count ? index : index &- table.count])
            if !tried.contains(next) { return next }
        }
        return nil
    }
}

/// The algorithm itself, linear in the endpoints per turn.
struct SmoothRotation {
    /// Weights beyond this count as this, so that no sum overflows.
    static let greatestWeight = 1 << 32

    private struct Share {
        let weight: Int
        var current = 0
    }

    private var shares: [Share]

    init(weights: [Int]) {
        shares = weights.map { Share(weight: min(max($0, 0), SmoothRotation.greatestWeight)) }
    }

    /// After how many turns the order repeats; 0 without any weight.
    var period: Int {
        var divisor = 0
        for share in shares {
            var other = share.weight
            while other != 0 { (divisor, other) = (other, divisor % other) }
        }
        return divisor == 0 ? 0 : shares.reduce(0) { $0 + $1.weight } / divisor
    }

    /// The next endpoint; those excluded neither gain nor lose, as nginx has it.
    mutating func next(excluding tried: TriedEndpoints) -> EndpointIndex? {
        var shares = self.shares.mutableSpan
        let isSecondTry = !tried.isEmpty
        var best = -1
        var bestCurrent = Int.min
        var total = 0
        for index in shares.indices {
            let weight = shares[index].weight
            if weight == 0 || (isSecondTry && tried.contains(index)) { continue }
            total &+= weight
            let raised = shares[index].current &+ weight
            shares[index].current = raised
            if raised > bestCurrent {
                best = index
                bestCurrent = raised
            }
        }
        guard best >= 0 else { return nil }
        shares[best].current &-= total
        return best
    }
}
