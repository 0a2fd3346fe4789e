import Balancing
import Testing

@Suite("Every strategy")
struct EveryStrategyTests {
    private static let names = StrategyRegistry.names

    @Test("random sequences: a pick is eligible and untried, and there is one if any is left")
    func sequences() {
        for name in Self.names {
            for seed in UInt64(1)...20 { sequence(name, seed) }
        }
    }

    private func sequence(_ name: String, _ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let count = 1 + random.next(below: 24)
        let weights = (0..<count).map { _ in [0, 1, 1, 3, 100][random.next(below: 5)] }
        let pool = TestPool(name, weights: weights, seed: seed)
        for step in 0..<400 {
            pool.now += Int64(random.next(below: 300)) * TestPool.millisecond
            let index = random.next(below: count)
            switch random.next(below: 8) {
            case 0:
                let state = Availability(rawValue: UInt32(random.next(below: 4))) ?? .up
                pool.plan.shared.set(index, state, now: pool.now)
            case 1: pool.setInFlight(index, Int32(random.next(below: 50)))
            case 2: pool.setBytes(index, Int64(random.next(below: 1 << 30)))
            case 3:
                let kind = TryResult.Kind(rawValue: UInt8(random.next(below: 3))) ?? .answered
                pool.answered(index, latency: Int64(random.next(below: 1 << 31)), kind: kind)
            case 4:
                let report = LoadReport(
                    now: pool.now,
                    inFlight: Int32(random.next(below: 9)),
                    latency: Int64(random.next(below: 1 << 30))
                )
                pool.balancer.reported(index, report, random: &pool.random)
            default: break
            }
            var tried: [Int] = []
            for _ in 0..<random.next(below: 4) { tried.append(random.next(below: count)) }
            let picked = pool.pick(excluding: tried)
            let inPanic = pool.balancer.isInPanic
            let allowed = (0..<count).filter {
                let state = pool.plan.shared.availability($0)
                return weights[$0] > 0 && !tried.contains($0)
                    && (state == .up || (inPanic && state == .unhealthy))
            }
            let isRight = picked.map(allowed.contains) ?? allowed.isEmpty
            #expect(isRight, "\(name), seed \(seed), step \(step): \(String(describing: picked))")
        }
    }

    @Test("equal seeds give equal picks")
    func determinism() {
        for name in Self.names {
            let runs = (0..<2).map { _ in
                let pool = TestPool(name, weights: [1, 2, 3, 1, 1, 7], seed: 5)
                return pool.run(2_000, every: TestPool.millisecond) { endpoint, _ in
                    .init(latency: Int64(3 + endpoint) * TestPool.millisecond)
                }
            }
            #expect(runs[0] == runs[1], "\(name)")
        }
    }

    @Test("all endpoints failing stops nothing")
    func allFailing() {
        for name in Self.names {
            let pool = TestPool(name, weights: [1, 1, 1, 1])
            let counts = pool.run(4_000, every: TestPool.millisecond) { _, _ in
                .init(latency: TestPool.millisecond, kind: .failed)
            }
            #expect(counts.reduce(0, +) == 4_000, "\(name)")
        }
    }

    @Test("results and reports of endpoints that do not exist are ignored")
    func unknownEndpoints() {
        for name in Self.names {
            let pool = TestPool(name, weights: [1, 1])
            let report = LoadReport(now: pool.now, inFlight: 1, latency: 1)
            for index in [-1, 2, Int.max] {
                pool.answered(index, latency: 1)
                pool.balancer.reported(index, report, random: &pool.random)
            }
            #expect(pool.pick() != nil)
        }
    }
}
