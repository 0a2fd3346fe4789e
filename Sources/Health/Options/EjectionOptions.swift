/// `ejection` of a pool: when an endpoint's own traffic takes it out of the pool.
public struct EjectionOptions: Sendable, Equatable {
    /// Failures in a row; `nil` turns the rule away.
    public var consecutiveFailures: Int? = 5
    /// Whether failed connects count as failures.
    public var onConnectFailure = true
    /// Whether connections that end before an answer count.
    public var onReset = true
    /// Whether time-outs of the connect or the answer count.
    public var onTimeout = true
    /// Answers that count as failures too.
    public var statuses = StatusSet([502, 503, 504])
    /// The share of good answers; `nil` turns the rule away.
    public var successRate: SuccessRate? = SuccessRate()
    /// The comparison with the pool; `nil` turns it away.
    public var outlier: Outlier? = Outlier()
    /// How long the first ejection lasts; doubles with each that follows.
    public var baseTime = Duration.seconds(10)
    /// The longest ejection.
    public var maxTime = Duration.seconds(300)
    /// The largest share of the pool that is ejected at once, 0 to 1; one of two or more may
    /// always be.
    public var maxShare = 0.5

    /// The defaults.
    public init() {}

    /// `success-rate`: every 5xx and every failed try counts as bad.
    public struct SuccessRate: Sendable, Equatable {
        /// Ejected below this share, 0 to 1, if it is worse than the pool's median.
        public var below = 0.5
        /// The time looked at.
        public var window = Duration.seconds(10)
        /// Fewer tries in it say nothing.
        public var minRequests = 20

        /// The defaults.
        public init() {}
    }

    /// `outlier`: against the other endpoints.
    public struct Outlier: Sendable, Equatable {
        /// Ejected below mean − deviations × standard deviation of the success rates; `nil` is
        /// off.
        public var deviations: Double? = 1.9
        /// Ejected if its mean latency is over this many times the pool's median; `nil` is off.
        public var slowFactor: Double?
        /// Fewer endpoints with enough tries cannot be compared.
        public var minServers = 5
        /// Tries in ten seconds below which an endpoint is not compared.
        public var minRequests = 100

        /// The defaults.
        public init() {}
    }
}
