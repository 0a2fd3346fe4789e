/// One server of a pool, as far as balancing is concerned.
public struct PlannedEndpoint: Sendable, Equatable {
    /// The address as the file has it.
    public var name: String
    /// 0 to 1000; 0 drains.
    public var weight: Int
    /// 0 is asked first.
    public var priority: Int
    /// What the file says of it.
    public var availability: Availability

    /// A server.
    public init(
        name: String,
        weight: Int = 1,
        priority: Int = 0,
        availability: Availability = .up
    ) {
        self.name = name
        self.weight = weight
        self.priority = priority
        self.availability = availability
    }
}

/// A pool's balancing as the file has it, with what its workers share.
///
/// Immutable but for ``shared``; each worker makes its ``PoolBalancer`` from it.
public final class PoolPlan: Sendable {
    /// The servers, in the file's order.
    public let endpoints: [PlannedEndpoint]
    /// Strategy and parameters.
    public let options: BalanceOptions
    /// How long a returning endpoint takes to its whole weight, in nanoseconds; 0 is at once.
    public let slowStart: Int64
    /// Below this healthy share, 0 to 1, health is ignored.
    public let panicThreshold: Double
    /// Below this healthy share, 0 to 1, the next priority helps.
    public let spillBelow: Double
    /// What the workers share.
    public let shared: SharedPool
    /// The priorities that occur, the first to be asked first.
    let priorities: [Int]
    /// By priority: what ``StrategyEntry/prepare`` made.
    let tables: [(any StrategyTable)?]

    /// A plan; takes the time that the strategy's tables need.
    ///
    /// `shared`: the blocks where endpoints are there already, whose states stay as they are;
    /// `nil` makes new ones.
    public init(
        endpoints: [PlannedEndpoint],
        options: BalanceOptions,
        slowStart: Int64 = 10_000_000_000,
        panicThreshold: Double = 0.1,
        spillBelow: Double = 0.7,
        shared: SharedPool? = nil
    ) {
        self.endpoints = endpoints
        self.options = options
        self.slowStart = slowStart
        self.panicThreshold = panicThreshold
        self.spillBelow = spillBelow
        if let shared {
            self.shared = shared
        } else {
            let new = SharedPool(capacity: endpoints.count)
            for (index, endpoint) in endpoints.enumerated() {
                new.set(index, endpoint.availability, now: 0)
            }
            self.shared = new
        }
        let priorities = Set(endpoints.map(\.priority)).sorted()
        self.priorities = priorities
        let prepare = StrategyRegistry.entry(options.strategy)?.prepare
        tables = priorities.map { prepare?(PoolPlan.members(endpoints, $0), options) }
    }

    /// Bytes of what the workers share of an endpoint, whatever the strategy.
    public static var blockSize: Int { EndpointBlock.stride }

    /// Bytes of the tables and blocks that the workers share.
    public var memory: Int {
        tables.reduce(endpoints.count * EndpointBlock.stride) { $0 + ($1?.memory ?? 0) }
    }

    /// The latency in seconds by which the strategy weighs an endpoint at `now`; `nil` where it
    /// weighs by none, or knows none yet.
    public func weighedLatency(_ index: EndpointIndex, now: Int64) -> Double? {
        guard StrategyRegistry.entry(options.strategy)?.keepsLatency == true,
            index >= 0 && index < shared.capacity
        else { return nil }
        return PeakEWMA(decay: options.decay, penalty: options.penalty)
            .cost(shared.latency(index), now: now)
            .map { $0 / 1e9 }
    }

    /// The strategy's view of one priority: the others weigh nothing.
    func members(_ priority: Int) -> [StrategyEndpoint] { PoolPlan.members(endpoints, priority) }

    private static func members(
        _ endpoints: [PlannedEndpoint],
        _ priority: Int
    ) -> [StrategyEndpoint] {
        endpoints.map {
            StrategyEndpoint(name: $0.name, weight: $0.priority == priority ? $0.weight : 0)
        }
    }
}
