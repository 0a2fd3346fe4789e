import Configuration
import Proxy

/// Places that nobody uses any more, and what was counted there.
extension Service {
    /// Gives retired places free that nobody uses.
    func release(_ uses: UseQuery.Uses) {
        let pools = placed.reachable(from: uses)
        let listeners = placed.listenerPlaces.retired.subtracting(uses.listeners)
        let routes = placed.routePlaces.retired.subtracting(uses.routes)
        let unused = placed.poolPlaces.retired.subtracting(pools)
        rememberTraffic(listeners: listeners, routes: routes)
        rememberEndpoints(pools: unused)
        for place in listeners { rememberConnections(of: place) }
        cuts.forget(listeners: listeners, endpoints: Set(unused.flatMap(placed.endpoints(ofPool:))))
        placed.release(listeners: listeners, routes: routes, pools: unused)
        for place in unused { namesOfRetired[place] = nil }
        health?.release(pools: unused)
    }

    /// Workers count elsewhere from now on: what they have counted up to now is kept.
    func replaceStatistics(_ statistics: [WorkerStatistics], _ before: PlacedConfig) {
        guard let shared else { return }
        let everything = Set(0..<before.listenerPlaces.count)
        for listener in everything.subtracting(before.listenerPlaces.free) {
            remember(listener, routes: Set(0..<before.routePlaces.count), in: before, clears: false)
            past.add(connections(of: listener), listener: before.config.listeners[listener].name)
        }
        for place in 0..<before.poolPlaces.count where !before.poolPlaces.free.contains(place) {
            let names = namesOfRetired[place] ?? health?.names(ofPool: place) ?? []
            remember(pool: place, names, in: before, clears: false)
        }
        shared.setStatistics(statistics)
    }

    // MARK: Requests

    private func rememberTraffic(listeners: Set<Int>, routes: Set<Int>) {
        let all = Set(0..<placed.listenerPlaces.count).subtracting(placed.listenerPlaces.free)
        let allRoutes = Set(0..<placed.routePlaces.count)
        for listener in all {
            let isGone = listeners.contains(listener)
            remember(listener, routes: isGone ? allRoutes : routes, in: placed, clears: true)
            guard isGone else { continue }
            var totals = TrafficTotals()
            for statistics in shared?.statistics ?? [] {
                statistics.add(listener: listener, route: nil, withDurations: true, to: &totals)
                statistics.clear(listener: listener, route: nil)
            }
            past.add(totals, listener: placed.config.listeners[listener].name, route: nil)
        }
    }

    private func remember(
        _ listener: Int,
        routes: Set<Int>,
        in placed: PlacedConfig,
        clears: Bool
    ) {
        let name = placed.config.listeners[listener].name
        for route in routes.subtracting(placed.routePlaces.free) {
            var totals = TrafficTotals()
            for statistics in shared?.statistics ?? [] {
                statistics.add(listener: listener, route: route, withDurations: true, to: &totals)
                if clears { statistics.clear(listener: listener, route: route) }
            }
            past.add(totals, listener: name, route: placed.config.routes[route].name)
        }
        guard !clears else { return }
        var totals = TrafficTotals()
        for statistics in shared?.statistics ?? [] {
            statistics.add(listener: listener, route: nil, withDurations: true, to: &totals)
        }
        past.add(totals, listener: name, route: nil)
    }

    // MARK: Connections

    private func connections(of listener: Int) -> ListenerTotals {
        var totals = ListenerTotals()
        for statistics in shared?.statistics ?? [] {
            statistics.add(listener: listener, to: &totals)
        }
        return totals
    }

    private func rememberConnections(of listener: Int) {
        past.add(connections(of: listener), listener: placed.config.listeners[listener].name)
        for statistics in shared?.statistics ?? [] { statistics.clear(listener: listener) }
    }

    // MARK: Endpoints

    private func rememberEndpoints(pools: Set<Int>) {
        for place in pools {
            remember(pool: place, namesOfRetired[place] ?? [], in: placed, clears: true)
        }
    }

    private func remember(
        pool: Int,
        _ names: [String],
        in placed: PlacedConfig,
        clears: Bool
    ) {
        let first = placed.firstEndpoints[pool]
        for (slot, name) in names.enumerated().prefix(placed.capacities[pool]) {
            var totals = EndpointTotals()
            for statistics in shared?.statistics ?? [] {
                statistics.add(endpoint: first + slot, to: &totals)
                if clears { statistics.clear(endpoint: first + slot) }
            }
            past.add(totals, pool: placed.config.pools[pool].name, endpoint: name)
        }
    }
}

extension PlacedConfig {
    /// The places of a pool's endpoints.
    fileprivate func endpoints(ofPool pool: Int) -> Range<Int> {
        firstEndpoints[pool]..<(firstEndpoints[pool] + capacities[pool])
    }

    /// The pools that requests may still come to: those that they use, or fall back to.
    fileprivate func reachable(from uses: UseQuery.Uses) -> Set<Int> {
        var pools = uses.pools.filter { $0 >= 0 }
        for route in uses.routes where config.routes.indices.contains(route) {
            if case .pool(let pool) = config.routes[route].action { pools.insert(pool) }
            if case .pool(let pool)? = config.routes[route].fallback { pools.insert(pool) }
        }
        var news = pools
        while let pool = news.popFirst() {
            guard config.pools.indices.contains(pool),
                case .pool(let next)? = config.pools[pool].fallback,
                pools.insert(next).inserted
            else { continue }
            news.insert(next)
        }
        return pools
    }
}
