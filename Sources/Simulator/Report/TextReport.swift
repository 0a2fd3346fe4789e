import Configuration

extension Report {
    /// The report as text for people, with a newline at its end.
    public var text: String {
        var text = heading + "\n\n" + table(resultRows) + "\n"
        text += notes
        if results.contains(where: \.hasIncidents) {
            text += "\nTries, and servers that were out\n\n" + table(incidentRows) + "\n"
            text += incidentNotes
        }
        let loads = loadRows
        if !loads.isEmpty {
            text += "\nShare of the tries by server, in per cent\n\n" + table(loads)
        }
        if let verdict { text += "\n\(verdict)\n" }
        return text
    }

    private var heading: String {
        let settings = scenario.settings
        var parts = ["pool \(pool)", count(scenario.endpoints.count, "server")]
        if let replay = scenario.replay {
            parts.append("\(count(replay.entries.count, "request")) of \(log ?? "a log")")
        } else {
            parts.append("\(FixedPoint.decimal(scenario.rate, places: 1)) requests/s")
        }
        parts.append(count(settings.workers, "worker"))
        parts.append("seed \(settings.seed)")
        return "\(file): " + parts.joined(separator: ", ")
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(FixedPoint.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    private var resultRows: [[String]] {
        var header = [subjectName, "Requests"]
        header += StrategyReport.percentiles.map(\.name)
        header += ["Mean", "Max", "Errors", "Errors, %", "Spread", "Keys moved, %"]
        let rows = results.map { result in
            var row = [result.name, FixedPoint.grouped(result.requests)]
            let hasAnswers = result.latencies.count > 0
            row += StrategyReport.percentiles.map {
                hasAnswers ? FixedPoint.milliseconds(result.latency($0.millionths)) : "-"
            }
            row += [result.latencies.mean, result.latencies.greatest].map {
                hasAnswers ? FixedPoint.milliseconds($0) : "-"
            }
            row.append(FixedPoint.grouped(result.errors))
            row.append(FixedPoint.percent(result.errorShare))
            row.append(result.spread.map { FixedPoint.decimal($0, places: 2) } ?? "-")
            row.append(result.keysMoved.map(FixedPoint.percent) ?? "-")
            return row
        }
        return [header] + rows
    }

    private var notes: String {
        var text = "Latencies are in milliseconds, of answered requests; "
        let warmUp = scenario.settings.warmUp
        text +=
            warmUp > 0 ? "the first \(FixedPoint.decimal(warmUp * 100, places: 0)) %" : "nothing"
        text += warmUp > 0 ? " are left out.\n" : " is left out.\n"
        text += "Spread is the busiest server's tries per weight, divided by the mean.\n"
        if results.contains(where: { $0.keysMoved != nil }) {
            text += "Keys moved is their share when one server leaves; 1 in "
            text += "\(scenario.endpoints.count) has to.\n"
        }
        return text
    }

    /// Of one strategy a line for each server; of several a column, as far as they fit.
    private var loadRows: [[String]] {
        if results.count == 1, let result = results.first {
            return loadRows(of: result)
        }
        guard scenario.endpoints.count <= 10, let first = results.first else { return [] }
        let names = first.endpoints.map(\.name)
        guard results.allSatisfy({ $0.endpoints.map(\.name) == names }) else { return [] }
        let header = [subjectName] + names
        return [header]
            + results.map { [$0.name] + $0.endpoints.map { FixedPoint.percent($0.share) } }
    }

    private func loadRows(of result: StrategyReport) -> [[String]] {
        let shown = result.endpoints.prefix(50)
        let wasOut = result.endpoints.contains { $0.ejected > 0 || $0.down > 0 }
        var rows = [["Server", "Tries", "Share"]]
        if wasOut { rows[0] += ["Ejections", "Ejected, s", "Down, s"] }
        for load in shown {
            var row = [load.name, FixedPoint.grouped(load.tries), FixedPoint.percent(load.share)]
            if wasOut {
                row += [FixedPoint.grouped(load.ejections), FixedPoint.tenths(load.ejected)]
                row.append(FixedPoint.tenths(load.down))
            }
            rows.append(row)
        }
        let rest = result.endpoints.count - shown.count
        if rest > 0 {
            let blanks = Array(repeating: "", count: rows[0].count - 1)
            rows.append(["\(FixedPoint.grouped(rest)) more"] + blanks)
        }
        return rows
    }

    private var subjectName: String { subject == .files ? "File" : "Strategy" }

    private var incidentRows: [[String]] {
        let header = [
            subjectName, "Tries/request", "Retries", "Refused", "Probes", "Ejections",
            "Ejected, s", "Down, s",
        ]
        let rows = results.map { result in
            [result.name, FixedPoint.decimal(result.triesPerRequest, places: 3)]
                + [result.retries, result.refusedRetries, result.probes, result.ejections]
                .map(FixedPoint.grouped)
                + [result.ejected, result.down].map(FixedPoint.tenths)
        }
        return [header] + rows
    }

    private var incidentNotes: String {
        "Refused are retries that the budget did not allow; probes are tries that show whether an\n"
            + "ejected server is well. Ejected and down (by checks) are the times of all servers "
            + "together.\n"
    }

    /// Columns of equal width: words to the left, numbers to the right.
    private func table(_ rows: [[String]]) -> String {
        guard let header = rows.first else { return "" }
        let widths = header.indices.map { column in
            rows.map { $0[column].unicodeScalars.count }.max() ?? 0
        }
        var text = ""
        for row in rows {
            var line = ""
            for (column, cell) in row.enumerated() {
                let width = widths[column] - cell.unicodeScalars.count
                let padding = String(repeating: " ", count: width)
                line += column == 0 ? cell + padding : "  " + padding + cell
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }
}
