import Balancing
import EventLoop

extension Worker {
    /// Goes over to a pool's new endpoints; requests under way stay where they are.
    mutating func takeOver(_ update: PoolUpdate) {
        defer { update.acknowledge() }
        let pool = pools + update.pool
        let first = pool.pointee.firstEndpoint
        for (slot, entry) in update.entries.enumerated() {
            let endpoint = first &+ slot
            endpointStates[endpoint].isGone = entry == nil
            if let entry { endpoints[endpoint] = entry } else { desert(endpoint) }
            guard probes.count > 0 else { continue }
            if entry == nil { forgetProbe(endpoint) }
            probes[endpoint].pointee.request = update.probeRequests[slot]
        }
        pool.pointee.balancer = PoolBalancer(
            update.plan,
            now: now.nanoseconds,
            random: &random
        )
        pool.pointee.sticky = update.sticky
    }
}
