import Proxy

/// What `GET /stats` answers.
struct StatsJSON {
    let report: ServiceReport
    let process: ProcessReport
    /// An earlier report and the seconds since, where what is recent is to be told as well.
    var earlier: (report: ServiceReport, seconds: Double)?

    /// The whole document.
    var document: JSONText {
        .object([
            ("version", .text(process.version)),
            ("pid", .int(process.pid)),
            ("time", .decimal(process.time)),
            ("uptime", .decimal(process.uptime)),
            ("state", .text(process.isDraining ? "draining" : "serving")),
            ("memory", .int(process.residentBytes)),
            ("descriptors", .int(process.descriptors)),
            ("cpu", .decimal(process.cpuSeconds)),
            ("total", .object(Self.traffic(report.total) + recent(report.total, earlierTotal))),
            ("listeners", .list(report.listeners.indices.map(listener))),
            ("routes", .list(report.routes.map { Self.route($0) } + [unrouted])),
            ("pools", .list(report.pools.map(pool))),
            ("workers", .list(report.workers.enumerated().map(worker))),
        ])
    }

    /// One pool, as `GET /pools/{pool}` answers it.
    func pool(_ pool: ServiceReport.Pool) -> JSONText {
        let head: [(String, JSONText)] = [
            ("name", .text(pool.name)),
            ("strategy", .text(pool.strategy)),
            ("healthy-weight", .int(pool.healthyWeight)),
            ("weight", .int(pool.weight)),
            ("panic", .bool(pool.isInPanic)),
            ("queue", .int(pool.queue)),
        ]
        let before = earlier?.report.pools.first { $0.name == pool.name }?.endpoints ?? []
        let known = Dictionary(before.map { ($0.name, $0.totals) }) { first, _ in first }
        let endpoints = pool.endpoints.map { endpoint in
            JSONText.object(
                Self.endpoint(endpoint) + recent(endpoint.totals, known[endpoint.name])
            )
        }
        return .object(head + Self.traffic(pool.traffic) + [("endpoints", .list(endpoints))])
    }

    /// One endpoint.
    static func endpoint(_ endpoint: ServiceReport.Endpoint) -> [(String, JSONText)] {
        let totals = endpoint.totals
        var entries: [(String, JSONText)] = [
            ("name", .text(endpoint.name)),
            ("state", .text(endpoint.state)),
            ("reason", endpoint.reason.map(JSONText.text) ?? .null),
            ("since", endpoint.since.map(JSONText.decimal) ?? .null),
            ("until", endpoint.until.map(JSONText.decimal) ?? .null),
            ("weight", .int(endpoint.weight)),
            ("priority", .int(endpoint.priority)),
            ("changed", .bool(endpoint.isChanged)),
            ("in-flight", .int(endpoint.inFlight)),
            ("tries", .count(totals.tries)),
            ("connects", .count(totals.connects)),
            ("statuses", statuses(totals.statuses)),
            ("failures", .object(totals.failures.map { ($0.kind, .count($0.count)) })),
            ("bytes-in", .count(totals.bytesIn)),
            ("bytes-out", .count(totals.bytesOut)),
        ]
        entries.append(("latency", latency(totals.answerTimes, sum: totals.answerTime)))
        return entries
    }

    private func listener(_ index: Int) -> JSONText {
        let listener = report.listeners[index]
        let before = earlier?.report.listeners[index].traffic
        let connections = listener.connections
        let head: [(String, JSONText)] = [
            ("name", .text(listener.name)),
            ("address", .text(listener.address)),
            ("connections", .int(connections.active)),
            ("connections-total", .count(connections.connections)),
            ("http2-connections-total", .count(connections.http2)),
            ("handshakes", .count(connections.handshakes)),
            ("handshakes-resumed", .count(connections.resumed)),
            ("handshakes-failed", .count(connections.handshakeFailures)),
        ]
        return .object(
            head + Self.traffic(listener.traffic) + recent(listener.traffic, before)
        )
    }

    private static func route(_ route: ServiceReport.Route) -> JSONText {
        let head: [(String, JSONText)] = [
            ("name", .text(route.name)),
            ("pool", route.pool.map(JSONText.text) ?? .null),
        ]
        return .object(head + traffic(route.traffic))
    }

    /// What no route took stands last, and has no name.
    private var unrouted: JSONText {
        let head: [(String, JSONText)] = [("name", .null), ("pool", .null)]
        return .object(head + Self.traffic(report.unrouted))
    }

    private func worker(_ index: Int, _ worker: WorkerReport) -> JSONText {
        let age = max(0, process.monotonic - worker.lastTurn)
        return .object([
            ("worker", .int(index)),
            ("turns", .count(worker.turns)),
            ("last-turn-age", .decimal(Double(age) / 1e9)),
            ("longest-turn", .decimal(Double(worker.longestTurn) / 1e9)),
            ("late-turns", .count(worker.lateTurns)),
            ("clients", .int(worker.clients)),
            ("requests", .int(worker.exchanges)),
            ("server-connections", .int(worker.servers)),
            ("buffer-bytes", .int(worker.bufferBytes)),
        ])
    }

    private static func traffic(_ traffic: TrafficTotals) -> [(String, JSONText)] {
        let outcomes = Outcome.allCases.compactMap { outcome -> (String, JSONText)? in
            let count = traffic.outcomes[Int(outcome.rawValue)]
            return count > 0 ? ("\(outcome.word)", .count(count)) : nil
        }
        return [
            ("requests", .count(traffic.requests)),
            ("statuses", statuses(traffic.statuses)),
            ("outcomes", .object(outcomes)),
            ("retries", .count(traffic.retries)),
            ("bytes-in", .count(traffic.bytesIn)),
            ("bytes-out", .count(traffic.bytesOut)),
            ("latency", latency(traffic.durations, sum: traffic.duration)),
        ]
    }

    private static func statuses(_ statuses: [UInt64]) -> JSONText {
        .object((1...5).map { ("\($0)xx", .count(statuses[$0])) })
    }

    /// Seconds; `null` where nothing was measured.
    private static func latency(_ histogram: DurationHistogram, sum: UInt64) -> JSONText {
        guard histogram.total > 0 else { return .null }
        let shares = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)]
        let quantiles = shares.map { name, share in
            (name, JSONText.decimal((histogram.quantile(share) ?? 0) / 1e9))
        }
        return .object(
            [
                ("count", .count(histogram.total)),
                ("mean", .decimal(Double(sum) / Double(histogram.total) / 1e9)),
            ] + quantiles
        )
    }

    // MARK: What is recent

    private var earlierTotal: TrafficTotals? { earlier?.report.total }

    private func recent(_ now: TrafficTotals, _ before: TrafficTotals?) -> [(String, JSONText)] {
        guard let earlier, let before else { return [] }
        return Self.recent(
            requests: now.requests &- before.requests,
            errors: now.statuses[5] &- before.statuses[5],
            now.durations.since(before.durations),
            seconds: earlier.seconds
        )
    }

    private func recent(_ now: EndpointTotals, _ before: EndpointTotals?) -> [(String, JSONText)] {
        guard let earlier else { return [] }
        let before = before ?? now
        return Self.recent(
            requests: now.tries &- before.tries,
            errors: now.statuses[5] &- before.statuses[5],
            now.answerTimes.since(before.answerTimes),
            seconds: earlier.seconds
        )
    }

    private static func recent(
        requests: UInt64,
        errors: UInt64,
        _ histogram: DurationHistogram,
        seconds: Double
    ) -> [(String, JSONText)] {
        func time(_ share: Double) -> JSONText {
            histogram.quantile(share).map { .decimal($0 / 1e9) } ?? .null
        }
        let share = requests > 0 ? min(1, Double(errors) / Double(requests)) : 0
        let entries: [(String, JSONText)] = [
            ("rate", .decimal(Double(requests) / max(seconds, 1e-3))), ("errors", .decimal(share)),
            ("p50", time(0.5)), ("p99", time(0.99)),
        ]
        return [("recent", .object(entries))]
    }
}
