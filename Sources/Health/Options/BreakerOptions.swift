/// `breaker` of a pool: what it takes at once, and how many wait beyond.
public struct BreakerOptions: Sendable, Equatable {
    /// What the whole pool takes.
    public var pool = Bounds()
    /// What each endpoint takes, unless the server has a bound of its own.
    public var perServer = Bounds()
    /// How many requests may wait.
    public var maxPending = 1024
    /// How long each may wait.
    public var queueTimeout = Duration.seconds(5)
    /// How many may wait for one endpoint that a request has to go to; `nil` is no bound of its
    /// own.
    public var perServerMaxPending: Int?
    /// How long they may; `nil` is as for the pool.
    public var perServerQueueTimeout: Duration?

    /// No bounds.
    public init() {}

    /// Bounds on what is under way at once.
    public struct Bounds: Sendable, Equatable {
        /// Connections to servers; `nil` is no bound.
        public var maxConnections: Int?
        /// Requests; `nil` is no bound.
        public var maxRequests: Int?

        /// No bounds.
        public init() {}
    }
}
