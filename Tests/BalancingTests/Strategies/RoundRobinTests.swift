import Testing

@testable import Balancing

@Suite("Round robin")
struct RoundRobinTests {
    private static let seed: UInt64 = 0x726f_756e

    private func rotation(_ weights: [Int], random: inout SeededRandom) -> RoundRobin {
        let rotation = RoundRobin()
        rotation.weightsChanged(weights.map { UInt32($0) * 1000 }, random: &random)
        return rotation
    }

    private func picks(_ count: Int, _ weights: [Int], seed: UInt64 = Self.seed) -> [Int?] {
        var random = SeededRandom(seed: seed)
        let strategy = rotation(weights, random: &random)
        return (0..<count).map { _ in
            strategy.pick(PickRequest(now: 0, tried: TriedEndpoints()), random: &random)
        }
    }

    @Test("weights 5, 1, 1 are interleaved as in nginx, from some place on")
    func interleaving() {
        let period = [0, 0, 1, 0, 2, 0, 0]
        let rotations = (0..<7).map { Array(period[$0...] + period[..<$0]) }
        for seed in UInt64(0)..<50 {
            let picked = picks(14, [5, 1, 1], seed: seed)
            #expect(rotations.contains { $0 + $0 == picked }, "seed \(seed): \(picked)")
        }
    }

    @Test("workers start at different places, and at each one as often")
    func randomStart() {
        var starts = [Int](repeating: 0, count: 4)
        for seed in UInt64(0)..<4_000 {
            if let first = picks(1, [1, 1, 1, 1], seed: seed)[0] { starts[first] += 1 }
        }
        #expect(starts.allSatisfy { (850...1_150).contains($0) }, "\(starts)")
    }

    @Test(
        "each endpoint gets its exact share of every period",
        arguments: [
            [1], [3], [1, 1, 1], [5, 1, 1], [2, 4, 6], [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2],
            [100, 1], [4000, 96], [4000, 97], [1000, 999, 3000], [1 << 20, 1],
        ]
    )
    func shares(weights: [Int]) {
        let period = min(weights.reduce(0, +), 20_000)
        let picked = picks(2 * period, weights)
        let total = weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            let count = picked.count { $0 == index }
            let expected = 2 * period * weight / total
            #expect(abs(count - expected) <= 1, "endpoint \(index), seed \(Self.seed)")
        }
        #expect(!picked.contains(nil))
    }

    @Test("no endpoint waits longer than its weight says", arguments: [[3, 2, 1], [1, 1, 5, 9]])
    func smoothness(weights: [Int]) {
        let total = weights.reduce(0, +)
        let picked = picks(total * 4, weights)
        for (index, weight) in weights.enumerated() {
            let turns = picked.indices.filter { picked[$0] == index }
            let longest = zip(turns, turns.dropFirst()).map { $1 - $0 }.max() ?? .max
            #expect(longest <= 2 * ((total + weight - 1) / weight), "endpoint \(index)")
        }
    }

    @Test("weight 0, a negative one and no endpoints get nothing")
    func nothing() {
        #expect(picks(3, []) == [nil, nil, nil])
        #expect(picks(3, [0, 0]) == [nil, nil, nil])
        #expect(Set(picks(50, [0, 2, 0, 1])) == [1, 3])
    }

    @Test(
        "a second try never gets an endpoint again, and takes the others by weight",
        arguments: [[1, 1, 1, 1], [1, 2, 3, 6], [4_001, 8_002, 12_003, 24_006 + 1]]
    )
    func exclusion(weights: [Int]) {
        var random = SeededRandom(seed: Self.seed)
        let strategy = rotation(weights, random: &random)
        var tried = TriedEndpoints()
        tried.insert(3)
        var counts = [0, 0, 0, 0]
        for _ in 0..<12_000 {
            if let picked = strategy.pick(PickRequest(now: 0, tried: tried), random: &random) {
                counts[picked] += 1
            }
        }
        let rest = weights[0] + weights[1] + weights[2]
        for index in 0..<3 {
            let expected = 12_000 * weights[index] / rest
            #expect(
                abs(counts[index] - expected) < 400,
                "\(counts), seed \(Self.seed)"
            )
        }
        #expect(counts[3] == 0 && counts.reduce(0, +) == 12_000)
    }

    @Test("the one left is found however rare, and none when all were tried")
    func exhaustion() {
        for weights in [[4_000, 1, 0], [1 << 20, 1, 0]] {
            var random = SeededRandom(seed: Self.seed)
            let strategy = rotation(weights, random: &random)
            var tried = TriedEndpoints()
            tried.insert(0)
            for _ in 0..<100 {
                #expect(strategy.pick(PickRequest(now: 0, tried: tried), random: &random) == 1)
            }
            tried.insert(1)
            #expect(strategy.pick(PickRequest(now: 0, tried: tried), random: &random) == nil)
        }
    }

    @Test("a second try does not move the rotation")
    func rotationStays() {
        var random = SeededRandom(seed: Self.seed)
        let strategy = rotation([1, 1, 1], random: &random)
        var picked: [Int?] = []
        for _ in 0..<9 {
            let first = strategy.pick(PickRequest(now: 0, tried: TriedEndpoints()), random: &random)
            picked.append(first)
            var tried = TriedEndpoints()
            tried.insert(first ?? 0)
            _ = strategy.pick(PickRequest(now: 0, tried: tried), random: &random)
        }
        #expect((0..<3).allSatisfy { index in picked.count { $0 == index } == 3 }, "\(picked)")
    }

    @Test("other endpoints replace the old ones")
    func change() {
        var random = SeededRandom(seed: Self.seed)
        let strategy = rotation([1, 1, 1, 1, 1], random: &random)
        for weights in [[1, 1], [0, 0, 7], [1 << 20, 1], []] {
            strategy.weightsChanged(weights.map { UInt32($0) * 1000 }, random: &random)
            let picked = (0..<20).map { _ in
                strategy.pick(PickRequest(now: 0, tried: TriedEndpoints()), random: &random)
            }
            let allowed = weights.indices.filter { weights[$0] > 0 }
            #expect(picked.allSatisfy { $0.map(allowed.contains) ?? allowed.isEmpty })
        }
    }
}
