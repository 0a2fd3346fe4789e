import Balancing

extension Report {
    /// The report as a picture: what failed and was tried again in the course of time, where
    /// anything was; latency by percentile; and the load of each server.
    public var svg: String { Plot(report: self).drawn() }
}

/// Draws a report.
struct Plot {
    static let left = 70.0
    static let right = 640.0
    static let legend = 664.0
    private static let width = 900
    private static let rowHeight = 26.0

    /// Colours that are told apart by people who see colours differently (Okabe and Ito, 2008, and
    /// darker and lighter ones between), for light and for dark grounds.
    private static let colours = [
        ("#0072b2", "#56b4e9"), ("#d55e00", "#ff8c42"), ("#009e73", "#3ddbab"),
        ("#8a3d74", "#e39ac8"), ("#8a6d00", "#f0e442"), ("#444444", "#dddddd"),
        ("#5b4fc4", "#a79fff"), ("#a3162e", "#ff7b8a"), ("#3c7d1e", "#a5d86e"),
        ("#007c8a", "#62e0ee"),
    ]
    private static let dashes = ["", "7 3", "2 3"]

    let report: Report

    private var top: Double { 80 + timeHeight }
    private var bottom: Double { 400 + timeHeight }

    func drawn() -> String {
        let rows = report.results.count
        let height = Int(bottom + 90 + Double(rows) * Self.rowHeight + 40)
        let file = report.file.split(separator: ",").map { path in
            path.split(separator: "/").last.map(String.init) ?? String(path)
        }.joined(separator: ", ")
        var title = "\(file), pool \(report.pool), seed \(report.scenario.settings.seed)"
        if let log = report.log { title += ", replaying \(log)" }
        var svg = SVG(width: Self.width, height: height, title: title, style: style)
        svg.label(title, Self.left, 30, "title")
        if isTimed { drawTime(&svg) }
        svg.label(
            "Latency of answered requests, in milliseconds, by percentile",
            Self.left,
            top - 26,
            "heading"
        )
        drawCurves(&svg)
        drawLoads(&svg)
        return svg.text
    }

    private var style: String {
        var light = ""
        var dark = ""
        for (index, colour) in Self.colours.enumerated() {
            light += ".c\(index){stroke:\(colour.0)}.f\(index){fill:\(colour.0)}\n"
            dark += ".c\(index){stroke:\(colour.1)}.f\(index){fill:\(colour.1)}\n"
        }
        for (index, dash) in Self.dashes.enumerated() where !dash.isEmpty {
            light += ".d\(index){stroke-dasharray:\(dash)}\n"
        }
        return """
            text{font:12px system-ui,sans-serif;fill:#24292f}
            .title{font-size:16px;font-weight:600}.heading{font-size:13px;font-weight:600}
            .small{font-size:11px}
            .ground{fill:#ffffff}.grid{stroke:#d8dee4;stroke-width:1}
            .axis{stroke:#57606a;stroke-width:1}
            .curve{fill:none;stroke-width:2;stroke-linejoin:round}
            \(light)@media (prefers-color-scheme:dark){
            text{fill:#e6edf3}.ground{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#8b949e}
            \(dark)}
            """
    }

    func colour(_ index: Int) -> Int { index % Self.colours.count }

    func dash(_ index: Int) -> Int { index / Self.colours.count % Self.dashes.count }

    // MARK: Latencies

    /// From p50 to p99.9, evenly by the logarithm of what lies beyond.
    private func x(_ millionths: Int) -> Double {
        let beyond = Double(1_000_000 - millionths) / 1e6
        let share =
            (Maths.naturalLog(0.5) - Maths.naturalLog(beyond))
            / (Maths.naturalLog(0.5) - Maths.naturalLog(0.001))
        return Self.left + share * (Self.right - Self.left)
    }

    private static let points: [Int] = [
        500_000, 550_000, 600_000, 650_000, 700_000, 750_000, 800_000, 850_000, 900_000, 925_000,
        950_000, 960_000, 970_000, 980_000, 985_000, 990_000, 992_500, 995_000, 996_000, 997_000,
        998_000, 998_500, 999_000,
    ]

    private func drawCurves(_ svg: inout SVG) {
        let answered = report.results.filter { $0.latencies.count > 0 }
        let all = answered.flatMap { result in Self.points.map { max(1000, result.latency($0)) } }
        let least = Maths.naturalLog(Double(all.min() ?? 1_000_000))
        let greatest = Maths.naturalLog(Double(all.max() ?? 10_000_000))
        // Some room above and below, and never an axis without extent.
        let low = least - 0.1
        let high = max(greatest + 0.1, low + 0.7)
        let y = { (latency: Int64) -> Double in
            let share = (Maths.naturalLog(Double(max(1000, latency))) - low) / (high - low)
            return bottom - share * (bottom - top)
        }
        var decade: Int64 = 1000
        while Maths.naturalLog(Double(decade)) <= high, decade < 1_000_000_000_000_000 {
            for factor in [1, 2, 5] as [Int64] {
                let value = decade * factor
                let position = Maths.naturalLog(Double(value))
                guard position >= low, position <= high else { continue }
                svg.line((Self.left, y(value)), (Self.right, y(value)), "grid")
                svg.label(milliseconds(value), Self.left - 8, y(value) + 4, anchor: "end", "small")
            }
            decade *= 10
        }
        for (name, place) in StrategyReport.percentiles + [("p95", 950_000), ("p75", 750_000)] {
            svg.line((x(place), top), (x(place), bottom), "grid")
            svg.label(name, x(place), bottom + 18, anchor: "middle", "small")
        }
        svg.line((Self.left, bottom), (Self.right, bottom), "axis")
        svg.line((Self.left, top), (Self.left, bottom), "axis")
        svg.label("ms", Self.left - 8, top - 10, anchor: "end", "small")
        for (index, result) in report.results.enumerated() {
            let classes = "curve c\(colour(index)) d\(dash(index))"
            let p99 = FixedPoint.milliseconds(result.latency(990_000))
            if result.latencies.count > 0 {
                let hint = "\(result.name): p99 \(p99) ms"
                svg.curve(Self.points.map { (x($0), y(result.latency($0))) }, classes, hint)
            }
            let line = top + 10 + Double(index) * 32
            svg.line((Self.legend, line), (Self.legend + 24, line), classes)
            svg.label(result.name, Self.legend + 32, line + 1)
            let errors = FixedPoint.percent(result.errorShare)
            svg.label("p99 \(p99) ms, errors \(errors) %", Self.legend + 32, line + 15, "small")
        }
    }

    private func milliseconds(_ nanoseconds: Int64) -> String {
        var text = FixedPoint.text(nanoseconds / 1000, places: 3)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    // MARK: Loads

    /// Bars of at most so many servers.
    private static let mostBars = 200

    private func drawLoads(_ svg: inout SVG) {
        let begin = bottom + 60
        svg.label(
            "Tries of each server per weight, in the order of the file; the line is the mean",
            Self.left,
            begin - 8,
            "heading"
        )
        let most = report.results.compactMap(\.spread).max() ?? 1
        for (index, result) in report.results.enumerated() {
            let base = begin + Double(index + 1) * Self.rowHeight
            let shown = result.endpoints.prefix(Self.mostBars)
            let weights = result.endpoints.reduce(0) { $0 + $1.weight }
            let tries = result.endpoints.reduce(0) { $0 + $1.tries }
            guard weights > 0, tries > 0, !shown.isEmpty else { continue }
            let mean = Double(tries) / Double(weights)
            let scale = (Self.rowHeight - 6) / max(most, 1)
            let step = (Self.right - Self.left) / Double(shown.count)
            for (place, load) in shown.enumerated() where load.weight > 0 {
                let height = Double(load.tries) / Double(load.weight) / mean * scale
                svg.bar(
                    Self.left + Double(place) * step,
                    base - min(height, Self.rowHeight - 6),
                    max(1, step - (step > 3 ? 1 : 0)),
                    min(height, Self.rowHeight - 6),
                    "f\(colour(index))",
                    "\(load.name): \(FixedPoint.percent(load.share)) %"
                )
            }
            svg.line((Self.left, base - scale), (Self.right, base - scale), "axis")
            let spread = result.spread.map { FixedPoint.decimal($0, places: 2) } ?? "-"
            svg.label("\(result.name), spread \(spread)", Self.legend, base - 4, "small")
        }
    }
}
