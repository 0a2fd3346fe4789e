/// What the registry knows of a strategy.
public struct StrategyEntry: Sendable {
    /// The word in the file: `balance: NAME`.
    public let name: String
    /// What it does, in one line without a full stop.
    public let summary: String
    /// The paper or program that it comes from.
    public let source: String
    /// Makes what all workers share; `nil` where there is nothing.
    public var prepare: @Sendable ([StrategyEndpoint], BalanceOptions) -> (any StrategyTable)? = {
        _,
        _ in nil
    }
    /// Whether it keeps its endpoints' ``PeakEWMA`` in the blocks that workers share.
    var keepsLatency = false
    let make: @Sendable (StrategyContext, inout SeededRandom) -> BalancingStrategy
}

/// All strategies.
///
/// A new one is a file in `Strategies` and a line here: the parser, the reference page, the schema
/// and the simulator read this list.
public enum StrategyRegistry {
    /// In the order of the reference page; the first one is the default.
    public static let entries: [StrategyEntry] = [
        RoundRobin.entry,
        LeastConnections.entry,
        LatencyWeighted.entry,
        ConsistentHash.entry,
        RandomChoice.entry,
        Prequal.entry,
        LeastBytes.entry,
    ]

    /// The words that `balance:` takes.
    public static var names: [String] { entries.map(\.name) }

    /// A strategy's entry by its word; `nil` if there is none of that name.
    public static func entry(_ name: String) -> StrategyEntry? {
        entries.first { $0.name == name }
    }

    /// A strategy by the word in the context's options; `nil` if there is none of that name.
    public static func make(
        _ context: StrategyContext,
        random: inout SeededRandom
    ) -> BalancingStrategy? {
        entry(context.options.strategy)?.make(context, &random)
    }
}
