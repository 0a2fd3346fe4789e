/// How well a pool's endpoints are, and what follows for its priorities.
///
/// Weights count as the file has them; what the operator took out is no sign of illness.
public struct PoolCondition: Sendable, Equatable {
    /// The priorities that occur, the first to be asked first.
    public let priorities: [Int]
    /// How the traffic is shared out among them.
    public let shares: TierShares
    /// What the healthy ones weigh.
    public let healthyWeight: Int
    /// What all weigh that take part.
    public let weight: Int
    /// Whether health is ignored, since too few endpoints are healthy.
    public let isInPanic: Bool

    /// The condition of a pool whose endpoints have these states, by endpoint.
    public init(_ plan: PoolPlan, _ states: [Availability]) {
        var healthy: [Double] = []
        var allWeight = 0
        var allHealthy = 0
        for priority in plan.priorities {
            var weight = 0
            var well = 0
            for (index, endpoint) in plan.endpoints.enumerated()
            where endpoint.priority == priority {
                guard states[index] == .up || states[index] == .unhealthy else { continue }
                weight += endpoint.weight
                if states[index] == .up { well += endpoint.weight }
            }
            healthy.append(weight == 0 ? 0 : Double(well) / Double(weight))
            allWeight += weight
            allHealthy += well
        }
        isInPanic =
            allHealthy < allWeight
            && Double(allHealthy) < plan.panicThreshold * Double(allWeight)
        if isInPanic {
            healthy = plan.priorities.map { priority in
                let isThere = plan.endpoints.indices.contains {
                    plan.endpoints[$0].priority == priority && plan.endpoints[$0].weight > 0
                        && states[$0].rawValue <= Availability.unhealthy.rawValue
                }
                return isThere ? 1 : 0
            }
        }
        priorities = plan.priorities
        weight = allWeight
        healthyWeight = allHealthy
        shares = TierShares(healthy: healthy, spillBelow: plan.spillBelow)
    }

    /// The condition as it is now.
    public init(_ plan: PoolPlan) {
        self.init(plan, plan.endpoints.indices.map { plan.shared.availability($0) })
    }

    /// The priorities that get traffic, each with its share from 0 to 1.
    public var parts: [(priority: Int, share: Double)] {
        var parts: [(priority: Int, share: Double)] = []
        var start = 0.0
        for (priority, end) in zip(priorities, shares.ends) {
            if end > start { parts.append((priority, end - start)) }
            start = max(start, end)
        }
        return parts
    }
}
