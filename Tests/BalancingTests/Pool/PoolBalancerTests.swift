import Balancing
import Testing

@Suite("Pool balancer")
struct PoolBalancerTests {
    private let second = TestPool.second

    @Test("a pool without servers picks nothing")
    func empty() {
        let pool = TestPool("round-robin", weights: [])
        #expect(pool.pick() == nil)
        #expect(pool.balancer.probeTarget(random: &pool.random) == nil)
        #expect(!pool.balancer.accepts(sticky: 0) && !pool.balancer.accepts(sticky: -1))
    }

    @Test("the next priority gets what the first cannot take")
    func spillOver() {
        // Four of ten healthy in the first: 0.4 / 0.7 = 57 % stay there.
        let pool = TestPool(
            "random",
            weights: Array(repeating: 1, count: 12),
            priorities: Array(repeating: 0, count: 10) + [1, 1]
        )
        #expect(pool.count(1_000)[10...].reduce(0, +) == 0)
        for index in 0..<3 { pool.plan.shared.set(index, .unhealthy, now: pool.now) }
        #expect(pool.count(1_000)[10...].reduce(0, +) == 0, "70 % are enough")
        for index in 3..<6 { pool.plan.shared.set(index, .unhealthy, now: pool.now) }
        let counts = pool.count(10_000)
        let spilled = counts[10] + counts[11]
        #expect(abs(spilled - 4_286) < 250 && counts[..<6].allSatisfy { $0 == 0 }, "\(counts)")
        for index in 6..<10 { pool.plan.shared.set(index, .unhealthy, now: pool.now) }
        #expect(pool.count(1_000)[..<10].allSatisfy { $0 == 0 }, "all go to the second priority")
        #expect(pool.pick(excluding: [10, 11]) == nil)
    }

    @Test("a request that has tried all of one priority goes on to the next")
    func triedPriority() {
        let pool = TestPool("least-connections", weights: [1, 1, 1], priorities: [0, 0, 5])
        #expect(pool.count(100)[2] == 0)
        #expect(pool.count(100, excluding: [0, 1])[2] == 100)
        #expect(pool.pick(excluding: [0, 1, 2]) == nil)
    }

    @Test("a key always comes out at the same priority")
    func keyedPriority() {
        let pool = TestPool("random", weights: [1, 1, 1, 1], priorities: [0, 0, 1, 1])
        pool.plan.shared.set(0, .unhealthy, now: pool.now)
        var second = 0
        for key in UInt64(0)..<500 {
            let hash = key &* 0x9e37_79b9_7f4a_7c15
            let tiers = (0..<8).map { _ in
                let request = PickRequest(now: pool.now, key: hash)
                return (pool.balancer.pick(request, random: &pool.random) ?? 0) / 2
            }
            #expect(Set(tiers).count == 1, "key \(key): \(tiers)")
            second += tiers[0]
        }
        // 1 - 0.5 / 0.7 of them.
        #expect(abs(second - 143) < 60, "\(second)")
    }

    @Test("below the panic threshold health is ignored, and again heeded above it")
    func panic() {
        let pool = TestPool("random", weights: Array(repeating: 1, count: 20))
        for index in 0..<18 { pool.plan.shared.set(index, .unhealthy, now: pool.now) }
        #expect(pool.count(400)[..<18].allSatisfy { $0 == 0 } && !pool.balancer.isInPanic)
        pool.plan.shared.set(18, .unhealthy, now: pool.now)
        #expect(pool.count(2_000)[..<20].allSatisfy { $0 > 0 } && pool.balancer.isInPanic)
        #expect(pool.balancer.accepts(sticky: 3))
        pool.plan.shared.set(18, .up, now: pool.now)
        #expect(pool.count(400)[..<18].allSatisfy { $0 == 0 } && !pool.balancer.isInPanic)
        #expect(!pool.balancer.accepts(sticky: 3))
    }

    @Test("what the operator took out does not serve in panic, and is no illness")
    func operatorsWord() {
        let pool = TestPool("random", weights: [1, 1, 1, 1])
        for index in 0..<3 {
            pool.plan.shared.set(index, index == 0 ? .down : .draining, now: pool.now)
        }
        #expect(pool.count(100) == [0, 0, 0, 100, 0] && !pool.balancer.isInPanic)
        pool.plan.shared.set(3, .unhealthy, now: pool.now)
        #expect(pool.count(100) == [0, 0, 0, 100, 0] && pool.balancer.isInPanic)
    }

    @Test("a returning endpoint begins at 10 % and has its whole weight after the slow start")
    func slowStart() {
        let pool = TestPool("random", weights: [10, 10])
        pool.plan.shared.set(0, .down, now: pool.now)
        #expect(pool.count(100)[0] == 0)
        pool.plan.shared.set(0, .up, now: pool.now)
        for (passed, share) in [
            (0.0, 0.1), (0.5, 0.1), (2.5, 0.25), (5, 0.5), (9.9, 0.99), (10.5, 1),
        ] {
            let start = pool.now
            pool.now += Int64(passed * Double(second))
            let expected = 20_000 * share / (1 + share)
            let counts = pool.count(20_000)
            #expect(abs(Double(counts[0]) - expected) < 450, "after \(passed) s: \(counts)")
            pool.now = start
        }
    }

    @Test("from the start, and after draining, there is no ramp")
    func noSlowStart() {
        let pool = TestPool("round-robin", weights: [1, 1])
        #expect(pool.count(100)[0] == 50)
        pool.plan.shared.set(0, .draining, now: pool.now)
        #expect(pool.count(100)[0] == 0)
        pool.plan.shared.set(0, .up, now: pool.now)
        #expect(pool.count(100)[0] == 50)
    }

    @Test("who sticks to an endpoint may go there unless it is ill or down")
    func sticky() {
        let pool = TestPool("round-robin", weights: [1, 0, 1])
        #expect((0..<3).allSatisfy { pool.balancer.accepts(sticky: $0) })
        #expect(!pool.balancer.accepts(sticky: 3) && !pool.balancer.accepts(sticky: -1))
        for (state, accepted) in [
            (Availability.draining, true), (.unhealthy, false), (.down, false),
        ] {
            pool.plan.shared.set(0, state, now: pool.now)
            _ = pool.pick()
            #expect(pool.balancer.accepts(sticky: 0) == accepted, "\(state)")
        }
    }

    @Test("setting what is already set changes nothing: the rotation goes on in order")
    func unchanged() {
        let pool = TestPool("round-robin", weights: [1, 1, 1, 1, 1])
        var picked: [Int] = []
        for _ in 0..<25 {
            pool.plan.shared.set(2, .up, now: pool.now)
            picked.append(pool.pick() ?? -1)
        }
        let steps = zip(picked, picked.dropFirst()).map { ($1 - $0 + 5) % 5 }
        #expect(steps.allSatisfy { $0 == 1 }, "\(picked)")
    }

    @Test("a result counts once, at its endpoint's own priority")
    func resultOnce() {
        let pool = TestPool("latency-weighted", weights: [1, 1], priorities: [0, 1])
        pool.answered(1, latency: 100 * TestPool.millisecond)
        pool.now += 10 * second
        let before = pool.plan.shared.block(1).pointee.latency.load(ordering: .relaxed)
        pool.answered(1, latency: 10 * TestPool.millisecond)
        let after = pool.plan.shared.block(1).pointee.latency.load(ordering: .relaxed)
        let average = Float(bitPattern: UInt32(after >> 32)) / 1e6
        // 100 × e⁻¹ + 10 × (1 - e⁻¹) = 43.1.
        #expect(before != after && abs(average - 43.1) < 0.1, "\(average) ms")
    }
}

@Suite("Shares of priorities")
struct TierSharesTests {
    @Test(
        "the table of Envoy's documentation, with 70 % instead of its factor",
        arguments: [
            ([1, 1], [1, 1]), ([0.7, 1], [1, 1]), ([0.35, 1], [0.5, 1]), ([0, 1], [0, 1]),
            ([0.35, 0.14, 0], [0.714_285, 1, 1]), ([0, 0], [0, 0]), ([1], [1]),
            ([0.35, 0.35, 1], [0.5, 1, 1]),
        ] as [([Double], [Double])]
    )
    func shares(healthy: [Double], ends: [Double]) {
        let shares = TierShares(healthy: healthy, spillBelow: 0.7)
        #expect(zip(shares.ends, ends).allSatisfy { abs($0 - $1) < 1e-5 }, "\(shares.ends)")
        #expect(shares.tier(at: 0.999_999_999_9) < healthy.count)
    }

    @Test("a place belongs to the priority whose part it is in")
    func places() {
        let shares = TierShares(healthy: [0.35, 0, 1], spillBelow: 0.7)
        #expect([0, 0.25, 0.499].allSatisfy { shares.tier(at: $0) == 0 })
        #expect([0.5, 0.9, 0.999].allSatisfy { shares.tier(at: $0) == 2 })
        #expect(TierShares(healthy: [0.01], spillBelow: 0).ends == [1])
    }
}
