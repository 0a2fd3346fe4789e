/// Something that changed in a pool, with what was seen and why: for the log and the admin API.
public struct HealthEvent: Sendable, Equatable {
    /// What happened; the raw value is the word in logs.
    public enum Kind: String, Sendable, CaseIterable {
        /// Checks have brought an endpoint up.
        case checkUp = "check-up"
        /// Checks have taken an endpoint down.
        case checkDown = "check-down"
        /// An endpoint was ejected.
        case ejected
        /// An endpoint deserved ejection, and `max-share` forbids it.
        case ejectionRefused = "ejection-refused"
        /// An ejection's time is over: single requests find out.
        case halfOpen = "half-open"
        /// An ejected endpoint is back.
        case returned
        /// Another priority takes the first share of the traffic.
        case tierChanged = "tier-changed"
        /// Too few are healthy: health is ignored. Or: it counts again.
        case panicBegan = "panic-began"
        case panicEnded = "panic-ended"
        /// A bound of `breaker` was reached: requests wait. Or: nobody waits.
        case breakerOpened = "breaker-opened"
        case breakerClosed = "breaker-closed"
        /// The retry budget was used up: failures are passed on. Or: there is some again.
        case budgetEmpty = "budget-empty"
        case budgetRefilled = "budget-refilled"
        /// A name has other addresses than before.
        case resolved
        /// A name could not be resolved; what was known stays.
        case resolverFailed = "resolver-failed"
        /// The list of servers in a file has changed, or could not be read.
        case serversChanged = "servers-changed"
        case serversFileBad = "servers-file-bad"
        /// An operator has changed a server by the admin API.
        case changed
    }

    /// What happened.
    public var kind: Kind
    /// The pool's name.
    public var pool: String
    /// The endpoint's name; empty where the whole pool is meant.
    public var endpoint: String
    /// What was seen, in plain words: `5 failures in a row, the last: connection refused`.
    public var reason: String
    /// How long it will last, in nanoseconds; 0 where that is not known.
    public var duration: Int64
    /// Whether it leaves the endpoint's state, and what is told of that, as they are.
    public var isAside = false

    /// An event.
    public init(
        _ kind: Kind,
        pool: String,
        endpoint: String = "",
        reason: String,
        duration: Int64 = 0
    ) {
        self.kind = kind
        self.pool = pool
        self.endpoint = endpoint
        self.reason = reason
        self.duration = duration
    }
}
