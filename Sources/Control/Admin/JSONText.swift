/// A JSON document on its way out, on one line, keys in the order given.
indirect enum JSONText {
    case text(String)
    case int(Int)
    case count(UInt64)
    /// A finite number with at most six places behind the point.
    case decimal(Double)
    case bool(Bool)
    case null
    case list([JSONText])
    case object([(String, JSONText)])

    /// The document.
    var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to output: inout String) {
        switch self {
        case .text(let text): Self.write(text, to: &output)
        case .int(let number): output += String(number)
        case .count(let number): output += String(number)
        case .decimal(let number): output += Self.text(of: number)
        case .bool(let flag): output += flag ? "true" : "false"
        case .null: output += "null"
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
                Self.write(entry.0, to: &output)
                output += ":"
                entry.1.write(to: &output)
            }
            output += "}"
        }
    }

    /// A number with at most six places behind the point; what is no number is 0.
    static func text(of number: Double) -> String {
        guard number.isFinite, abs(number) < 9e12 else { return "0" }
        let millionths = Int((abs(number) * 1e6).rounded())
        let sign = number < 0 && millionths > 0 ? "-" : ""
        let whole = sign + String(millionths / 1_000_000)
        var places = millionths % 1_000_000
        if places == 0 { return whole }
        var digits = 6
        while places % 10 == 0 {
            places /= 10
            digits -= 1
        }
        let text = String(places)
        return whole + "." + String(repeating: "0", count: digits - text.count) + text
    }

    private static func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}
