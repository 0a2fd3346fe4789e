@testable import Balancing

/// A pool under consistent hashing, with strategies as its workers have them.
struct HashFixture {
    let names: [String]
    let shared: SharedPool
    let context: StrategyContext
    let strategy: ConsistentHash

    init(
        _ names: [String],
        weights: [Int]? = nil,
        _ table: BalanceOptions.HashTable,
        size: Int? = nil,
        bounded: Double? = nil
    ) {
        var options = BalanceOptions()
        options.strategy = "consistent-hash"
        options.table = table
        options.tableSize = size
        options.boundedLoad = bounded
        let weights = weights ?? names.map { _ in 1 }
        self.names = names
        shared = SharedPool(capacity: names.count)
        context = StrategyContext(
            endpoints: zip(names, weights).map { StrategyEndpoint(name: $0, weight: $1) },
            options: options,
            shared: shared,
            table: StrategyRegistry.entry("consistent-hash")?
                .prepare(
                    zip(names, weights).map { StrategyEndpoint(name: $0, weight: $1) },
                    options
                )
        )
        strategy = HashFixture.worker(context, seed: 1)
    }

    /// So many endpoints with names of their own.
    static func names(_ count: Int) -> [String] {
        (0..<count).map { "10.\($0 >> 16).\(($0 >> 8) & 255).\($0 & 255):8080" }
    }

    /// Keys as they come from ``KeyHash``.
    static func keys(_ count: Int) -> [UInt64] {
        (0..<count).map { key in
            let bytes = Array("user-\(key)".utf8)
            return KeyHash.hash(bytes.span.bytes)
        }
    }

    static func worker(_ context: StrategyContext, seed: UInt64) -> ConsistentHash {
        var random = SeededRandom(seed: seed)
        let strategy = ConsistentHash(context)
        let weights = context.endpoints.map { UInt32($0.weight) * BalancingStrategy.unitWeight }
        strategy.weightsChanged(weights, random: &random)
        return strategy
    }

    /// The keys' endpoints.
    func picks(_ keys: [UInt64], tried: TriedEndpoints = TriedEndpoints()) -> [Int] {
        var random = SeededRandom(seed: 7)
        return keys.map {
            strategy.pick(PickRequest(now: 1, key: $0, tried: tried), random: &random) ?? -1
        }
    }

    /// The names of the keys' endpoints.
    func owners(_ keys: [UInt64]) -> [String] {
        picks(keys).map { $0 < 0 ? "none" : names[$0] }
    }

    /// The key's endpoint without any load.
    func home(_ key: UInt64) -> Int {
        var options = context.options
        options.boundedLoad = nil
        var idle = context
        idle.options = options
        var random = SeededRandom(seed: 9)
        return Self.worker(idle, seed: 9)
            .pick(PickRequest(now: 1, key: key), random: &random) ?? -1
    }

    /// Gives the endpoints these weights, in thousandths.
    func weigh(_ weights: [UInt32]) {
        var random = SeededRandom(seed: 8)
        strategy.weightsChanged(weights, random: &random)
    }

    /// How many of the keys each endpoint has.
    func counts(_ keys: [UInt64]) -> [Int] {
        var counts = [Int](repeating: 0, count: names.count)
        for endpoint in picks(keys) where endpoint >= 0 { counts[endpoint] += 1 }
        return counts
    }
}
