import Balancing
import Configuration
import Simulator
import Testing

@Suite("Bounded pools in the simulator")
struct BreakerTests {
    @Test(
        "where the pool or its servers take four at once, requests wait as in an M/M/4 queue",
        arguments: [
            "{max-requests: 4, max-pending: 1000000, queue-timeout: 10m}",
            "{max-connections: 4, max-pending: 1000000, queue-timeout: 10m}",
            "{max-pending: 1000000, queue-timeout: 10m, per-server: {max-requests: 1}}",
            "{max-pending: 1000000, queue-timeout: 10m, per-server: {max-connections: 1}}",
        ],
        [1, 8]
    )
    func waiting(breaker: String, workers: Int) throws {
        var settings = SimulateConfig()
        settings.requests = 200_000
        settings.seed = 7
        settings.workers = workers
        // Four servers with 16 slots each at 5 %: 320 requests a second of 10 ms.
        settings.arrivals.amount = .load(0.05)
        let scenario = Scenario(pool: try pool(4, "breaker: \(breaker)"), settings: settings)
        let (report, all) = simulated(scenario)
        let found = Double(report.latencies.mean) / 1e7
        let expected = QueueTheoryTests.meanTime(slots: 4, load: 0.8)
        #expect(abs(found - expected) < expected * 0.05, "seed 7: \(found), not \(expected)")
        #expect(report.errors == 0 && all[1] == all[0])
    }

    @Test("who waits too long fails, and so does who finds the queue full")
    func refusals() throws {
        var settings = SimulateConfig.steady(500, seconds: 20)
        let waits = try pool(2, "breaker: {max-requests: 4, queue-timeout: 50ms}")
        let (report, all) = simulated(Scenario(pool: waits, settings: settings))
        // 400 of 500 a second can be served.
        #expect(abs(all[1] - 8000) < 50 && all[1] + all[2] == all[0])
        #expect((55_000_000...60_000_000).contains(report.latencies.greatest))
        settings.workers = 4
        let full = try pool(2, "breaker: {max-requests: 4, max-pending: 1}")
        let bounded = simulated(Scenario(pool: full, settings: settings)).report
        #expect(abs(bounded.errorShare - 0.28) < 0.08)
        #expect(bounded.latencies.greatest <= 20_000_000)
    }

    @Test("bounds hold with everything that can go wrong", arguments: [1, 2, 3] as [UInt64])
    func rough(seed: UInt64) throws {
        var scenario = try SimulationTests.rough(seed: seed, strategy: "least-connections")
        scenario.pool.breaker.pool.maxRequests = 5
        scenario.pool.breaker.perServer.maxConnections = 2
        scenario.pool.breaker.queueTimeout = .milliseconds(40)
        let (report, all) = simulated(scenario)
        #expect(all[0] == 20_000 && all[1] + all[2] == all[0], "seed \(seed)")
        #expect(report.errors > 0 && report.retries > 0 && report.ejections > 0)
    }
}
