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
        /// Ends of the axis, the least that holds all numbers is taken.
        var ends: [Double]
    }

    /// Errors and tries by time.
    func drawTime(_ svg: inout SVG) {
        let errors = Panel(
            title: "Requests that fail, in per cent, by the time at which they come",
            unit: "%",
            value: { $0.requests > 0 ? Double($0.errors) / Double($0.requests) * 100 : nil },
            whole: { "errors \(FixedPoint.percent($0.errorShare)) %" },
            ends: [1, 2, 5, 10, 20, 50, 100]
        )
        let tries = Panel(
            title: "Tries per request: what the servers are asked, in parts of what comes",
            unit: "",
            value: { $0.requests > 0 ? Double($0.tries) / Double($0.requests) : nil },
            whole: { "tries per request \(FixedPoint.decimal($0.triesPerRequest, places: 3))" },
            ends: [1.5, 2, 3, 4, 5, 10, 20, 50]
        )
        draw(errors, at: Self.firstPanel, &svg)
        draw(tries, at: Self.firstPanel + Self.panelStep, &svg)
    }

    private func draw(_ panel: Panel, at top: Double, _ svg: inout SVG) {
        let bottom = top + Self.panelHeight
        let values = report.results.flatMap { $0.timeline.stretches.compactMap(panel.value) }
        let most = values.max() ?? 0
        let end = panel.ends.first { $0 >= most } ?? max(1, most)
        let length = report.results.map(Self.length).max() ?? 1
        svg.label(panel.title, Self.left, top - 16, "heading")
        drawGrid(panel, top, end, length, &svg)
        for (index, result) in report.results.enumerated() {
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

    private func drawGrid(
        _ panel: Panel,
        _ top: Double,
        _ end: Double,
        _ length: Double,
        _ svg: inout SVG
    ) {
        let bottom = top + Self.panelHeight
        for part in 0...5 {
            let value = end * Double(part) / 5
            let y = bottom - Double(part) / 5 * Self.panelHeight
            svg.line((Self.left, y), (Self.right, y), part == 0 ? "axis" : "grid")
            let text = Self.short(FixedPoint.decimal(value, places: 2))
            svg.label(text, Self.left - 8, y + 4, anchor: "end", "small")
        }
        svg.label(panel.unit, Self.left - 8, top - 10, anchor: "end", "small")
        svg.line((Self.left, top), (Self.left, bottom), "axis")
        // Eight ticks at most, at round times.
        var step = 1_000.0
        var factors = [2, 2.5, 2].makeIterator()
        while length / step > 8 {
            guard let factor = factors.next() else {
                factors = [2, 2.5, 2].makeIterator()
                continue
            }
            step *= factor
        }
        for tick in 0...Int(length / step) {
            let x = Self.left + Double(tick) * step / length * (Self.right - Self.left)
            svg.line((x, top), (x, bottom), "grid")
            let seconds = FixedPoint.decimal(Double(tick) * step / 1e9, places: 3)
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
