import EventLoop

/// When spans are sent, again or not at all: the state machine of the exporter.
///
/// A collector that fails is asked at growing intervals; what it does not take in three tries is
/// dropped. Meanwhile spans wait in a queue that has a bound of its own.
struct ExportMachine {
    /// Spans of one request at most; so many that wait leave at once.
    static let mostSpans = 512
    /// Nanoseconds that spans wait for others.
    static let gathering: Int64 = 5_000_000_000
    /// Nanoseconds until a request is given up.
    static let timeout: Int64 = 10_000_000_000
    /// Nanoseconds of the first rest after a failure, and of the longest.
    static let firstRest: Int64 = 1_000_000_000
    static let longestRest: Int64 = 30_000_000_000
    /// Tries with one batch.
    static let attempts = 3

    /// How a try with a batch failed.
    enum Failure: Equatable {
        /// The collector does not take it: there is no point in asking again.
        case refused
        /// It may take it later, at the earliest after so many nanoseconds.
        case later(after: Int64)
    }

    /// What is to be done.
    enum Action: Equatable {
        case nothing
        /// Tell when the time has come.
        case wait(until: Instant)
        /// Take what waits out of the queue and send it.
        case send
        /// Send the same batch once more.
        case sendAgain
        /// All is done that is to be done before the end.
        case end
    }

    private enum Phase: Equatable {
        /// Nothing waits. Next: `gathering`, `sending`, `ended`.
        case idle
        /// Spans wait for others. Next: `sending`.
        case gathering(until: Instant)
        /// A batch is under way. Next: all but `gathering`, or that.
        case sending
        /// The collector has failed. Next: `sending`, `idle`, `ended`.
        case resting(until: Instant)
        /// Nothing is sent any more.
        case ended
    }

    private var phase = Phase.idle
    /// Tries with the batch that is kept, or under way.
    private var tries = 0
    /// Failures since the last success.
    private(set) var failures = 0
    /// Whether a batch waits to be sent once more.
    private(set) var keepsBatch = false
    private var isEnding = false

    /// So many spans wait in the queue.
    mutating func spansWait(_ count: Int, now: Instant) -> Action {
        switch phase {
        case .idle:
            guard count > 0 else { return isEnding ? finish() : .nothing }
            if count >= Self.mostSpans || isEnding { return begin() }
            phase = .gathering(until: now + Self.gathering)
            return .wait(until: now + Self.gathering)
        case .gathering:
            return count >= Self.mostSpans || isEnding ? begin() : .nothing
        case .sending, .resting, .ended: return .nothing
        }
    }

    /// The time that was asked for has come; so many spans wait in the queue.
    mutating func timeCame(_ count: Int, now: Instant) -> Action {
        switch phase {
        case .gathering(let until), .resting(let until):
            guard now >= until else { return .wait(until: until) }
            if keepsBatch { return begin() }
            phase = .idle
            return count > 0 ? begin() : .nothing
        case .idle, .sending, .ended: return .nothing
        }
    }

    /// The batch was taken; so many spans wait in the queue.
    mutating func delivered(_ count: Int, now: Instant) -> Action {
        guard phase == .sending else { return .nothing }
        failures = 0
        keepsBatch = false
        tries = 0
        phase = .idle
        return spansWait(count, now: now)
    }

    /// The batch was not taken; what ``keepsBatch`` says then holds for it.
    ///
    /// `random`: 64 random bits, so that many proxies do not ask together.
    mutating func failed(_ failure: Failure, random: UInt64, now: Instant) -> Action {
        guard phase == .sending else { return .nothing }
        failures += 1
        var least: Int64 = 0
        switch failure {
        case .refused: keepsBatch = false
        case .later(let after):
            keepsBatch = tries < Self.attempts
            least = min(max(0, after), Self.longestRest)
        }
        if !keepsBatch { tries = 0 }
        if isEnding {
            keepsBatch = false
            return finish()
        }
        let until = now + max(least, rest(random))
        phase = .resting(until: until)
        return .wait(until: until)
    }

    /// The process ends: what waits is sent once, if the collector does not fail.
    mutating func ends(_ count: Int, now: Instant) -> Action {
        isEnding = true
        switch phase {
        case .idle, .gathering: return spansWait(count, now: now)
        case .sending: return .nothing
        case .resting, .ended:
            keepsBatch = false
            return finish()
        }
    }

    private mutating func begin() -> Action {
        let again = keepsBatch
        keepsBatch = false
        phase = .sending
        tries = again ? tries + 1 : 1
        return again ? .sendAgain : .send
    }

    private mutating func finish() -> Action {
        phase = .ended
        return .end
    }

    /// Twice as long after each failure, less up to a half by chance.
    private func rest(_ random: UInt64) -> Int64 {
        let whole = min(Self.longestRest, Self.firstRest << min(Int64(failures - 1), 10))
        return whole - Int64(UInt64(whole / 2).multipliedFullWidth(by: random).high)
    }
}
