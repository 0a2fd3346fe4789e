/// How a piece of a line looks.
enum TopStyle {
    case plain
    case strong
    case faint
    case good
    case warning
    case bad

    /// The parameters of Select Graphic Rendition (ECMA-48, 8.3.117); none for plain text.
    var parameters: String {
        switch self {
        case .plain: ""
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .warning: "33"
        case .bad: "1;31"
        }
    }
}

/// One line of a frame, as pieces that each have a style.
struct TopLine: Equatable {
    /// A piece of text.
    struct Span: Equatable {
        var text: String
        var style = TopStyle.plain
    }

    private(set) var spans: [Span] = []
    /// Its width in columns; each character is taken to have one.
    private(set) var width = 0

    /// A line of one piece; none for an empty line.
    init(_ text: String = "", _ style: TopStyle = .plain) { add(text, style) }

    /// Adds a piece; what would move the cursor or change the terminal becomes a question mark.
    mutating func add(_ text: String, _ style: TopStyle = .plain) {
        guard !text.isEmpty else { return }
        let safe = Self.safe(text)
        spans.append(Span(text: safe, style: style))
        width += safe.count
    }

    /// The text alone, without blanks at its end.
    var plain: String {
        var text = spans.map(\.text).joined()
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    /// The text with its styles as escape sequences.
    var styled: String {
        spans.map { span in
            let parameters = span.style.parameters
            return parameters.isEmpty
                ? span.text : "\u{1B}[\(parameters)m\(span.text)\u{1B}[0m"
        }.joined()
    }

    /// The first `columns` of the line; an ellipsis stands for what is left off.
    func cut(to columns: Int) -> TopLine {
        guard width > columns else { return self }
        var line = TopLine()
        for span in spans {
            let left = columns - 1 - line.width
            guard left > 0 else { break }
            line.add(String(span.text.prefix(left)), span.style)
        }
        if columns > 0 { line.add("…", .faint) }
        return line
    }

    /// Text that a terminal shows as it is: control characters are question marks.
    static func safe(_ text: String) -> String {
        let isSafe = { (scalar: Unicode.Scalar) in
            scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value)
        }
        guard !text.unicodeScalars.allSatisfy(isSafe) else { return text }
        var view = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { view.append(isSafe(scalar) ? scalar : "?") }
        return String(view)
    }
}
