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

    private struct Endpoint {
        var totals = EndpointTotals()
        /// Counts up from one that something was added to to the next.
        var added = 0
    }

    /// Endpoints of a pool that are remembered at most, those that something was added to last.
    static let mostEndpoints = 256

    private var cells: [Cell: TrafficTotals] = [:]
    private var listeners: [String: ListenerTotals] = [:]
    private var endpoints: [String: [String: Endpoint]] = [:]
    private var added = 0
    /// What was counted of listeners and routes that were forgotten.
    private var forgotten = TrafficTotals()

    /// What was counted of a listener and a route, `nil` for what no route took.
    func traffic(listener: String, route: String?) -> TrafficTotals {
        cells[Cell(listener: listener, route: route)] ?? TrafficTotals()
    }

    /// What was counted of listeners and routes that a configuration does not name.
    func traffic(besides config: Config) -> TrafficTotals {
        let isNamed = Self.names(config)
        var totals = forgotten
        for (cell, counted) in cells where !isNamed(cell) { totals.add(counted) }
        return totals
    }

    private static func names(_ config: Config) -> (Cell) -> Bool {
        let listeners = Set(config.listeners.map(\.name))
        let routes = Set(config.routes.map(\.name))
        return { cell in
            listeners.contains(cell.listener) && (cell.route.map { routes.contains($0) } ?? true)
        }
    }

    /// What was counted of a listener's connections.
    func listener(_ name: String) -> ListenerTotals { listeners[name] ?? ListenerTotals() }

    /// What was counted of an endpoint.
    func endpoint(pool: String, _ name: String) -> EndpointTotals {
        endpoints[pool]?[name]?.totals ?? EndpointTotals()
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
        added += 1
        endpoints[pool, default: [:]][endpoint, default: Endpoint()].totals.add(totals)
        endpoints[pool]?[endpoint]?.added = added
    }

    /// Forgets what a configuration does not name any more, but for what all of it amounts to;
    /// pools keep their last ``mostEndpoints``, as those that left may come back.
    mutating func keepOnly(_ config: Config) {
        let listenerNames = Set(config.listeners.map(\.name))
        let poolNames = Set(config.pools.map(\.name))
        forgotten = traffic(besides: config)
        let isNamed = Self.names(config)
        cells = cells.filter { isNamed($0.key) }
        listeners = listeners.filter { listenerNames.contains($0.key) }
        endpoints = endpoints.filter { poolNames.contains($0.key) }
        for (pool, known) in endpoints where known.count > Self.mostEndpoints {
            let newest = known.sorted { $0.value.added > $1.value.added }
            let kept = newest.prefix(Self.mostEndpoints).map { ($0.key, $0.value) }
            endpoints[pool] = Dictionary(uniqueKeysWithValues: kept)
        }
    }
}
