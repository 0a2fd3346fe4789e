import Configuration

/// What `weir status` prints: one screen of text about a running process.
public enum StatusText {
    /// The screen for what `GET /stats` answered; `nil` if that is no such document.
    public static func render(_ stats: String) -> String? {
        guard let document = JSONReader.document(Array(stats.utf8)),
            document["version"]?.string != nil
        else { return nil }
        return render(document)
    }

    static func render(_ stats: JSONValue) -> String {
        var lines = [head(stats), ""]
        lines += listeners(stats["listeners"]?.items ?? [])
        for pool in stats["pools"]?.items ?? [] { lines += [""] + self.pool(pool) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func head(_ stats: JSONValue) -> String {
        let total = stats["total"]
        let uptime = Words.span(stats["uptime"]?.double ?? 0)
        let requests = count(total?["requests"])
        let failed = count(total?["statuses"]?["5xx"])
        return "weir \(stats["version"]?.string ?? "?"), pid \(count(stats["pid"])), "
            + "\(stats["state"]?.string ?? "?") for \(uptime): "
            + "\(requests) requests, \(failed) answered 5xx, "
            + "\(Words.megabytes(stats["memory"]?.double)) of memory"
    }

    private static func listeners(_ listeners: [JSONValue]) -> [String] {
        var rows = [["LISTENER", "ADDRESS", "NOW", "REQUESTS", "5XX", "P50", "P99"]]
        for listener in listeners {
            rows.append([
                listener["name"]?.string ?? "", listener["address"]?.string ?? "",
                count(listener["connections"]), count(listener["requests"]),
                count(listener["statuses"]?["5xx"]), time(listener["latency"]?["p50"]),
                time(listener["latency"]?["p99"]),
            ])
        }
        return table(rows)
    }

    private static func pool(_ pool: JSONValue) -> [String] {
        var title = "pool \(pool["name"]?.string ?? ""), \(pool["strategy"]?.string ?? "")"
        if case .bool(true) = pool["panic"] {
            title += ": too few servers are healthy, so health is ignored"
        }
        if let queue = pool["queue"]?.double, queue > 0 {
            title += ", \(Int(queue)) requests wait"
        }
        var rows = [["SERVER", "STATE", "WEIGHT", "NOW", "TRIES", "FAILED", "P50", "P99", "WHY"]]
        for endpoint in pool["endpoints"]?.items ?? [] {
            rows.append(row(endpoint))
        }
        return [title] + table(rows)
    }

    private static func row(_ endpoint: JSONValue) -> [String] {
        var failed = endpoint["statuses"]?["5xx"]?.double ?? 0
        if case .object(let kinds) = endpoint["failures"] {
            failed += kinds.reduce(0) { $0 + ($1.1.double ?? 0) }
        }
        let isUsual = endpoint["state"]?.string == "up"
        return [
            endpoint["name"]?.string ?? "", endpoint["state"]?.string ?? "",
            count(endpoint["weight"]), count(endpoint["in-flight"]), count(endpoint["tries"]),
            String(Int(failed)), time(endpoint["latency"]?["p50"]),
            time(endpoint["latency"]?["p99"]),
            (isUsual ? endpoint["operator"] : endpoint["reason"])?.string ?? "",
        ]
    }

    // MARK: Words

    private static func count(_ value: JSONValue?) -> String { Words.count(value?.double) }

    private static func time(_ value: JSONValue?) -> String { Words.time(value?.double) }

    /// Columns side by side; all but the first two and the last stand to the right.
    private static func table(_ rows: [[String]]) -> [String] {
        guard let columns = rows.first?.count else { return [] }
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - text.count)
                let isLeft = column < 2 || row.count == 9 && column == 8
                line += (column == 0 ? "  " : "  ") + (isLeft ? text + blanks : blanks + text)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
