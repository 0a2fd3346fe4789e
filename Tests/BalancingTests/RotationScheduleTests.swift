import Testing

@testable import Balancing

@Suite("Rotation schedule")
struct RotationScheduleTests {
    private static let rows: [[UInt32]] = [
        [5_000, 1_000, 1_000], [1_000, 0, 137], Array(repeating: 1_000, count: 1_000),
        Array(repeating: 1_000, count: 999) + [100], (1...300).map { $0 },
        [30_000] + Array(repeating: 1, count: 30_000), (1...100).map { $0 * 13 },
    ]

    @Test("each endpoint gets exactly its share of a cycle that fits", arguments: rows)
    func exactness(weights: [UInt32]) {
        let turns = RotationSchedule(weights: weights).turns
        var counts = weights.map { _ in 0 }
        for index in turns { counts[Int(index)] += 1 }
        let total = weights.reduce(0) { $0 + Int($1) }
        for (count, weight) in zip(counts, weights) {
            #expect(count * total == Int(weight) * turns.count)
        }
    }

    @Test("longer cycles are rounded, and nobody is left out")
    func rounding() {
        for weights in [
            Array(repeating: 1_000, count: 999) + [137], [1_000_000, 999_999, 1],
            (1...1_000).map { UInt32($0 * 997) },
        ] as [[UInt32]] {
            let turns = RotationSchedule(weights: weights).turns
            #expect(turns.count <= RotationSchedule.longestCycle + weights.count)
            var counts = weights.map { _ in 0 }
            for index in turns { counts[Int(index)] += 1 }
            let total = weights.reduce(0.0) { $0 + Double($1) }
            for (count, weight) in zip(counts, weights) {
                let expected = Double(weight) / total * Double(RotationSchedule.longestCycle)
                #expect(abs(Double(count) - expected) <= 1 && count > 0)
            }
        }
    }

    @Test(
        "turns are evenly spaced: no window holds much more or less of a heavy one than it should"
    )
    func spacing() {
        // One heavy endpoint beside many light ones of different weights.
        let weights = [20_000] + (0..<500).map { UInt32(2 * $0 + 1) % 97 }
        let turns = RotationSchedule(weights: weights).turns
        let share = 20_000 / Double(weights.reduce(0) { $0 + Int($1) })
        let window = 200
        for start in stride(from: 0, to: turns.count - window, by: window / 4) {
            let count = turns[start..<(start + window)].count { $0 == 0 }
            #expect(abs(Double(count) - share * Double(window)) < 45, "at \(start): \(count)")
        }
    }

    @Test("a change of weights goes on at the same part of the cycle, an equal list where it was")
    func place() {
        var random = SeededRandom(seed: 4)
        let strategy = RoundRobin()
        let request = PickRequest(now: 0)
        var weights = [UInt32](repeating: 1_000, count: 100)
        strategy.weightsChanged(weights, random: &random)
        var last = strategy.pick(request, random: &random) ?? -1
        for turn in 0..<300 {
            strategy.weightsChanged(weights, random: &random)
            let picked = strategy.pick(request, random: &random) ?? -1
            #expect(picked == (last + 1) % 100, "turn \(turn)")
            last = picked
        }
        while strategy.pick(request, random: &random) != 49 {}
        weights[99] = 0
        strategy.weightsChanged(weights, random: &random)
        let next = strategy.pick(request, random: &random) ?? -1
        #expect((48...51).contains(next), "\(next)")
    }
}
