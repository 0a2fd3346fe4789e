import Balancing

/// How many keys change their endpoint when one leaves.
enum KeyMovement {
    /// Keys that are looked at.
    private static let keys = 10_000
    /// Keys by which a strategy is told to be one that hashes.
    private static let trialKeys = 200

    /// Whether the strategy gives the same key the same endpoint, whatever the randomness.
    static func isKeyed(_ scenario: Scenario) -> Bool {
        guard scenario.endpoints.count > 1 else { return false }
        let one = mapping(scenario, seed: 1, keys: trialKeys)
        let other = mapping(scenario, seed: 2, keys: trialKeys, isReversed: true)
        return one == other && Set(one).count > 1
    }

    /// The share of all keys that change their endpoint when one leaves, in the mean over up to
    /// eight of them; `nil` for a strategy that does not hash.
    ///
    /// Those of the endpoint that leaves have to, and count.
    static func share(_ scenario: Scenario) -> Double? {
        guard isKeyed(scenario) else { return nil }
        let before = mapping(scenario, seed: 1, keys: keys)
        var moved = 0
        var stayed = 0
        let candidates = scenario.endpoints.indices.filter {
            scenario.endpoints[$0].weight > 0 && scenario.endpoints[$0].availability == .up
        }
        let step = max(1, candidates.count / 8)
        for place in stride(from: 0, to: candidates.count, by: step).prefix(8) {
            let leaving = candidates[place]
            var rest = scenario
            rest.endpoints.remove(at: leaving)
            rest.machines.remove(at: leaving)
            let after = mapping(rest, seed: 1, keys: keys)
            for (old, new) in zip(before, after) {
                let expected = old > leaving ? old - 1 : old
                if old != leaving, new == expected { stayed += 1 } else { moved += 1 }
            }
        }
        return moved + stayed == 0 ? nil : Double(moved) / Double(moved + stayed)
    }

    /// The endpoint of each key, -1 for none.
    private static func mapping(
        _ scenario: Scenario,
        seed: UInt64,
        keys: Int,
        isReversed: Bool = false
    ) -> [Int] {
        var random = SeededRandom(seed: seed)
        let balancer = PoolBalancer(scenario.plan(), now: Simulation.epoch, random: &random)
        var picked = Array(repeating: -1, count: keys)
        for place in 0..<keys {
            let key = isReversed ? keys - 1 - place : place
            let request = PickRequest(now: Simulation.epoch, key: KeySampler.hash(key))
            picked[key] = balancer.pick(request, random: &random) ?? -1
        }
        return picked
    }
}
