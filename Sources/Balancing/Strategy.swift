/// An endpoint's place in its pool's list.
public typealias EndpointIndex = Int

/// What a strategy knows of an endpoint.
public struct StrategyEndpoint: Sendable, Equatable {
    /// The address as the file has it; strategies that hash use it.
    public var name: String
    /// The share of the traffic in relation to the other weights; 0 where the endpoint is not this
    /// strategy's: it gets no weight, or has another priority.
    public var weight: Int

    /// An endpoint.
    public init(name: String, weight: Int) {
        self.name = name
        self.weight = weight
    }
}

/// What a strategy builds once for all workers, immutable: a hash table, say.
public protocol StrategyTable: AnyObject, Sendable {
    /// Bytes that it takes.
    var memory: Int { get }
}

/// What a strategy is made from.
public struct StrategyContext {
    /// All endpoints of the pool.
    public var endpoints: [StrategyEndpoint]
    /// What the file says.
    public var options: BalanceOptions
    /// The loads, shared by all workers.
    public var shared: SharedPool
    /// What ``StrategyEntry/prepare`` made.
    public var table: (any StrategyTable)?

    /// A context.
    public init(
        endpoints: [StrategyEndpoint],
        options: BalanceOptions,
        shared: SharedPool,
        table: (any StrategyTable)? = nil
    ) {
        self.endpoints = endpoints
        self.options = options
        self.shared = shared
        self.table = table
    }
}

/// Picks an endpoint for each request of one pool: the base of all strategies.
///
/// One object per pool, priority and worker; what it writes is its own, but for the shared blocks.
/// Pure: no clock and no random source but the one passed in. Made by ``StrategyRegistry``; this
/// class itself picks nothing. ``PoolBalancer`` does what all have in common: priorities, slow
/// start, who may be picked, and the counting of what is in flight.
public class BalancingStrategy {
    /// Weight 1 in the units of ``weightsChanged(_:random:)``.
    public static let unitWeight: UInt32 = 1000

    /// A strategy that picks nothing.
    init() {}

    /// Whether it wants to hear of results: ``answered(_:_:random:)``.
    public var observesResults: Bool { false }

    /// Whether it looks at ``EndpointBlock/bytesInTransfer``, so that they are to be counted.
    public var countsBytes: Bool { false }

    /// Whether it looks at a request's key.
    public var usesKeys: Bool { false }

    /// Whether it wants load reports of its endpoints: ``reported(_:_:random:)``.
    public var wantsReports: Bool { false }

    /// The endpoint for a request, or `nil` if none is left.
    ///
    /// Allocates nothing.
    public func pick(_ request: PickRequest, random: inout SeededRandom) -> EndpointIndex? {
        nil
    }

    /// What the endpoints weigh from now on.
    ///
    /// One for each endpoint, in thousandths of a unit of weight; 0 for those that may not be
    /// picked now. Called once before the first pick, then only if one has changed. May allocate.
    public func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {}

    /// A try at this endpoint was answered or failed.
    ///
    /// Allocates nothing.
    public func answered(
        _ endpoint: EndpointIndex,
        _ result: TryResult,
        random: inout SeededRandom
    ) {}

    /// An endpoint, asked by a probe, has told its load.
    ///
    /// Allocates nothing.
    public func reported(
        _ endpoint: EndpointIndex,
        _ report: LoadReport,
        random: inout SeededRandom
    ) {}

    /// An endpoint that is worth asking for its load, drawn at random; `nil` if there is none.
    ///
    /// Consecutive calls give different endpoints as long as there are any. Allocates nothing.
    public func probeTarget(random: inout SeededRandom) -> EndpointIndex? {
        nil
    }
}
