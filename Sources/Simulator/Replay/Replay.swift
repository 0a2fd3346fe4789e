/// A recorded traffic: when requests came, what they asked for, and how the servers were then.
///
/// What a request takes at another server is not in a log. It is worked out like this: in each
/// stretch of time a server's speed is the median latency of all servers over the whole log
/// divided by its own median in that stretch. A request's work is its latency times the speed of
/// the server that served it; elsewhere it takes its work divided by the speed there. So it takes
/// exactly the measured time where it was. Waiting that the log contains stays in it, whatever a
/// strategy would have done about it.
public final class Replay: Sendable {
    /// One recorded request.
    public struct Entry: Sendable, Equatable {
        /// Nanoseconds since the first one.
        public var arrival: Int64
        /// What it takes at speed 1, in nanoseconds.
        public var work: Double
        /// The hash of its key.
        public var key: UInt64
    }

    /// By arrival.
    public let entries: [Entry]
    /// Nanoseconds of a stretch.
    let stretch: Int64
    private let endpoints: Int
    private let conditions: [Condition]

    /// How a server was in a stretch of time.
    struct Condition: Sendable, Equatable {
        var speed = 1.0
        /// The share of its requests that failed.
        var failures = 0.0
        /// What failing took in the mean, in nanoseconds.
        var failureTime: Int64 = 0
    }

    init(entries: [Entry], stretch: Int64, endpoints: Int, conditions: [Condition]) {
        self.entries = entries
        self.stretch = max(1, stretch)
        self.endpoints = endpoints
        self.conditions = conditions
    }

    private func condition(_ endpoint: Int, _ time: Int64) -> Condition {
        guard endpoints > 0, !conditions.isEmpty else { return Condition() }
        let rows = conditions.count / endpoints
        let row = min(max(0, Int(time / stretch)), rows - 1)
        return conditions[row * endpoints + endpoint]
    }

    /// An endpoint's speed at a time since the first request.
    func speed(_ endpoint: Int, _ time: Int64) -> Double { condition(endpoint, time).speed }

    /// The share of requests that an endpoint fails then.
    func failureShare(_ endpoint: Int, _ time: Int64) -> Double {
        condition(endpoint, time).failures
    }

    /// What failing takes an endpoint then.
    func failureTime(_ endpoint: Int, _ time: Int64) -> Int64 {
        condition(endpoint, time).failureTime
    }
}
