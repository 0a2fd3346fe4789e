import Balancing
import Configuration
import Proxy

/// How things stand with everything that a configuration has, summed over the workers.
struct ServiceReport {
    /// One listener.
    struct Listener {
        var name: String
        /// As an operator would type it.
        var address: String
        var connections = ListenerTotals()
        var traffic = TrafficTotals()
    }

    /// One route, or what none took.
    struct Route {
        var name: String
        /// The pool that it names; `nil` where Weir answers itself.
        var pool: String?
        var traffic = TrafficTotals()
    }

    /// What one listener brought to one route.
    struct Cell {
        var listener: Int
        /// `nil` for what no route took.
        var route: Int?
        var traffic: TrafficTotals
    }

    /// One pool.
    struct Pool {
        var name: String
        var strategy: String
        /// What routes that name it, or did, were asked for.
        var traffic = TrafficTotals()
        /// What its healthy endpoints weigh, and all that take part.
        var healthyWeight = 0
        var weight = 0
        /// Whether health is ignored, since too few are healthy.
        var isInPanic = false
        /// Requests that wait for room.
        var queue = 0
        var endpoints: [Endpoint] = []
    }

    /// One endpoint.
    struct Endpoint {
        var name: String
        /// `up`, `unhealthy`, `ejected`, `half-open`, `drain` or `down`.
        var state: String
        /// What brought it into this state, and when, in seconds since 1970; `nil` if nothing has
        /// happened to it.
        var reason: String?
        var since: Double?
        /// Until when it is ejected, in seconds since 1970.
        var until: Double?
        var weight: Int
        var priority: Int
        /// Whether an operator has changed its state or weight since the start.
        var isChanged = false
        /// What an operator has changed, beside what the file says, in words.
        var changeWords: String?
        var inFlight: Int
        /// The latency in seconds by which the strategy weighs it; `nil` if by none.
        var weighedLatency: Double?
        /// How often its own traffic has taken it out.
        var ejections: UInt64 = 0
        /// Its place in the pool.
        var slot = 0
        var totals = EndpointTotals()

        /// Whether it gets traffic as far as its health goes.
        var isUp: Bool { state == "up" }
    }

    var listeners: [Listener] = []
    var routes: [Route] = []
    /// What no route took.
    var unrouted = TrafficTotals()
    /// What listeners took that the file has no longer.
    var gone = TrafficTotals()
    /// Where there was any traffic.
    var cells: [Cell] = []
    var pools: [Pool] = []
    var workers: [WorkerReport] = []
    /// Log lines that were lost.
    var logLosses = LogQueue.Losses()
    /// Bytes of batches of log lines, those included that wait to be used again.
    var batchBytes = 0
    /// Files that somebody still serves by.
    var snapshots = 0
    /// What became of spans; `nil` where none are exported.
    var spans: SpanQueue.Totals?

    /// By outcome: the answers that Weir made itself.
    var localResponses: [UInt64] {
        workers.reduce(into: Array(repeating: 0, count: Outcome.allCases.count)) { sums, worker in
            for index in sums.indices { sums[index] &+= worker.localResponses[index] }
        }
    }

    /// Everything together.
    var total: TrafficTotals {
        var total = gone
        for listener in listeners { total.add(listener.traffic) }
        return total
    }
}
