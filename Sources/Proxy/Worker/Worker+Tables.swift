import Balancing
import Configuration
import EventLoop
import HTTP
import Health

/// What a worker makes of a snapshot.
extension Worker {
    /// By listener: how many handshakes may begin now, where their rate is bounded.
    static func makeTokens(_ snapshot: Snapshot, now: Instant) -> [RateTokens?] {
        snapshot.handshakeRates.map { rate in rate.map { RateTokens(perSecond: $0, now: now) } }
    }

    /// The states of all endpoints, of which nothing is known yet.
    static func initialize(
        _ states: UnsafeMutablePointer<EndpointState>,
        _ snapshot: Snapshot
    ) {
        for (index, plan) in snapshot.plans.enumerated() {
            for endpoint in 0..<snapshot.capacities[index] {
                (states + snapshot.firstEndpoints[index] + endpoint)
                    .initialize(to: EndpointState(plan.shared.block(endpoint)))
            }
        }
    }

    /// The states of all pools.
    static func makePools(
        _ snapshot: Snapshot,
        now: Instant,
        random: inout SeededRandom
    ) -> UnsafeMutablePointer<PoolState> {
        let count = snapshot.config.pools.count
        let pools = UnsafeMutablePointer<PoolState>.allocate(capacity: max(1, count))
        for index in 0..<count {
            (pools + index).initialize(to: makePool(index, snapshot, now: now, random: &random))
        }
        return pools
    }

    /// The state of a pool with the endpoints that the file gives by address.
    static func makePool(
        _ index: Int,
        _ snapshot: Snapshot,
        now: Instant,
        random: inout SeededRandom
    ) -> PoolState {
        let pool = snapshot.config.pools[index]
        let balancer = PoolBalancer(
            snapshot.plans[index],
            now: now.nanoseconds,
            random: &random
        )
        return PoolState(
            balancer: balancer,
            observesResults: balancer.observesResults,
            countsBytes: balancer.countsBytes,
            probes: balancer.wantsReports ? snapshot.probePlans[index] : nil,
            keys: balancer.usesKeys ? snapshot.hashKeys[index] : [],
            sticky: snapshot.stickyTokens[index],
            health: .passUnretained(snapshot.health[index]),
            budget: snapshot.budgets[index],
            gate: snapshot.gates[index],
            tls: snapshot.clientContexts[index],
            speaksHTTP2: pool.http2 != .off,
            proxyProtocol: pool.proxyProtocol?.header,
            countedStatuses: StatusBits(pool.ejection?.statuses ?? StatusSet()),
            fallback: pool.fallback.compiled,
            firstEndpoint: snapshot.firstEndpoints[index],
            maxAge: pool.connections.maxAge.nanosecondsOrNever,
            maxRequests: pool.connections.maxRequests.map { UInt32(clamping: $0) }
                ?? UInt32.max,
            // A connection belongs to the client that its PROXY header named.
            maxIdle: pool.proxyProtocol == nil ? pool.connections.maxIdle : 0,
            idle: pool.timeouts.idle.nanosecondsOrNever
        )
    }

    /// Bytes for heads and chunks that are put together for a client.
    static func outSize(_ limits: LimitsConfig) -> Int {
        Self.readSize + 2 * limits.headSize + 4096
    }

    /// Bytes of each of two scratch areas.
    static func scratchSize(_ limits: LimitsConfig) -> Int {
        max(limits.headSize, limits.targetSize) + 64
    }
}

extension HeadLimits {
    /// The limits of a file.
    init(_ limits: LimitsConfig) {
        self.init(
            headSize: limits.headSize,
            fields: limits.fields,
            targetSize: limits.targetSize
        )
    }
}
