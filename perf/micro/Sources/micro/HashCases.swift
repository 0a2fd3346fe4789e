import Balancing

/// Picks by consistent hashing, all lines in the cache.
let hashCases: [Case] = [8, 1_000].flatMap { count in
    BalanceOptions.HashTable.allCases.flatMap { table in
        [nil, 1.25].map { factor in
            let name = "\(table.rawValue)\(factor == nil ? "" : "-bound")-\(count)"
            let kind = factor == nil ? "" : " with bounded load"
            return Case(name: name, summary: "\(table.rawValue)\(kind), \(count) endpoints") {
                let pool = HashPool(count, table, bounded: factor)
                return { pool.picks($0) }
            }
        }
    }
}

/// One pool under consistent hashing.
private struct HashPool {
    let strategy: BalancingStrategy?
    let table: (any StrategyTable)?
    let options: BalanceOptions
    /// How long the table took.
    let buildTime: Duration

    init(
        _ count: Int,
        _ table: BalanceOptions.HashTable,
        bounded: Double? = nil,
        weight: (Int) -> Int = { _ in 1 }
    ) {
        var options = BalanceOptions()
        options.strategy = "consistent-hash"
        options.table = table
        options.boundedLoad = bounded
        self.init(count, options, weight: weight)
    }

    init(_ count: Int, _ options: BalanceOptions, weight: (Int) -> Int = { _ in 1 }) {
        let endpoints = (0..<count).map {
            StrategyEndpoint(name: "10.0.\($0 / 256).\($0 % 256):80", weight: weight($0))
        }
        let clock = ContinuousClock()
        var built: (any StrategyTable)?
        buildTime = clock.measure {
            built = StrategyRegistry.entry(options.strategy)?.prepare(endpoints, options)
        }
        self.table = built
        self.options = options
        var random = SeededRandom(seed: 1)
        let context = StrategyContext(
            endpoints: endpoints,
            options: options,
            shared: SharedPool(capacity: count),
            table: built
        )
        strategy = StrategyRegistry.make(context, random: &random)
        strategy?.weightsChanged(
            endpoints.map { UInt32($0.weight) * BalancingStrategy.unitWeight },
            random: &random
        )
    }

    func picks(_ count: Int) -> Int {
        var random = SeededRandom(seed: 2)
        var sum = 0
        for _ in 0..<count {
            let request = PickRequest(now: 1, key: random.next())
            sum &+= strategy?.pick(request, random: &random) ?? -1
        }
        return sum
    }
}

/// Prints what a pick takes when nothing of it is in the cache, and what tables take.
func reportHashTables() {
    print("pick among 1,000 endpoints after other work, the median of 200:")
    print("  after 8 MiB; after 128 MiB and a pick from another pool; after 128 MiB")
    for table in BalanceOptions.HashTable.allCases {
        for factor in [nil, 1.25] {
            let kind = factor == nil ? "" : " with bounded load"
            reportCold("\(table.rawValue)\(kind)", HashPool(1_000, table, bounded: factor))
        }
        reportCold("\(table.rawValue), uneven weights", HashPool(1_000, table) { 1 + $0 % 97 })
    }
    var options = BalanceOptions()
    options.strategy = "round-robin"
    reportCold("round robin", HashPool(1_000, options))
    print("building a table")
    for table in BalanceOptions.HashTable.allCases {
        for count in [8, 1_000, 10_000] {
            for (kind, pool) in [
                ("", HashPool(count, table)),
                (", uneven weights", HashPool(count, table, weight: { 1 + $0 % 97 })),
            ] {
                let time = Int(pool.buildTime / .microseconds(1))
                let memory = pool.table?.memory ?? 0
                print("  \(table.rawValue), \(count) servers\(kind): \(time) us, \(memory) bytes")
            }
        }
    }
}

private func reportCold(_ name: String, _ pool: HashPool) {
    let some = coldPick(pool, walk: 8 << 20, codeIsWarm: false)
    let warm = coldPick(pool, walk: 128 << 20, codeIsWarm: true)
    let all = coldPick(pool, walk: 128 << 20, codeIsWarm: false)
    print("  \(name): \(some), \(warm), \(all) ns")
}

/// What a pick takes after so much other memory was written.
private func coldPick(_ pool: HashPool, walk: Int, codeIsWarm: Bool) -> Int {
    let clock = ContinuousClock()
    let other = HashPool(8, pool.options)
    var junk = [UInt8](repeating: 1, count: walk)
    var random = SeededRandom(seed: 3)
    var times: [Int] = []
    var empty: [Int] = []
    keep(pool.picks(1_000))
    for round in 0..<200 {
        for line in stride(from: 0, to: junk.count, by: 64) { junk[line] &+= UInt8(round & 1) }
        let request = PickRequest(now: 1, key: random.next())
        if codeIsWarm { keep(other.strategy?.pick(request, random: &random) ?? -1) }
        var before = clock.now
        var after = clock.now
        empty.append(Int(before.duration(to: after) / .nanoseconds(1)))
        before = clock.now
        keep(pool.strategy?.pick(request, random: &random) ?? -1)
        after = clock.now
        times.append(Int(before.duration(to: after) / .nanoseconds(1)))
    }
    keep(Int(junk[64]))
    return times.sorted()[times.count / 2] - empty.sorted()[empty.count / 2]
}
