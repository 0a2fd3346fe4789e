import Balancing
import Synchronization

/// A pool and one worker's balancer, with loads that the test sets.
final class TestPool {
    /// What a simulated server does with a request.
    struct Service {
        var latency: Int64
        var kind = TryResult.Kind.answered
        var retryAfter: Int64 = 0
    }

    static let millisecond: Int64 = 1_000_000
    static let second: Int64 = 1_000_000_000

    let plan: PoolPlan
    let balancer: PoolBalancer
    var random: SeededRandom
    /// When requests under way end, and where.
    private var pending: [(end: Int64, endpoint: Int, began: Int64, found: Int32, Service)] = []
    var now: Int64 = 1_000_000_000

    init(
        _ strategy: String,
        weights: [Int],
        priorities: [Int] = [],
        seed: UInt64 = 1,
        change: (inout BalanceOptions) -> Void = { _ in }
    ) {
        var options = BalanceOptions()
        options.strategy = strategy
        change(&options)
        let endpoints = weights.enumerated().map { index, weight in
            PlannedEndpoint(
                name: "10.0.\(index / 256).\(index % 256):80",
                weight: weight,
                priority: index < priorities.count ? priorities[index] : 0
            )
        }
        plan = PoolPlan(endpoints: endpoints, options: options)
        random = SeededRandom(seed: seed)
        balancer = PoolBalancer(plan, now: now, random: &random)
    }

    func setInFlight(_ index: Int, _ count: Int32) {
        plan.shared.block(index).pointee.inFlight.store(count, ordering: .relaxed)
    }

    func setBytes(_ index: Int, _ count: Int64) {
        plan.shared.block(index).pointee.bytesInTransfer.store(count, ordering: .relaxed)
    }

    func pick(excluding tried: [Int] = []) -> Int? {
        var list = TriedEndpoints()
        for index in tried { list.insert(index) }
        return balancer.pick(PickRequest(now: now, tried: list), random: &random)
    }

    /// How often each endpoint is picked in so many picks; the last one is for `nil`.
    func count(_ picks: Int, excluding tried: [Int] = []) -> [Int] {
        var counts = [Int](repeating: 0, count: plan.endpoints.count + 1)
        for _ in 0..<picks { counts[pick(excluding: tried) ?? plan.endpoints.count] += 1 }
        return counts
    }

    func answered(
        _ endpoint: Int,
        latency: Int64,
        found: Int32 = 0,
        kind: TryResult.Kind = .answered,
        retryAfter: Int64 = 0
    ) {
        let result = TryResult(
            now: now,
            latency: latency,
            inFlight: found,
            kind: kind,
            retryAfter: retryAfter
        )
        balancer.answered(endpoint, result, random: &random)
    }

    /// Sends requests at even intervals to servers that answer after what `service` says, and
    /// returns how many each one got.
    func run(
        _ requests: Int,
        every interval: Int64,
        service: (_ endpoint: Int, _ now: Int64) -> Service
    ) -> [Int] {
        var counts = [Int](repeating: 0, count: plan.endpoints.count)
        for _ in 0..<requests {
            now += interval
            finish(until: now)
            guard let picked = pick() else { continue }
            counts[picked] += 1
            let before = plan.shared.inFlight(picked)
            setInFlight(picked, before + 1)
            let served = service(picked, now)
            pending.append((now + served.latency, picked, now, before, served))
        }
        return counts
    }

    /// Lets the requests that end until then do so.
    func finish(until limit: Int64) {
        let arrival = now
        for one in pending.filter({ $0.end <= limit }).sorted(by: { $0.end < $1.end }) {
            now = one.end
            setInFlight(one.endpoint, plan.shared.inFlight(one.endpoint) - 1)
            answered(
                one.endpoint,
                latency: one.end - one.began,
                found: one.found,
                kind: one.4.kind,
                retryAfter: one.4.retryAfter
            )
        }
        pending.removeAll { $0.end <= limit }
        now = arrival
    }
}
