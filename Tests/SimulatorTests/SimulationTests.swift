import Balancing
import Configuration
import Simulator
import Testing

@Suite("Simulation")
struct SimulationTests {
    /// A traffic with everything in it.
    static func rough(seed: UInt64, strategy: String) throws -> Scenario {
        var settings = SimulateConfig()
        settings.requests = 20_000
        settings.seed = seed
        settings.workers = 3
        settings.network = .microseconds(200)
        settings.arrivals.kind = .bursts
        settings.arrivals.amount = .load(0.9)
        settings.service.kind = .logNormal
        settings.keys.skew = 1
        settings.endpoint.concurrency = 2
        settings.endpoint.queue = 5
        settings.endpoint.antagonist = AntagonistConfig()
        var failing = settings.endpoint
        failing.fail = [.fast, .down, .reset].map(FailureConfig.init)
        for place in failing.fail.indices { failing.fail[place].share = 0.2 }
        var silent = settings.endpoint
        silent.fail = [FailureConfig(kind: .slow)]
        silent.fail[0].share = 0.1
        silent.slow = [SlowdownConfig(speed: 0.2)]
        settings.servers = [
            NamedMachine(pattern: "10.0.0.1:80", machine: failing),
            NamedMachine(pattern: "10.0.0.2*", machine: silent),
        ]
        let pool = try pool(
            6,
            strategy: strategy,
            "timeouts: {response: 300ms, total: 700ms}",
            "health: {path: /h, every: 500ms, timeout: 300ms}",
            "ejection: {base-time: 1s, max-time: 5s}",
            "retries: {on: [connect-failure, reset-before-answer, timeout], status: 503}"
        )
        return Scenario(pool: pool, settings: settings)
    }

    static func text(_ scenario: Scenario) -> String {
        let result = simulated(scenario, "x").report
        let report = Report(
            file: "f",
            pool: "main",
            scenario: scenario,
            configured: "x",
            results: [result]
        )
        return report.text + report.json + report.svg
    }

    @Test("one seed gives the same bytes, another one others", arguments: StrategyRegistry.names)
    func determinism(strategy: String) throws {
        let first = Self.text(try Self.rough(seed: 5, strategy: strategy))
        #expect(first == Self.text(try Self.rough(seed: 5, strategy: strategy)))
        #expect(first != Self.text(try Self.rough(seed: 6, strategy: strategy)))
    }

    @Test("each request that comes is answered or fails", arguments: StrategyRegistry.names)
    func conservation(strategy: String) throws {
        let (report, all) = simulated(try Self.rough(seed: 9, strategy: strategy))
        #expect(all[0] == 20_000 && all[1] + all[2] == all[0], "seed 9: \(all)")
        #expect(report.requests == 18_000 && all[2] > 0 && report.errors > 0)
        #expect(report.retries > 0 && report.refusedRetries > 0 && report.ejections > 0)
        // Besides what probes found.
        let least = report.requests + report.retries - report.errors
        let most = report.requests + report.retries + report.probes
        #expect((least...most).contains(report.tries), "seed 9")
    }

    @Test("round robin is even, and a slow server is found by least connections only")
    func spread() throws {
        var settings = SimulateConfig()
        settings.requests = 50_000
        settings.workers = 2
        settings.arrivals.amount = .load(0.5)
        var slow = settings.endpoint
        slow.speed = 0.1
        settings.servers = [NamedMachine(pattern: "10.0.0.1:80", machine: slow)]
        let turn = try pool(4, "ejection: off")
        let even = simulated(Scenario(pool: turn, settings: settings)).report
        #expect(even.endpoints.allSatisfy { abs($0.share - 0.25) < 0.002 })
        let scenario = Scenario(
            pool: try pool(4, strategy: "least-connections", "ejection: off"),
            settings: settings
        )
        let aware = simulated(scenario).report
        // Workers that saw their own requests only would send it twice as many.
        #expect(aware.endpoints[0].share < 0.15)
        #expect(aware.latency(990_000) * 2 < even.latency(990_000))
    }

    @Test("workers see each other's requests in flight")
    func sharing() throws {
        var settings = SimulateConfig()
        settings.requests = 30_000
        settings.arrivals.amount = .load(0.9)
        settings.endpoint.concurrency = 1
        let pool = try pool(8, strategy: "least-connections")
        let alone = simulated(Scenario(pool: pool, settings: settings)).report
        settings.workers = 16
        let shared = simulated(Scenario(pool: pool, settings: settings)).report
        let ratio = Double(shared.latency(990_000)) / Double(alone.latency(990_000))
        #expect(ratio < 1.15, "p99 of 16 workers is \(ratio) times that of one")
    }

    @Test("only strategies that hash have keys that move, about 1 in N")
    func keysMoved() throws {
        var settings = SimulateConfig()
        settings.requests = 100
        for candidate in Candidate.all(BalanceOptions()) {
            var scenario = Scenario(pool: try pool(10), settings: settings)
            scenario.pool.balance = candidate.options
            let moved = simulated(scenario).report.keysMoved
            if candidate.options.strategy == "consistent-hash" {
                #expect(moved.map { (0.08...0.13).contains($0) } == true, "\(candidate.name)")
            } else {
                #expect(moved == nil, "\(candidate.name)")
            }
        }
    }
}
