import Balancing
import Dispatch
import Health
import Synchronization
import Testing

/// What holds whatever happens in whatever order.
///
/// 1. never more than `max-share` are ejected or half-open;
/// 2. the counters say what the states say, at rest; at no time is `ejected` beyond the limit;
/// 3. one single request at a time asks a half-open endpoint;
/// 4. an endpoint whose single requests, or whose checks, go well returns.
@Suite("Ejection by random sequences")
struct EjectionSequenceTests {
    @Test("keeps its invariants in one thread", arguments: 1...200)
    func sequence(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let size = 1 + random.next(below: 8)
        var options = EjectionOptions()
        options.maxShare = Double(random.next(below: 11)) / 10
        options.consecutiveFailures = 1 + random.next(below: 4)
        let pool = EjectionFixture(size, rise: 1 + random.next(below: 4), options: options)
        var probing: Set<EndpointIndex> = []
        var mayReturnByChecks = false
        for _ in 0..<500 {
            let endpoint = random.next(below: size)
            switch random.next(below: 14) {
            case 0...5: pool.end(endpoint, anyVerdict(&random))
            case 6...7:
                if let claimed = pool.claim() {
                    #expect(!probing.contains(claimed) || mayReturnByChecks)
                    probing.insert(claimed)
                }
            case 8...9:
                guard let probed = probing.min() else { break }
                probing.remove(probed)
                if random.next(below: 4) == 0 {
                    pool.health.probeAbandoned(probed, now: pool.now)
                } else {
                    pool.end(probed, anyVerdict(&random), wasProbe: true)
                }
            case 10...11: pool.pass(Double(random.next(below: 20)))
            case 12:
                mayReturnByChecks = true
                _ = pool.health.checkPassed(endpoint, began: pool.now - 5, now: pool.now)
            default:
                let isDown = random.next(below: 2) == 0
                pool.health.setCheckedDown(endpoint, isDown, now: pool.now)
            }
            #expect(pool.out <= pool.health.limit && pool.isConsistent, "seed \(seed)")
        }
        settle(pool, probing)
    }

    /// All goes well from now on: everyone returns.
    private func settle(_ pool: EjectionFixture, _ probing: Set<EndpointIndex>) {
        for endpoint in 0..<pool.shared.capacity {
            pool.health.setCheckedDown(endpoint, false, now: pool.now)
        }
        for endpoint in probing { pool.end(endpoint, .good, wasProbe: true) }
        pool.pass(301)
        while let claimed = pool.claim() { pool.end(claimed, .good, wasProbe: true) }
        #expect(pool.out == 0 && pool.isConsistent)
        for endpoint in 0..<pool.shared.capacity {
            #expect(pool.shared.availability(endpoint) == .up)
        }
    }

    private func anyVerdict(_ random: inout SeededRandom) -> TryVerdict {
        TryVerdict.allCases[random.next(below: TryVerdict.allCases.count)]
    }

    @Test("an endpoint whose checks pass returns, whatever was before", arguments: 1...100)
    func checks(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let rise = 1 + random.next(below: 5)
        let pool = EjectionFixture(2, rise: rise)
        pool.end(0, [.connectFailure, .reset, .timeout][random.next(below: 3)], times: 5)
        for _ in 0..<random.next(below: 50) {
            switch random.next(below: 5) {
            case 0: pool.pass(Double(random.next(below: 100)))
            case 1: pool.health.checkFailed(0)
            case 2: if let claimed = pool.claim() { pool.end(claimed, .timeout, wasProbe: true) }
            case 3: pool.end(0, .reset)
            default: _ = pool.health.checkPassed(0, began: pool.now - 1, now: pool.now)
            }
        }
        for _ in 0..<rise { _ = pool.health.checkPassed(0, began: pool.now, now: pool.now) }
        #expect(pool.out == 0 && pool.isConsistent)
    }

    @Test("keeps its invariants among threads", arguments: [false, true])
    func threads(withChecks: Bool) {
        let size = 6
        var options = EjectionOptions()
        options.consecutiveFailures = 2
        let pool = EjectionFixture(size, options: options)
        let (shared, health) = (pool.shared, pool.health)
        let clock = Atomic<Int64>(pool.now)
        let slips = Atomic<Int>(0)
        let probing = (0..<size).map { _ in Counter() }
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            var random = SeededRandom(seed: UInt64(thread))
            for _ in 0..<30_000 {
                let now = clock.wrappingAdd(seconds(0.02), ordering: .relaxed).newValue
                let endpoint = random.next(below: size)
                let verdict = random.next(below: 3) == 0 ? TryVerdict.timeout : .good
                let kind = random.next(below: 8)
                if kind == 0 { _ = health.tick(now: now) }
                if kind == 1 && withChecks {
                    _ = health.checkPassed(endpoint, began: now - 1, now: now)
                }
                let claimed = health.claimProbe(excluding: TriedEndpoints(), now: now)
                if let claimed {
                    let others = probing[claimed].value.wrappingAdd(1, ordering: .relaxed).oldValue
                    if others > 0 && !withChecks { slips.wrappingAdd(1, ordering: .relaxed) }
                }
                let tried = claimed ?? endpoint
                if let claimed { probing[claimed].value.wrappingSubtract(1, ordering: .relaxed) }
                if claimed != nil && kind == 2 {
                    health.probeAbandoned(tried, now: now)
                } else {
                    _ = health.tryEnded(
                        tried,
                        verdict,
                        wasProbe: claimed != nil,
                        latency: 1,
                        now: now,
                        random: random.next()
                    )
                }
                if shared.ejected.load(ordering: .relaxed) > health.limit {
                    slips.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        #expect(slips.load(ordering: .relaxed) == 0)
        #expect(pool.isConsistent && pool.out <= health.limit)
        pool.now = clock.load(ordering: .relaxed)
        settle(pool, [])
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }
}
