import Balancing

extension PoolConfig {
    /// Slots for endpoints of a pool some of which are found.
    private static let fewestFoundSlots = 1024
    /// Slots for endpoints that a changed file adds to a pool, at least.
    private static let fewestSpareSlots = 8

    /// The servers that the file gives by address, in its order.
    public var membersByAddress: [ServerConfig] {
        servers.filter {
            switch $0.address {
            case .ip, .unix: true
            case .name, .service: false
            }
        }
    }

    /// Whether endpoints come and go: names, SRV records or a watched file list them.
    public var findsEndpoints: Bool {
        serversFile != nil || membersByAddress.count < servers.count
    }

    /// Whether anything bounds what the pool takes at once.
    public var isBounded: Bool {
        let bounds = [
            breaker.pool.maxConnections, breaker.pool.maxRequests,
            breaker.perServer.maxConnections, breaker.perServer.maxRequests,
        ]
        return bounds.contains { $0 != nil } || servers.contains { $0.maxConnections != nil }
    }

    /// How many endpoints there can be at once: with room for those that are found, or that a
    /// changed file adds.
    public var endpointCapacity: Int {
        let count = membersByAddress.count
        let spare = findsEndpoints ? Self.fewestFoundSlots : max(Self.fewestSpareSlots, count / 2)
        return count + spare
    }

    /// What the pool's workers balance by, with these servers by slot; takes the time that the
    /// strategy's tables need.
    ///
    /// `shared`: the blocks where they are there already, whose states stay as they are; `nil`
    /// makes new ones with the states of the file.
    public func plan(of members: [ServerConfig?], shared: SharedPool? = nil) -> PoolPlan {
        PoolPlan(
            endpoints: members.map(PlannedEndpoint.init),
            options: balance,
            slowStart: slowStart.inNanoseconds,
            // A fallback serves instead of servers that are ill.
            panicThreshold: fallback == nil ? panicThreshold : 0,
            spillBelow: spillBelow,
            shared: shared
        )
    }

    /// What the pool's workers balance by at first: with the servers that the file gives by
    /// address.
    public func plan() -> PoolPlan { plan(of: membersByAddress) }
}

extension PlannedEndpoint {
    /// A server as balancing sees it; a slot where nobody is never gets a request.
    public init(_ server: ServerConfig?) {
        self.init(
            name: server?.name ?? "",
            weight: server?.weight ?? 0,
            priority: server?.priority ?? 0,
            availability: server.map { Availability($0.state) } ?? .down
        )
    }
}

extension Availability {
    /// What a server's state in the file means.
    public init(_ state: ServerState) {
        switch state {
        case .ready: self = .up
        case .drain: self = .draining
        case .down: self = .down
        }
    }
}
