import Configuration
import Testing

@testable import Proxy

@Suite("Histograms of durations")
struct DurationHistogramTests {
    @Test("each value lies in its bucket", arguments: [DurationBuckets.fine, .coarse])
    func places(buckets: DurationBuckets) {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let value = Int64.random(in: 0...(1 << Int64.random(in: 1...41)), using: &random)
            let index = buckets.index(value)
            #expect(index >= 0 && index < buckets.count)
            #expect(Double(value) < buckets.end(index))
            if index > 0 { #expect(Double(value) >= buckets.end(index - 1)) }
        }
    }

    @Test(
        "values are known to their share",
        arguments: [(DurationBuckets.fine, 0.01), (.coarse, 0.04)]
    )
    func error(buckets: DurationBuckets, share: Double) {
        var value = 200_000.0
        while value < 3e12 {
            let middle = buckets.middle(buckets.index(Int64(value)))
            #expect(abs(middle - value) <= share * value)
            value *= 1.003
        }
    }

    @Test("what is out of range counts at the ends")
    func ends() {
        #expect(DurationBuckets.fine.index(-5) == 0)
        #expect(DurationBuckets.fine.index(.max) == DurationBuckets.fine.count - 1)
        #expect(DurationBuckets.coarse.index(.max) == DurationBuckets.coarse.count - 1)
    }

    @Test("quantiles of a thousand values")
    func quantiles() throws {
        var histogram = DurationHistogram()
        for value in 1...1000 { histogram.add(Double(value) * 1e6, times: 1) }
        for (share, expected) in [(0.5, 500e6), (0.9, 900e6), (0.99, 990e6), (0.999, 999e6)] {
            let found = try #require(histogram.quantile(share))
            #expect(abs(found - expected) <= 0.01 * expected)
        }
        #expect(DurationHistogram().quantile(0.5) == nil)
        #expect(histogram.count(upTo: 100e6) >= 98 && histogram.count(upTo: 100e6) <= 102)
        #expect(histogram.count(upTo: 1e12) == 1000)
    }

    @Test("a difference holds what came since")
    func difference() {
        var histogram = DurationHistogram()
        histogram.add(1e6, times: 3)
        let earlier = histogram
        histogram.add(5e6, times: 2)
        var late = DurationHistogram()
        late.add(5e6, times: 2)
        #expect(histogram.since(earlier) == late)
    }

    @Test("a difference to one that had more holds nothing of it")
    func differenceToMore() {
        var earlier = DurationHistogram()
        earlier.add(1e6, times: 3)
        var now = DurationHistogram()
        now.add(5e6, times: 2)
        #expect(now.since(earlier) == now)
        #expect(DurationHistogram().since(earlier).quantile(1) == nil)
    }

    @Test("a worker's rows and histograms are read as written")
    func rows() {
        let statistics = WorkerStatistics(PlacedConfig(Config()))
        defer { withExtendedLifetime(statistics) {} }
        let row = statistics.traffic.row(5)
        for _ in 0..<10 {
            row.add(TrafficColumn.outcomes)
            row.add(
                TrafficColumn.histogram,
                duration: 2_000_000,
                statistics,
                mayBeFine: true
            )
        }
        let endpoint = statistics.endpoints.row(3)
        endpoint.add(
            EndpointColumn.histogram,
            duration: 2_000_000,
            statistics,
            mayBeFine: false
        )
        #expect(statistics.traffic.read(5)[TrafficColumn.outcomes] == 10)
        #expect(statistics.traffic.read(4)[TrafficColumn.outcomes] == 0)
        var histogram = DurationHistogram()
        WorkerStatistics.read(row + TrafficColumn.histogram, into: &histogram)
        #expect(histogram.total == 10)
        WorkerStatistics.read(endpoint + EndpointColumn.histogram, into: &histogram)
        #expect(histogram.total == 11)
    }

    @Test("what was counted at a place is forgotten when another gets it")
    func cleared() {
        let statistics = WorkerStatistics(PlacedConfig(Config()))
        defer { withExtendedLifetime(statistics) {} }
        let row = statistics.endpoints.row(2)
        row.add(EndpointColumn.tries, 7)
        row.add(EndpointColumn.histogram, duration: 2_000_000, statistics, mayBeFine: false)
        statistics.clear(endpoint: 2)
        var totals = EndpointTotals()
        statistics.add(endpoint: 2, to: &totals)
        #expect(totals.tries == 0 && totals.answerTimes.total == 0)
        row.add(EndpointColumn.histogram, duration: 2_000_000, statistics, mayBeFine: false)
        statistics.add(endpoint: 2, to: &totals)
        #expect(totals.answerTimes.total == 1)
    }
}
