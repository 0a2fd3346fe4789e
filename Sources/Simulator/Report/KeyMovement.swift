import Balancing
import Configuration

/// How many keys change their endpoint when one leaves.
enum KeyMovement {
    /// Keys that are looked at.
    private static let keys = 10_000

    /// Whether the strategy picks by key and there is a choice.
    static func isKeyed(_ scenario: Scenario) -> Bool {
        scenario.endpoints.count > 1 && balancer(scenario.pool).balancer.usesKeys
    }

    /// The share of all keys that change their endpoint when one leaves, in the mean over up to
    /// eight of them; `nil` for a strategy that does not hash.
    ///
    /// Those of the endpoint that leaves have to, and count.
    static func share(_ scenario: Scenario) -> Double? {
        guard isKeyed(scenario) else { return nil }
        let before = mapping(scenario.pool)
        var moved = 0
        var stayed = 0
        let candidates = scenario.endpoints.indices.filter {
            scenario.endpoints[$0].weight > 0 && scenario.endpoints[$0].availability == .up
        }
        let step = max(1, candidates.count / 8)
        for place in stride(from: 0, to: candidates.count, by: step).prefix(8) {
            let leaving = candidates[place]
            var rest = scenario.pool
            rest.servers.remove(at: leaving)
            let after = mapping(rest)
            for (old, new) in zip(before, after) {
                let expected = old > leaving ? old - 1 : old
                if old != leaving, new == expected { stayed += 1 } else { moved += 1 }
            }
        }
        return moved + stayed == 0 ? nil : Double(moved) / Double(moved + stayed)
    }

    /// The endpoint of each key, -1 for none.
    private static func mapping(_ pool: PoolConfig) -> [Int] {
        let made = balancer(pool)
        var random = made.random
        return (0..<keys).map { key in
            let request = PickRequest(now: Simulation.epoch, key: KeySampler.hash(key))
            return made.balancer.pick(request, random: &random) ?? -1
        }
    }

    private static func balancer(_ pool: PoolConfig) -> (
        balancer: PoolBalancer, random: SeededRandom
    ) {
        var random = SeededRandom(seed: 1)
        let balancer = PoolBalancer(
            pool.plan(of: pool.servers),
            now: Simulation.epoch,
            random: &random
        )
        return (balancer, random)
    }
}
