/// What a simulation found out of one strategy.
///
/// Latencies are nanoseconds from a request's coming to the end of its answer, of the requests
/// that were answered; those that failed are counted beside them. What came during the warm-up is
/// in none of the numbers.
public struct StrategyReport: Sendable {
    /// An endpoint's part of the traffic.
    public struct EndpointLoad: Sendable, Equatable {
        /// The server's name.
        public var name: String
        /// Its weight in the file.
        public var weight: Int
        /// Tries that it got.
        public var tries: Int
        /// Its share of all tries, 0 to 1.
        public var share: Double
        /// How often its own traffic took it out.
        public var ejections: Int
        /// How long it was out for that, half-open included, in nanoseconds.
        public var ejected: Int64
        /// How often active checks took it down.
        public var timesDown: Int
        /// How long it was down for them, in nanoseconds.
        public var down: Int64
    }

    /// The strategy, with its table where it has one.
    public var name: String
    /// Requests that count.
    public var requests: Int
    /// Those of them that were not answered, or with 503.
    public var errors: Int
    /// Their latencies.
    public var latencies: LatencyHistogram
    /// Further tries, those after a probe left out.
    public var retries: Int
    /// Further tries that the retry budget did not allow.
    public var refusedRetries: Int
    /// Tries at ejected endpoints that were to show if they are well.
    public var probes: Int
    /// What happened when, the warm-up included.
    public var timeline: Timeline
    /// By endpoint, in the order of the file.
    public var endpoints: [EndpointLoad]
    /// The greatest number of tries of an endpoint per unit of its weight, divided by the mean;
    /// `nil` without tries.
    public var spread: Double?
    /// The share of keys that change their endpoint when one of them leaves; `nil` for a strategy
    /// that does not hash.
    public var keysMoved: Double?

    /// The percentiles that a report tells, in millionths, with their names.
    public static let percentiles: [(name: String, millionths: Int)] = [
        ("p50", 500_000), ("p90", 900_000), ("p99", 990_000), ("p99.9", 999_000),
    ]

    /// The latency of a percentile.
    public func latency(_ millionths: Int) -> Int64 { latencies.value(atMillionths: millionths) }

    /// All tries, first ones included.
    public var tries: Int { endpoints.reduce(0) { $0 + $1.tries } }

    /// What the servers have to do for a request, in requests: 1 where each is tried once.
    public var triesPerRequest: Double {
        requests == 0 ? 0 : Double(tries) / Double(requests)
    }

    /// How often endpoints were ejected.
    public var ejections: Int { endpoints.reduce(0) { $0 + $1.ejections } }

    /// How long endpoints were ejected, all together, in nanoseconds.
    public var ejected: Int64 { endpoints.reduce(0) { $0 &+ $1.ejected } }

    /// How long checks had endpoints down, all together, in nanoseconds.
    public var down: Int64 { endpoints.reduce(0) { $0 &+ $1.down } }

    /// Whether anything was tried again or taken out.
    public var hasIncidents: Bool {
        retries > 0 || refusedRetries > 0 || probes > 0 || ejections > 0 || ejected > 0
            || down > 0
    }

    /// The errors' share of the requests, 0 to 1.
    public var errorShare: Double {
        requests == 0 ? 0 : Double(errors) / Double(requests)
    }
}

extension Simulation {
    /// The report so far, under a name.
    public func report(_ name: String) -> StrategyReport {
        let all = tally.tries.reduce(0, +)
        let loads = scenario.endpoints.enumerated().map { index, endpoint in
            StrategyReport.EndpointLoad(
                name: endpoint.name,
                weight: endpoint.weight,
                tries: tally.tries[index],
                share: all == 0 ? 0 : Double(tally.tries[index]) / Double(all),
                ejections: health.ejections.times(index),
                ejected: health.ejections.length(index, tally.end),
                timesDown: health.downs.times(index),
                down: health.downs.length(index, tally.end)
            )
        }
        var greatest = 0.0
        var weights = 0
        for (load, endpoint) in zip(loads, scenario.endpoints)
        where load.weight > 0 && endpoint.availability == .up {
            greatest = max(greatest, Double(load.tries) / Double(load.weight))
            weights += load.weight
        }
        let mean = weights == 0 ? 0 : Double(all) / Double(weights)
        return StrategyReport(
            name: name,
            requests: Int(tally.latencies.count) + tally.errors,
            errors: tally.errors,
            latencies: tally.latencies,
            retries: tally.retries,
            refusedRetries: tally.refusedRetries,
            probes: tally.probes,
            timeline: tally.timeline,
            endpoints: loads,
            spread: mean > 0 ? greatest / mean : nil,
            keysMoved: KeyMovement.share(scenario)
        )
    }
}
