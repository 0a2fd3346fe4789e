import Balancing
import Configuration
import Simulator
import Testing

/// What it is worth that all workers count in the same blocks.
@Suite("Sharing of loads")
struct SharingTests {
    /// 16 servers with one slot each at 80 % load.
    static func scenario(_ strategy: String, workers: Int, shared: Bool) throws -> Scenario {
        var settings = SimulateConfig()
        settings.requests = 200_000
        settings.workers = workers
        settings.arrivals.amount = .load(0.8)
        settings.endpoint.concurrency = 1
        settings.endpoint.queue = 100_000
        var scenario = Scenario(pool: try pool(16, strategy: strategy), settings: settings)
        scenario.sharesLoads = shared
        return scenario
    }

    static func p99(_ scenario: Scenario) -> Double {
        Double(simulated(scenario).report.latency(990_000)) / 1e6
    }

    @Test(
        "eight workers choose as well as one, and would not by themselves",
        arguments: ["least-connections", "latency-weighted", "prequal"]
    )
    func eightWorkers(strategy: String) throws {
        let one = Self.p99(try Self.scenario(strategy, workers: 1, shared: true))
        let shared = Self.p99(try Self.scenario(strategy, workers: 8, shared: true))
        let alone = Self.p99(try Self.scenario(strategy, workers: 8, shared: false))
        #expect(shared < one * 1.05, "\(one) ms and \(shared) ms, seed 1")
        #expect(alone > shared * 1.3, "\(shared) ms and \(alone) ms, seed 1")
    }

    @Test("of one worker sharing changes nothing")
    func oneWorker() throws {
        let shared = try Self.scenario("least-connections", workers: 1, shared: true)
        let alone = try Self.scenario("least-connections", workers: 1, shared: false)
        #expect(Self.p99(shared) == Self.p99(alone))
    }
}
