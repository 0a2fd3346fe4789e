import Configuration
import Proxy

/// What `GET /stats` answers.
struct StatsJSON {
    let report: ServiceReport
    let process: ProcessReport
    /// An earlier report and the seconds since, where what is recent is to be told as well.
    var earlier: (report: ServiceReport, seconds: Double)?

    /// The whole document.
    var document: JSONValue {
        let total = report.total
        return .object([
            ("version", .text(process.version)),
            ("pid", .number(process.pid)),
            ("time", .decimal(process.time)),
            ("uptime", .decimal(process.uptime)),
            ("state", .text(process.isDraining ? "draining" : "serving")),
            ("memory", .number(process.residentBytes)),
            ("memory-by-purpose", memoryByPurpose),
            ("descriptors", .number(process.descriptors)),
            ("cpu", .decimal(process.cpuSeconds)),
            ("reload", reload),
            (
                "log-lines-dropped",
                .object([
                    ("queue-full", .count(report.logLosses.unqueued)),
                    ("unwritten", .count(report.logLosses.unwritten)),
                ])
            ),
            ("local-responses", Self.outcomes(report.localResponses)),
            ("total", .object(Self.traffic(total) + recent(total, earlier?.report.total))),
            ("listeners", .list(report.listeners.indices.map(listener))),
            ("routes", .list(routes + [unrouted])),
            ("pools", .list(report.pools.map(pool))),
            ("workers", .list(report.workers.enumerated().map(worker))),
        ])
    }

    private var memoryByPurpose: JSONValue {
        let memory = MemoryReport(report, resident: process.residentBytes)
        return .object(memory.purposes.map { ($0.name, .number($0.bytes)) })
    }

    private var reload: JSONValue {
        .object([
            ("successful", .bool(process.reloads.lastSucceeded)),
            ("taken", .decimal(Double(process.reloads.lastSuccess) / 1e9)),
            ("successes", .number(process.reloads.successes)),
            ("failures", .number(process.reloads.failures)),
            ("snapshots", .number(report.snapshots)),
        ])
    }

    /// One pool, as `GET /pools/{pool}` answers it.
    func pool(_ pool: ServiceReport.Pool) -> JSONValue {
        let head: [(String, JSONValue)] = [
            ("name", .text(pool.name)),
            ("strategy", .text(pool.strategy)),
            ("healthy-weight", .number(pool.healthyWeight)),
            ("weight", .number(pool.weight)),
            ("panic", .bool(pool.isInPanic)),
            ("queue", .number(pool.queue)),
        ]
        let before = earlier?.report.pools.first { $0.name == pool.name }
        let known = Dictionary((before?.endpoints ?? []).map { ($0.name, $0) }) { $1 }
        let remarks = EndpointRemark(
            pool.endpoints.map { EndpointRemark.Recent($0, since: known[$0.name]) }
        )
        let endpoints = pool.endpoints.indices.map { index in
            let endpoint = pool.endpoints[index]
            return JSONValue.object(
                Self.endpoint(endpoint)
                    + recent(
                        endpoint.totals,
                        known[endpoint.name]?.totals,
                        remark: remarks.text(for: index)
                    )
            )
        }
        return .object(
            head + Self.traffic(pool.traffic) + recent(pool.traffic, before?.traffic)
                + [("endpoints", .list(endpoints))]
        )
    }

    /// One endpoint.
    static func endpoint(_ endpoint: ServiceReport.Endpoint) -> [(String, JSONValue)] {
        let totals = endpoint.totals
        var entries: [(String, JSONValue)] = [
            ("name", .text(endpoint.name)),
            ("state", .text(endpoint.state)),
            ("reason", endpoint.reason.map(JSONValue.text) ?? .null),
            ("since", endpoint.since.map(JSONValue.decimal) ?? .null),
            ("until", endpoint.until.map(JSONValue.decimal) ?? .null),
            ("weight", .number(endpoint.weight)),
            ("priority", .number(endpoint.priority)),
            ("changed", .bool(endpoint.isChanged)),
            ("operator", endpoint.changeWords.map(JSONValue.text) ?? .null),
            ("in-flight", .number(endpoint.inFlight)),
            ("ewma", endpoint.weighedLatency.map(JSONValue.decimal) ?? .null),
            ("ejections", .count(endpoint.ejections)),
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

    private func listener(_ index: Int) -> JSONValue {
        let listener = report.listeners[index]
        let before = earlier?.report.listeners.first { $0.name == listener.name }?.traffic
        let connections = listener.connections
        let head: [(String, JSONValue)] = [
            ("name", .text(listener.name)),
            ("address", .text(listener.address)),
            ("connections", .number(connections.active)),
            ("connections-total", .count(connections.connections)),
            ("http2-connections-total", .count(connections.http2)),
            ("handshakes", .count(connections.handshakes)),
            ("handshakes-resumed", .count(connections.resumed)),
            ("handshakes-failed", .count(connections.handshakeFailures)),
            ("connections-refused", .count(connections.refused)),
            (
                "accept-pauses",
                .object([
                    ("connections", .count(connections.pauses)),
                    ("handshakes", .count(connections.handshakePauses)),
                ])
            ),
        ]
        return .object(
            head + Self.traffic(listener.traffic) + recent(listener.traffic, before)
        )
    }

    private var routes: [JSONValue] {
        let before = (earlier?.report.routes ?? []).map { ($0.name, $0.traffic) }
        let known = Dictionary(before) { $1 }
        return report.routes.map { route in
            let head: [(String, JSONValue)] = [
                ("name", .text(route.name)),
                ("pool", route.pool.map(JSONValue.text) ?? .null),
            ]
            return .object(
                head + Self.traffic(route.traffic) + recent(route.traffic, known[route.name])
            )
        }
    }

    /// What no route took stands last, and has no name.
    private var unrouted: JSONValue {
        let head: [(String, JSONValue)] = [("name", .null), ("pool", .null)]
        return .object(
            head + Self.traffic(report.unrouted)
                + recent(report.unrouted, earlier?.report.unrouted)
        )
    }

    private func worker(_ index: Int, _ worker: WorkerReport) -> JSONValue {
        let age = max(0, process.monotonic - worker.lastTurn)
        return .object([
            ("worker", .number(index)),
            ("turns", .count(worker.turns)),
            ("last-turn-age", .decimal(Double(age) / 1e9)),
            ("longest-turn", .decimal(Double(worker.longestTurn) / 1e9)),
            ("late-turns", .count(worker.lateTurns)),
            ("clients", .number(worker.clients)),
            ("requests", .number(worker.exchanges)),
            ("server-connections", .number(worker.servers)),
            ("buffer-bytes", .number(worker.bufferBytes)),
        ])
    }

    private static func traffic(_ traffic: TrafficTotals) -> [(String, JSONValue)] {
        [
            ("requests", .count(traffic.requests)),
            ("in-flight", .number(max(0, traffic.inFlight))),
            ("statuses", statuses(traffic.statuses)),
            ("outcomes", outcomes(traffic.outcomes)),
            ("retries", .count(traffic.retries)),
            ("bytes-in", .count(traffic.bytesIn)),
            ("bytes-out", .count(traffic.bytesOut)),
            ("latency", latency(traffic.durations, sum: traffic.duration)),
        ]
    }

    private static func outcomes(_ counts: [UInt64]) -> JSONValue {
        .object(
            Outcome.allCases.compactMap { outcome in
                let count = counts[Int(outcome.rawValue)]
                return count > 0 ? ("\(outcome.word)", .count(count)) : nil
            }
        )
    }

    private static func statuses(_ statuses: [UInt64]) -> JSONValue {
        .object((1...5).map { ("\($0)xx", .count(statuses[$0])) })
    }

    /// Seconds; `null` where nothing was measured.
    private static func latency(_ histogram: DurationHistogram, sum: UInt64) -> JSONValue {
        guard histogram.total > 0 else { return .null }
        let shares = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)]
        let quantiles = shares.map { name, share in
            (name, JSONValue.decimal((histogram.quantile(share) ?? 0) / 1e9))
        }
        return .object(
            [
                ("count", .count(histogram.total)),
                ("mean", .decimal(Double(sum) / Double(histogram.total) / 1e9)),
            ] + quantiles
        )
    }

    // MARK: What is recent

    private func recent(_ now: TrafficTotals, _ before: TrafficTotals?) -> [(String, JSONValue)] {
        guard let earlier, let before else { return [] }
        return Self.recent(
            requests: Self.difference(now.requests, before.requests),
            errors: Self.difference(now.statuses[5], before.statuses[5]),
            now.durations.since(before.durations),
            seconds: earlier.seconds
        )
    }

    private func recent(
        _ now: EndpointTotals,
        _ before: EndpointTotals?,
        remark: String?
    ) -> [(String, JSONValue)] {
        guard let earlier else { return [] }
        let before = before ?? now
        return Self.recent(
            requests: Self.difference(now.tries, before.tries),
            errors: Self.difference(now.statuses[5], before.statuses[5]),
            now.answerTimes.since(before.answerTimes),
            seconds: earlier.seconds,
            more: [("remark", remark.map(JSONValue.text) ?? .null)]
        )
    }

    /// Zero where less is counted than before: a reload may have taken away what was counted.
    private static func difference(_ now: UInt64, _ before: UInt64) -> UInt64 {
        now > before ? now - before : 0
    }

    private static func recent(
        requests: UInt64,
        errors: UInt64,
        _ histogram: DurationHistogram,
        seconds: Double,
        more: [(String, JSONValue)] = []
    ) -> [(String, JSONValue)] {
        func time(_ share: Double) -> JSONValue {
            histogram.quantile(share).map { .decimal($0 / 1e9) } ?? .null
        }
        let share = requests > 0 ? min(1, Double(errors) / Double(requests)) : 0
        let entries: [(String, JSONValue)] = [
            ("rate", .decimal(Double(requests) / max(seconds, 1e-3))), ("errors", .decimal(share)),
            ("p50", time(0.5)), ("p90", time(0.9)), ("p99", time(0.99)), ("p999", time(0.999)),
        ]
        return [("recent", .object(entries + more))]
    }
}
