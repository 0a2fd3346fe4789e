import Balancing
import Simulator
import Testing

@Suite("Histogram of latencies")
struct HistogramTests {
    @Test("each percentile is within 1 % of the exact one", arguments: [1, 2, 3] as [UInt64])
    func precision(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var histogram = LatencyHistogram()
        var values: [Int64] = []
        for _ in 0..<20_000 {
            // Ten powers of ten, so that each size of part is met.
            let size = Int64(1) << Int64(random.next(below: 40))
            let value = size + Int64(random.next(below: Int(size)))
            values.append(value)
            histogram.record(value)
        }
        values.sort()
        for millionths in [1000, 500_000, 900_000, 990_000, 999_000, 1_000_000] {
            let rank = max(1, (millionths * values.count + 999_999) / 1_000_000)
            let exact = Double(values[rank - 1])
            let found = Double(histogram.value(atMillionths: millionths))
            #expect(abs(found - exact) <= exact * 0.01, "seed \(seed), \(millionths) millionths")
        }
        #expect(histogram.greatest == values.last)
        #expect(histogram.count == 20_000)
        let sum = values.reduce(0, +)
        #expect(histogram.mean == sum / 20_000)
    }

    @Test("small values are exact, and the ends are in it")
    func ends() {
        var histogram = LatencyHistogram()
        #expect(histogram.value(atMillionths: 500_000) == 0 && histogram.mean == 0)
        for value in 0..<Int64(256) { histogram.record(value) }
        #expect(histogram.value(atMillionths: 500_000) == 127)
        histogram.record(-5)
        #expect(histogram.value(atMillionths: 1) == 0)
        histogram.record(Int64.max)
        #expect(histogram.value(atMillionths: 1_000_000) >= Int64.max / 100 * 99)
        #expect(histogram.greatest == Int64.max)
    }
}
