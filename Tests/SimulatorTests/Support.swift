import Balancing
import Configuration
import Simulator
import Testing

/// A pool of servers that are all alike.
func pool(_ count: Int, strategy: String = "round-robin") throws -> PoolConfig {
    let servers = (1...count).map { "10.0.\($0 / 256).\($0 % 256):80" }.joined(separator: ", ")
    let text = "listen: \":80\"\npools: {main: {servers: [\(servers)], balance: \(strategy)}}\n"
    return try #require(loaded(text).config?.pools.first)
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
