/// What the registry knows of a strategy.
public struct StrategyEntry: Sendable {
    /// The word in the file: `balance: NAME`.
    public let name: String
    /// What it does, in one line without a full stop.
    public let summary: String
    /// The paper or program that it comes from.
    public let source: String
    let make: @Sendable ([StrategyEndpoint], inout SeededRandom) -> BalancingStrategy
}

/// All strategies.
///
/// A new one is a file in `Strategies` and a line here: the parser, the reference page and the
/// schema read this list.
public enum StrategyRegistry {
    /// In the order of the reference page; the first one is the default.
    public static let entries: [StrategyEntry] = [
        RoundRobin.entry
    ]

    /// The words that `balance:` takes.
    public static var names: [String] { entries.map(\.name) }

    /// A strategy by its word; `nil` if there is none of that name.
    public static func make(
        _ name: String,
        endpoints: [StrategyEndpoint],
        random: inout SeededRandom
    ) -> BalancingStrategy? {
        entries.first { $0.name == name }?.make(endpoints, &random)
    }
}
