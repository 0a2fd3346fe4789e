/// The part of the picture that shows the course of time.
extension Plot {
    private static let panelHeight = 150.0
    private static let firstPanel = 74.0
    private static let panelStep = 220.0

    /// Whether there is anything to show: files are compared, or something was tried again or out.
    var isTimed: Bool {
        report.subject == .files || report.results.contains(where: \.hasIncidents)
    }

    /// What the panels take of the picture's height.
    var timeHeight: Double { isTimed ? 2 * Self.panelStep : 0 }

    /// A picture of a number by time.
    private struct Panel {
        var title: String
        var unit: String
        /// The number of a stretch; `nil` where there is none.
        var value: (Timeline.Stretch) -> Double?
        /// The number of the whole result, as text.
        var whole: (StrategyReport) -> String
        /// Ends of the axis, of which the least that holds all numbers is taken, and its parts.
        var ends: [(Double, Int)]
    }

    /// Errors and tries by time.
    func drawTime(_ svg: inout SVG) {
        let errors = Panel(
            title: "Requests that fail, in per cent, by the time at which they come",
            unit: "%",
            value: { $0.requests > 0 ? Double($0.errors) / Double($0.requests) * 100 : nil },
            whole: { "errors \(FixedPoint.percent($0.errorShare)) %" },
            ends: [(1, 5), (2, 4), (5, 5), (10, 5), (20, 4), (50, 5), (100, 5)]
        )
        let tries = Panel(
            title: "Tries per request: what the servers are asked, in parts of what comes",
            unit: "",
            value: { $0.requests > 0 ? Double($0.tries) / Double($0.requests) : nil },
            whole: { "tries per request \(FixedPoint.decimal($0.triesPerRequest, places: 3))" },
            ends: [(1.5, 3), (2, 4), (3, 3), (4, 4), (5, 5), (10, 5), (20, 4), (50, 5)]
        )
        draw(errors, at: Self.firstPanel, &svg)
        draw(tries, at: Self.firstPanel + Self.panelStep, &svg)
    }

    private func draw(_ panel: Panel, at top: Double, _ svg: inout SVG) {
        let bottom = top + Self.panelHeight
        let values = report.results.flatMap { $0.timeline.stretches.compactMap(panel.value) }
        let most = values.max() ?? 0
        let (end, parts) = panel.ends.first { $0.0 >= most } ?? (max(1, most), 5)
        let length = report.results.map(Self.length).max() ?? 1
        svg.label(panel.title, Self.left, top - 16, "heading")
        drawNumbers(panel, top, end, parts: parts, &svg)
        drawTimes(top, length, &svg)
        // The first one lies on top.
        for (index, result) in report.results.enumerated().reversed() {
            let width = Double(result.timeline.width)
            let points = result.timeline.stretches.enumerated().compactMap { place, stretch in
                panel.value(stretch).map { value in
                    (
                        Self.left
                            + (Double(place) + 0.5) * width / length * (Self.right - Self.left),
                        bottom - min(1, value / end) * Self.panelHeight
                    )
                }
            }
            let classes = "curve c\(colour(index)) d\(dash(index))"
            if !points.isEmpty {
                svg.curve(points, classes, "\(result.name): \(panel.whole(result))")
            }
            let line = top + 10 + Double(index) * 32
            svg.line((Self.legend, line), (Self.legend + 24, line), classes)
            svg.label(result.name, Self.legend + 32, line + 1)
            svg.label(panel.whole(result), Self.legend + 32, line + 15, "small")
        }
    }

    private func drawNumbers(
        _ panel: Panel,
        _ top: Double,
        _ end: Double,
        parts: Int,
        _ svg: inout SVG
    ) {
        for part in 0...parts {
            let share = Double(part) / Double(parts)
            let y = top + (1 - share) * Self.panelHeight
            svg.line((Self.left, y), (Self.right, y), part == 0 ? "axis" : "grid")
            let text = Self.short(FixedPoint.decimal(end * share, places: 2))
            svg.label(text, Self.left - 8, y + 4, anchor: "end", "small")
        }
        svg.label(panel.unit, Self.left - 8, top - 10, anchor: "end", "small")
    }

    private func drawTimes(_ top: Double, _ length: Double, _ svg: inout SVG) {
        let bottom = top + Self.panelHeight
        svg.line((Self.left, top), (Self.left, bottom), "axis")
        // Eight ticks at most, at round times: 1, 2 or 5 and zeros.
        var step = 1_000.0
        var place = 0
        while length / step > 8 {
            step *= place % 3 == 1 ? 2.5 : 2
            place += 1
        }
        for tick in 0...Int(length / step) {
            let x = Self.left + Double(tick) * step / length * (Self.right - Self.left)
            svg.line((x, top), (x, bottom), "grid")
            let seconds = FixedPoint.decimal(Double(tick) * step / 1e9, places: 6)
            svg.label(Self.short(seconds) + " s", x, bottom + 18, anchor: "middle", "small")
        }
    }

    private static func short(_ number: String) -> String {
        var text = number
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    /// How long requests came, in nanoseconds.
    private static func length(_ result: StrategyReport) -> Double {
        let last = result.timeline.stretches.lastIndex { $0.requests > 0 } ?? 0
        return Double(result.timeline.width) * Double(last + 1)
    }
}
