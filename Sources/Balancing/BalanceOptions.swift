/// `balance` of a pool: a strategy and its parameters.
public struct BalanceOptions: Sendable, Equatable {
    /// A name from ``StrategyRegistry``.
    public var strategy = "round-robin"
    /// `choices` of `least-connections`.
    public var choices = Choices.automatic
    /// `decay` of `latency-weighted`, in nanoseconds: after it a latency weighs 1/e of what it did.
    public var decay: Int64 = 10_000_000_000
    /// `penalty` of `latency-weighted`, in nanoseconds: what a failure counts as.
    public var penalty: Int64 = 5_000_000_000
    /// `table` of `consistent-hash`.
    public var table = HashTable.maglev
    /// `table-size` of `consistent-hash`; `nil` is the first of a ladder of primes that is
    /// above 100 × servers.
    public var tableSize: Int?
    /// `bounded-load` of `consistent-hash`: the most in flight, in relation to the mean; above 1.
    public var boundedLoad: Double?
    /// Parameters of `prequal`.
    public var prequal = PrequalOptions()

    /// The defaults.
    public init() {}

    /// How many endpoints are compared.
    public enum Choices: Sendable, Equatable {
        /// All of up to 16, else two.
        case automatic
        /// All of them.
        case all
        /// So many, drawn without repetition; at least 1.
        case sampled(Int)
    }

    /// How a key finds its endpoint.
    public enum HashTable: String, Sendable, CaseIterable {
        /// Eisenbud et al., NSDI 2016.
        case maglev
        /// Karger et al., STOC 1997.
        case ring
        /// Thaler and Ravishankar, 1998.
        case rendezvous
    }
}

/// Parameters of `prequal`, with the paper's defaults.
public struct PrequalOptions: Sendable, Equatable {
    /// `pool`: the most load reports that are kept.
    public var pool = 16
    /// `probes`: per request, 0 to 8; fractions are drawn.
    public var probes = 3.0
    /// `age`, in nanoseconds: after it a report is worth nothing.
    public var age: Int64 = 1_000_000_000
    /// `quantile`: endpoints with more in flight than this quantile of the reports are hot.
    public var quantile = 0.84

    /// The defaults.
    public init() {}
}
