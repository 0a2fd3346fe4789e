/// `retries` of a pool or a route: when a request is tried again.
public struct RetryOptions: Sendable, Equatable {
    /// Tries in all; 1 is no retry.
    public var attempts = 3
    /// Whether a failed connect is followed by another try.
    public var onConnectFailure = true
    /// Whether a repeatable request is sent again after the connection ended before an answer.
    public var onResetBeforeAnswer = true
    /// Whether a repeatable request is sent again after a time-out before an answer.
    public var onTimeout = false
    /// Answers after which a repeatable request is sent again.
    public var statuses = StatusSet()
    /// How long one try may take until its answer's head; `nil` is the response time-out.
    public var tryTimeout: Duration?
    /// How long all tries and the waits between them may take until an answer's head.
    public var timeout: Duration?
    /// The longest wait before the second try; doubles with each that follows.
    public var backoffBase = Duration.milliseconds(25)
    /// The longest wait of all.
    public var backoffMax = Duration.milliseconds(250)
    /// Bytes of a request kept so that it can be sent again.
    public var buffer = 64 * 1024
    /// Whether `Idempotency-Key` makes a request repeatable.
    public var heedsIdempotencyKey = false

    /// The defaults.
    public init() {}
}

/// `retries.budget` of a pool: how many tries may be repeated.
public struct BudgetOptions: Sendable, Equatable {
    /// The share of the requests of the last ten seconds, 0 to 1.
    public var share = 0.2
    /// Retries a second that are always allowed.
    public var perSecond = 10.0

    /// The defaults.
    public init() {}
}
