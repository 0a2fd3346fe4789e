import Balancing
import Testing

@testable import Health

@Suite("What is sure of a rate")
struct SureRateTests {
    @Test(
        "the ends are Wilson's",
        arguments: [
            (0, 20, 0.0, 0.4444), (20, 20, 0.5556, 1.0), (10, 20, 0.1667, 0.8333),
            (100, 100, 0.8621, 1.0), (990, 1000, 0.9676, 0.9970), (0, 0, 0.0, 1.0),
        ]
    )
    func ends(good: UInt32, tries: UInt32, lower: Double, upper: Double) {
        let rate = SureRate(good: good, tries: tries)
        #expect(abs(rate.lower - lower) < 1e-4 && abs(rate.upper - upper) < 1e-4, "\(rate)")
    }

    @Test("the truth is seldom outside")
    func coverage() {
        var random = SeededRandom(seed: 3)
        var outside = 0
        for _ in 0..<20_000 {
            let truth = Double(random.next(below: 1000)) / 1000
            let tries = 20 + random.next(below: 100)
            let good = (0..<tries).count { _ in
                Double(random.next(below: 1_000_000)) < truth * 1e6
            }
            let rate = SureRate(good: UInt32(good), tries: UInt32(tries))
            if truth < rate.lower || truth > rate.upper { outside += 1 }
        }
        #expect(outside < 20, "six are expected")
    }

    @Test("the median of the others is that of the others", arguments: 1...100)
    func median(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let values = (0..<(2 + random.next(below: 9))).map { _ in Double(random.next(below: 6)) }
        let medians = MedianOfOthers(values)
        for index in values.indices {
            var others = values
            others.remove(at: index)
            others.sort()
            let expected = (others[(others.count - 1) / 2] + others[others.count / 2]) / 2
            #expect(medians.median(without: values[index]) == expected)
        }
        #expect(MedianOfOthers([1]).median(without: 1) == nil)
        #expect(MedianOfOthers([]).median(without: 1) == nil)
    }
}
