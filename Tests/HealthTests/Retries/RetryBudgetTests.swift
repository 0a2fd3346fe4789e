import Balancing
import Dispatch
import Health
import Synchronization
import Testing

@Suite("The retry budget")
struct RetryBudgetTests {
    private static func budget(share: Double, perSecond: Double) -> RetryBudget {
        var options = BudgetOptions()
        options.share = share
        options.perSecond = perSecond
        return RetryBudget(options)
    }

    /// Retries granted until the first refusal, at most 10,000.
    private func drain(_ budget: RetryBudget, at time: Double) -> Int {
        for count in 0..<10_000 where budget.withdraw(now: seconds(time)) != .granted {
            return count
        }
        return 10_000
    }

    @Test(
        "is a share of the requests, and so many a second",
        arguments: [
            (0.2, 10.0, 0, 100), (0.2, 10.0, 1000, 300), (0.2, 0.0, 1000, 200), (0.0, 0.5, 1000, 5),
            (0.0, 0.0, 1000, 0), (1.0, 0.0, 7, 7), (0.29, 0.0, 100, 29), (0.2, 0.0, 4, 0),
        ]
    )
    func amount(share: Double, perSecond: Double, requests: Int, expected: Int) {
        let budget = Self.budget(share: share, perSecond: perSecond)
        budget.deposit(requests, now: seconds(100))
        #expect(drain(budget, at: 100) == expected)
        #expect(drain(budget, at: 105) == 0)
    }

    @Test(
        "deposits expire after ten seconds",
        arguments: [
            (9.75, 20), (9.999, 20), (10.0, 0), (12.0, 0), (26.0, 0), (1e6, 0),
        ]
    )
    func expiry(after: Double, expected: Int) {
        let budget = Self.budget(share: 0.2, perSecond: 0)
        budget.deposit(100, now: seconds(100))
        #expect(drain(budget, at: 100 + after) == expected)
    }

    @Test(
        "what was granted counts for ten seconds and one slot",
        arguments: [
            (10.0, 0), (10.24, 0), (10.25, 100), (11.0, 100), (1e6, 100),
        ]
    )
    func takenExpires(after: Double, expected: Int) {
        let budget = Self.budget(share: 0, perSecond: 10)
        #expect(drain(budget, at: 100) == 100)
        #expect(drain(budget, at: 100 + after) == expected)
    }

    @Test("works from the clock's first moment on")
    func start() {
        let budget = Self.budget(share: 0.5, perSecond: 0)
        budget.deposit(10, now: 0)
        budget.deposit(-5, now: 0)
        #expect(drain(budget, at: 0) == 5)
    }

    @Test("the first refusal is told, and once half is there again, that too")
    func news() {
        let budget = Self.budget(share: 0, perSecond: 10)
        #expect(!budget.becameAvailable(now: seconds(100)))
        for tenth in 0..<100 {
            #expect(budget.withdraw(now: seconds(100 + Double(tenth) / 10)) == .granted)
        }
        #expect(budget.withdraw(now: seconds(109.9)) == .refusedFirst)
        #expect(budget.withdraw(now: seconds(109.9)) == .refused)
        #expect(budget.withdraw(now: seconds(112)) == .granted, "some of it is there again")
        #expect(!budget.becameAvailable(now: seconds(112)))
        #expect(budget.becameAvailable(now: seconds(116)))
        #expect(!budget.becameAvailable(now: seconds(117)))
        #expect(drain(budget, at: 117) > 0)
        #expect(!budget.becameAvailable(now: seconds(117)), "the drain's end was a refusal")
        #expect(budget.becameAvailable(now: seconds(130)))
    }

    /// Invariant: in any ten seconds at most share × the requests of the ten seconds before the
    /// last grant + perSecond × 10 are granted.
    @Test("is never exceeded in any ten seconds", arguments: 1...60)
    func invariant(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let share = Double(random.next(below: 11)) / 10
        let perSecond = Double(random.next(below: 4))
        let budget = Self.budget(share: share, perSecond: perSecond)
        var now = seconds(Double(random.next(below: 1000)) / 100)
        var deposits: [(time: Int64, count: Int)] = []
        var grants: [Int64] = []
        for _ in 0..<3000 {
            now += Int64(
                random.next(below: random.next(below: 50) == 0 ? 5_000_000_000 : 90_000_000)
            )
            // Another worker's clock may be behind by as much as a turn takes.
            let own = max(0, now - Int64(random.next(below: 2) * random.next(below: 50_000_000)))
            if random.next(below: 3) > 0 {
                let count = random.next(below: 10)
                budget.deposit(count, now: own)
                deposits.append((own, count))
            } else if budget.withdraw(now: own) == .granted {
                grants.append(own)
                let lately = grants.suffix(2000).count { $0 > own - seconds(10) }
                let requests = deposits.suffix(2000).reduce(0) { sum, deposit in
                    deposit.time > own - seconds(10) && deposit.time <= own + seconds(0.25)
                        ? sum + deposit.count : sum
                }
                #expect(Double(lately) <= share * Double(requests) + perSecond * 10 + 1e-6)
            }
        }
    }

    @Test("is not exceeded by threads together", arguments: 1...5)
    func threads(seed: Int) {
        let budget = Self.budget(share: 0.2, perSecond: 10)
        let granted = Atomic<Int>(0)
        budget.deposit(2000, now: seconds(100.5))
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for step in 0..<1000 {
                // Some are in the next slot already.
                let now = seconds((thread + step + seed) % 3 == 0 ? 100.75 : 100.5)
                if budget.withdraw(now: now) == .granted {
                    granted.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        // Those that gave way to each other leave something over, never too little.
        let left = drain(budget, at: 100.75)
        #expect(granted.load(ordering: .relaxed) + left == 500)
    }
}
