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
        discussion:
            "The file's section \"simulate\" says which traffic; docs/reference/simulate.md."
    )

    @Argument(
        help: ArgumentHelp(
            "The configuration file; of several all play the first one's traffic.",
            valueName: "file"
        )
    )
    var files: [String]

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

    func validate() throws {
        guard files.count > 1, compare || log != nil else { return }
        throw ValidationError("Several files go neither with --compare nor with --log.")
    }

    func run() throws {
        var configs: [Config] = []
        for file in files {
            let result = loadFile(file, requiresFiles: false)
            Output.trouble(render(result.diagnostics))
            guard let config = result.config else { throw ExitCode(1) }
            configs.append(config)
        }
        let pools = try zip(files, configs).map { try chosenPool($1, of: $0) }
        // The parser asks for one file at least.
        guard let file = files.first, let pool = pools.first else { return }
        var settings = configs.first?.simulate ?? SimulateConfig()
        if let seed { settings.seed = seed }
        let replay = try log.map { try recorded($0, pool) }
        let scenario = Scenario(pool: pool, settings: settings, replay: replay)
        let own = Candidate(pool.balance)
        let isSeveral = files.count > 1
        let runs =
            isSeveral
            ? zip(names, pools).map { Run($0, Scenario(pool: $1, settings: settings)) }
            : (compare || log != nil ? Candidate.all(pool.balance) : [own]).map { candidate in
                var scenario = scenario
                scenario.pool.balance = candidate.options
                return Run(candidate.name, scenario)
            }
        let report = Report(
            file: files.joined(separator: ", "),
            pool: pool.name,
            scenario: scenario,
            configured: isSeveral ? names.first ?? file : own.name,
            results: simulated(runs),
            log: log,
            subject: isSeveral ? .files : .strategies
        )
        if let plot { try write(report.svg, to: plot) }
        Output.text(json ? report.json : report.text)
    }

    /// The files' names without folders and `.yaml`, as far as these tell them apart.
    private var names: [String] {
        let short = files.map { path in
            let last = path.split(separator: "/").last.map(String.init) ?? path
            return last.hasSuffix(".yaml") ? String(last.dropLast(5)) : last
        }
        return Set(short).count == files.count ? short : files
    }

    private func chosenPool(_ config: Config, of file: String) throws -> PoolConfig {
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

    private func recorded(_ path: String, _ pool: PoolConfig) throws -> Replay {
        let keys = pool.hashKey.compactMap { choice -> LogReader.Key? in
            switch choice {
            case .client: .client
            case .host: .host
            case .path: .path
            case .header, .cookie, .query: nil
            }
        }
        var reader = LogReader(endpoints: pool.servers.map(\.name), key: keys.first ?? .client)
        let file = weir_open_read(path, 1)
        guard file >= 0 else { throw failed("cannot read", path, file) }
        defer { weir_close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { memory in
                memory.baseAddress.map { weir_read(file, $0, memory.count) } ?? 0
            }
            if count < 0 { throw failed("cannot read", path, Int32(truncatingIfNeeded: count)) }
            if count == 0 { break }
            reader.read(buffer[..<count])
        }
        let replay = reader.replay()
        if reader.unreadable > 0 || reader.foreign > 0 {
            Output.error(
                "weir: \(path): left out \(reader.unreadable) lines that are no JSON of Weir's"
                    + " and \(reader.foreign) of no server of pool \"\(pool.name)\""
            )
        }
        guard let replay else {
            Output.error("weir: \(path) has no request that a server of \"\(pool.name)\" served")
            throw ExitCode(1)
        }
        return replay
    }

    private func write(_ text: String, to path: String) throws {
        let file = weir_open_new(path)
        guard file >= 0 else { throw failed("cannot write", path, file) }
        defer { weir_close(file) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { memory in
                memory.baseAddress.map { weir_write(file, $0, memory.count) } ?? 0
            }
            guard count > 0 else {
                throw failed("cannot write", path, Int32(truncatingIfNeeded: count))
            }
            rest = rest.dropFirst(count)
        }
    }

    private func failed(_ what: String, _ path: String, _ result: Int32) -> ExitCode {
        let reason = String(cString: weir_error_text(-result)).lowercased()
        Output.error("weir: \(what) \(path): \(reason)")
        return ExitCode(1)
    }

    /// What is simulated, and its name in the report.
    private struct Run {
        var name: String
        var scenario: Scenario

        init(_ name: String, _ scenario: Scenario) {
            self.name = name
            self.scenario = scenario
        }
    }

    private func simulated(_ runs: [Run]) -> [StrategyReport] {
        let begin = weir_monotonic_ns()
        var requests = 0
        var bar = ProgressBar(parts: runs.count)
        let results = runs.map { run in
            var simulation = Simulation(run.scenario)
            while simulation.advance(requests: 1 << 18) {
                bar.show(run.name, simulation.progress)
            }
            requests += simulation.arrived
            bar.finishPart()
            return simulation.report(run.name)
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
