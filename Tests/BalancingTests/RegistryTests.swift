import Balancing
import Testing

@Suite("Strategies")
struct RegistryTests {
    @Test("every strategy is made by its name and described in one line")
    func entries() {
        var random = SeededRandom(seed: 1)
        #expect(StrategyRegistry.names.first == "round-robin")
        #expect(Set(StrategyRegistry.names).count == StrategyRegistry.entries.count)
        for entry in StrategyRegistry.entries {
            #expect(entry.name.allSatisfy { $0.isLowercase || $0 == "-" })
            #expect(!entry.summary.isEmpty && !entry.summary.contains("\n"))
            #expect(!entry.source.isEmpty)
            var options = BalanceOptions()
            options.strategy = entry.name
            let plan = PoolPlan(endpoints: [PlannedEndpoint(name: "a:1")], options: options)
            let balancer = PoolBalancer(plan, now: 1, random: &random)
            #expect(balancer.pick(PickRequest(now: 1), random: &random) == 0)
        }
    }

    @Test("an unknown name makes nothing", arguments: ["", "Round-Robin", "random "])
    func unknown(name: String) {
        var random = SeededRandom(seed: 1)
        #expect(StrategyRegistry.entry(name) == nil)
        var options = BalanceOptions()
        options.strategy = name
        let context = StrategyContext(
            endpoints: [],
            options: options,
            shared: SharedPool(capacity: 0)
        )
        #expect(StrategyRegistry.make(context, random: &random) == nil)
    }
}

@Suite("Tried endpoints")
struct TriedEndpointsTests {
    @Test("what was inserted is in it, once")
    func insertion() {
        var tried = TriedEndpoints()
        #expect(tried.isEmpty && tried.count == 0 && !tried.contains(0))
        for index in [0, 5, 5, 1_000_000, 0] { tried.insert(index) }
        #expect(tried.count == 3 && !tried.isEmpty)
        #expect([0, 5, 1_000_000].allSatisfy(tried.contains))
        #expect(!tried.contains(1))
    }

    @Test("at the limit all are kept, one past it the oldest goes")
    func limit() {
        var tried = TriedEndpoints()
        for index in 1...TriedEndpoints.capacity { tried.insert(index) }
        #expect((1...TriedEndpoints.capacity).allSatisfy(tried.contains))
        tried.insert(100)
        #expect(!tried.contains(1) && tried.contains(2) && tried.contains(100))
        #expect(tried.count == TriedEndpoints.capacity)
    }
}

@Suite("Seeded random numbers")
struct SeededRandomTests {
    @Test("equal seeds give equal numbers, others do not")
    func seeds() {
        var (one, same, other) = (
            SeededRandom(seed: 9), SeededRandom(seed: 9), SeededRandom(seed: 10)
        )
        let numbers = (0..<100).map { _ in one.next() }
        #expect(numbers == (0..<100).map { _ in same.next() })
        #expect(numbers != (0..<100).map { _ in other.next() })
        #expect(Set(numbers).count == 100)
    }

    @Test("numbers below a bound are equally likely", arguments: [1, 2, 3, 7, 10, 1_000])
    func bounds(bound: Int) {
        var random = SeededRandom(seed: 0x626f_756e)
        var counts = [Int](repeating: 0, count: bound)
        for _ in 0..<(bound * 400) { counts[random.next(below: bound)] += 1 }
        // Six standard deviations of a count around 400.
        #expect(counts.allSatisfy { (280...520).contains($0) }, "seed 0x626f756e")
    }

    @Test("a bound below 1 gives 0, the greatest stays in range")
    func extremes() {
        var random = SeededRandom(seed: 3)
        #expect(random.next(below: 0) == 0 && random.next(below: .min) == 0)
        for _ in 0..<1_000 { #expect((0..<Int.max).contains(random.next(below: .max))) }
    }
}
