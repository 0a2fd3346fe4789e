import EventLoop

/// Nanoseconds of the wheel's tick.
let tick: Int64 = 1 << 23
/// Nanoseconds of a millisecond.
let millisecond: Int64 = 1_000_000
/// Nanoseconds of a second.
let second: Int64 = 1_000_000_000
/// Nanoseconds of an hour.
let hour: Int64 = 3600 * second

/// A timer wheel beside the plainest thing that could stand in for it: a list of deadlines.
struct WheelModel: ~Copyable {
    private struct Timer {
        var deadline: Instant
        /// When it was armed: what was past by then is due one tick later.
        var since: Instant
    }

    private var wheel: TimerWheel
    private var timers: [Int32: Timer] = [:]
    private(set) var now: Instant
    /// What the wheel did that it must not do.
    private(set) var violations: [String] = []

    init(capacity: Int, now: Instant) {
        wheel = TimerWheel(capacity: capacity, now: now)
        self.now = now
    }

    /// Slots with a deadline, by the model's word.
    var armed: [Int32] { timers.keys.sorted() }

    mutating func arm(_ slot: Int32, at deadline: Instant) {
        wheel.arm(slot, at: deadline)
        // Lazy: only an earlier deadline replaces one that is armed.
        if let timer = timers[slot], timer.deadline <= deadline { return }
        timers[slot] = Timer(deadline: deadline, since: now)
    }

    mutating func cancel(_ slot: Int32) {
        wheel.cancel(slot)
        timers[slot] = nil
    }

    /// Nanoseconds that the wheel would have the loop sleep.
    func sleep(limit: Int64) -> Int64 { wheel.wait(from: now, limit: limit) * millisecond }

    /// When the timer must have come up at the latest.
    private func latest(_ timer: Timer) -> Int64 {
        (max(timer.deadline, timer.since) + tick).nanoseconds
    }

    /// Moves on to `time`; returns the slots that came up.
    @discardableResult
    mutating func advance(to time: Instant) -> Set<Int32> {
        checkSleep()
        now = time
        wheel.advance(to: time)
        var due: Set<Int32> = []
        while true {
            let slot = wheel.popDue()
            if slot < 0 { break }
            due.insert(slot)
            guard let timer = timers.removeValue(forKey: slot) else {
                violations.append("slot \(slot) came up unarmed at \(now.nanoseconds)")
                continue
            }
            if timer.deadline > now {
                violations.append("slot \(slot) came up \(timer.deadline - now) ns early")
            }
        }
        for (slot, timer) in timers where latest(timer) <= now.nanoseconds {
            violations.append("slot \(slot) is \(now.nanoseconds - latest(timer)) ns too late")
        }
        if wheel.wait(from: now, limit: 60_000) <= 0 {
            violations.append("the loop spins at \(now.nanoseconds)")
        }
        return due
    }

    /// Whoever sleeps as told wakes for every timer, a millisecond's rounding aside.
    private mutating func checkSleep() {
        let limit: Int64 = 1 << 40
        let told = wheel.wait(from: now, limit: limit)
        if told > limit { violations.append("told to sleep past the limit: \(told)") }
        let woken = now + told * millisecond
        for (slot, timer) in timers where woken.nanoseconds - millisecond > latest(timer) {
            let over = woken.nanoseconds - latest(timer)
            violations.append("told to sleep \(over) ns past slot \(slot)")
        }
    }
}
