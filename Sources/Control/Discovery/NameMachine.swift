/// When a name is asked for again, and what is known of it meanwhile.
///
/// Pure: the time and the randomness are given. One question is under way at a time. What is known
/// stays until an answer replaces it: neither a resolver that fails nor an empty answer takes an
/// endpoint away.
struct NameMachine<Item: Hashable & Sendable> {
    /// The longest that a name waits besides its time to live, in nanoseconds.
    private static var mostJitter: Int64 { 500_000_000 }
    /// The longest wait after a failure where no time to live is known.
    private static var retryLimit: Int64 { 5_000_000_000 }
    /// The longest wait after a failure where one is known.
    private static var longestRetry: Int64 { 30_000_000_000 }

    private enum State {
        /// Next: `asking`.
        case waiting(until: Int64)
        /// Next: `waiting`.
        case asking
    }

    /// What an answer changes.
    struct Outcome: Equatable {
        /// Whether ``NameMachine/known`` is another one.
        var isChanged = false
        /// What is to be told.
        var notice: Notice?
    }

    /// What is to be told of a name.
    enum Notice: Equatable {
        /// It has other items than before.
        case changed
        /// It is answered again, by the same as before.
        case recovered
        /// It cannot be resolved, and why; what is known stays.
        case failing(String)
    }

    private let floor: Int64
    private let ceiling: Int64
    private var state: State
    private var timeToLive: Int64?
    private var failures = 0
    private var problem: String?
    /// What the name has, as far as that is known.
    private(set) var known: [Item] = []
    /// Whether any question has been answered, if only by a failure.
    private(set) var hasOutcome = false

    /// A name that is to be asked for at once.
    ///
    /// `floor` and `ceiling` bound the time that an answer is used, in nanoseconds.
    init(floor: Int64, ceiling: Int64, now: Int64) {
        self.floor = max(1, floor)
        self.ceiling = max(self.floor, ceiling)
        state = .waiting(until: now)
    }

    /// When to ask; `nil` while a question is under way.
    var nextQuestion: Int64? {
        if case .waiting(let until) = state { return until }
        return nil
    }

    /// The time has come: whether to ask.
    mutating func wake(now: Int64) -> Bool {
        guard case .waiting(let until) = state, until <= now else { return false }
        state = .asking
        return true
    }

    /// The question under way is answered.
    ///
    /// One that was not asked changes nothing.
    mutating func answered(_ finding: Finding<Item>, now: Int64, random: UInt64) -> Outcome {
        guard case .asking = state else { return Outcome() }
        hasOutcome = true
        switch finding {
        case .found(let items, let ttl) where !items.isEmpty:
            return found(items, ttl: ttl, now: now, random: random)
        case .found: return failed("the answer is empty", now: now, random: random)
        case .empty(let reason), .failed(let reason):
            return failed(reason, now: now, random: random)
        }
    }

    private mutating func found(
        _ items: [Item],
        ttl: Int64,
        now: Int64,
        random: UInt64
    ) -> Outcome {
        var outcome = Outcome()
        if Set(items) != Set(known) {
            known = items
            outcome.isChanged = true
            outcome.notice = .changed
        } else if problem != nil {
            outcome.notice = .recovered
        }
        problem = nil
        failures = 0
        let time = min(ceiling, max(floor, ttl))
        timeToLive = time
        state = .waiting(until: now &+ jittered(time, random))
        return outcome
    }

    private mutating func failed(_ reason: String, now: Int64, random: UInt64) -> Outcome {
        let isNew = problem != reason
        problem = reason
        // Never more slowly than the records were to be looked at anyway.
        let limit = min(ceiling, max(floor, timeToLive ?? Self.retryLimit))
        let wait = min(min(limit, Self.longestRetry), floor << Int64(min(failures, 20)))
        failures += 1
        state = .waiting(until: now &+ jittered(max(floor, wait), random))
        return Outcome(notice: isNew ? .failing(reason) : nil)
    }

    /// A little longer than `time`, or a little shorter where that is the ceiling; within bounds.
    private func jittered(_ time: Int64, _ random: UInt64) -> Int64 {
        let span = min(time / 10, Self.mostJitter)
        guard span > 0 else { return time }
        let jitter = Int64(random % UInt64(span &+ 1))
        let longer = time &+ jitter
        return longer <= ceiling ? longer : max(floor, ceiling &- jitter)
    }
}
