import Configuration

/// Reads JSON (RFC 8259), strictly: each name once in an object, at most 32 levels.
///
/// All numbers are read as ``JSONValue/decimal(_:)``.
struct JSONReader {
    private static let mostLevels = 32
    private var rest: Substring.UnicodeScalarView

    /// The document; `nil` for bytes that are none.
    static func document(_ bytes: [UInt8]) -> JSONValue? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var reader = JSONReader(rest: text.unicodeScalars[...])
        guard let value = reader.value(level: 0) else { return nil }
        reader.skipBlanks()
        return reader.rest.isEmpty ? value : nil
    }

    private mutating func skipBlanks() {
        while let first = rest.first, " \t\r\n".unicodeScalars.contains(first) {
            rest.removeFirst()
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func value(level: Int) -> JSONValue? {
        skipBlanks()
        guard level < Self.mostLevels, let first = rest.first else { return nil }
        switch first {
        case "{": return object(level: level)
        case "[": return list(level: level)
        case "\"": return string().map(JSONValue.text)
        default: return word()
        }
    }

    private mutating func object(level: Int) -> JSONValue? {
        guard take("{") else { return nil }
        var members: [(String, JSONValue)] = []
        var names: Set<String> = []
        if take("}") { return .object(members) }
        repeat {
            guard let name = string(), names.insert(name).inserted, take(":"),
                let value = value(level: level + 1)
            else { return nil }
            members.append((name, value))
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func list(level: Int) -> JSONValue? {
        guard take("[") else { return nil }
        var items: [JSONValue] = []
        if take("]") { return .list(items) }
        repeat {
            guard let item = value(level: level + 1) else { return nil }
            items.append(item)
        } while take(",")
        return take("]") ? .list(items) : nil
    }

    /// A number, or one of the three words.
    private mutating func word() -> JSONValue? {
        var word = ""
        while let next = rest.first, !", \t\r\n}]".unicodeScalars.contains(next) {
            word.unicodeScalars.append(next)
            rest.removeFirst()
        }
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default:
            let signs = "+-.eE0123456789".unicodeScalars
            guard let first = word.unicodeScalars.first, let last = word.unicodeScalars.last,
                first == "-" || (0x30...0x39).contains(first.value),
                (0x30...0x39).contains(last.value),
                word.unicodeScalars.allSatisfy({ signs.contains($0) }),
                let number = Double(word)
            else { return nil }
            return .decimal(number)
        }
    }

    private mutating func string() -> String? {
        guard take("\"") else { return nil }
        var text = ""
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return text
            case "\\":
                guard let escaped = escape() else { return nil }
                text.unicodeScalars.append(escaped)
            case _ where scalar.value < 0x20: return nil
            default: text.unicodeScalars.append(scalar)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        switch rest.popFirst() {
        case "\"": return "\""
        case "\\": return "\\"
        case "/": return "/"
        case "b": return "\u{8}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            guard let unit = unit() else { return nil }
            if (0xD800..<0xDC00).contains(unit) {
                guard rest.popFirst() == "\\", rest.popFirst() == "u", let low = self.unit(),
                    (0xDC00..<0xE000).contains(low)
                else { return nil }
                return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            }
            return Unicode.Scalar(unit)
        default: return nil
        }
    }

    private mutating func unit() -> UInt32? {
        let digits = String(String.UnicodeScalarView(rest.prefix(4)))
        guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
            let value = UInt32(digits, radix: 16)
        else { return nil }
        rest.removeFirst(4)
        return value
    }
}

extension JSONValue {
    /// The member of this name; `nil` for what is no object or has none.
    subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == name }?.1
    }

    /// The items; none for what is no list.
    var items: [JSONValue] {
        if case .list(let items) = self { items } else { [] }
    }

    /// The text; `nil` for what is none.
    var string: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The number; `nil` for what is none.
    var double: Double? {
        switch self {
        case .decimal(let number): number
        case .number(let number): Double(number)
        case .count(let number): Double(number)
        default: nil
        }
    }
}
