import Balancing

@testable import Health

/// Seconds in nanoseconds.
func seconds(_ count: Double) -> Int64 { Int64(count * 1_000_000_000) }

/// A pool of endpoints with its health, at a time that tests move on.
final class EjectionFixture {
    let shared: SharedPool
    let health: PoolHealth
    var now: Int64

    init(
        _ size: Int,
        rise: Int = 2,
        options: EjectionOptions? = EjectionOptions(),
        now: Int64 = seconds(100)
    ) {
        shared = SharedPool(capacity: size)
        health = PoolHealth(options, rise: rise, shared: shared, size: size)
        self.now = now
    }

    @discardableResult
    func end(
        _ endpoint: EndpointIndex,
        _ verdict: TryVerdict,
        wasProbe: Bool = false,
        latency: Int64 = 1_000_000
    ) -> EjectionChange? {
        health.tryEnded(
            endpoint,
            verdict,
            wasProbe: wasProbe,
            latency: latency,
            now: now,
            random: 0
        )
    }

    /// So many tries end alike; what the last one changed.
    @discardableResult
    func end(_ endpoint: EndpointIndex, _ verdict: TryVerdict, times: Int) -> EjectionChange? {
        var last: EjectionChange?
        for _ in 0..<times { last = end(endpoint, verdict) }
        return last
    }

    func claim(_ tried: TriedEndpoints = TriedEndpoints()) -> EndpointIndex? {
        health.claimProbe(excluding: tried, now: now)
    }

    /// Moves on, and lets control look.
    @discardableResult
    func pass(_ time: Double) -> [EjectionChange] {
        now += seconds(time)
        return health.tick(now: now)
    }

    func state(_ endpoint: EndpointIndex) -> EndpointHealth { shared.health(endpoint) }

    func row(_ endpoint: EndpointIndex) -> UInt32 {
        unsafe shared.block(endpoint).pointee.failuresInARow.load(ordering: .relaxed)
    }

    /// Endpoints that are ejected, half-open or probing.
    var out: Int { (0..<shared.capacity).count { state($0).ejection != .none } }

    /// Whether the counters say what the states say.
    var isConsistent: Bool {
        shared.ejected.load(ordering: .relaxed) == out
            && shared.halfOpen.load(ordering: .relaxed)
                == (0..<shared.capacity).count { state($0).awaitsProbe }
    }
}
