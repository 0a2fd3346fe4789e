import Balancing
import Configuration
import Simulator
import Testing

@Suite("Outages in the simulator")
struct OutageTests {
    @Test("an ejection on one worker holds on all: a row of five failures, and no request more")
    func shared() throws {
        var settings = SimulateConfig.steady(500, seconds: 100)
        settings.workers = 8
        var instant = failure(.fast)
        instant.after = .zero
        settings.failFirst(instant)
        let (report, _) = simulated(Scenario(pool: try pool(4), settings: settings))
        #expect(report.errors == 5)
        // Each probe shows that the server is still ill, and is answered by another one.
        #expect(report.probes > 0 && report.ejections == report.probes + 1)
        #expect(report.endpoints[0].tries == 5 + report.probes)
        #expect(report.retries == 0 && report.refusedRetries == 0)
        #expect(report.endpoints[0].ejected > 99_000_000_000)
    }

    @Test("without ejection it takes its share for ever")
    func unejected() throws {
        var settings = SimulateConfig.steady(500, seconds: 20)
        settings.failFirst(failure(.fast))
        let scenario = Scenario(pool: try pool(4, "ejection: off"), settings: settings)
        let report = simulated(scenario).report
        #expect(abs(report.errorShare - 0.25) < 0.01 && !report.hasIncidents)
    }

    @Test("a server that was ejected comes back by slow start", arguments: [1, 2, 3] as [UInt64])
    func comesBack(seed: UInt64) throws {
        var settings = SimulateConfig.steady(400, seconds: 120, seed: seed)
        var instant = failure(.fast, 20, 35)
        instant.after = .zero
        settings.failFirst(instant)
        let report = simulated(Scenario(pool: try pool(4), settings: settings)).report
        // Out at 20 s, again at 30 s by a probe, and back some time after 50 s.
        let seconds = Double(report.endpoints[0].ejected) / 1e9
        #expect(seconds > 29 && seconds < 35, "seed \(seed)")
        #expect(report.ejections == 2 && report.endpoints[0].ejections == 2, "seed \(seed)")
        // Answers to what came before begin the row anew.
        #expect((5...9).contains(report.errors), "seed \(seed)")
        // 30 to 35 s of a quarter are missing, and some five of slow start.
        #expect((0.14...0.19).contains(report.endpoints[0].share), "seed \(seed)")
    }

    @Test("checks take a server down and bring it back", arguments: ["/healthz", "tcp"])
    func checks(kind: String) throws {
        var settings = SimulateConfig.steady(400, seconds: 60)
        settings.failFirst(failure(.down, 10, 30))
        let pool = try pool(4, "health: \(kind)", "ejection: off")
        let report = simulated(Scenario(pool: pool, settings: settings)).report
        let first = report.endpoints[0]
        // Three checks fail and two pass, 2 s apart.
        #expect(first.timesDown == 1)
        #expect((17...22).contains(Double(first.down) / 1e9))
        // Whoever met it meanwhile was tried again.
        #expect(report.errors == 0 && report.retries > 0 && report.ejections == 0)
        #expect(report.endpoints[1...].allSatisfy { $0.down == 0 && $0.timesDown == 0 })
    }

    @Test("what a check sees of a machine")
    func checkedMachines() throws {
        /// How long the first of two servers is down, of 30 s, the last 20 of which it is ill.
        func down(_ health: String, _ change: (inout MachineConfig) -> Void) throws -> Double {
            var settings = SimulateConfig.steady(50, seconds: 30)
            var machine = settings.endpoint
            change(&machine)
            settings.servers = [NamedMachine(pattern: "10.0.0.1:80", machine: machine)]
            let pool = try pool(2, "health: \(health)", "ejection: off")
            let report = simulated(Scenario(pool: pool, settings: settings)).report
            return Double(report.endpoints[0].down) / 1e9
        }
        #expect(try down("/h") { $0.fail = [failure(.fast, 10)] } > 13)
        #expect(try down("/h") { $0.fail = [failure(.slow, 10)] } > 12)
        #expect(try down("/h") { $0.fail = [failure(.reset, 10)] } > 13)
        #expect(try down("tcp") { $0.fail = [failure(.fast, 10)] } == 0)
        #expect(try down("tcp") { $0.fail = [failure(.slow, 10)] } == 0)
        #expect(try down("{path: /h, status: 503}") { $0.fail = [failure(.fast, 10)] } == 0)
        #expect(try abs(down("/h") { $0.check = .seconds(2) } - 29) < 0.1)
        #expect(try down("/h") { $0.check = .milliseconds(900) } == 0)
        var slow = SlowdownConfig(speed: 0.001)
        slow.from = .seconds(10)
        #expect(
            try down("/h") {
                $0.slow = [slow]
                $0.concurrency = nil
            } == 0
        )
        #expect(
            try down("/h") {
                $0.slow = [slow]
                $0.concurrency = nil
                $0.check = .milliseconds(2)
            } > 12
        )
        // Where all places are taken, checks wait with the others.
        #expect(try down("/h") { $0.slow = [slow] } > 10)
    }

    @Test("servers that begin down serve once a check has passed")
    func initiallyDown() throws {
        var settings = SimulateConfig.steady(100, seconds: 10)
        settings.network = .milliseconds(50)
        let pool = try pool(2, "health: {path: /h, initial: down}", "panic-threshold: 0%")
        let report = simulated(Scenario(pool: pool, settings: settings)).report
        // There and back by the network, and a millisecond.
        let early = report.timeline.stretches[0]
        #expect(report.errors > 0 && report.errors <= 15 && early.errors == report.errors)
        #expect(report.endpoints.allSatisfy { (1...101_000_000).contains($0.down) })
    }
}
