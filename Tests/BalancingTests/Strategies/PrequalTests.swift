import Testing

@testable import Balancing

@Suite("Prequal")
struct PrequalTests {
    private let millisecond = TestPool.millisecond

    private func report(_ pool: TestPool, _ index: Int, _ inFlight: Int32, _ latency: Int64) {
        let report = LoadReport(
            now: pool.now,
            inFlight: inFlight,
            latency: latency * millisecond
        )
        pool.balancer.reported(index, report, random: &pool.random)
    }

    @Test("the fastest cold endpoint is picked, and one that is hot is not")
    func hotAndCold() {
        let pool = TestPool("prequal", weights: [1, 1, 1, 1, 1, 1, 1, 1])
        for index in 0..<8 { report(pool, index, 2, 50) }
        report(pool, 3, 2, 10)
        // Faster than all, but with more in flight than 84 % of the reports.
        report(pool, 5, 40, 1)
        #expect(pool.pick() == 3)
    }

    @Test("if all are hot, the one with the fewest in flight is picked")
    func allHot() {
        let pool = TestPool("prequal", weights: [1, 1, 1]) { $0.prequal.quantile = 0 }
        report(pool, 0, 9, 1)
        report(pool, 1, 7, 90)
        report(pool, 2, 8, 1)
        #expect(pool.pick() == 1)
    }

    @Test("a quantile of 1 goes by latency alone")
    func latencyOnly() {
        let pool = TestPool("prequal", weights: [1, 1, 1]) { $0.prequal.quantile = 1 }
        report(pool, 0, 90, 1)
        report(pool, 1, 7, 90)
        report(pool, 2, 8, 2)
        #expect(pool.pick() == 0)
    }

    @Test("a report that was used counts one more in flight")
    func compensation() {
        let pool = TestPool("prequal", weights: Array(repeating: 1, count: 6)) {
            $0.prequal.quantile = 0
        }
        for index in 2..<6 { report(pool, index, 30, 5) }
        pool.now += 1
        for index in 0..<2 { report(pool, index, 1, 5) }
        // The two with 1 in flight take turns; those with 30 go as oldest and worst.
        let picked = (0..<4).compactMap { _ in pool.pick() }
        #expect(picked.count { $0 == 0 } == 2 && picked.count { $0 == 1 } == 2, "\(picked)")
    }

    @Test("what a probe's answer does not tell is known by own traffic")
    func untold() {
        let pool = TestPool("prequal", weights: [1, 1, 1]) { $0.prequal.quantile = 1 }
        for index in 0..<3 {
            for _ in 0..<7 {
                let result = TryResult(
                    now: pool.now,
                    latency: Int64(30 - 10 * index) * millisecond,
                    inFlight: 0
                )
                pool.balancer.answered(index, result, random: &pool.random)
            }
        }
        // Own traffic took 30, 20 and 10 ms there.
        report(pool, 0, 0, 5)
        report(pool, 1, 0, 15)
        pool.balancer.reported(
            2,
            LoadReport(now: pool.now, inFlight: 0, latency: -1),
            random: &pool.random
        )
        #expect(pool.pick() == 0)
        report(pool, 0, 0, 12)
        for inFlight in [0, -1] as [Int32] {
            let untold = LoadReport(now: pool.now, inFlight: inFlight, latency: -1)
            report(pool, 0, 0, 12)
            report(pool, 1, 0, 15)
            pool.balancer.reported(2, untold, random: &pool.random)
            #expect(pool.pick() == 2, "in flight \(inFlight)")
        }
    }

    @Test("picks without further reports do not empty the pool")
    func slowReports() {
        let pool = TestPool("prequal", weights: [1, 1, 1, 1, 1, 1, 1, 1])
        for index in 0..<8 { report(pool, index, 0, Int64(index + 1)) }
        // By load alone the last one would be picked.
        for index in 0..<7 { pool.setInFlight(index, 9) }
        // Each one counts as hot once it was picked, so that the next fastest follows.
        let picked = (0..<6).map { _ in pool.pick() }
        #expect(picked == [0, 1, 2, 3, 4, 5], "\(picked)")
    }

    @Test("reports older than the age limit are worth nothing")
    func age() {
        let pool = TestPool("prequal", weights: [1, 1, 1, 1])
        for index in 0..<4 { report(pool, index, 0, index == 2 ? 1 : 100) }
        pool.now += TestPool.second + 1
        // Still within the time in which probes are expected: two at random by in flight.
        for index in 0..<3 { pool.setInFlight(index, 5) }
        let counts = pool.count(1_000)
        #expect(abs(counts[3] - 500) < 80 && counts[2] < 300, "\(counts)")
    }

    @Test("one failure among answers does not take an endpoint out")
    func singleFailure() {
        let pool = TestPool("prequal", weights: [1, 1])
        pool.answered(0, latency: millisecond)
        pool.answered(0, latency: millisecond, kind: .failed)
        pool.setInFlight(1, 1)
        #expect(pool.count(50)[0] > 0)
        pool.answered(0, latency: millisecond, kind: .failed)
        #expect(pool.count(50)[0] == 0)
    }

    @Test("an endpoint that fails is left alone for the penalty or Retry-After, on all workers")
    func failure() {
        let pool = TestPool("prequal", weights: [1, 1, 1])
        var random = SeededRandom(seed: 8)
        let other = PoolBalancer(pool.plan, now: pool.now, random: &random)
        for _ in 0..<2 { pool.answered(1, latency: millisecond, kind: .failed) }
        pool.answered(2, latency: millisecond, kind: .failed, retryAfter: 20 * TestPool.second)
        for _ in 0..<100 {
            report(pool, 1, 0, 1)
            #expect(pool.pick() != 1)
            let request = PickRequest(now: pool.now)
            #expect(other.pick(request, random: &random) != 1)
        }
        pool.now += 19 * TestPool.second
        #expect(pool.count(300)[2] == 0)
        pool.now += 2 * TestPool.second
        #expect(pool.count(300)[2] > 60)
    }

    @Test("an endpoint that answers 503 in 1 ms gets next to nothing", arguments: [2, 4, 40])
    func fastFailure(count: Int) {
        let pool = TestPool("prequal", weights: Array(repeating: 1, count: count))
        // 100 s at 400 requests a second.
        let counts = pool.run(40_000, every: 2_500_000) { endpoint, _ in
            endpoint == 0
                ? .init(latency: TestPool.millisecond, kind: .failed)
                : .init(latency: 20 * TestPool.millisecond)
        }
        #expect((1...150).contains(counts[0]), "\(counts)")
    }

    @Test("own traffic alone: a slow endpoint gets little, and its share when it recovers")
    func recovery() {
        let pool = TestPool("prequal", weights: [1, 1, 1, 1])
        let service = { (isSlow: Bool) in
            { (endpoint: Int, _: Int64) in
                TestPool.Service(
                    latency: (endpoint == 0 && isSlow ? 200 : 10) * TestPool.millisecond
                )
            }
        }
        let slow = pool.run(24_000, every: 2_500_000, service: service(true))
        #expect((2...1_200).contains(slow[0]), "\(slow)")
        _ = pool.run(24_000, every: 2_500_000, service: service(false))
        let recovered = pool.run(12_000, every: 2_500_000, service: service(false))
        #expect(recovered[0] > 1_000, "\(recovered)")
    }

    @Test("probes go to all eligible endpoints, each once in a round")
    func probeTargets() {
        let pool = TestPool("prequal", weights: [1, 0, 5, 1, 1])
        pool.plan.shared.set(3, .down, now: pool.now)
        _ = pool.pick()
        for _ in 0..<4 { _ = pool.balancer.probeTarget(random: &pool.random) }
        var counts = [0, 0, 0, 0, 0]
        for _ in 0..<100 {
            let round = (0..<3).compactMap { _ in
                pool.balancer.probeTarget(random: &pool.random)
            }
            for index in round { counts[index] += 1 }
        }
        #expect(counts.reduce(0, +) == 300 && counts[1] == 0 && counts[3] == 0, "\(counts)")
        #expect([0, 2, 4].allSatisfy { abs(counts[$0] - 100) < 3 }, "\(counts)")
        let none = TestPool("random", weights: [1])
        #expect(none.balancer.probeTarget(random: &none.random) == nil)
    }
}

@Suite("Load reports")
struct ReportPoolTests {
    private func report(_ endpoint: UInt32, _ load: Float, _ latency: Float, made: Int64)
        -> ReportPool.Report
    {
        ReportPool.Report(
            endpoint: endpoint,
            uses: 1,
            inFlight: load,
            latency: latency,
            made: made,
            isOwn: false
        )
    }

    private func endpoints(_ pool: ReportPool) -> Set<UInt32> {
        Set((0..<pool.count).map { pool[$0].endpoint })
    }

    @Test("the pool keeps the newest report of each, at most its capacity")
    func bound() {
        var pool = ReportPool(capacity: 3)
        defer { pool.deallocate() }
        for index in 0..<3 { pool.add(report(UInt32(index), 1, 1, made: Int64(index))) }
        pool.add(report(0, 5, 5, made: 10))
        #expect(pool.count == 3)
        pool.add(report(7, 1, 1, made: 11))
        #expect(pool.count == 3 && endpoints(pool) == [0, 2, 7])
        pool.remove(endpoint: 2)
        pool.remove(endpoint: 2)
        #expect(endpoints(pool) == [0, 7])
    }

    @Test("reports rank cold before hot, then by latency or by load")
    func rank() {
        let ranked = [
            report(0, 3, 0, made: 0).rank(isHot: false),
            report(0, 2, 0.5, made: 0).rank(isHot: false),
            report(0, 1, 1e9, made: 0).rank(isHot: false),
            report(0, 2, 1e9, made: 0).rank(isHot: false),
            report(0, 0, LatencyByLoad.unknown, made: 0).rank(isHot: false),
            report(0, 1, 1e9, made: 0).rank(isHot: true),
            report(0, 1.5, 1, made: 0).rank(isHot: true),
            report(0, 1e9, 0, made: 0).rank(isHot: true),
        ]
        #expect(ranked == ranked.sorted() && Set(ranked).count == ranked.count, "\(ranked)")
    }

    @Test("the oldest and the worst go in turn; the worst is hot first, then slow")
    func removal() {
        var quantile = LoadQuantile(0.84)
        defer { quantile.deallocate() }
        for _ in 0..<64 { quantile.add(10) }
        var pool = ReportPool(capacity: 8)
        defer { pool.deallocate() }
        for (index, row) in [(1, 1), (50, 1), (60, 1), (1, 99), (2, 7), (3, 8)].enumerated() {
            pool.add(report(UInt32(index), Float(row.0), Float(row.1), made: Int64(index)))
        }
        var gone: [UInt32] = []
        for _ in 0..<6 {
            let before = endpoints(pool)
            pool.removeOne(quantile)
            gone += before.subtracting(endpoints(pool))
        }
        // Oldest 0, worst 2 (60 in flight), oldest 1, worst 3 (slowest), oldest 4, then 5.
        #expect(gone == [0, 2, 1, 3, 4, 5], "\(gone)")
        pool.removeOne(quantile)
        #expect(pool.count == 0)
    }

    @Test("the quantile is that of the last 64 reports", arguments: [0.1, 0.5, 0.84, 0.99])
    func quantile(share: Double) {
        var random = SeededRandom(seed: 0x7175_616e)
        var quantile = LoadQuantile(share)
        defer { quantile.deallocate() }
        var recent: [Int] = []
        for step in 0..<2_000 {
            let added = random.next(below: step % 500 < 250 ? 60 : 9)
            quantile.add(Float(added))
            recent.append(added)
            let last = recent.suffix(64).sorted()
            let rank = Int((Double(last.count) * share).rounded(.up))
            let threshold = last[max(1, rank) - 1]
            #expect(!quantile.isHot(Float(threshold)), "step \(step), seed 0x7175616e")
            #expect(quantile.isHot(Float(threshold + 1)), "step \(step), seed 0x7175616e")
        }
    }

    @Test("numbers in flight of any size have their place")
    func extremes() {
        var quantile = LoadQuantile(0.5)
        defer { quantile.deallocate() }
        for load in [Float(0), -1, 63, 64, 1e6, 2e9, .infinity, 3e38] { quantile.add(load) }
        #expect(quantile.isHot(.infinity) && !quantile.isHot(0))
        let (least, greatest) = (LoadQuantile(0), LoadQuantile(1))
        defer {
            least.deallocate()
            greatest.deallocate()
        }
        #expect(least.isHot(0) && !greatest.isHot(1e9))
    }

    @Test("latencies are medians of requests that met about as many in flight")
    func latencies() {
        let latencies = LatencyByLoad(endpoints: 2, freshness: 1_000)
        defer { latencies.deallocate() }
        #expect(latencies.estimate(1, inFlight: 0, now: 0) == 0)
        #expect(latencies.estimate(1, inFlight: 1, now: 0) == LatencyByLoad.unknown)
        for latency in [10, 90, 20, 30, 1_000] as [Int64] {
            latencies.record(1, inFlight: 0, latency: latency, now: 5)
        }
        latencies.record(1, inFlight: 9, latency: 500, now: 900)
        #expect(latencies.estimate(1, inFlight: 0, now: 6) == 30)
        #expect(latencies.estimate(1, inFlight: 1, now: 6) == 30)
        #expect(latencies.estimate(1, inFlight: 12, now: 900) == 500)
        #expect(latencies.estimate(1, inFlight: 500, now: 900) == 500)
        // The first ones are out of date at 1,006, the last one at 1,901.
        #expect(latencies.estimate(1, inFlight: 0, now: 1_006) == 500)
        #expect(latencies.estimate(1, inFlight: 0, now: 1_901) == 0)
        #expect(latencies.estimate(1, inFlight: 8, now: 1_901) == 500)
        #expect(latencies.estimate(0, inFlight: 0, now: 6) == 0)
        for latency in 1...7 { latencies.record(1, inFlight: 9, latency: Int64(latency), now: 950) }
        #expect(latencies.estimate(1, inFlight: 9, now: 950) == 4)
    }

    /// What ``LatencyByLoad`` promises, put plainly: the last seven latencies of each group.
    private struct PlainLatencies {
        var groups = [(samples: [Float], last: Int64)](repeating: ([], 0), count: 8)

        static func group(_ inFlight: Int32) -> Int {
            inFlight <= 0 ? 0 : min(7, 32 - inFlight.leadingZeroBitCount)
        }

        mutating func record(_ inFlight: Int32, _ latency: Int64, now: Int64) {
            let group = Self.group(inFlight)
            if now - groups[group].last > 1_000 { groups[group].samples = [] }
            groups[group].samples = (groups[group].samples + [Float(latency)]).suffix(7)
            groups[group].last = now
        }

        func estimate(_ inFlight: Int32, now: Int64) -> Float {
            let own = Self.group(inFlight)
            // By distance, the lower one first.
            let order = (0..<8).sorted { (abs($0 - own), $0) < (abs($1 - own), $1) }
            let known = order.filter { !groups[$0].samples.isEmpty }
            let fresh = known.first { now - groups[$0].last <= 1_000 }
            if fresh == nil && inFlight <= 0 { return 0 }
            guard let group = fresh ?? known.first else { return LatencyByLoad.unknown }
            let sorted = groups[group].samples.sorted()
            return sorted[(sorted.count - 1) / 2]
        }
    }

    @Test("estimates are the nearest group's median, whatever was recorded when")
    func estimates() {
        var random = SeededRandom(seed: 0x6c61_7465)
        for round in 0..<200 {
            let latencies = LatencyByLoad(endpoints: 3, freshness: 1_000)
            defer { latencies.deallocate() }
            var plain = PlainLatencies()
            var now: Int64 = 0
            for step in 0..<150 {
                now += Int64(random.next(below: step % 50 == 49 ? 2_000 : 90))
                let inFlight = Int32((1 << random.next(below: 8)) - 1 + random.next(below: 2))
                let latency = Int64(random.next(below: 50))
                latencies.record(1, inFlight: inFlight, latency: latency, now: now)
                plain.record(inFlight, latency, now: now)
                let later = now + Int64(random.next(below: 1_500))
                for asked in [-1, 0, 1, 2, 5, 9, 17, 40, 64, 9_000] as [Int32] {
                    #expect(
                        latencies.estimate(1, inFlight: asked, now: later)
                            == plain.estimate(asked, now: later),
                        "round \(round), step \(step), \(asked) in flight, seed 0x6c617465"
                    )
                }
            }
        }
    }

    @Test(
        "latencies stay up to date as long as they should, whatever the time",
        arguments: [1_000, 10_000_000_000, 3_600_000_000_000, .max] as [Int64],
        [0, 1, 1 << 40, 1 << 62] as [Int64]
    )
    func freshness(freshness: Int64, start: Int64) {
        let latencies = LatencyByLoad(endpoints: 1, freshness: freshness)
        defer { latencies.deallocate() }
        latencies.record(0, inFlight: 1, latency: 70, now: start)
        // An idle endpoint without fresh latencies counts as 0. Times are a thousandth coarse.
        let late = min(freshness, .max - start) / 1_000 * 995
        #expect(latencies.estimate(0, inFlight: 0, now: start + late) == 70)
        guard freshness < .max >> 2 else { return }
        let tooLate = start + freshness / 1_000 * 1_005
        #expect(latencies.estimate(0, inFlight: 0, now: tooLate) == 0)
        latencies.record(0, inFlight: 1, latency: 90, now: tooLate)
        #expect(latencies.estimate(0, inFlight: 1, now: tooLate) == 90)
    }
}
