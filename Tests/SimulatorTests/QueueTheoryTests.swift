import Balancing
import Configuration
import Simulator
import Testing

@Suite("Queues against their formulas")
struct QueueTheoryTests {
    /// The mean time in an M/M/c queue, in units of the mean service time (Erlang's C formula).
    static func meanTime(slots: Int, load: Double) -> Double {
        let offered = load * Double(slots)
        var term = 1.0
        var sum = 1.0
        for slot in 1..<max(slots, 1) {
            term *= offered / Double(slot)
            sum += term
        }
        if slots == 1 { sum = 1 }
        let last = term * offered / Double(slots) / (1 - load)
        let waiting = last / (sum + last)
        return 1 + waiting / (Double(slots) * (1 - load))
    }

    @Test("M/M/c: the mean time is Erlang's", arguments: [(1, 0.5), (1, 0.8), (4, 0.8), (16, 0.9)])
    func exponential(slots: Int, load: Double) throws {
        var settings = SimulateConfig()
        settings.requests = 400_000
        settings.seed = 7
        settings.arrivals.amount = .load(load)
        settings.endpoint.concurrency = slots
        settings.endpoint.queue = 100_000
        let scenario = Scenario(pool: try pool(1), settings: settings)
        let found = Double(simulated(scenario).report.latencies.mean) / 1e7
        let expected = Self.meanTime(slots: slots, load: load)
        #expect(abs(found - expected) < expected * 0.04, "seed 7: \(found), not \(expected)")
    }

    @Test("fixed service and fixed arrivals below capacity never wait")
    func steady() throws {
        var settings = SimulateConfig()
        settings.requests = 5000
        settings.service.kind = .fixed
        settings.arrivals.kind = .fixed
        settings.arrivals.amount = .load(1)
        settings.endpoint.concurrency = 1
        let report = simulated(Scenario(pool: try pool(1), settings: settings)).report
        #expect(report.latencies.greatest == 10_000_000 && report.errors == 0)
    }

    @Test("service times have the mean that the file says", arguments: ServiceConfig.Kind.allCases)
    func means(kind: ServiceConfig.Kind) throws {
        var settings = SimulateConfig()
        settings.requests = 300_000
        settings.seed = 3
        settings.service.kind = kind
        settings.service.shape = 3
        settings.endpoint.concurrency = nil
        let mean = simulated(Scenario(pool: try pool(2), settings: settings)).report.latencies.mean
        #expect(abs(Double(mean) / 1e7 - 1) < 0.02, "seed 3, \(kind): \(mean) ns")
    }

    @Test("the network is passed there and back")
    func network() throws {
        var settings = SimulateConfig()
        settings.requests = 1000
        settings.service.kind = .fixed
        settings.network = .milliseconds(3)
        settings.endpoint.concurrency = nil
        let report = simulated(Scenario(pool: try pool(3), settings: settings)).report
        #expect(report.latencies.greatest == 16_000_000 && report.latencies.mean == 16_000_000)
    }
}
