import Testing

@testable import Balancing

@Suite("Weighted sampling")
struct WeightedSamplerTests {
    private static let seed: UInt64 = 0x7361_6d70

    @Test(
        "draws are by weight within five standard deviations",
        arguments: [
            [1, 1, 1], [1, 2, 3, 4], [0, 5, 0, 5], [1_000, 1], [7], [100, 1_000, 1_000, 137],
            (1...100).map { UInt32($0) }, [1, 1_000_000, 1, 1],
        ] as [[UInt32]]
    )
    func shares(weights: [UInt32]) {
        var random = SeededRandom(seed: Self.seed)
        let sampler = WeightedSampler(weights: weights)
        var counts = weights.map { _ in 0 }
        let draws = 100_000
        for _ in 0..<draws {
            if let drawn = sampler.draw(&random) { counts[drawn] += 1 }
        }
        #expect(counts.reduce(0, +) == draws)
        let total = Double(weights.reduce(0, +))
        for (count, weight) in zip(counts, weights) {
            let share = Double(weight) / total
            let deviation = (Double(draws) * share * (1 - share)).squareRoot()
            #expect(
                abs(Double(count) - Double(draws) * share) <= 5 * deviation + 1,
                "\(counts), seed \(Self.seed)"
            )
        }
    }

    @Test("a pair is two different endpoints, the second by weight among the rest")
    func pairs() {
        for weights in [[1, 1, 1, 1], [1, 2, 3, 4], Array(repeating: 3, count: 40)] {
            var random = SeededRandom(seed: Self.seed)
            let sampler = WeightedSampler(weights: weights.map { UInt32($0) })
            var afterFirst = weights.map { _ in 0 }
            for _ in 0..<60_000 {
                guard
                    let pair = sampler.drawPair(excluding: TriedEndpoints(), random: &random)
                else {
                    Issue.record("no pair")
                    return
                }
                #expect(pair.first != pair.second && pair.second >= 0)
                if pair.first == 0 { afterFirst[pair.second] += 1 }
            }
            let rest = weights.dropFirst().reduce(0, +)
            let drawn = afterFirst.reduce(0, +)
            for index in 1..<weights.count {
                let expected = Double(drawn * weights[index]) / Double(rest)
                #expect(
                    abs(Double(afterFirst[index]) - expected) < 5 * expected.squareRoot() + 5,
                    "\(afterFirst), seed \(Self.seed)"
                )
            }
        }
    }

    @Test(
        "what is excluded is never drawn, and the last one left always",
        arguments: [2, 8, 9, 40]
    )
    func exclusion(count: Int) {
        var random = SeededRandom(seed: Self.seed)
        var weights = [UInt32](repeating: 1_000_000, count: count)
        weights[count - 1] = 1
        let sampler = WeightedSampler(weights: weights)
        var tried = TriedEndpoints()
        for index in 0..<min(7, count - 1) { tried.insert(index) }
        for _ in 0..<500 {
            let drawn = sampler.draw(excluding: tried, random: &random)
            #expect(drawn.map { !tried.contains($0) } == true)
        }
        let few = WeightedSampler(weights: [5, 0, 1])
        var both = TriedEndpoints()
        both.insert(0)
        #expect(few.draw(excluding: both, random: &random) == 2)
        let pair = few.drawPair(excluding: both, random: &random)
        #expect(pair?.first == 2 && pair?.second == -1)
        both.insert(2)
        #expect(few.draw(excluding: both, random: &random) == nil)
        #expect(few.drawPair(excluding: both, random: &random) == nil)
    }

    @Test("no weight gives nothing")
    func nothing() {
        var random = SeededRandom(seed: Self.seed)
        for weights in [[], [0], [0, 0, 0]] as [[UInt32]] {
            let sampler = WeightedSampler(weights: weights)
            #expect(sampler.draw(&random) == nil)
            #expect(sampler.drawPair(excluding: TriedEndpoints(), random: &random) == nil)
        }
    }
}
