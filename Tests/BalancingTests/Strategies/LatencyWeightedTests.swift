import Testing

@testable import Balancing

@Suite("Peak EWMA")
struct PeakEWMATests {
    private let average = PeakEWMA(decay: 10_000_000_000, penalty: 5_000_000_000)
    private let second: Int64 = 1_000_000_000

    private func result(
        _ seconds: Double,
        latency milliseconds: Double,
        _ kind: TryResult.Kind = .answered,
        retryAfter: Int64 = 0
    ) -> TryResult {
        TryResult(
            now: Int64(seconds * 1e9),
            latency: Int64(milliseconds * 1e6),
            inFlight: 0,
            kind: kind,
            retryAfter: retryAfter
        )
    }

    /// The average in milliseconds at a time in seconds.
    private func cost(_ word: UInt64, at seconds: Double) -> Double {
        (average.cost(word, now: Int64(seconds * 1e9)) ?? -1) / 1e6
    }

    @Test("a peak replaces the average, less draws it down with time, reading decays")
    func course() {
        #expect(average.cost(0, now: 0) == nil)
        var word = average.after(0, result(1, latency: 20))
        #expect(abs(cost(word, at: 1) - 20) < 0.001)
        word = average.after(word, result(2, latency: 100))
        #expect(abs(cost(word, at: 2) - 100) < 0.001)
        #expect(abs(cost(word, at: 12) - 36.788) < 0.01)
        #expect(abs(cost(word, at: 22) - 13.534) < 0.01)
        word = average.after(word, result(12, latency: 20))
        #expect(abs(cost(word, at: 12) - (36.788 + 20 * 0.63212)) < 0.01)
    }

    @Test("a steady latency is the average however many answers share it")
    func steady() {
        var word: UInt64 = 0
        for step in 0..<100_000 {
            word = average.after(word, result(Double(step) * 1e-4, latency: 7))
        }
        #expect(abs(cost(word, at: 10) - 7) < 0.01)
    }

    @Test("a failure counts as the penalty, as a longer Retry-After, or as its own longer time")
    func failures() {
        let wait = 30 * second
        let rows: [(Double, Int64, Double)] = [
            (1, 0, 5_000), (1, second, 5_000), (1, wait, 30_000), (1, .max, 300_000),
            (9_000, 0, 9_000), (1, -5, 5_000),
        ]
        for (latency, retryAfter, expected) in rows {
            let failed = result(1, latency: latency, .failed, retryAfter: retryAfter)
            let word = average.after(average.after(0, result(1, latency: 3)), failed)
            #expect(abs(cost(word, at: 1) / expected - 1) < 1e-6, "\(expected)")
        }
    }

    @Test("a try that the client left only raises the average")
    func abandoned() {
        let word = average.after(0, result(1, latency: 50))
        #expect(average.after(word, result(1, latency: 10, .abandoned)) == word)
        let raised = average.after(word, result(1, latency: 80, .abandoned))
        #expect(abs(cost(raised, at: 1) - 80) < 0.001)
        let first = average.after(0, result(1, latency: 0.01, .abandoned))
        #expect(abs(cost(first, at: 1) - 1) < 0.001)
    }

    @Test("stamps wrap, clocks of other workers are ahead, and long idleness forgets")
    func time() {
        let wrap = Double(1 << 32) * Double(1 << 17) / 1e9
        let word = average.after(0, result(wrap - 1, latency: 100))
        #expect(abs(cost(word, at: wrap + 9) - 36.788) < 0.01)
        #expect(abs(cost(word, at: wrap - 3) - 100) < 0.001)
        let least = cost(word, at: wrap + 200)
        #expect(least > 0 && least < 0.005)
        #expect(cost(word, at: wrap + 300_000) == least)
    }

    @Test("extreme numbers do no harm")
    func extremes() {
        for latency in [0, -1, Int64.max] {
            for kind in [TryResult.Kind.answered, .failed, .abandoned] {
                for now in [0, Int64.max, .min] {
                    let result = TryResult(
                        now: now,
                        latency: latency,
                        inFlight: 0,
                        kind: kind,
                        retryAfter: .max
                    )
                    let word = PeakEWMA(decay: 0, penalty: -1).after(0, result)
                    #expect(word != 0)
                    #expect((average.cost(word, now: now) ?? -1) > 0)
                }
            }
        }
    }
}

@Suite("Latency-weighted")
struct LatencyWeightedTests {
    private let millisecond = TestPool.millisecond

    @Test("of two endpoints the cheaper one is always picked: latency × (in flight + 1) ÷ weight")
    func cheaper() {
        let rows: [([Int], [Int64], [Int32], Int)] = [
            ([1, 1], [10, 20], [0, 0], 0), ([1, 1], [10, 20], [2, 0], 1),
            ([1, 3], [10, 20], [0, 0], 1), ([2, 1], [10, 4], [0, 0], 1),
        ]
        for (weights, latencies, inFlight, expected) in rows {
            let pool = TestPool("latency-weighted", weights: weights)
            for index in 0..<2 {
                pool.answered(index, latency: latencies[index] * millisecond)
                pool.setInFlight(index, inFlight[index])
            }
            #expect(pool.count(300)[expected] == 300, "\(latencies) \(inFlight)")
        }
    }

    @Test("an endpoint without history gets one request until its result is there")
    func oneProbe() {
        let pool = TestPool("latency-weighted", weights: [1, 1])
        pool.answered(0, latency: 10 * millisecond)
        pool.setInFlight(0, 90)
        #expect(pool.pick() == 1)
        pool.setInFlight(1, 1)
        #expect(pool.count(500)[1] == 0)
        // The probe was lost without a result: the next one goes out.
        pool.setInFlight(1, 0)
        #expect(pool.pick() == 1)
        pool.answered(1, latency: 10 * millisecond)
        pool.setInFlight(1, 1)
        #expect(pool.count(500)[1] == 500)
    }

    @Test("a slow endpoint that recovers gets its share again (traefik#12306)")
    func recovery() {
        let pool = TestPool("latency-weighted", weights: [1, 1, 1, 1])
        let service = { (isSlow: Bool) in
            { (endpoint: Int, _: Int64) in
                TestPool.Service(
                    latency: (endpoint == 0 && isSlow ? 200 : 10) * TestPool.millisecond
                )
            }
        }
        // 60 s at 400 requests a second, one server 20 times as slow as the others.
        let slow = pool.run(24_000, every: 2_500_000, service: service(true))
        #expect((2...600).contains(slow[0]), "\(slow)")
        // Then it is as fast as they are.
        _ = pool.run(24_000, every: 2_500_000, service: service(false))
        let recovered = pool.run(12_000, every: 2_500_000, service: service(false))
        #expect(recovered[0] > 2_000, "\(recovered)")
    }

    @Test("a slow endpoint is asked again now and then, and not flooded")
    func recheck() {
        let pool = TestPool("latency-weighted", weights: [1, 1, 1, 1])
        var most: Int32 = 0
        let counts = pool.run(120_000, every: 2_500_000) { endpoint, _ in
            if endpoint == 0 { most = max(most, pool.plan.shared.inFlight(0)) }
            return .init(latency: (endpoint == 0 ? 2_000 : 10) * TestPool.millisecond)
        }
        // 300 s; forgotten after about ln(2000 / 20) decays of 10 s.
        #expect((4...60).contains(counts[0]) && most <= 8, "\(counts), \(most) at once")
    }

    @Test("an endpoint that answers 503 in 1 ms gets next to nothing")
    func fastFailure() {
        let pool = TestPool("latency-weighted", weights: [1, 1, 1, 1])
        let counts = pool.run(40_000, every: 2_500_000) { endpoint, _ in
            endpoint == 0
                ? .init(latency: TestPool.millisecond, kind: .failed)
                : .init(latency: 50 * TestPool.millisecond)
        }
        #expect((1...40).contains(counts[0]), "\(counts)")
    }

    @Test("Retry-After keeps traffic away for longer than the penalty does")
    func retryAfter() {
        let tries = [Int64(0), 250].map { seconds in
            let pool = TestPool("latency-weighted", weights: [1, 1])
            return pool.run(40_000, every: 2_500_000) { endpoint, _ in
                endpoint == 0
                    ? .init(
                        latency: TestPool.millisecond,
                        kind: .failed,
                        retryAfter: seconds * TestPool.second
                    )
                    : .init(latency: 100 * TestPool.millisecond)
            }[0]
        }
        #expect(tries[0] > tries[1] && tries[1] >= 1, "\(tries)")
    }

    @Test("two workers see each other's latencies")
    func shared() {
        let pool = TestPool("latency-weighted", weights: [1, 1])
        var random = SeededRandom(seed: 3)
        let other = PoolBalancer(pool.plan, now: pool.now, random: &random)
        pool.answered(0, latency: 500 * millisecond)
        pool.answered(1, latency: millisecond)
        for _ in 0..<100 {
            #expect(other.pick(PickRequest(now: pool.now), random: &random) == 1)
        }
    }
}
