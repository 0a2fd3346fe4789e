import Configuration
import Proxy

/// What was counted at places that have since been given away, so that counters of what the file
/// still names never fall.
struct PastCounts {
    /// Of whom something was counted.
    struct Cell: Hashable {
        var listener: String
        /// `nil` for what no route took.
        var route: String?
        /// The pool that the route named, if it did.
        var pool: String?
    }

    private struct Endpoint {
        var totals = EndpointTotals()
        /// Counts up from one that something was added to to the next.
        var added = 0
    }

    /// Endpoints of a pool that are remembered at most, those that something was added to last.
    static let mostEndpoints = 256

    /// What was counted of listeners and routes that the file may name.
    private(set) var cells: [Cell: TrafficTotals] = [:]
    /// By listener: what was counted of routes that were forgotten.
    private var lost: [String: TrafficTotals] = [:]
    /// By pool: the same, and that of listeners that were.
    private var pools: [String: TrafficTotals] = [:]
    /// What was counted of listeners that were forgotten.
    private(set) var forgotten = TrafficTotals()
    private var listeners: [String: ListenerTotals] = [:]
    private var endpoints: [String: [String: Endpoint]] = [:]
    private var added = 0

    /// What was counted of a listener's routes that were forgotten.
    func lost(ofListener name: String) -> TrafficTotals { lost[name] ?? TrafficTotals() }

    /// What was counted of a pool's routes where they, or their listeners, were forgotten.
    func lost(ofPool name: String) -> TrafficTotals { pools[name] ?? TrafficTotals() }

    /// What was counted of a listener's connections.
    func listener(_ name: String) -> ListenerTotals { listeners[name] ?? ListenerTotals() }

    /// What was counted of an endpoint.
    func endpoint(pool: String, _ name: String) -> EndpointTotals {
        endpoints[pool]?[name]?.totals ?? EndpointTotals()
    }

    /// Remembers what was counted of a listener and a route.
    mutating func add(_ totals: TrafficTotals, _ cell: Cell) {
        guard totals.requests > 0 else { return }
        var totals = totals
        // What is under way is counted where the workers count now.
        totals.inFlight = 0
        cells[cell, default: TrafficTotals()].add(totals)
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
        let routeNames = Set(config.routes.map(\.name))
        let poolNames = Set(config.pools.map(\.name))
        for (cell, totals) in cells {
            let isOfListener = listenerNames.contains(cell.listener)
            if isOfListener, cell.route.map({ routeNames.contains($0) }) ?? true { continue }
            cells[cell] = nil
            if isOfListener {
                lost[cell.listener, default: TrafficTotals()].add(totals)
            } else {
                forgotten.add(totals)
            }
            if let pool = cell.pool { pools[pool, default: TrafficTotals()].add(totals) }
        }
        for (name, totals) in lost where !listenerNames.contains(name) {
            forgotten.add(totals)
            lost[name] = nil
        }
        pools = pools.filter { poolNames.contains($0.key) }
        listeners = listeners.filter { listenerNames.contains($0.key) }
        endpoints = endpoints.filter { poolNames.contains($0.key) }
        for (pool, known) in endpoints where known.count > Self.mostEndpoints {
            let newest = known.sorted { $0.value.added > $1.value.added }
            let kept = newest.prefix(Self.mostEndpoints).map { ($0.key, $0.value) }
            endpoints[pool] = Dictionary(uniqueKeysWithValues: kept)
        }
    }
}
