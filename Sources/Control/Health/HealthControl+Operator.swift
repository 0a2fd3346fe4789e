import Balancing
import Configuration
import Health
import Proxy

/// What operators read and change of endpoints; pools are given by their index in the file.
extension HealthControl {
    /// Adds to a report how each pool's endpoints are.
    ///
    /// `retired`: by place of a retired pool, the names of its endpoints by slot.
    func report(
        into report: inout ServiceReport,
        _ shared: SharedState,
        _ past: PastCounts,
        retired: [Int: [String]]
    ) {
        let statistics = shared.statistics
        for (index, place) in placed.pools.enumerated() {
            monitors[place]?.report(
                into: &report.pools[index],
                now: loop.now.nanoseconds,
                events: events
            )
            let first = snapshot.firstEndpoint(ofPool: place)
            let name = report.pools[index].name
            let predecessors = endpoints(ofRetired: retired, named: name)
            for endpoint in report.pools[index].endpoints.indices {
                let known = report.pools[index].endpoints[endpoint]
                var totals = past.endpoint(pool: name, known.name)
                for endpoint in [first + known.slot] + (predecessors[known.name] ?? []) {
                    for counts in statistics { counts.add(endpoint: endpoint, to: &totals) }
                }
                report.pools[index].endpoints[endpoint].totals = totals
                let members = discoveries[place]?.members ?? []
                guard members.indices.contains(known.slot), let server = members[known.slot]
                else { continue }
                report.pools[index].endpoints[endpoint].isChanged =
                    changes.isChanged(pool: name, server)
                report.pools[index].endpoints[endpoint].changeWords =
                    changes.words(pool: name, server)
            }
        }
    }

    /// By name: endpoints of retired pools that had this name, among those of all pools.
    private func endpoints(ofRetired pools: [Int: [String]], named name: String) -> [String: [Int]]
    {
        var endpoints: [String: [Int]] = [:]
        for (place, names) in pools where config(ofPool: place).name == name {
            let first = snapshot.firstEndpoint(ofPool: place)
            for (slot, name) in names.enumerated().prefix(snapshot.capacity(ofPool: place)) {
                endpoints[name, default: []].append(first + slot)
            }
        }
        return endpoints
    }

    /// What of a changed file has no effect, as an operator has changed it before.
    func outlasting(_ difference: ConfigDifference) -> [String] { changes.outlasting(difference) }

    /// How often an operator has changed a server.
    func version(pool: String, server: String) -> Int {
        changes.version(pool: pool, server: server)
    }

    /// The names of the endpoints that a name in the admin API means: an address, or a server's
    /// name, which has all its addresses.
    func endpoints(pool: Int, named name: String) -> [String] {
        let members = monitors[placed.pools[pool]]?.members ?? []
        return members.compactMap { server in
            guard let server else { return nil }
            let isMeant =
                server.name == name || server.address.description == name
                || server.hostName == name || server.label == name
            return isMeant ? server.name : nil
        }
    }

    /// Changes what the file says of servers, until the end of the process.
    ///
    /// `meant` is the name by which they were meant: addresses that are found for it later are
    /// changed likewise.
    func change(pool: Int, servers: [String], meant: String, _ change: ServerChange) {
        let place = placed.pools[pool]
        let name = config(ofPool: place).name
        if !servers.contains(meant) { changes.change(pool: name, server: meant, change) }
        for server in servers {
            changes.change(pool: name, server: server, change)
            let words = [
                change.state.map { "state \($0.rawValue)" },
                change.returns.contains(.state) ? "state of the file" : nil,
                change.weight.map { "weight \($0)" },
                change.returns.contains(.weight) ? "weight of the file" : nil,
            ]
            var event = HealthEvent(
                .changed,
                pool: name,
                endpoint: server,
                reason: words.compactMap(\.self).joined(separator: ", ") + " by the operator"
            )
            event.isAside = change.state == nil && !change.returns.contains(.state)
            events.tell(event)
        }
        discoveries[place]?.publishAgain(withStates: false)
        let members = monitors[place]?.members ?? []
        let ofFile = discoveries[place]?.members ?? members
        // What workers share changes last: a worker that sees the state knows the weight.
        let shared = snapshot.plan(ofPool: place).shared
        for (slot, server) in members.enumerated() {
            guard let server, servers.contains(server.name) else { continue }
            let returned = ofFile.indices.contains(slot) ? ofFile[slot]?.state : nil
            let isReturned = change.returns.contains(.state)
            guard let state = change.state ?? (isReturned ? returned : nil) else { continue }
            shared.change(slot, now: loop.now.nanoseconds) { health in
                health.operatorState = Availability(state)
                return true
            }
        }
    }
}
