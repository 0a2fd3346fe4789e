import Balancing
import Testing

@Suite("Least connections and least bytes")
struct LeastLoadedTests {
    private func setLoads(_ pool: TestPool, _ name: String, _ loads: [Int]) {
        for (index, load) in loads.enumerated() {
            if name == "least-bytes" {
                pool.setBytes(index, Int64(load))
            } else {
                pool.setInFlight(index, Int32(load))
            }
        }
    }

    @Test(
        "the least loaded one by weight is always picked",
        arguments: ["least-connections", "least-bytes"],
        [
            ([1, 1, 1], [3, 1, 2], 1), ([1, 2, 4], [2, 4, 7], 2), ([3, 1], [5, 2], 0),
            ([1, 0, 1], [5, 0, 4], 2), ([1, 1], [1, 0], 1), ([10, 1], [9, 1], 0),
        ]
    )
    func least(name: String, row: ([Int], [Int], Int)) {
        let pool = TestPool(name, weights: row.0)
        setLoads(pool, name, row.1)
        #expect(pool.count(200)[row.2] == 200)
    }

    @Test(
        "ties are broken at random, by weight",
        arguments: ["least-connections", "least-bytes"]
    )
    func ties(name: String) {
        let pool = TestPool(name, weights: [1, 2, 3, 3])
        setLoads(pool, name, [2, 4, 6, 7])
        let counts = pool.count(12_000)
        #expect(abs(counts[0] - 2_000) < 250 && abs(counts[1] - 4_000) < 300, "\(counts)")
        #expect(abs(counts[2] - 6_000) < 300 && counts[3] == 0, "\(counts)")
    }

    @Test("two choices between two endpoints always take the less loaded (envoy#11004)")
    func twoOfTwo() {
        for choices in [BalanceOptions.Choices.sampled(2), .automatic, .all] {
            let pool = TestPool("least-connections", weights: [1, 1]) { $0.choices = choices }
            setLoads(pool, "", [5, 4])
            #expect(pool.count(1_000) == [0, 1_000, 0])
        }
    }

    @Test("up to 16 endpoints all are compared, beyond it two")
    func automatic() {
        for (count, least) in [(16, 1_000...1_000), (17, 60...180)] {
            let pool = TestPool("least-connections", weights: Array(repeating: 1, count: count))
            setLoads(pool, "", Array(1...count))
            // With two of 17 the least loaded one is among them in 2 of 17 cases: 118.
            #expect(least.contains(pool.count(1_000)[0]), "\(count) endpoints")
        }
    }

    @Test(
        "the second least of n samples is picked only without the least: no repetition",
        arguments: [1, 2, 3, 5, 9, 10, 20],
        [false, true]
    )
    func samples(choices: Int, isWeighted: Bool) {
        // Loads grow with the index; weights differ by too little to change their order.
        let weights = (0..<10).map { isWeighted ? 1_000 - $0 : 1_000 }
        let pool = TestPool("least-connections", weights: weights) {
            $0.choices = .sampled(choices)
        }
        setLoads(pool, "", (0..<10).map { 100 + $0 * 100 })
        let counts = pool.count(20_000)
        let share = min(1, Double(choices) / 10)
        #expect(abs(Double(counts[0]) - 20_000 * share) < 400, "\(counts)")
        // n samples without repetition cannot all be among the last n - 1.
        #expect(counts[(10 - min(choices, 10) + 1)..<10].allSatisfy { $0 == 0 }, "\(counts)")
    }

    @Test("two balancers on one plan see each other's load")
    func shared() {
        let pool = TestPool("least-connections", weights: [1, 1, 1])
        var random = SeededRandom(seed: 77)
        let other = PoolBalancer(pool.plan, now: pool.now, random: &random)
        for turn in 0..<300 {
            let picked =
                turn % 2 == 0
                ? pool.pick() : other.pick(PickRequest(now: pool.now), random: &random)
            guard let picked else {
                Issue.record("nothing picked")
                return
            }
            pool.setInFlight(picked, pool.plan.shared.inFlight(picked) + 1)
        }
        #expect((0..<3).allSatisfy { pool.plan.shared.inFlight($0) == 100 })
    }
}

@Suite("Random choice")
struct RandomChoiceTests {
    @Test("picks are by weight, second tries by weight among the rest")
    func shares() {
        let pool = TestPool("random", weights: [1, 0, 3, 4], seed: 9)
        let first = pool.count(16_000)
        #expect(abs(first[0] - 2_000) < 220 && abs(first[2] - 6_000) < 320, "\(first)")
        #expect(first[1] == 0 && first[4] == 0)
        let second = pool.count(16_000, excluding: [3])
        #expect(abs(second[0] - 4_000) < 300 && second[3] == 0, "\(second)")
        #expect(pool.count(10, excluding: [0, 2, 3])[4] == 10)
    }
}
