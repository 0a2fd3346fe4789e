import Configuration
import Proxy

/// What was counted at places that have since been given away, so that counters of what the file
/// still names never fall.
struct PastCounts {
    private struct Cell: Hashable {
        var listener: String
        /// `nil` for what no route took.
        var route: String?
    }

    private var cells: [Cell: TrafficTotals] = [:]
    private var listeners: [String: ListenerTotals] = [:]
    private var endpoints: [String: [String: EndpointTotals]] = [:]

    /// What was counted of a listener and a route, `nil` for what no route took.
    func traffic(listener: String, route: String?) -> TrafficTotals {
        cells[Cell(listener: listener, route: route)] ?? TrafficTotals()
    }

    /// What was counted of a listener's connections.
    func listener(_ name: String) -> ListenerTotals { listeners[name] ?? ListenerTotals() }

    /// What was counted of an endpoint.
    func endpoint(pool: String, _ name: String) -> EndpointTotals {
        endpoints[pool]?[name] ?? EndpointTotals()
    }

    /// Remembers what was counted of a listener and a route.
    mutating func add(_ totals: TrafficTotals, listener: String, route: String?) {
        guard totals.requests > 0 else { return }
        cells[Cell(listener: listener, route: route), default: TrafficTotals()].add(totals)
    }

    /// Remembers what was counted of a listener's connections.
    mutating func add(_ totals: ListenerTotals, listener: String) {
        listeners[listener, default: ListenerTotals()].add(totals)
    }

    /// Remembers what was counted of an endpoint.
    mutating func add(_ totals: EndpointTotals, pool: String, endpoint: String) {
        guard totals.tries > 0 || totals.connects > 0 else { return }
        endpoints[pool, default: [:]][endpoint, default: EndpointTotals()].add(totals)
    }

    /// Forgets what a configuration does not name any more; pools keep all their endpoints, as
    /// those that left may come back.
    mutating func keepOnly(_ config: Config) {
        let listenerNames = Set(config.listeners.map(\.name))
        let routeNames = Set(config.routes.map(\.name))
        let poolNames = Set(config.pools.map(\.name))
        cells = cells.filter { cell, _ in
            listenerNames.contains(cell.listener)
                && (cell.route.map { routeNames.contains($0) } ?? true)
        }
        listeners = listeners.filter { listenerNames.contains($0.key) }
        endpoints = endpoints.filter { poolNames.contains($0.key) }
    }
}
