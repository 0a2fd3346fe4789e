import Balancing
import Configuration
import Health

/// What follows a failed try, and when tries are given up: as the proxy does it for a request that
/// may be repeated and fits into `retries.buffer`.
struct RetryPolicy: Sendable {
    /// What to do after a failed try.
    enum Decision: Equatable {
        /// The request has failed.
        case giveUp
        /// Another endpoint at once.
        case atOnce
        /// Another endpoint after a wait that grows with the tries.
        case afterWait
    }

    /// Stands for a time that never comes, so that sums with it fit.
    static let never = Int64.max / 4
    /// A time-out of `none` ends after this all the same: a simulation has to end.
    private static let longestTry = Duration.seconds(3600)

    private let attempts: Int
    private let onConnectFailure: Bool
    private let onReset: Bool
    private let onTimeout: Bool
    private let statuses: StatusSet
    private let tryLimit: Int64
    private let triesLimit: Int64
    private let totalLimit: Int64
    private let backoffBase: Int64
    private let backoffMax: Int64

    /// The pool's `retries` and `timeouts`.
    init(_ pool: PoolConfig) {
        let retries = pool.retries
        attempts = retries.attempts
        onConnectFailure = retries.onConnectFailure
        onReset = retries.onResetBeforeAnswer
        onTimeout = retries.onTimeout
        statuses = retries.statuses
        let response = pool.timeouts.response ?? Self.longestTry
        tryLimit = min(response, retries.tryTimeout ?? response).wholeNanoseconds
        triesLimit = retries.timeout?.wholeNanoseconds ?? Self.never
        totalLimit = pool.timeouts.total?.wholeNanoseconds ?? Self.never
        backoffBase = retries.backoffBase.wholeNanoseconds
        backoffMax = retries.backoffMax.wholeNanoseconds
    }

    /// Whether anything is ever tried again.
    var retries: Bool { attempts > 1 }

    /// Whether requests have a time of their own besides that of each try.
    var hasDeadlines: Bool { min(triesLimit, totalLimit) < Self.never }

    /// When a request's try is given up.
    @inline(__always)
    func limit(of request: SimulatedRequest) -> Int64 {
        let own = request.tryBegin &+ tryLimit
        return hasDeadlines ? min(own, request.begin &+ min(triesLimit, totalLimit)) : own
    }

    /// When a request is given up, whatever becomes of its tries.
    func end(of request: SimulatedRequest) -> Int64 {
        request.begin &+ min(triesLimit, totalLimit)
    }

    /// Whether a request is out of all its time, so that the end of a try says nothing of the
    /// endpoint.
    func isOver(_ request: SimulatedRequest, at now: Int64) -> Bool {
        now &- request.begin >= totalLimit
    }

    /// What follows a try that failed.
    func decide(after request: SimulatedRequest) -> Decision {
        let isProbe = request.isProbing
        guard isProbe || request.countedTries < attempts else { return .giveUp }
        switch request.outcome {
        case .answered: return .giveUp
        case .unreachable: return onConnectFailure || isProbe ? .atOnce : .giveUp
        case .refused:
            guard isProbe || statuses.contains(Int(request.status)) else { return .giveUp }
        case .reset: guard onReset || isProbe else { return .giveUp }
        case .timedOut: guard onTimeout || isProbe else { return .giveUp }
        }
        return isProbe ? .atOnce : .afterWait
    }

    /// When a request is tried again that waits; `nil` if no time is left then.
    func next(
        _ decision: Decision,
        after request: SimulatedRequest,
        now: Int64,
        random: inout SeededRandom
    ) -> Int64? {
        var next = now
        if decision == .afterWait {
            next &+= Backoff.wait(
                afterTry: max(1, request.countedTries),
                backoffBase,
                backoffMax,
                random: random.next()
            )
        }
        return next < end(of: request) ? next : nil
    }
}
