extension Report {
    /// The report as a JSON document, with a newline at its end; latencies are seconds.
    public var json: String {
        let settings = scenario.settings
        var lines = ["{", "  \"file\": \(string(file)),", "  \"pool\": \(string(pool)),"]
        if let log { lines.append("  \"log\": \(string(log)),") }
        lines.append("  \"seed\": \(settings.seed),")
        lines.append("  \"workers\": \(settings.workers),")
        lines.append("  \"configured\": \(string(configured)),")
        if results.count > 1, subject == .strategies {
            lines.append("  \"best\": \(best.map { string($0.name) } ?? "null"),")
            lines.append("  \"verdict\": \(verdict.map(string) ?? "null"),")
        }
        lines.append("  \"\(subject.rawValue)\": [")
        for (index, result) in results.enumerated() {
            let comma = index + 1 < results.count ? "," : ""
            lines.append(strategy(result) + comma)
        }
        lines += ["  ]", "}"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func strategy(_ result: StrategyReport) -> String {
        let hasAnswers = result.latencies.count > 0
        var fields = [
            ("name", string(result.name)), ("requests", String(result.requests)),
        ]
        for percentile in StrategyReport.percentiles {
            let latency = FixedPoint.seconds(result.latency(percentile.millionths))
            fields.append((percentile.name, hasAnswers ? latency : "null"))
        }
        let mean = FixedPoint.seconds(result.latencies.mean)
        let greatest = FixedPoint.seconds(result.latencies.greatest)
        fields.append(("mean", hasAnswers ? mean : "null"))
        fields.append(("max", hasAnswers ? greatest : "null"))
        fields.append(("errors", String(result.errors)))
        fields.append(("error-share", FixedPoint.decimal(result.errorShare, places: 6)))
        let spread = result.spread.map { FixedPoint.decimal($0, places: 6) }
        fields.append(("spread", spread ?? "null"))
        let moved = result.keysMoved.map { FixedPoint.decimal($0, places: 6) }
        fields.append(("keys-moved", moved ?? "null"))
        fields.append(("tries-per-request", FixedPoint.decimal(result.triesPerRequest, places: 6)))
        fields.append(("retries", String(result.retries)))
        fields.append(("retries-refused", String(result.refusedRetries)))
        fields.append(("probes", String(result.probes)))
        fields.append(("ejections", String(result.ejections)))
        fields.append(("ejected", FixedPoint.seconds(result.ejected)))
        fields.append(("down", FixedPoint.seconds(result.down)))
        var lines = fields.map { "      \"\($0)\": \($1)," }
        lines += timeline(result.timeline)
        lines.append("      \"endpoints\": [")
        for (index, load) in result.endpoints.enumerated() {
            let comma = index + 1 < result.endpoints.count ? "," : ""
            lines.append(
                "        {\"name\": \(string(load.name)), \"weight\": \(load.weight), "
                    + "\"tries\": \(load.tries), "
                    + "\"share\": \(FixedPoint.decimal(load.share, places: 6)), "
                    + "\"ejections\": \(load.ejections), "
                    + "\"ejected\": \(FixedPoint.seconds(load.ejected)), "
                    + "\"times-down\": \(load.timesDown), "
                    + "\"down\": \(FixedPoint.seconds(load.down))}\(comma)"
            )
        }
        return "    {\n" + lines.joined(separator: "\n") + "\n      ]\n    }"
    }

    private func timeline(_ timeline: Timeline) -> [String] {
        let rows: [(String, (Timeline.Stretch) -> Int)] = [
            ("requests", { $0.requests }), ("tries", { $0.tries }), ("errors", { $0.errors }),
        ]
        var lines = ["      \"timeline\": {"]
        lines.append("        \"step\": \(FixedPoint.seconds(timeline.width)),")
        for (index, row) in rows.enumerated() {
            let numbers = timeline.stretches.map { String(row.1($0)) }.joined(separator: ", ")
            let comma = index + 1 < rows.count ? "," : ""
            lines.append("        \"\(row.0)\": [\(numbers)]\(comma)")
        }
        return lines + ["      },"]
    }

    private func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
