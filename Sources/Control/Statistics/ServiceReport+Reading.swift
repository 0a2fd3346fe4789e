import Configuration
import Proxy

extension ServiceReport {
    /// Reads what workers counted; `addresses` has by place where each listener listens, `past`
    /// what was counted at places that others have now.
    ///
    /// Pools have no endpoints yet.
    init(
        _ placed: PlacedConfig,
        _ shared: SharedState,
        addresses: [Int: String],
        past: PastCounts
    ) {
        let config = placed.written
        workers = shared.statistics.map(\.report)
        for (index, places) in placed.listenersWithPredecessors.enumerated() {
            let listener = config.listeners[index]
            var one = Listener(
                name: listener.name,
                address: addresses[placed.listeners[index]] ?? ""
            )
            one.connections = past.listener(listener.name)
            for place in places {
                for statistics in shared.statistics {
                    statistics.add(listener: place, to: &one.connections)
                }
                one.connections.active += shared.activeConnections(listener: place)
            }
            listeners.append(one)
        }
        routes = config.routes.map { route in
            guard case .pool(let pool) = route.action else {
                return Route(name: route.name, pool: nil)
            }
            return Route(name: route.name, pool: config.pools[pool].name)
        }
        pools = config.pools.map {
            Pool(name: $0.name, strategy: $0.balance.strategy)
        }
        readTraffic(placed, shared, past)
        readGone(placed, shared, past)
    }

    private mutating func readGone(
        _ placed: PlacedConfig,
        _ shared: SharedState,
        _ past: PastCounts
    ) {
        gone = past.traffic(besides: placed.written)
        let listeners = Set(placed.listenersWithPredecessors.joined())
        let routes = Set(placed.routesWithPredecessors.joined())
        let lostListeners = placed.listenerPlaces.retired.subtracting(listeners)
        let lostRoutes = placed.routePlaces.retired.subtracting(routes)
        func add(_ listener: Int, _ routes: [Int?]) {
            for route in routes {
                for counts in shared.statistics {
                    counts.add(listener: listener, route: route, withDurations: true, to: &gone)
                }
            }
        }
        for listener in listeners { add(listener, Array(lostRoutes)) }
        let all = Array(routes.union(lostRoutes)) + [nil]
        for listener in lostListeners { add(listener, all) }
    }

    private mutating func readTraffic(
        _ placed: PlacedConfig,
        _ shared: SharedState,
        _ past: PastCounts
    ) {
        let config = placed.written
        let listenerPlaces = placed.listenersWithPredecessors
        let routePlaces = placed.routesWithPredecessors
        for listener in listeners.indices {
            for index in 0...routes.count {
                let route = index < routes.count ? index : nil
                var totals = past.traffic(
                    listener: config.listeners[listener].name,
                    route: route.map { config.routes[$0].name }
                )
                for place in listenerPlaces[listener] {
                    for routePlace in route.map({ routePlaces[$0].map(Optional.some) }) ?? [nil] {
                        for statistics in shared.statistics {
                            statistics.add(
                                listener: place,
                                route: routePlace,
                                withDurations: true,
                                to: &totals
                            )
                        }
                    }
                }
                take(totals, listener, route, config)
            }
        }
    }

    private mutating func take(
        _ totals: TrafficTotals,
        _ listener: Int,
        _ route: Int?,
        _ config: Config
    ) {
        guard totals.requests > 0 else { return }
        cells.append(Cell(listener: listener, route: route, traffic: totals))
        listeners[listener].traffic.add(totals)
        guard let route else {
            unrouted.add(totals)
            return
        }
        routes[route].traffic.add(totals)
        if case .pool(let pool) = config.routes[route].action { pools[pool].traffic.add(totals) }
    }
}
