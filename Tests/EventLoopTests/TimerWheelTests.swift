import Testing

@testable import EventLoop

@Suite("Timer wheel")
struct TimerWheelTests {
    private static let start = Instant(nanoseconds: 987_654_321_987)

    /// Spans from now, of every level of the wheel and past its end.
    private static func span(_ random: inout TestRandom) -> Int64 {
        let bound = random.pick([
            20 * millisecond, second, 3 * second, 60 * second, 600 * second, hour, 30 * hour,
            60 * hour,
        ])
        return Int64(random.next() % UInt64(bound))
    }

    @Test("random sequences: never early, at most a tick late, never slept past", arguments: 1...40)
    func sequences(seed: UInt64) {
        var random = TestRandom(seed: seed)
        var model = WheelModel(capacity: 64, now: Self.start)
        for _ in 0..<3000 {
            let slot = Int32(random.below(64))
            switch random.below(10) {
            case 0...4: model.arm(slot, at: model.now + Self.span(&random))
            case 5: model.arm(slot, at: model.now + -Self.span(&random))
            case 6: model.cancel(slot)
            default:
                let longest = random.once(in: 40) ? 120 * second : 30 * millisecond
                model.advance(to: model.now + Int64(random.next() % UInt64(longest)))
            }
            if !model.violations.isEmpty { break }
        }
        #expect(model.violations.isEmpty, "seed \(seed)")
    }

    @Test("a loop that only sleeps as told misses nothing", arguments: 1...20)
    func sleepingLoop(seed: UInt64) {
        var random = TestRandom(seed: seed)
        var model = WheelModel(capacity: 32, now: Self.start)
        var turns = 0
        for slot in 0..<32 { model.arm(Int32(slot), at: model.now + Self.shortSpan(&random)) }
        while !model.armed.isEmpty, turns < 20_000, model.violations.isEmpty {
            turns += 1
            let due = model.advance(to: model.now + model.sleep(limit: 60_000))
            // Now and then a new deadline, as requests bring them.
            for slot in due where random.once(in: 2) && turns < 2000 {
                model.arm(slot, at: model.now + Self.shortSpan(&random))
            }
        }
        #expect(model.violations.isEmpty, "seed \(seed)")
        #expect(model.armed.isEmpty, "seed \(seed), \(turns) turns")
    }

    private static func shortSpan(_ random: inout TestRandom) -> Int64 {
        Int64(random.next() % UInt64(random.pick([second, 3 * second, 10 * second, 700 * second])))
    }

    @Test("a deadline of the second level goes before a later one of the first")
    func secondLevelFirst() {
        var model = WheelModel(capacity: 4, now: Instant(nanoseconds: 0))
        model.arm(0, at: Instant(nanoseconds: 300 * tick))
        model.advance(to: Instant(nanoseconds: 200 * tick))
        model.arm(1, at: Instant(nanoseconds: 400 * tick))
        model.arm(2, at: Instant(nanoseconds: 205 * tick))
        model.advance(to: Instant(nanoseconds: 206 * tick))
        #expect(model.now + model.sleep(limit: 60_000) <= Instant(nanoseconds: 302 * tick))
        #expect(model.violations.isEmpty)
    }

    @Test(
        "deadlines around the borders of the levels come up on time",
        arguments: [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_791, 65_792, 131_072]
    )
    func borders(ticks: Int64) {
        for offset in [0, 1, 128, 254, 255] as [Int64] {
            let begin = Instant(nanoseconds: offset * tick + 12_345)
            for delta in [-1, 0, 1] as [Int64] {
                var model = WheelModel(capacity: 1, now: begin)
                let deadline = begin + ticks * tick + delta
                model.arm(0, at: deadline)
                var turns = 0
                while !model.armed.isEmpty, turns < 2000, model.violations.isEmpty {
                    model.advance(to: model.now + model.sleep(limit: 60_000))
                    turns += 1
                }
                #expect(model.violations.isEmpty, "from tick \(offset), \(ticks) ticks on")
                #expect(model.armed.isEmpty, "from tick \(offset), \(ticks) ticks on")
            }
        }
    }

    @Test("deadlines past the wheel's 39 hours come up on time or not before")
    func farDeadlines() {
        var model = WheelModel(capacity: 8, now: Self.start)
        let hours: [Int64] = [38, 39, 40, 78, 79, 100]
        for (slot, count) in hours.enumerated() {
            model.arm(Int32(slot), at: Self.start + count * hour)
        }
        model.arm(6, at: .never)
        for step in 1...101 {
            let due = model.advance(to: Self.start + Int64(step) * hour + tick)
            let expected = hours.indices.filter { hours[$0] == Int64(step) }.map(Int32.init)
            #expect(due == Set(expected), "after \(step) hours")
        }
        #expect(model.armed == [6])
        #expect(model.violations.isEmpty)
    }

    @Test("one leap over everything brings everything")
    func longGap() {
        var model = WheelModel(capacity: 300, now: Self.start)
        for slot in 0..<300 { model.arm(Int32(slot), at: Self.start + Int64(slot) * 600 * second) }
        #expect(model.advance(to: Self.start + 51 * hour).count == 300)
        #expect(model.violations.isEmpty)
    }

    @Test("an empty wheel sleeps as long as it may and catches up at once")
    func empty() {
        var wheel = TimerWheel(capacity: 1, now: Self.start)
        #expect(wheel.wait(from: Self.start, limit: 60_000) == 60_000)
        let later = Self.start + 1_000_000 * hour
        wheel.advance(to: later)
        #expect(wheel.popDue() == -1)
        wheel.arm(0, at: later + second)
        #expect((1000...1010).contains(wheel.wait(from: later, limit: 60_000)))
    }

    @Test("a later deadline leaves the armed one, an earlier one replaces it")
    func lazy() {
        var model = WheelModel(capacity: 1, now: Self.start)
        model.arm(0, at: Self.start + second)
        model.arm(0, at: Self.start + 5 * second)
        #expect(model.advance(to: Self.start + second + tick) == [0])
        model.arm(0, at: model.now + 5 * second)
        model.arm(0, at: model.now + second)
        #expect(model.advance(to: model.now + second + tick) == [0])
        #expect(model.advance(to: model.now + hour) == [])
        #expect(model.violations.isEmpty)
    }

    @Test("what is due already makes the wait 0, can be cancelled and is not armed again")
    func due() {
        var wheel = TimerWheel(capacity: 2, now: Self.start)
        wheel.arm(0, at: Self.start)
        wheel.arm(1, at: Self.start)
        let later = Self.start + second
        wheel.advance(to: later)
        #expect(wheel.wait(from: later, limit: 60_000) == 0)
        wheel.arm(0, at: later + hour)
        wheel.cancel(1)
        #expect(wheel.popDue() == 0)
        #expect(wheel.popDue() == -1)
        wheel.cancel(1)
        #expect(wheel.wait(from: later, limit: 60_000) == 60_000)
    }
}
