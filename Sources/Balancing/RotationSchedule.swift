/// The order in which a weighted rotation goes through its endpoints, laid out for one cycle.
///
/// Each endpoint has as many turns in it as its share says, as evenly spaced as can be. Short
/// cycles follow nginx's smooth weighted round robin to the turn; it looks at all endpoints for
/// each turn, which would stall a worker where both are many. Longer cycles are computed place by
/// place: all endpoints of one weight form a stream of evenly spaced turns, and the streams are
/// merged by sorting places into one bucket a turn. That is linear in the turns.
struct RotationSchedule {
    /// The longest cycle in turns, of 4 bytes each, but for one turn for each endpoint.
    ///
    /// Where the weights ask for a longer one, they are rounded to this many turns, each endpoint
    /// having at least one: a pool of 10 has its shares within 0.01 %.
    static let longestCycle = 65_536
    /// The most steps, endpoints × turns, that nginx's algorithm may take.
    private static let smoothSteps = 1 << 17
    /// How far a stream's first turn is moved in relation to that of the weight before: the golden
    /// ratio's fraction keeps any number of streams from beginning together.
    private static let phaseStep = 0.6180339887498949

    /// One endpoint of the rotation.
    private struct Share {
        let index: UInt32
        var turns: Int
    }

    /// The endpoint of each turn; empty without any weight.
    let turns: [UInt32]

    init(weights: [UInt32]) {
        let shares = RotationSchedule.shares(weights)
        let cycle = shares.reduce(0) { $0 + $1.turns }
        if cycle == shares.count {
            turns = shares.map(\.index)
        } else if cycle <= RotationSchedule.smoothSteps / max(1, shares.count) {
            turns = RotationSchedule.smooth(shares, cycle)
        } else {
            turns = RotationSchedule.merged(shares, cycle)
        }
    }

    /// How many turns of a cycle each endpoint gets.
    private static func shares(_ weights: [UInt32]) -> [Share] {
        var divisor = 0
        var total = 0
        for weight in weights {
            var other = Int(weight)
            while other != 0 { (divisor, other) = (other, divisor % other) }
            total += Int(weight)
        }
        guard divisor > 0 else { return [] }
        let isExact = total / divisor <= longestCycle
        let scale = Double(longestCycle) / Double(total)
        return weights.indices.filter { weights[$0] > 0 }.map { index in
            let weight = Int(weights[index])
            return Share(
                index: UInt32(truncatingIfNeeded: index),
                turns: isExact
                    ? weight / divisor : max(1, Int((Double(weight) * scale).rounded()))
            )
        }
    }

    /// nginx's algorithm (commit 52327e0, 2012), linear in the endpoints for each turn.
    ///
    /// In each turn every endpoint gains its weight; the one with the most is picked and loses the
    /// sum of all weights.
    private static func smooth(_ shares: [Share], _ cycle: Int) -> [UInt32] {
        var current = [Int](repeating: 0, count: shares.count)
        var turns: [UInt32] = []
        turns.reserveCapacity(cycle)
        for _ in 0..<cycle {
            var best = 0
            for place in current.indices {
                current[place] += shares[place].turns
                if current[place] > current[best] { best = place }
            }
            current[best] -= cycle
            turns.append(shares[best].index)
        }
        return turns
    }

    /// Streams of evenly spaced turns, one for each weight, merged.
    private static func merged(_ shares: [Share], _ cycle: Int) -> [UInt32] {
        let sorted = shares.sorted { ($1.turns, $0.index) < ($0.turns, $1.index) }
        var starts = [Int](repeating: 0, count: cycle + 1)
        visit(sorted, cycle) { bucket, _ in starts[bucket + 1] += 1 }
        for bucket in 0..<cycle { starts[bucket + 1] += starts[bucket] }
        var turns = [UInt32](repeating: 0, count: cycle)
        visit(sorted, cycle) { bucket, index in
            turns[starts[bucket]] = index
            starts[bucket] += 1
        }
        return turns
    }

    /// All turns of all streams, each with the bucket that its place falls into.
    private static func visit(
        _ sorted: [Share],
        _ cycle: Int,
        _ body: (_ bucket: Int, _ index: UInt32) -> Void
    ) {
        var phase = 0.5
        var first = 0
        while first < sorted.count {
            var end = first
            while end < sorted.count && sorted[end].turns == sorted[first].turns { end += 1 }
            let members = end - first
            let count = members * sorted[first].turns
            let step = Double(cycle) / Double(count)
            var member = first
            for turn in 0..<count {
                let bucket = Int((Double(turn) + phase) * step)
                body(min(bucket, cycle - 1), sorted[member].index)
                member += 1
                if member == end { member = first }
            }
            phase += phaseStep
            if phase >= 1 { phase -= 1 }
            first = end
        }
    }
}
