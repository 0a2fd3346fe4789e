import ArgumentParser
import Balancing
import CLinux
import Configuration
import Control
import Simulator

/// `weir simulate FILE`.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play traffic through a pool in virtual time, and tell how it fared.",
        discussion: "The file's section \"simulate\" says which traffic; docs/reference/simulate.md."
    )

    @Argument(help: "The configuration file.")
    var file: String

    @Flag(help: "Play the same traffic through all strategies.")
    var compare = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Draw the report into this file.", valueName: "svg"))
    var plot: String?

    @Option(help: "What all randomness is made from, in place of the file's.")
    var seed: UInt64?

    @Option(help: "The pool; needed where the file has several.")
    var pool: String?

    @Option(help: ArgumentHelp("Replay this access log of Weir (JSON).", valueName: "log"))
    var log: String?

    func run() throws {
        let result = loadFile(file, requiresFiles: false)
        Output.trouble(render(result.diagnostics))
        guard let config = result.config else { throw ExitCode(1) }
        let pool = try chosenPool(config)
        var settings = config.simulate ?? SimulateConfig()
        if let seed { settings.seed = seed }
        let replay: Replay? = nil
        let scenario = Scenario(pool: pool, settings: settings, replay: replay)
        let own = Candidate(pool.balance)
        let candidates = compare || log != nil ? Candidate.all(pool.balance) : [own]
        let results = simulated(scenario, candidates)
        let report = Report(
            file: file,
            pool: pool.name,
            scenario: scenario,
            configured: own.name,
            results: results,
            log: log
        )
        Output.text(json ? report.json : report.text)
    }

    private func chosenPool(_ config: Config) throws -> PoolConfig {
        let names = config.pools.map(\.name).joined(separator: ", ")
        guard let pool else {
            if config.pools.count == 1, let only = config.pools.first { return only }
            Output.error(
                config.pools.isEmpty
                    ? "weir: \(file) has no pool"
                    : "weir: \(file) has several pools: say which with --pool (\(names))"
            )
            throw ExitCode(2)
        }
        guard let found = config.pools.first(where: { $0.name == pool }) else {
            Output.error("weir: \(file) has no pool \"\(pool)\"; it has: \(names)")
            throw ExitCode(2)
        }
        return found
    }

    private func simulated(_ scenario: Scenario, _ candidates: [Candidate]) -> [StrategyReport] {
        let begin = weir_monotonic_ns()
        var requests = 0
        var bar = ProgressBar(parts: candidates.count)
        let results = candidates.map { candidate in
            var own = scenario
            own.balance = candidate.options
            var simulation = Simulation(own)
            while simulation.advance(requests: 1 << 18) {
                bar.show(candidate.name, simulation.progress)
            }
            requests += simulation.arrived
            bar.finishPart()
            return simulation.report(candidate.name)
        }
        bar.clear()
        let seconds = Double(max(1, weir_monotonic_ns() - begin)) / 1e9
        let tenths = Int((Double(requests) / seconds / 1e5).rounded())
        Output.error("\(tenths / 10).\(tenths % 10) million requests/s")
        return results
    }
}

/// How far a simulation is, on standard error if that is a terminal.
private struct ProgressBar {
    private static let width = 30
    private let isShown = weir_is_terminal(2) == 1
    private let parts: Int
    private var done = 0
    private var last = -1

    init(parts: Int) { self.parts = max(1, parts) }

    mutating func show(_ name: String, _ progress: Double) {
        guard isShown else { return }
        let share = (Double(done) + min(1, max(0, progress))) / Double(parts)
        let hundredths = Int(share * 100)
        guard hundredths != last else { return }
        last = hundredths
        let full = hundredths * Self.width / 100
        let bar =
            String(repeating: "#", count: full)
            + String(repeating: ".", count: Self.width - full)
        Output.trouble("\r\u{1B}[K[\(bar)] \(hundredths) % \(name)")
    }

    mutating func finishPart() { done += 1 }

    func clear() {
        if isShown { Output.trouble("\r\u{1B}[K") }
    }
}
