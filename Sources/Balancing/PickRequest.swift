/// What a strategy may know of a request when it picks an endpoint.
public struct PickRequest: BitwiseCopyable, Sendable {
    /// Now, in nanoseconds of a monotonic clock.
    public var now: Int64
    /// The hash of the request's key (``KeyHash``); what it says without ``hasKey`` is meaningless.
    public var key: UInt64
    /// Whether the request has the key that the file names.
    public var hasKey: Bool
    /// Endpoints that this request must not get again.
    public var tried: TriedEndpoints

    /// A request without a key, on its first try.
    public init(now: Int64, tried: TriedEndpoints = TriedEndpoints()) {
        self.now = now
        self.tried = tried
        key = 0
        hasKey = false
    }

    /// A request with a key.
    public init(now: Int64, key: UInt64, tried: TriedEndpoints = TriedEndpoints()) {
        self.now = now
        self.tried = tried
        self.key = key
        hasKey = true
    }
}

/// What became of one try, told when the answer's head has come or the try has failed.
public struct TryResult: BitwiseCopyable, Sendable {
    /// Now, in nanoseconds of a monotonic clock.
    public var now: Int64
    /// From the begin of the try to the answer's head, to the failure or to the client's leaving,
    /// in nanoseconds, not negative.
    public var latency: Int64
    /// How many requests the endpoint had in flight, this one not counted, when the try began.
    public var inFlight: Int32
    /// How it ended.
    public var kind: Kind
    /// `Retry-After` of the answer in nanoseconds, 0 without.
    public var retryAfter: Int64

    /// The result of a try.
    public init(
        now: Int64,
        latency: Int64,
        inFlight: Int32,
        kind: Kind = .answered,
        retryAfter: Int64 = 0
    ) {
        self.now = now
        self.latency = latency
        self.inFlight = inFlight
        self.kind = kind
        self.retryAfter = retryAfter
    }

    /// How a try ended.
    public enum Kind: UInt8, BitwiseCopyable, Sendable {
        /// With an answer that is the server's ordinary work.
        case answered
        /// Without an answer, or with 429 or 5xx: the server cannot take more, or is broken.
        case failed
        /// The client left first: the latency is a lower bound.
        case abandoned
    }
}

/// What an endpoint says of its load, or what Weir's own traffic says of it.
public struct LoadReport: BitwiseCopyable, Sendable {
    /// When it was made, in nanoseconds of a monotonic clock.
    public var now: Int64
    /// Requests in flight there; -1 if the endpoint does not tell: then both are what Weir's own
    /// traffic says.
    public var inFlight: Int32
    /// What a request takes there now, in nanoseconds; -1 if the endpoint does not tell: then it
    /// is what own requests took that met about as many.
    public var latency: Int64

    /// A report.
    public init(now: Int64, inFlight: Int32, latency: Int64) {
        self.now = now
        self.inFlight = inFlight
        self.latency = latency
    }
}
