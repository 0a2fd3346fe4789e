/// An endpoint's place in its pool's list.
public typealias EndpointIndex = Int

/// What a strategy knows of an endpoint.
public struct StrategyEndpoint: Sendable, Equatable {
    /// The address as the file has it; strategies that hash use it.
    public var name: String
    /// The share of the traffic in relation to the other weights; 0 gets none.
    public var weight: Int

    /// An endpoint.
    public init(name: String, weight: Int) {
        self.name = name
        self.weight = weight
    }
}

/// Picks an endpoint for each request of one pool: the base of all strategies.
///
/// One object per pool and worker, so nothing in it is shared. Pure: no clock and no random source
/// but the one passed in. Made by ``StrategyRegistry``; this class itself picks nothing.
public class BalancingStrategy {
    /// A strategy that picks nothing.
    init() {}

    /// The endpoint for a request, or `nil` if none is left.
    ///
    /// Allocates nothing.
    /// `tried`: endpoints that this request must not get again.
    public func pick(
        excluding tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        nil
    }

    /// The pool's endpoints are others now.
    ///
    /// Allocates: not for the hot path.
    public func endpointsChanged(_ endpoints: [StrategyEndpoint], random: inout SeededRandom) {}
}
