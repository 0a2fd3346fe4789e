import Balancing

extension PoolConfig {
    /// The servers as balancing sees them.
    public var plannedEndpoints: [PlannedEndpoint] {
        servers.map {
            PlannedEndpoint(
                name: $0.name,
                weight: $0.weight,
                priority: $0.priority,
                availability: Availability($0.state)
            )
        }
    }

    /// What the pool's workers balance by; takes the time that the strategy's tables need.
    public func plan() -> PoolPlan {
        PoolPlan(
            endpoints: plannedEndpoints,
            options: balance,
            slowStart: slowStart.inNanoseconds,
            panicThreshold: panicThreshold,
            spillBelow: spillBelow
        )
    }
}

extension Availability {
    fileprivate init(_ state: ServerState) {
        switch state {
        case .ready: self = .up
        case .drain: self = .draining
        case .down: self = .down
        }
    }
}
