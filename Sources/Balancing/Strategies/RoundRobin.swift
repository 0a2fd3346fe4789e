/// Smooth weighted round robin, as nginx does it (commit 52327e0, 2012).
///
/// In each turn every endpoint gains its weight, the one with the most is picked and loses the
/// sum of all weights: with 5, 1, 1 the order is a a b a c a a, not a a a a a b c. Over one cycle
/// (the sum of the weights by their greatest common divisor) each gets exactly its share.
///
/// The cycle is laid out when weights change (``RotationSchedule``: at most 65,536 turns, to which
/// longer cycles are rounded), so that a pick is one read, whatever the number of endpoints. Each
/// worker starts at a random place; else all of them would send their first requests to the same
/// endpoint. When weights change the rotation goes on at the same part of the new cycle.
///
/// A second try is drawn at random by weight and does not move the rotation: going on to the next
/// in line would load the successor of a failing endpoint with all that it refuses.
public final class RoundRobin: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "round-robin",
        summary: "each endpoint in turn, as often as its weight says, evenly interleaved",
        source: "nginx's smooth weighted round robin",
        make: { _, _ in RoundRobin() }
    )

    private var sampler = WeightedSampler(weights: [])
    private var turns: [UInt32] = []
    private var position = 0

    /// The next endpoint in the rotation; for a second try one at random, by weight.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        guard request.tried.isEmpty else {
            return sampler.draw(excluding: request.tried, random: &random)
        }
        guard position < turns.count else { return nil }
        let picked = turns[position]
        position &+= 1
        if position == turns.count { position = 0 }
        return Int(picked)
    }

    /// Lays out the new cycle and goes on at the same part of it; the first one begins at random.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        let before = turns.count
        sampler = WeightedSampler(weights: weights)
        turns = RotationSchedule(weights: weights).turns
        position =
            before == 0
            ? random.next(below: turns.count)
            : min(position * turns.count / before, max(0, turns.count - 1))
    }
}
