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
        readConnections(placed, shared, addresses, past)
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
    }

    /// Several addresses of one entry have its name, and are one listener here.
    private mutating func readConnections(
        _ placed: PlacedConfig,
        _ shared: SharedState,
        _ addresses: [Int: String],
        _ past: PastCounts
    ) {
        var known: [String: Int] = [:]
        for (index, predecessors) in placed.listenersWithPredecessors.enumerated() {
            let name = placed.written.listeners[index].name
            let address = addresses[placed.listeners[index]] ?? ""
            let place = known[name] ?? listeners.count
            if place == listeners.count {
                known[name] = place
                listeners.append(Listener(name: name, address: address))
                listeners[place].connections = past.listener(name)
            } else {
                listeners[place].address += ", " + address
            }
            for predecessor in predecessors {
                for statistics in shared.statistics {
                    statistics.add(listener: predecessor, to: &listeners[place].connections)
                }
                let active = shared.activeConnections(listener: predecessor)
                listeners[place].connections.active += active
            }
        }
    }

    private mutating func readTraffic(
        _ placed: PlacedConfig,
        _ shared: SharedState,
        _ past: PastCounts
    ) {
        let config = placed.config
        var found: [PastCounts.Cell: TrafficTotals] = past.cells
        let statistics = shared.statistics
        let used = Set(0..<placed.routePlaces.count).subtracting(placed.routePlaces.free)
        for listener in placed.listeners + Array(placed.listenerPlaces.retired) {
            for route in used.map(Optional.some) + [nil] {
                var totals = TrafficTotals()
                for counts in statistics {
                    counts.add(listener: listener, route: route, withDurations: true, to: &totals)
                }
                guard totals.requests > 0 || totals.inFlight != 0 else { continue }
                let name = config.listeners[listener].name
                let cell = placed.cell(ofListener: name, route: route)
                found[cell, default: TrafficTotals()].add(totals)
            }
        }
        take(found, placed.written)
        gone.add(past.forgotten)
        for index in listeners.indices {
            listeners[index].traffic.add(past.lost(ofListener: listeners[index].name))
        }
        for index in pools.indices {
            pools[index].traffic.add(past.lost(ofPool: pools[index].name))
        }
    }

    /// Sums what was counted for everybody whom it concerns and whom the file names.
    private mutating func take(_ found: [PastCounts.Cell: TrafficTotals], _ config: Config) {
        func places(_ names: [String]) -> [String: Int] {
            Dictionary(zip(names, 0...)) { first, _ in first }
        }
        let (ofListener, ofRoute) = (
            places(listeners.map(\.name)), places(config.routes.map(\.name))
        )
        let ofPool = places(config.pools.map(\.name))
        // What no route took stands behind the routes.
        var named: [Int: TrafficTotals] = [:]
        for (cell, totals) in found {
            if let pool = cell.pool.flatMap({ ofPool[$0] }) { pools[pool].traffic.add(totals) }
            guard let listener = ofListener[cell.listener] else {
                gone.add(totals)
                continue
            }
            listeners[listener].traffic.add(totals)
            guard let route = cell.route.map({ ofRoute[$0] }) ?? routes.count else { continue }
            named[listener * (routes.count + 1) + route, default: TrafficTotals()].add(totals)
        }
        for (place, totals) in named.sorted(by: { $0.key < $1.key }) {
            let (listener, route) = place.quotientAndRemainder(dividingBy: routes.count + 1)
            let isRouted = route < routes.count
            cells.append(
                Cell(listener: listener, route: isRouted ? route : nil, traffic: totals)
            )
            if isRouted { routes[route].traffic.add(totals) } else { unrouted.add(totals) }
        }
    }
}

extension PlacedConfig {
    /// What is counted at the place of a route, `nil` for what none took, of this listener.
    func cell(ofListener name: String, route: Int?) -> PastCounts.Cell {
        var cell = PastCounts.Cell(listener: name)
        guard let route else { return cell }
        cell.route = config.routes[route].name
        if case .pool(let pool) = config.routes[route].action {
            cell.pool = config.pools[pool].name
        }
        return cell
    }
}
