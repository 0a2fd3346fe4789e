import Balancing
import Configuration
import Health

/// What a route changes of heads, for as long as a snapshot has it.
final class RouteEditsOwner: @unchecked Sendable {
    /// The changes.
    let edits: RouteEdits

    init(_ edits: RouteEdits) { self.edits = edits }

    deinit { edits.deallocate() }
}

/// What pools have that stay at their places: taken over from the snapshot before.
struct CarriedPools {
    let placed: PlacedConfig
    let previous: Snapshot?

    /// By place: what the snapshot before has, or what is made of the pool.
    func of<Value>(
        _ known: KeyPath<Snapshot, [Value]>,
        _ make: (Int, PoolConfig) -> Value
    ) -> [Value] {
        placed.config.pools.enumerated().map { place, pool in
            if let previous, place < previous.config.pools.count,
                !placed.newPools.contains(place)
            {
                return previous[keyPath: known][place]
            }
            return make(place, pool)
        }
    }
}

extension Snapshot {
    /// The table of listeners; those that are retired close their connections.
    static func listeners(
        _ placed: PlacedConfig,
        _ texts: TextStore
    ) -> UnsafeMutablePointer<ListenerEntry> {
        let listeners = placed.config.listeners
        let entries = UnsafeMutablePointer<ListenerEntry>.allocate(
            capacity: max(1, listeners.count)
        )
        let live = Set(placed.listeners)
        for (place, listener) in listeners.enumerated() {
            (entries + place).initialize(
                to: ListenerEntry(listener, isClosing: !live.contains(place), texts)
            )
        }
        return entries
    }

    /// By route: what it changes of heads.
    static func edits(
        _ placed: PlacedConfig,
        _ previous: Snapshot?,
        _ texts: TextStore
    ) -> [RouteEditsOwner] {
        placed.config.routes.enumerated().map { place, route in
            if let known = previous?.editOwners, place < known.count,
                !placed.newRoutes.contains(place)
            {
                return known[place]
            }
            return RouteEditsOwner(RouteEdits(route, keep: texts.keep))
        }
    }

    /// The table of routes, and what each changes of heads.
    static func routes(
        _ config: Config,
        _ owners: [RouteEditsOwner]
    ) -> (UnsafeMutablePointer<RouteEntry>, UnsafeMutablePointer<RouteEdits>) {
        let count = max(1, config.routes.count)
        let routes = UnsafeMutablePointer<RouteEntry>.allocate(capacity: count)
        let edits = UnsafeMutablePointer<RouteEdits>.allocate(capacity: count)
        for (index, route) in config.routes.enumerated() {
            (edits + index).initialize(to: owners[index].edits)
            (routes + index).initialize(to: RouteEntry(route, edits[index]))
        }
        return (routes, edits)
    }

    /// The table of endpoints, with those that the file gives by address.
    static func endpoints(
        _ placed: PlacedConfig,
        _ texts: TextStore
    ) -> UnsafeMutablePointer<EndpointEntry> {
        let endpoints = UnsafeMutablePointer<EndpointEntry>.allocate(
            capacity: max(1, placed.endpointCount)
        )
        let nobody = EndpointEntry(nil, of: PoolConfig(name: "", servers: []), pool: 0, texts)
        endpoints.initialize(repeating: nobody, count: placed.endpointCount)
        for (place, pool) in placed.config.pools.enumerated() {
            let members = pool.membersByAddress
            for slot in 0..<placed.capacities[place] {
                let server = slot < members.count ? members[slot] : nil
                endpoints[placed.firstEndpoints[place] + slot] = EndpointEntry(
                    server,
                    of: pool,
                    pool: place,
                    texts
                )
            }
        }
        return endpoints
    }

    /// How a pool balances at first, in the states of the file.
    static func plan(_ pool: PoolConfig, capacity: Int) -> PoolPlan {
        let shared = SharedPool(capacity: capacity)
        let members = pool.membersByAddress
        for (slot, server) in members.enumerated() {
            shared.set(slot, Availability(server.state), now: 0)
        }
        return pool.plan(of: members, shared: shared)
    }

    /// What a pool's own traffic and checks say of its endpoints: nothing, at first.
    static func health(_ pool: PoolConfig, _ plan: PoolPlan) -> PoolHealth {
        PoolHealth(
            pool.ejection,
            rise: pool.checks?.rise ?? CheckOptions().rise,
            shared: plan.shared,
            size: plan.endpoints.count { $0.weight > 0 }
        )
    }
}
