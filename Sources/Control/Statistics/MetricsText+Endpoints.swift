import Proxy

/// Families by endpoint and by worker.
extension MetricsText {
    private func eachEndpoint(_ body: (ServiceReport.Endpoint, [(String, String)]) -> Void) {
        for pool in report.pools {
            for endpoint in pool.endpoints {
                body(endpoint, [("pool", pool.name), ("endpoint", endpoint.name)])
            }
        }
    }

    mutating func endpoints() {
        gauge("weir_endpoint_up", "Whether the endpoint gets traffic as far as its health goes.") {
            $0.isUp ? 1 : 0
        }
        gauge("weir_endpoint_ejected", "Whether its own traffic has taken it out.") {
            $0.state == "ejected" || $0.state == "half-open" ? 1 : 0
        }
        gauge("weir_endpoint_weight", "Its weight.") { $0.weight }
        gauge("weir_endpoint_inflight", "Requests under way there.") { $0.inFlight }
        weighedLatencies()
        let requests = "weir_endpoint_requests_total"
        family(requests, "counter", "Tries that it answered, by class of status.")
        var lines: [(String, [(String, String)], UInt64)] = []
        eachEndpoint { endpoint, labels in
            for digit in 1...5 where endpoint.totals.statuses[digit] > 0 {
                let code = [("code", "\(digit)xx")]
                lines.append((requests, labels + code, endpoint.totals.statuses[digit]))
            }
        }
        flush(&lines)
        let failures = "weir_endpoint_failures_total"
        family(failures, "counter", "Tries that failed without an answer, by kind.")
        eachEndpoint { endpoint, labels in
            for failure in endpoint.totals.failures {
                lines.append((failures, labels + [("kind", failure.kind)], failure.count))
            }
        }
        flush(&lines)
        counter("weir_endpoint_tries_total", "Requests sent, each try for itself.") { $0.tries }
        counter("weir_endpoint_connects_total", "Connections begun.") { $0.connects }
        let ejections = "weir_endpoint_ejections_total"
        family(ejections, "counter", "Times that its own traffic has taken it out.")
        for pool in report.pools {
            for endpoint in pool.endpoints {
                let labels = [("pool", pool.name), ("endpoint", endpoint.name)]
                line(ejections, labels, endpoint.ejections)
            }
        }
        answerTimes()
    }

    private mutating func weighedLatencies() {
        let name = "weir_endpoint_ewma_seconds"
        family(name, "gauge", "The latency by which its strategy weighs it, where it does.")
        for pool in report.pools {
            for endpoint in pool.endpoints {
                guard let latency = endpoint.weighedLatency else { continue }
                line(name, [("pool", pool.name), ("endpoint", endpoint.name)], latency)
            }
        }
    }

    private mutating func answerTimes() {
        let name = "weir_endpoint_answer_seconds"
        family(name, "histogram", "From a try to its answer's head; to 4 %.")
        for pool in report.pools {
            for endpoint in pool.endpoints where endpoint.totals.answerTimes.total > 0 {
                let totals = endpoint.totals
                let labels = [("pool", pool.name), ("endpoint", endpoint.name)]
                histogram(name, labels, totals.answerTimes, sum: totals.answerTime)
            }
        }
    }

    private mutating func flush(_ lines: inout [(String, [(String, String)], UInt64)]) {
        for (name, labels, value) in lines { line(name, labels, value) }
        lines = []
    }

    private mutating func gauge(
        _ name: String,
        _ help: String,
        _ value: (ServiceReport.Endpoint) -> Int
    ) {
        family(name, "gauge", help)
        for pool in report.pools {
            for endpoint in pool.endpoints {
                let labels = [("pool", pool.name), ("endpoint", endpoint.name)]
                line(name, labels, UInt64(max(0, value(endpoint))))
            }
        }
    }

    private mutating func counter(
        _ name: String,
        _ help: String,
        _ value: (EndpointTotals) -> UInt64
    ) {
        family(name, "counter", help)
        for pool in report.pools {
            for endpoint in pool.endpoints {
                let labels = [("pool", pool.name), ("endpoint", endpoint.name)]
                line(name, labels, value(endpoint.totals))
            }
        }
    }

    mutating func workers() {
        let families: [(String, String, String, (WorkerReport) -> Double)] = [
            ("weir_worker_turns_total", "counter", "Turns of the loop.", { Double($0.turns) }),
            (
                "weir_worker_late_turns_total", "counter", "Turns longer than limits.loop-lag.",
                { Double($0.lateTurns) }
            ),
            (
                "weir_worker_longest_turn_seconds", "gauge",
                "The longest turn of the last ten to twenty seconds.",
                { Double($0.longestTurn) / 1e9 }
            ),
            (
                "weir_worker_clients", "gauge", "Connections of clients and streams of HTTP/2.",
                { Double($0.clients) }
            ),
            ("weir_worker_requests", "gauge", "Requests under way.", { Double($0.exchanges) }),
            (
                "weir_worker_server_connections", "gauge",
                "Connections to servers, idle ones included.", { Double($0.servers) }
            ),
            (
                "weir_worker_buffer_bytes", "gauge", "Bytes in buffers that connections hold.",
                { Double($0.bufferBytes) }
            ),
        ]
        for (name, type, help, value) in families {
            family(name, type, help)
            for (index, worker) in report.workers.enumerated() {
                line(name, [("worker", String(index))], value(worker))
            }
        }
    }
}
