import Testing

@testable import Control

private let second: Int64 = 1_000_000_000

@Suite("When a name is asked for, and what is known of it")
struct NameMachineTests {
    private func machine(floor: Int64 = second, ceiling: Int64 = 300 * second)
        -> NameMachine<String>
    {
        NameMachine(floor: floor, ceiling: ceiling, now: 0)
    }

    /// Asks at the time at which it wants to and answers at once; returns the outcome and the wait
    /// that follows.
    private func ask(
        _ machine: inout NameMachine<String>,
        _ finding: Finding<String>,
        random: UInt64 = 0
    ) throws -> (outcome: NameMachine<String>.Outcome, wait: Int64) {
        let now = try #require(machine.nextQuestion)
        #expect(machine.wake(now: now) == true)
        let outcome = machine.answered(finding, now: now, random: random)
        return (outcome, try #require(machine.nextQuestion) - now)
    }

    @Test("it is asked for at once, and not again while a question is under way")
    func once() {
        var machine = machine()
        #expect(machine.nextQuestion == 0)
        #expect(!machine.hasOutcome)
        #expect(machine.wake(now: 0) == true)
        #expect(machine.nextQuestion == nil)
        #expect(machine.wake(now: 10 * second) == false)
        _ = machine.answered(.found(["a"], ttl: second), now: second, random: 0)
        #expect(machine.hasOutcome)
        #expect(machine.wake(now: 2 * second - 1) == false)
        #expect(machine.wake(now: 2 * second) == true)
    }

    @Test("an answer that nobody asked for changes nothing")
    func unasked() {
        var machine = machine()
        let outcome = machine.answered(.found(["a"], ttl: second), now: 0, random: 0)
        #expect(outcome == NameMachine<String>.Outcome())
        #expect(machine.known == [])
        #expect(machine.nextQuestion == 0)
    }

    @Test(
        "the time to live is kept within its bounds",
        arguments: [
            (0, second), (1, second), (second, second), (30 * second, 30 * second),
            (300 * second, 300 * second), (86_400 * second, 300 * second),
            (Int64.max, 300 * second), (-5, second),
        ] as [(Int64, Int64)]
    )
    func bounds(ttl: Int64, wait: Int64) throws {
        var machine = machine()
        #expect(try ask(&machine, .found(["a"], ttl: ttl)).wait == wait)
    }

    @Test(
        "jitter never goes under the floor, over the ceiling, or over the time to live + 1 s",
        arguments: [1, 2, 5, 9, 10, 100, 299, 300, 1000] as [Int64]
    )
    func jitter(seconds: Int64) throws {
        var waits: Set<Int64> = []
        for random: UInt64 in [0, 1, 99_999_999, 100_000_000, 123_456_789_123, .max] {
            var machine = machine()
            let wait = try ask(&machine, .found(["a"], ttl: seconds * second), random: random).wait
            #expect(wait >= second)
            #expect(wait <= 300 * second)
            #expect(wait < seconds * second + second)
            #expect(wait >= min(seconds, 299) * second)
            waits.insert(wait)
        }
        #expect(waits.count > 1)
    }

    @Test("where the bounds leave no room there is no jitter", arguments: [1, 60] as [Int64])
    func fixed(seconds: Int64) throws {
        for random: UInt64 in [0, 7, .max] {
            var machine = machine(floor: seconds * second, ceiling: seconds * second)
            let wait = try ask(&machine, .found(["a"], ttl: 5 * second), random: random).wait
            #expect(wait == seconds * second)
        }
    }

    @Test("changes are told once, whatever the order of the answer")
    func changes() throws {
        var machine = machine()
        var told = try ask(&machine, .found(["a", "b"], ttl: second)).outcome
        #expect(told == .init(isChanged: true, notice: .changed))
        told = try ask(&machine, .found(["b", "a"], ttl: second)).outcome
        #expect(told == .init())
        told = try ask(&machine, .found(["b"], ttl: second)).outcome
        #expect(told == .init(isChanged: true, notice: .changed))
        #expect(machine.known == ["b"])
    }

    @Test(
        "neither a failure nor an empty answer takes anything away, and each is told once",
        arguments: [
            Finding<String>.failed("no answer"), .empty("no such name"), .found([], ttl: second),
        ]
    )
    func kept(finding: Finding<String>) throws {
        var machine = machine()
        _ = try ask(&machine, .found(["a"], ttl: second))
        let first = try ask(&machine, finding).outcome
        guard case .failing = try #require(first.notice) else {
            Issue.record("told \(first)")
            return
        }
        #expect(!first.isChanged)
        #expect(try ask(&machine, finding).outcome == .init())
        #expect(machine.known == ["a"])
        #expect(
            try ask(&machine, .failed("something else")).outcome.notice
                == .failing("something else")
        )
        #expect(try ask(&machine, .found(["a"], ttl: second)).outcome == .init(notice: .recovered))
        #expect(try ask(&machine, .found(["a"], ttl: second)).outcome == .init())
        // And again, as it is news again.
        #expect(try ask(&machine, finding).outcome.notice != nil)
    }

    @Test("a name that never had an answer is asked for more and more slowly, up to 5 s")
    func backoff() throws {
        var machine = machine()
        var waits: [Int64] = []
        for _ in 0..<5 { waits.append(try ask(&machine, .failed("x")).wait / second) }
        #expect(waits == [1, 2, 4, 5, 5])
        _ = try ask(&machine, .found(["a"], ttl: 100 * second))
        waits = []
        for _ in 0..<7 { waits.append(try ask(&machine, .empty("x")).wait / second) }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30])
    }

    @Test("after a failure it is asked for no later than its time to live says")
    func retryWithinTTL() throws {
        var machine = machine()
        _ = try ask(&machine, .found(["a"], ttl: 3 * second))
        for _ in 0..<50 {
            let wait = try ask(&machine, .failed("x"), random: .max).wait
            #expect(wait < 4 * second)
            #expect(wait >= second)
        }
    }

    @Test("waits after failures stay within the bounds of the configuration")
    func retryBounds() throws {
        for (floor, ceiling) in [(second, second), (60 * second, 90 * second), (5, 10)] {
            var machine = machine(floor: floor, ceiling: ceiling)
            for random: UInt64 in [0, 3, .max, 1, 2, 3] {
                let wait = try ask(&machine, .failed("x"), random: random).wait
                #expect(wait >= floor)
                #expect(wait <= ceiling)
            }
        }
    }

    @Test("absurd bounds do no harm")
    func absurd() throws {
        for (floor, ceiling) in [(Int64.max / 2, Int64.max / 2), (-1, -5), (0, 0)] {
            var machine = machine(floor: floor, ceiling: ceiling)
            for _ in 0..<70 {
                #expect(machine.wake(now: machine.nextQuestion ?? 0) == true)
                _ = machine.answered(.failed("x"), now: 0, random: .max)
                #expect((machine.nextQuestion ?? -1) > 0)
            }
        }
    }
}
