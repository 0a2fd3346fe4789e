/// A JSON document, keys in the order given.
public indirect enum JSONValue: Sendable {
    case text(String)
    case number(Int)
    case count(UInt64)
    /// A number with at most six places behind the point.
    case decimal(Double)
    case bool(Bool)
    case null
    case list([JSONValue])
    case object([(String, JSONValue)])

    /// The document on one line.
    public var compact: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to output: inout String) {
        switch self {
        case .list(let items):
            output += "["
            for (index, item) in items.enumerated() {
                if index > 0 { output += "," }
                item.write(to: &output)
            }
            output += "]"
        case .object(let entries):
            output += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { output += "," }
                output += quoted(entry.0) + ":"
                entry.1.write(to: &output)
            }
            output += "}"
        default: output += rendered()
        }
    }

    /// The document with two blanks of indentation a level; short lists stay on one line.
    func rendered(indent: Int = 0) -> String {
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        switch self {
        case .text(let text): return quoted(text)
        case .number(let number): return String(number)
        case .count(let number): return String(number)
        case .decimal(let number): return Self.text(of: number)
        case .bool(let flag): return flag ? "true" : "false"
        case .null: return "null"
        case .list(let items):
            if items.isEmpty { return "[]" }
            if items.allSatisfy(\.isScalar) {
                return "[" + items.map { $0.rendered() }.joined(separator: ", ") + "]"
            }
            let lines = items.map { inner + $0.rendered(indent: indent + 1) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let entries):
            if entries.isEmpty { return "{}" }
            let lines = entries.map { key, value in
                inner + quoted(key) + ": " + value.rendered(indent: indent + 1)
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .text, .number, .count, .decimal, .bool, .null: true
        case .list, .object: false
        }
    }

    /// A number with at most six places behind the point; what is none, or too large for that,
    /// is 0.
    public static func text(of number: Double) -> String {
        guard number.isFinite, abs(number) < 9e12 else { return "0" }
        let text = Quantity.text(factor: abs(number))
        return number < 0 && text != "0" ? "-" + text : text
    }
}

/// The text in double quotes with the escapes that JSON and YAML share.
///
/// Line separators and everything that is not printable is escaped, so that the text stays on
/// one line and survives YAML's folding.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            let value = scalar.value
            let isHidden =
                value < 0x20 || (0x7F..<0xA0).contains(value) || value == 0x2028
                || value == 0x2029 || value == 0xFEFF || value == 0xFFFE || value == 0xFFFF
            if isHidden {
                let digits = String(value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result + "\""
}
