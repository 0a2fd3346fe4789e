/// Text of an SVG picture, element by element.
struct SVG {
    private var body = ""
    private let width: Int
    private let height: Int
    private let title: String
    private let style: String

    init(width: Int, height: Int, title: String, style: String) {
        self.width = width
        self.height = height
        self.title = title
        self.style = style
    }

    /// The whole picture.
    var text: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" \
        width="\(width)" height="\(height)" role="img">
        <title>\(SVG.escaped(title))</title>
        <style>
        \(style)
        </style>
        <rect class="ground" width="\(width)" height="\(height)"/>
        \(body)</svg>

        """
    }

    /// A straight line.
    mutating func line(_ from: (Double, Double), _ to: (Double, Double), _ style: String) {
        body += "<line x1=\"\(SVG.number(from.0))\" y1=\"\(SVG.number(from.1))\" "
        body += "x2=\"\(SVG.number(to.0))\" y2=\"\(SVG.number(to.1))\" class=\"\(style)\"/>\n"
    }

    /// A line through points, with a text that shows under the pointer.
    mutating func curve(_ points: [(Double, Double)], _ style: String, _ hint: String) {
        let list = points.map { "\(SVG.number($0.0)),\(SVG.number($0.1))" }
        body += "<polyline class=\"\(style)\" points=\"\(list.joined(separator: " "))\">"
        body += "<title>\(SVG.escaped(hint))</title></polyline>\n"
    }

    /// A filled rectangle, with a text that shows under the pointer.
    mutating func bar(
        _ x: Double,
        _ y: Double,
        _ width: Double,
        _ height: Double,
        _ style: String,
        _ hint: String
    ) {
        body += "<rect x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" "
        body += "width=\"\(SVG.number(width))\" height=\"\(SVG.number(height))\" "
        body += "class=\"\(style)\"><title>\(SVG.escaped(hint))</title></rect>\n"
    }

    /// Text whose `anchor` (start, middle, end) is at a point.
    mutating func label(
        _ text: String,
        _ x: Double,
        _ y: Double,
        anchor: String = "start",
        _ style: String = "label"
    ) {
        body += "<text x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" "
        body += "text-anchor=\"\(anchor)\" class=\"\(style)\">\(SVG.escaped(text))</text>\n"
    }

    private static func number(_ number: Double) -> String {
        FixedPoint.decimal(number, places: 1)
    }

    /// The text as it must be written; what XML cannot hold is left out.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default:
                if scalar.value >= 0x20, scalar.value != 0xFFFE, scalar.value != 0xFFFF {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}
