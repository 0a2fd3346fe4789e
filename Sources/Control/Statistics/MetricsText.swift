import Configuration
import Proxy

/// What `GET /metrics` answers: Prometheus's text format 0.0.4.
struct MetricsText {
    /// Upper bounds of the buckets that histograms are shown in, in seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    let report: ServiceReport
    let process: ProcessReport
    private var text = ""

    init(_ report: ServiceReport, _ process: ProcessReport) {
        self.report = report
        self.process = process
    }

    /// The whole text.
    mutating func render() -> String {
        text = ""
        aboutProcess()
        listeners()
        requests()
        durations()
        pools()
        endpoints()
        workers()
        logLines()
        spans()
        return text
    }

    // MARK: Lines

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            let parts = labels.map { "\($0)=\"\(Self.escaped($1))\"" }
            text += "{" + parts.joined(separator: ",") + "}"
        }
        text += " " + value + "\n"
    }

    mutating func line(_ name: String, _ labels: [(String, String)], _ value: UInt64) {
        line(name, labels, String(value))
    }

    mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        line(name, labels, JSONValue.text(of: value))
    }

    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 == 0x0A }) else {
            return text
        }
        return text.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    mutating func histogram(
        _ name: String,
        _ labels: [(String, String)],
        _ histogram: DurationHistogram,
        sum: UInt64
    ) {
        for bound in Self.bounds {
            let upTo = histogram.count(upTo: bound * 1e9)
            line("\(name)_bucket", labels + [("le", JSONValue.text(of: bound))], upTo)
        }
        line("\(name)_bucket", labels + [("le", "+Inf")], histogram.total)
        line("\(name)_sum", labels, Double(sum) / 1e9)
        line("\(name)_count", labels, histogram.total)
    }

    // MARK: Families

    private mutating func aboutProcess() {
        family("weir_build_info", "gauge", "The version that runs; always 1.")
        line("weir_build_info", [("version", process.version)], 1 as UInt64)
        family("weir_ready", "gauge", "Whether new traffic is wanted: 0 while draining.")
        line("weir_ready", [], process.isDraining ? 0 : 1 as UInt64)
        aboutReloads()
        aboutMemory()
        family("process_start_time_seconds", "gauge", "When the process began, since 1970.")
        line("process_start_time_seconds", [], process.startTime)
        family("process_cpu_seconds_total", "counter", "CPU time of all threads.")
        line("process_cpu_seconds_total", [], process.cpuSeconds)
        family("process_resident_memory_bytes", "gauge", "Memory in use.")
        line("process_resident_memory_bytes", [], UInt64(max(0, process.residentBytes)))
        family("process_open_fds", "gauge", "Descriptors in use.")
        line("process_open_fds", [], UInt64(max(0, process.descriptors)))
        family("process_max_fds", "gauge", "Descriptors that may be in use.")
        line("process_max_fds", [], UInt64(max(0, process.descriptorLimit)))
    }

    private mutating func aboutReloads() {
        let reloads = process.reloads
        let success = "weir_config_last_reload_success"
        family(success, "gauge", "Whether the last file that was to be served is served.")
        line(success, [], reloads.lastSucceeded ? 1 : 0 as UInt64)
        let time = "weir_config_last_reload_success_timestamp_seconds"
        family(time, "gauge", "When the file that is served was taken, since 1970.")
        line(time, [], Double(reloads.lastSuccess) / 1e9)
        family("weir_config_reloads_total", "counter", "Reloads by result.")
        for (result, count) in [("success", reloads.successes), ("failure", reloads.failures)] {
            line("weir_config_reloads_total", [("result", result)], UInt64(max(0, count)))
        }
    }

    private mutating func aboutMemory() {
        family("weir_config_snapshots", "gauge", "Files that somebody still serves by.")
        line("weir_config_snapshots", [], UInt64(max(0, report.snapshots)))
        family("weir_memory_bytes", "gauge", "Memory by what it is for.")
        for purpose in MemoryReport(report, resident: process.residentBytes).purposes {
            line("weir_memory_bytes", [("purpose", purpose.name)], UInt64(max(0, purpose.bytes)))
        }
    }

    private mutating func listeners() {
        func each(
            _ name: String,
            _ type: String,
            _ help: String,
            _ value: (ListenerTotals) -> UInt64
        ) {
            family(name, type, help)
            for listener in report.listeners {
                line(name, [("listener", listener.name)], value(listener.connections))
            }
        }
        each("weir_connections", "gauge", "Connections of clients now.") {
            UInt64(max(0, $0.active))
        }
        each("weir_connections_total", "counter", "Connections accepted.") { $0.connections }
        each("weir_http2_connections_total", "counter", "Connections that speak HTTP/2.") {
            $0.http2
        }
        each("weir_tls_handshakes_total", "counter", "TLS handshakes done.") { $0.handshakes }
        each(
            "weir_tls_handshakes_resumed_total",
            "counter",
            "TLS handshakes that resumed a session."
        ) { $0.resumed }
        each("weir_tls_handshake_failures_total", "counter", "TLS handshakes that failed.") {
            $0.handshakeFailures
        }
        each(
            "weir_connections_refused_total",
            "counter",
            "Connections closed at once by limits.max-connections-per-client."
        ) { $0.refused }
        let pauses = "weir_accept_pauses_total"
        family(pauses, "counter", "Times that a worker paused accepting, and for want of what.")
        for listener in report.listeners {
            let label = ("listener", listener.name)
            line(pauses, [label, ("reason", "connections")], listener.connections.pauses)
            line(pauses, [label, ("reason", "handshakes")], listener.connections.handshakePauses)
        }
    }

    private func labels(_ cell: ServiceReport.Cell) -> [(String, String)] {
        let route = cell.route.map { report.routes[$0] }
        return [
            ("listener", report.listeners[cell.listener].name), ("route", route?.name ?? ""),
            ("pool", route?.pool ?? ""),
        ]
    }

    private mutating func requests() {
        family("weir_requests_total", "counter", "Requests that ended, by class of status.")
        for cell in report.cells {
            for digit in 1...5 where cell.traffic.statuses[digit] > 0 {
                let labels = labels(cell) + [("code", "\(digit)xx")]
                line("weir_requests_total", labels, cell.traffic.statuses[digit])
            }
            if cell.traffic.statuses[0] > 0 {
                let labels = labels(cell) + [("code", "none")]
                line("weir_requests_total", labels, cell.traffic.statuses[0])
            }
        }
        family("weir_requests_in_flight", "gauge", "Requests that have begun and not ended.")
        for cell in report.cells {
            line("weir_requests_in_flight", labels(cell), UInt64(max(0, cell.traffic.inFlight)))
        }
        family("weir_outcomes_total", "counter", "Requests that ended, by outcome.")
        for cell in report.cells {
            for outcome in Outcome.allCases {
                let count = cell.traffic.outcomes[Int(outcome.rawValue)]
                guard count > 0 else { continue }
                let labels = labels(cell) + [("outcome", "\(outcome.word)")]
                line("weir_outcomes_total", labels, count)
            }
        }
        localResponses()
        family("weir_received_bytes_total", "counter", "Bytes of requests.")
        for cell in report.cells {
            line("weir_received_bytes_total", labels(cell), cell.traffic.bytesIn)
        }
        family("weir_sent_bytes_total", "counter", "Bytes of answers.")
        for cell in report.cells {
            line("weir_sent_bytes_total", labels(cell), cell.traffic.bytesOut)
        }
        family("weir_retries_total", "counter", "Tries behind the first.")
        for cell in report.cells {
            line("weir_retries_total", labels(cell), cell.traffic.retries)
        }
    }

    private mutating func localResponses() {
        let name = "weir_local_responses_total"
        family(name, "counter", "Answers that Weir made itself, by outcome.")
        for (outcome, count) in zip(Outcome.allCases, report.localResponses) where count > 0 {
            line(name, [("reason", "\(outcome.word)")], count)
        }
    }

    private mutating func durations() {
        let name = "weir_request_duration_seconds"
        family(name, "histogram", "From a request's head to its answer's end; to 1 %.")
        for route in report.routes where route.traffic.durations.total > 0 {
            let labels = [("route", route.name), ("pool", route.pool ?? "")]
            histogram(name, labels, route.traffic.durations, sum: route.traffic.duration)
        }
    }

    private mutating func logLines() {
        let name = "weir_log_lines_dropped_total"
        family(name, "counter", "Lines of both logs that were lost, and why.")
        line(name, [("reason", "queue-full")], report.logLosses.unqueued)
        line(name, [("reason", "unwritten")], report.logLosses.unwritten)
    }

    private mutating func spans() {
        guard let spans = report.spans else { return }
        family("weir_trace_spans_exported_total", "counter", "Spans that the collector took.")
        line("weir_trace_spans_exported_total", [], spans.exported)
        family("weir_trace_spans_dropped_total", "counter", "Spans lost, and why.")
        line("weir_trace_spans_dropped_total", [("reason", "queue-full")], spans.unqueued)
        line("weir_trace_spans_dropped_total", [("reason", "collector")], spans.refused)
    }

    private mutating func pools() {
        func each(_ name: String, _ help: String, _ value: (ServiceReport.Pool) -> Int) {
            family(name, "gauge", help)
            for pool in report.pools {
                line(name, [("pool", pool.name)], UInt64(max(0, value(pool))))
            }
        }
        each("weir_pool_queue", "Requests that wait for room.") { $0.queue }
        each("weir_pool_healthy_weight", "What the healthy endpoints weigh.") { $0.healthyWeight }
        each("weir_pool_weight", "What all endpoints weigh that take part.") { $0.weight }
        each("weir_pool_panic", "Whether health is ignored, as too few are healthy.") {
            $0.isInPanic ? 1 : 0
        }
    }
}
