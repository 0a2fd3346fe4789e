import Routing

/// A configuration in which listeners, routes and pools have places that a reload does not move.
///
/// Requests and connections name what they use by its place. What a reload leaves as it is keeps
/// its place; what it changes gets a new one, and the old one stays as it was until nobody uses it:
/// so a request ends by the rules by which it began. A listener stays at its place as long as its
/// address does, and a pool as long as nothing but its servers changes.
public struct PlacedConfig: Sendable {
    /// The configuration as it was written.
    public let written: Config
    /// The same by place: its lists are in the order of places, with those that are retired; where
    /// a route or pool names a pool, it does so by place.
    public private(set) var config: Config
    /// The places of listeners, routes and pools in the order of the file.
    public private(set) var listeners: [Int] = []
    /// See ``listeners``.
    public private(set) var routes: [Int] = []
    /// See ``listeners``.
    public private(set) var pools: [Int] = []
    /// Which places there are.
    public private(set) var listenerPlaces = PlaceList()
    /// See ``listenerPlaces``.
    public private(set) var routePlaces = PlaceList()
    /// See ``listenerPlaces``.
    public private(set) var poolPlaces = PlaceList()
    /// The places that came with this configuration.
    public private(set) var newListeners: Set<Int> = []
    /// See ``newListeners``.
    public private(set) var newRoutes: Set<Int> = []
    /// See ``newListeners``.
    public private(set) var newPools: Set<Int> = []
    /// By place of a pool: where its endpoints begin in the row of all, and how many there can be.
    public private(set) var firstEndpoints: [Int] = []
    /// See ``firstEndpoints``.
    public private(set) var capacities: [Int] = []
    private var endpoints = RangeAllocator()

    /// How long the row of endpoints of all pools is.
    public var endpointCount: Int { endpoints.end }

    /// A first configuration: everything has the place that it has in the file.
    public init(_ config: Config) {
        written = config
        self.config = config
        self.config.listeners = []
        self.config.routes = []
        self.config.pools = []
        placePools { _, _ in false }
        placeRoutes(nil)
        placeListeners(nil)
    }

    /// A configuration that follows `previous`.
    ///
    /// `hasRoom`: whether the endpoints of the pool at a place have room for the servers that it
    /// has now.
    public init(
        _ config: Config,
        following previous: PlacedConfig,
        hasRoom: (Int, PoolConfig) -> Bool
    ) {
        self = PlacedConfig(config, previous)
        placePools(hasRoom)
        placeRoutes(previous)
        placeListeners(previous)
    }

    /// The places of `previous` with nothing of `config` in them yet.
    private init(_ config: Config, _ previous: PlacedConfig) {
        written = config
        self.config = config
        self.config.listeners = previous.config.listeners
        self.config.routes = previous.config.routes
        self.config.pools = previous.config.pools
        listenerPlaces = previous.listenerPlaces
        routePlaces = previous.routePlaces
        poolPlaces = previous.poolPlaces
        pools = previous.pools
        firstEndpoints = previous.firstEndpoints
        capacities = previous.capacities
        endpoints = previous.endpoints
    }

    /// Gives places free that are retired and that nobody uses; others are left as they are.
    public mutating func release(listeners: Set<Int>, routes: Set<Int>, pools: Set<Int>) {
        for pool in pools.intersection(poolPlaces.retired) {
            endpoints.release(firstEndpoints[pool]..<(firstEndpoints[pool] + capacities[pool]))
            capacities[pool] = 0
        }
        listenerPlaces.release(listeners)
        routePlaces.release(routes)
        poolPlaces.release(pools)
    }

    /// Whether anything is retired.
    public var hasRetired: Bool {
        !(listenerPlaces.retired.isEmpty && routePlaces.retired.isEmpty
            && poolPlaces.retired.isEmpty)
    }

    /// What the routes match, in the order of the file, for the matcher; `owners` has for each
    /// the place of its route.
    public func flattenedMatches() -> (specs: [RouteSpec], owners: [Int]) {
        var specs: [RouteSpec] = []
        var owners: [Int] = []
        for place in routes {
            specs += config.routes[place].matches
            owners += repeatElement(place, count: config.routes[place].matches.count)
        }
        return (specs, owners)
    }

    // MARK: Predecessors

    /// By listener of the file: its place, and those of retired ones that had its name.
    public var listenersWithPredecessors: [[Int]] {
        Self.withPredecessors(listeners, listenerPlaces.retired) { config.listeners[$0].name }
    }

    /// Of several with one name the first has all predecessors.
    private static func withPredecessors(
        _ live: [Int],
        _ retired: Set<Int>,
        _ name: (Int) -> String
    ) -> [[Int]] {
        var before: [String: [Int]] = [:]
        for place in retired.sorted() { before[name(place), default: []].append(place) }
        return live.map { place in [place] + (before.removeValue(forKey: name(place)) ?? []) }
    }

    // MARK: Pools

    private mutating func placePools(_ hasRoom: (Int, PoolConfig) -> Bool) {
        let before = pools
        var known: [String: Int] = [:]
        for place in before { known[config.pools[place].name] = place }
        var kept = written.pools.map { pool in
            known[pool.name].flatMap { place in
                pool.isEqualButServers(config.pools[place]) && hasRoom(place, pool) ? place : nil
            }
        }
        // A pool whose fallback moves names another place: it moves too.
        var isStable = false
        while !isStable {
            isStable = true
            for (index, pool) in written.pools.enumerated() {
                guard let place = kept[index] else { continue }
                if pool.fallback.placed({ kept[$0] ?? -1 }) != config.pools[place].fallback {
                    kept[index] = nil
                    isStable = false
                }
            }
        }
        for place in before where !kept.contains(place) { poolPlaces.retire(place) }
        pools = kept.map { place in
            if let place { return place }
            let new = poolPlaces.take()
            newPools.insert(new)
            return new
        }
        for (index, pool) in written.pools.enumerated() {
            var placed = pool
            placed.fallback = pool.fallback.placed { pools[$0] }
            put(placed, at: pools[index])
        }
    }

    private mutating func put(_ pool: PoolConfig, at place: Int) {
        if place < config.pools.count {
            config.pools[place] = pool
        } else {
            config.pools.append(pool)
            firstEndpoints.append(0)
            capacities.append(0)
        }
        guard newPools.contains(place) else { return }
        capacities[place] = pool.endpointCapacity
        firstEndpoints[place] = endpoints.take(pool.endpointCapacity)
    }

    // MARK: Routes

    private mutating func placeRoutes(_ previous: PlacedConfig?) {
        var known: [String: [Int]] = [:]
        for place in previous?.routes ?? [] {
            known[config.routes[place].name, default: []].append(place)
        }
        var kept: Set<Int> = []
        var placed: [(RouteConfig, Int?)] = []
        for route in written.routes {
            var route = route
            if case .pool(let index) = route.action { route.action = .pool(pools[index]) }
            route.fallback = route.fallback.placed { pools[$0] }
            let place = known[route.name]?.first {
                !kept.contains($0) && config.routes[$0] == route
            }
            if let place { kept.insert(place) }
            placed.append((route, place))
        }
        for place in previous?.routes ?? [] where !kept.contains(place) {
            routePlaces.retire(place)
        }
        routes = placed.map { route, place in
            if let place { return place }
            let new = routePlaces.take()
            newRoutes.insert(new)
            if new < config.routes.count {
                config.routes[new] = route
            } else {
                config.routes.append(route)
            }
            return new
        }
    }

    // MARK: Listeners

    /// Of several with one address, such as port 0, each keeps its turn.
    private mutating func placeListeners(_ previous: PlacedConfig?) {
        var known: [ListenAddress: [Int]] = [:]
        for place in previous?.listeners ?? [] {
            known[config.listeners[place].address, default: []].append(place)
        }
        let places = written.listeners.map { listener -> Int? in
            guard let found = known[listener.address]?.first else { return nil }
            known[listener.address]?.removeFirst()
            return found
        }
        for place in previous?.listeners ?? [] where !places.contains(place) {
            listenerPlaces.retire(place)
        }
        listeners = zip(written.listeners, places).map { listener, place in
            let place = place ?? takeListenerPlace()
            if place < config.listeners.count {
                config.listeners[place] = listener
            } else {
                config.listeners.append(listener)
            }
            return place
        }
    }

    private mutating func takeListenerPlace() -> Int {
        let new = listenerPlaces.take()
        newListeners.insert(new)
        return new
    }
}

extension FallbackConfig? {
    /// The same with the pool that it names somewhere else.
    fileprivate func placed(_ place: (Int) -> Int) -> FallbackConfig? {
        guard case .pool(let index)? = self else { return self }
        return .pool(place(index))
    }
}

extension PoolConfig {
    /// Whether the pools differ at most in their servers; where their fallbacks are is another
    /// question.
    fileprivate func isEqualButServers(_ other: PoolConfig) -> Bool {
        var other = other
        // How servers are bounded decides how the whole pool is counted.
        guard isBounded == other.isBounded, findsEndpoints == other.findsEndpoints else {
            return false
        }
        other.servers = servers
        other.fallback = fallback
        return self == other
    }
}
