import Configuration

/// Makes the lines of one frame of a ``TopView``.
struct TopFrame {
    let view: TopView
    /// Columns of the screen; `nil` where lines may be as long as they like.
    let width: Int?
    /// What scrolls, from its first line on.
    let body: [TopLine]

    /// The frame of a view for a screen of this width.
    init(_ view: TopView, width: Int?) {
        self.view = view
        self.width = width
        body = view.stats.map { TopBody(view, $0, width: width).lines } ?? []
    }

    // MARK: The head

    /// The lines that stay at the top: totals, and what is wrong; `rows` is the screen's height.
    func head(rows: Int?) -> [TopLine] {
        guard let stats = view.stats else {
            let text = view.trouble ?? "waiting for \(view.address)"
            return [cut(TopLine(text, view.trouble == nil ? .plain : .bad))]
        }
        var lines = [title(stats), traffic(stats), load(stats), outcomes(stats)]
        if let trouble = view.trouble { lines.append(TopLine(trouble, .bad)) }
        let faults = Self.faults(stats)
        let most = rows.map { max(1, ($0 - lines.count - 2) / 3) } ?? faults.count
        let shown = faults.count > most ? most - 1 : faults.count
        for fault in faults.prefix(max(0, shown)) { lines.append(TopLine(fault, .bad)) }
        if faults.count > shown {
            lines.append(TopLine("! \(faults.count - shown) more, see the pools", .bad))
        }
        lines.append(TopLine())
        return (rows.map { Array(lines.prefix(max(0, $0))) } ?? lines).map(cut)
    }

    /// How many lines of the body fit a screen of so many rows.
    func roomForBody(rows: Int) -> Int { max(0, rows - head(rows: rows).count - 1) }

    private func title(_ stats: JSONValue) -> TopLine {
        var line = TopLine("weir \(stats["version"]?.string ?? "?")", .strong)
        line.add(", pid \(Words.count(stats["pid"]?.double)): ")
        let state = stats["state"]?.string ?? "?"
        line.add(state, state == "serving" ? .good : .warning)
        line.add(" for \(Words.span(stats["uptime"]?.double ?? 0))")
        let clock = Words.clock(stats["time"]?.double ?? 0) + " UTC"
        let blanks = width.map { $0 - line.width - clock.count } ?? 2
        if blanks > 0 { line.add(String(repeating: " ", count: blanks) + clock, .faint) }
        return line
    }

    private func traffic(_ stats: JSONValue) -> TopLine {
        let recent = stats["total"]?["recent"]
        var line = TopLine(Words.short(recent?["rate"]?.double), .strong)
        line.add(" requests/s   5xx ")
        let errors = recent?["errors"]?.double ?? 0
        line.add(Words.percent(errors), errors > 0 ? .bad : .plain)
        for (name, key) in [("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p999")] {
            line.add("   \(name) ", .faint)
            line.add(Words.time(recent?[key]?.double))
        }
        return line
    }

    private func load(_ stats: JSONValue) -> TopLine {
        func sum(_ list: String, _ key: String) -> Double {
            (stats[list]?.items ?? []).reduce(0) { $0 + ($1[key]?.double ?? 0) }
        }
        var line = TopLine("clients ", .faint)
        line.add(Words.short(sum("listeners", "connections")))
        line.add("   under way ", .faint)
        line.add(Words.short(sum("workers", "requests")))
        line.add("   requests ", .faint)
        line.add(Words.short(stats["total"]?["requests"]?.double))
        line.add("   retries ", .faint)
        line.add(Words.short(stats["total"]?["retries"]?.double))
        line.add("   memory ", .faint)
        line.add(Words.megabytes(stats["memory"]?.double))
        line.add("   cpu ", .faint)
        line.add(view.cpuShare.map(Words.percent) ?? "-")
        return line
    }

    private func outcomes(_ stats: JSONValue) -> TopLine {
        let found = TopView.outcomes(stats)
        guard !found.isEmpty else { return TopLine("every request has ended ok", .faint) }
        var line = TopLine("not ok:", .faint)
        let rates = view.outcomeRates
        let sorted = found.sorted {
            (rates[$0.word] ?? 0, $0.count) > (rates[$1.word] ?? 0, $1.count)
        }
        for (word, count) in sorted {
            let rate = rates[word] ?? 0
            line.add("  ")
            line.add("\(word) \(Words.short(rate))/s", rate > 0 ? .bad : .plain)
            line.add(" (\(Words.short(count)))", .faint)
        }
        return line
    }

    /// What is wrong, one line each, the worst first.
    static func faults(_ stats: JSONValue) -> [String] {
        let now = stats["time"]?.double ?? 0
        var faults: [String] = []
        var remarks: [String] = []
        for pool in stats["pools"]?.items ?? [] {
            let name = pool["name"]?.string ?? ""
            if case .bool(true) = pool["panic"] {
                faults.append("! pool \(name): too few servers are healthy, so health is ignored")
            }
            for endpoint in pool["endpoints"]?.items ?? [] {
                let state = endpoint["state"]?.string ?? ""
                let server = "! \(endpoint["name"]?.string ?? "") in pool \(name)"
                switch state {
                // By the file's or an operator's own will.
                case "drain", "down": continue
                case "up":
                    let remark = endpoint["recent"]?["remark"]?.string
                    if let remark { remarks.append("\(server): \(remark)") }
                default:
                    faults.append("\(server) is \(state): \(TopBody.why(endpoint, now: now))")
                }
            }
        }
        return faults + remarks
    }

    // MARK: The foot

    /// The line at the bottom; `above` and `below` are lines that scrolling would show.
    func foot(above: Int, below: Int) -> TopLine {
        var text = "q quit  s sort (by \(view.order.word))"
        if above + below > 0 { text += "  ↑↓ scroll" }
        if below > 0 { text += ", \(below) more below" }
        return cut(TopLine(text, .faint))
    }

    private func cut(_ line: TopLine) -> TopLine { width.map { line.cut(to: $0) } ?? line }
}
