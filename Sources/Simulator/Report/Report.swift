import Balancing

/// What a run of the simulator found out: one strategy, or all of them under the same traffic.
public struct Report: Sendable {
    /// What is compared.
    public enum Subject: String, Sendable {
        /// Strategies of one file.
        case strategies
        /// Files, each with its own strategy.
        case files
    }

    /// The file's name, as it was given; several with commas between.
    public var file: String
    /// The pool's name.
    public var pool: String
    /// What was simulated, under the file's strategy.
    public var scenario: Scenario
    /// The name that the file's strategy has among ``results``.
    public var configured: String
    /// By strategy, in the order of the registry.
    public var results: [StrategyReport]
    /// The name of the log that was replayed.
    public var log: String?
    /// What ``results`` are of.
    public var subject = Subject.strategies

    /// A report.
    public init(
        file: String,
        pool: String,
        scenario: Scenario,
        configured: String,
        results: [StrategyReport],
        log: String? = nil,
        subject: Subject = .strategies
    ) {
        self.file = file
        self.pool = pool
        self.scenario = scenario
        self.configured = configured
        self.results = results
        self.log = log
        self.subject = subject
    }

    /// The result of the file's own strategy.
    public var ownResult: StrategyReport? { results.first { $0.name == configured } }

    /// The best result: the fewest errors, as far as they differ by more than a thousandth of the
    /// requests; then the lowest p99, the lowest p50, and the order of the registry.
    ///
    /// Strategies that hash are left out unless the file has one: they are chosen for where keys
    /// go, and do well by chance where few keys happen to be at fast servers.
    public var best: StrategyReport? {
        let hashes = ownResult?.keysMoved != nil
        let eligible = results.filter { hashes || $0.keysMoved == nil }
        guard let fewest = eligible.map(\.errorShare).min() else { return nil }
        let able = eligible.filter { $0.errorShare <= fewest + 0.001 }
        return able.enumerated().min { one, other in
            let first = (one.element.latency(990_000), one.element.latency(500_000), one.offset)
            let second = (
                other.element.latency(990_000), other.element.latency(500_000), other.offset
            )
            return first < second
        }?.element
    }

    /// Which strategy is the best, and by how much, in one sentence.
    public var verdict: String? {
        guard subject == .strategies, results.count > 1, let best, let own = ownResult,
            best.requests > 0
        else { return nil }
        let traffic = log == nil ? "serves this traffic" : "would have served this traffic"
        let bestText = figures(best)
        if best.name == own.name {
            return "\(own.name), which the file has, \(traffic) best: p99 \(bestText)"
                + runnerUp(own)
        }
        if figures(own) == bestText {
            return "\(own.name), which the file has, \(traffic) as well as any: p99 \(bestText)."
        }
        return "\(best.name) \(traffic) best: p99 \(bestText), against \(figures(own))"
            + " with \(own.name), which the file has."
    }

    /// What a strategy is judged by, as it is printed.
    private func figures(_ result: StrategyReport) -> String {
        "\(FixedPoint.milliseconds(result.latency(990_000))) ms\(errors(result))"
    }

    private func errors(_ result: StrategyReport) -> String {
        let all = results.contains { $0.errors > 0 }
        return all ? " and \(FixedPoint.percent(result.errorShare)) % errors" : ""
    }

    private func runnerUp(_ best: StrategyReport) -> String {
        var rest = self
        rest.results.removeAll { $0.name == best.name }
        guard let second = rest.best else { return "." }
        return "; next is \(second.name) with \(figures(second))."
    }
}

/// A strategy that is compared, with its name in the report.
public struct Candidate: Sendable {
    /// The strategy's word, and its table where it has some.
    public var name: String
    /// The file's parameters under this strategy.
    public var options: BalanceOptions

    /// The strategy that options name.
    public init(_ options: BalanceOptions) {
        self.options = options
        name = options.strategy
        if Self.hasTables(options.strategy) { name += " (\(options.table.rawValue))" }
    }

    /// All strategies of the registry, those that hash with each table.
    public static func all(_ options: BalanceOptions) -> [Candidate] {
        var candidates: [Candidate] = []
        for entry in StrategyRegistry.entries {
            var own = options
            own.strategy = entry.name
            guard hasTables(entry.name) else {
                candidates.append(Candidate(own))
                continue
            }
            for table in BalanceOptions.HashTable.allCases {
                own.table = table
                // A size is one of the Maglev table.
                own.tableSize = table == options.table ? options.tableSize : nil
                candidates.append(Candidate(own))
            }
        }
        return candidates
    }

    private static func hasTables(_ name: String) -> Bool { name == "consistent-hash" }
}
