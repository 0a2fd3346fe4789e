import Balancing
import Configuration

/// What control knows of endpoints and hands over to the process that follows.
extension HealthControl {
    /// What operators have changed, and what is known of each endpoint.
    var inheritance: [Handover.Message] {
        changes.all
            + placed.pools.flatMap { place in
                let shared = snapshot.plan(ofPool: place).shared
                let members = monitors[place]?.members ?? []
                return members.enumerated().compactMap { slot, server -> Handover.Message? in
                    guard let server else { return nil }
                    let (health, latency) = shared.stored(slot)
                    guard health != 0 || latency != 0 else { return nil }
                    return .endpoint(
                        pool: config(ofPool: place).name,
                        name: server.name,
                        health: health,
                        latency: latency
                    )
                }
            }
    }

    /// Goes on with what the process before knew; to be called once endpoints were found.
    func inherit(_ inheritance: Inheritance) {
        for case .change(let pool, let server, let state, let weight) in inheritance.changes {
            let state = state.flatMap { ServerState(rawValue: $0) }
            changes.change(pool: pool, server: server, ServerChange(state: state, weight: weight))
        }
        var slots: [String: [String: (place: Int, slot: Int)]] = [:]
        for place in placed.pools {
            let pool = config(ofPool: place).name
            for (slot, server) in (monitors[place]?.members ?? []).enumerated() {
                if let server { slots[pool, default: [:]][server.name] = (place, slot) }
            }
            if changes.pools.contains(pool) { discoveries[place]?.publishAgain(withStates: true) }
        }
        for case .endpoint(let pool, let name, let health, let latency) in inheritance.endpoints {
            guard let known = slots[pool]?[name] else { continue }
            snapshot.plan(ofPool: known.place).shared.restore(
                known.slot,
                health: health,
                latency: latency,
                withEjection: config(ofPool: known.place).ejection != nil,
                withChecks: config(ofPool: known.place).checks != nil,
                now: loop.now.nanoseconds
            )
        }
    }
}
