import Balancing
import CEviction

/// Picks of every strategy: at 8 endpoints, and at 1,000 with the cache lines evicted before each.
let balancingCases: [Case] =
    StrategyRegistry.names.flatMap { name in
        [
            Case(name: "\(name)-8", summary: "a pick among 8 endpoints") {
                let pool = PickedPool(name, endpoints: 8)
                return pool.pick
            },
            Case(
                name: "\(name)-1000",
                summary: "a pick among 1,000 endpoints, caches evicted",
                makeEvicted: { PickedPool(name, endpoints: 1_000).evictable }
            ),
        ]
    } + [
        Case(
            name: "least-connections-1000-all",
            summary: "the same with `choices: all`",
            makeEvicted: {
                PickedPool("least-connections", endpoints: 1_000, change: { $0.choices = .all })
                    .evictable
            }
        ),
        Case(
            name: "least-connections-1000-weighted",
            summary: "the same with uneven weights",
            makeEvicted: {
                PickedPool("least-connections", endpoints: 1_000, weight: { 1 + $0 % 97 }).evictable
            }
        ),
        Case(
            name: "latency-weighted-1000-weighted",
            summary: "the same with uneven weights",
            makeEvicted: {
                PickedPool("latency-weighted", endpoints: 1_000, weight: { 1 + $0 % 97 }).evictable
            }
        ),
        Case(name: "round-robin-retry", summary: "a second try among 1,000 endpoints") {
            PickedPool("round-robin", endpoints: 1_000, tried: 1).pick
        },
        Case(name: "latency-weighted-answered", summary: "recording a latency") {
            PickedPool("latency-weighted", endpoints: 8).answer
        },
        Case(name: "prequal-answered", summary: "recording a latency") {
            PickedPool("prequal", endpoints: 8).answer
        },
        Case(name: "prequal-request", summary: "a pick among 8 endpoints and its answer") {
            PickedPool("prequal", endpoints: 8).request
        },
        Case(name: "round-robin-weights", summary: "1,000 weights that ask for the longest cycle") {
            let endpoints = (0..<1_000).map { StrategyEndpoint(name: "10.0.0.1:\($0)", weight: 1) }
            let context = StrategyContext(
                endpoints: endpoints,
                options: BalanceOptions(),
                shared: SharedPool(capacity: 1_000)
            )
            return { count in
                var random = SeededRandom(seed: 1)
                guard let strategy = StrategyRegistry.make(context, random: &random) else {
                    return 0
                }
                var weights = (0..<1_000).map { 1_000 + UInt32($0 % 7) * 13 }
                for turn in 0..<count {
                    weights[turn % 1_000] = 1_000 + UInt32(turn)
                    strategy.weightsChanged(weights, random: &random)
                }
                return count
            }
        },
    ]

/// A pool of which endpoints are picked, with some load on each.
private final class PickedPool {
    private let plan: PoolPlan
    private let balancer: PoolBalancer
    private var random = SeededRandom(seed: 2)
    private var tried = TriedEndpoints()
    private var now: Int64 = 1_000_000_000
    /// More than the caches that a core has to itself.
    private var others = [UInt8](repeating: 1, count: 8 << 20)

    init(
        _ strategy: String,
        endpoints: Int,
        tried: Int? = nil,
        weight: (Int) -> Int = { _ in 1 },
        change: (inout BalanceOptions) -> Void = { _ in }
    ) {
        var options = BalanceOptions()
        options.strategy = strategy
        change(&options)
        plan = PoolPlan(
            endpoints: (0..<endpoints).map {
                PlannedEndpoint(name: "10.0.0.1:\($0)", weight: weight($0))
            },
            options: options
        )
        balancer = PoolBalancer(plan, now: now, random: &random)
        if let tried { self.tried.insert(tried) }
        for index in 0..<endpoints {
            let block = plan.shared.block(index)
            block.pointee.inFlight.store(Int32(random.next(below: 8)), ordering: .relaxed)
            block.pointee.bytesInTransfer.store(
                Int64(random.next(below: 1 << 20)),
                ordering: .relaxed
            )
            let result = TryResult(
                now: now,
                latency: Int64(1_000_000 + random.next(below: 1_000_000)),
                inFlight: 1
            )
            for _ in 0..<3 { balancer.answered(index, result, random: &random) }
        }
    }

    func pick(_ count: Int) -> Int {
        var sum = 0
        for turn in 0..<count {
            now &+= 20_000
            var request = PickRequest(now: now, tried: tried)
            request.key = UInt64(truncatingIfNeeded: turn) &* 0x9e37_79b9_7f4a_7c15
            request.hasKey = true
            sum &+= balancer.pick(request, random: &random) ?? -1
        }
        return sum
    }

    func answer(_ count: Int) -> Int {
        for turn in 0..<count {
            now &+= 20_000
            let result = TryResult(now: now, latency: 1_000_000, inFlight: Int32(turn & 3))
            balancer.answered(turn & 7, result, random: &random)
        }
        return count
    }

    /// Lets the oldest of 24 requests be answered, then picks for another, as under steady load.
    ///
    /// Latencies are uneven, so that nothing is easier to foresee than it would be.
    func request(_ count: Int) -> Int {
        for index in 0..<plan.endpoints.count {
            plan.shared.block(index).pointee.inFlight.store(0, ordering: .relaxed)
        }
        var pending = [(endpoint: Int, found: Int32)](repeating: (-1, 0), count: 24)
        for turn in 0..<count {
            now &+= 20_000
            let (endpoint, found) = pending[turn % 24]
            if endpoint >= 0 {
                plan.shared.block(endpoint).pointee.inFlight.subtract(1, ordering: .relaxed)
                let latency = Int64(1_000_000 + random.next() >> 44)
                let result = TryResult(now: now, latency: latency, inFlight: found)
                balancer.answered(endpoint, result, random: &random)
            }
            let picked = balancer.pick(PickRequest(now: now), random: &random) ?? -1
            guard picked >= 0 else { return 0 }
            let before = plan.shared.block(picked).pointee.inFlight.add(1, ordering: .relaxed)
            pending[turn % 24] = (picked, before.oldValue)
        }
        return count
    }

    /// Picks one at a time; before each, other memory fills the core's own caches, so that the
    /// strategy's tables have to come from behind them, and the blocks that all workers write to
    /// are in none.
    var evictable: Evictable {
        Evictable(
            evict: { [self] in
                for place in stride(from: 0, to: others.count, by: 64) { others[place] &+= 1 }
                for index in 0..<plan.endpoints.count {
                    ceviction_flush(plan.shared.block(index), 64)
                }
            },
            run: pick
        )
    }
}
