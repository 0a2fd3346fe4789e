import Balancing
import Configuration
import Simulator
import Testing

/// A pool of servers that are all alike; `keys` are further ones of it, with commas between.
func pool(_ count: Int, strategy: String = "round-robin", _ keys: String...) throws -> PoolConfig {
    let servers = (1...count).map { "10.0.\($0 / 256).\($0 % 256):80" }.joined(separator: ", ")
    let more = keys.map { ", \($0)" }.joined()
    let text =
        "listen: \":80\"\n"
        + "pools: {main: {servers: [\(servers)], balance: \(strategy)\(more)}}\n"
    return try #require(loaded(text).config?.pools.first)
}

/// A failure of a machine for a time, in seconds; without an end, for ever.
func failure(_ kind: FailureConfig.Kind, _ from: Int = 0, _ to: Int? = nil) -> FailureConfig {
    var failure = FailureConfig(kind: kind)
    failure.from = .seconds(from)
    failure.to = to.map { .seconds($0) }
    return failure
}

extension SimulateConfig {
    /// Requests at a rate for so many seconds, all of which count.
    static func steady(_ rate: Double, seconds: Int, seed: UInt64 = 1) -> SimulateConfig {
        var settings = SimulateConfig()
        settings.requests = nil
        settings.duration = .seconds(seconds)
        settings.warmUp = 0
        settings.seed = seed
        settings.arrivals.amount = .rate(rate)
        settings.service.kind = .fixed
        return settings
    }

    /// Has the first server of ``pool(_:strategy:_:)`` fail.
    mutating func failFirst(_ failures: FailureConfig...) {
        var machine = endpoint
        machine.fail = failures
        servers = [NamedMachine(pattern: "10.0.0.1:80", machine: machine)]
    }
}

/// A file's text, read.
func loaded(_ text: String) -> LoadResult {
    load(
        path: "weir.yaml",
        files: OneFile(text: text),
        environment: { _ in nil },
        options: LoadOptions()
    )
}

struct OneFile: FileAccess {
    let text: String

    func read(_ path: String) -> Result<[UInt8], FileProblem> { .success(Array(text.utf8)) }
    func glob(_ pattern: String) -> [String] { [] }
}

/// Runs a scenario to its end.
func simulated(_ scenario: Scenario, _ name: String = "x") -> (report: StrategyReport, all: [Int]) {
    var simulation = Simulation(scenario)
    while simulation.advance(requests: 10_000) {}
    let all = [simulation.arrived, simulation.answered, simulation.failed]
    return (simulation.report(name), all)
}
