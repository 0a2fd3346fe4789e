import Balancing
import Configuration
import Simulator
import Testing

@Suite("Retries in the simulator")
struct RetryTests {
    /// Everything is tried again, next to at once, within a budget.
    static func retries(_ budget: String) -> String {
        "retries: {on: [connect-failure, reset-before-answer, timeout], status: [500, 503], "
            + "try-timeout: 50ms, backoff: {base: 1ms, max: 1ms}, budget: \(budget)}"
    }

    @Test(
        "an outage with retries on raises the servers' load by no more than the budget",
        arguments: FailureConfig.Kind.allCases,
        [1, 2, 3] as [UInt64]
    )
    func budget(kind: FailureConfig.Kind, seed: UInt64) throws {
        var settings = SimulateConfig.steady(400, seconds: 60, seed: seed)
        settings.workers = 5
        settings.endpoint.fail = [failure(kind, 20, 40)]
        let keys = ["ejection: off", Self.retries("{share: 15%, min: 4/s}")]
        let pool = try pool(4, keys[0], keys[1])
        let report = simulated(Scenario(pool: pool, settings: settings)).report
        let line = report.timeline
        // Half a second each. A try may begin 1 ms after it was granted.
        #expect(line.width == 500_000_000)
        let extra = line.stretches.map { $0.tries - $0.requests }
        let came = line.stretches.map(\.requests)
        func most(_ numbers: [Int], _ count: Int) -> Int {
            (0...(numbers.count - count)).map { numbers[$0..<$0 + count].reduce(0, +) }.max() ?? 0
        }
        let allowed = 0.15 * Double(most(came, 21)) + 40
        let found = most(extra, 20)
        #expect(Double(found) <= allowed, "\(kind), seed \(seed)")
        #expect(Double(found) > allowed * 0.8, "the budget is used: \(kind), seed \(seed)")
        #expect(report.refusedRetries > 0)
        #expect(report.tries == report.requests + report.retries)
    }

    @Test("without a budget each request that fails is tried three times")
    func unbounded() throws {
        var settings = SimulateConfig.steady(400, seconds: 20)
        settings.endpoint.fail = [failure(.down)]
        let pool = try pool(4, "ejection: off", Self.retries("none"))
        let report = simulated(Scenario(pool: pool, settings: settings)).report
        #expect(report.errors == report.requests && report.triesPerRequest == 3)
        #expect(report.refusedRetries == 0)
    }

    @Test("a status that is named is tried elsewhere, another one is passed on")
    func statuses() throws {
        var settings = SimulateConfig.steady(400, seconds: 50)
        var half = failure(.fast)
        half.share = 0.5
        half.status = 500
        settings.failFirst(half)
        let named = try pool(4, "ejection: off", Self.retries("none"))
        let good = simulated(Scenario(pool: named, settings: settings)).report
        #expect(good.errors == 0 && good.retries > 2000)
        half.status = 502
        settings.failFirst(half)
        let bad = simulated(Scenario(pool: named, settings: settings)).report
        #expect(abs(bad.errorShare - 0.125) < 0.01 && bad.retries == 0)
    }

    @Test("what `on` does not name is passed on", arguments: [FailureConfig.Kind.slow, .reset])
    func causes(kind: FailureConfig.Kind) throws {
        var settings = SimulateConfig.steady(200, seconds: 20)
        settings.failFirst(failure(kind))
        let pool = try pool(
            4,
            "ejection: off",
            "retries: {on: connect-failure, try-timeout: 100ms}"
        )
        let report = simulated(Scenario(pool: pool, settings: settings)).report
        #expect(abs(report.errorShare - 0.25) < 0.01 && report.retries == 0)
    }

    @Test(
        "requests with a time of their own end within it, also while they wait at a server",
        arguments: [
            "timeouts: {response: 150ms, total: 300ms}, retries: {on: timeout, budget: none}",
            "retries: {on: timeout, try-timeout: 150ms, timeout: 300ms, budget: none}",
        ]
    )
    func deadlines(keys: String) throws {
        var settings = SimulateConfig.steady(300, seconds: 20)
        settings.service.kind = .exponential
        settings.endpoint.concurrency = 1
        settings.workers = 3
        let pool = try pool(2, "ejection: off", keys)
        let (report, all) = simulated(Scenario(pool: pool, settings: settings))
        #expect(all[1] + all[2] == all[0] && report.errors > 0 && report.retries > 0)
        #expect(report.latencies.greatest <= 300_000_000)
        #expect(report.latencies.greatest > 250_000_000)
    }
}
