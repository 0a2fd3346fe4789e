import Configuration

/// What an operator changes of a server while Weir runs: the body of a PATCH.
struct ServerChange: Equatable {
    /// Whether it takes part; `nil` leaves that as it is.
    var state: ServerState?
    /// Its weight; `nil` leaves that as it is.
    var weight: Int?

    /// Weights that a server can have.
    static let weights = 0...1000

    /// Reads `{"state": "ready|drain|down", "weight": n}`, either of which may be missing.
    ///
    /// - Throws: ``AdminProblem`` for anything else.
    init(json bytes: [UInt8]) throws(AdminProblem) {
        guard let members = FlatJSON.members(bytes) else {
            throw AdminProblem(
                400,
                "the body is no JSON object",
                "Send an object such as {\"state\": \"drain\", \"weight\": 3}."
            )
        }
        for (name, value) in members {
            switch (name, value) {
            case ("state", .text(let word)):
                guard let state = ServerState(rawValue: word) else {
                    throw Self.unprocessable(
                        "\"\(word)\" is no state: write ready, drain or down."
                    )
                }
                self.state = state
            case ("weight", .number(let number)):
                guard let weight = Int(exactly: number), Self.weights.contains(weight) else {
                    throw Self.unprocessable("A weight is a whole number from 0 to 1000.")
                }
                self.weight = weight
            case ("state", _): throw Self.unprocessable("\"state\" is ready, drain or down.")
            case ("weight", _): throw Self.unprocessable("\"weight\" is a number.")
            default:
                throw Self.unprocessable("\"\(name)\" cannot be changed: state and weight can.")
            }
        }
        if members.isEmpty { throw Self.unprocessable("Nothing is to be changed.") }
    }

    private static func unprocessable(_ detail: String) -> AdminProblem {
        AdminProblem(422, "the change makes no sense", detail)
    }
}

/// A JSON object without objects or lists in it (RFC 8259).
enum FlatJSON {
    enum Value: Equatable {
        case text(String)
        case number(Double)
        case word(String)
    }

    /// The members in their order; `nil` if it is no such object, or one is there twice.
    static func members(_ bytes: [UInt8]) -> [(String, Value)]? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var reader = Reader(rest: text.unicodeScalars[...])
        return reader.object()
    }

    private struct Reader {
        var rest: Substring.UnicodeScalarView

        mutating func object() -> [(String, Value)]? {
            guard take("{") else { return nil }
            var members: [(String, Value)] = []
            var names: Set<String> = []
            if !take("}") {
                repeat {
                    guard let name = string(), names.insert(name).inserted, take(":"),
                        let value = value()
                    else { return nil }
                    members.append((name, value))
                } while take(",")
                guard take("}") else { return nil }
            }
            skipBlanks()
            return rest.isEmpty ? members : nil
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

        private mutating func value() -> Value? {
            skipBlanks()
            guard let first = rest.first else { return nil }
            if first == "\"" { return string().map(Value.text) }
            var word = ""
            while let next = rest.first, !", \t\r\n}".unicodeScalars.contains(next) {
                word.unicodeScalars.append(next)
                rest.removeFirst()
            }
            if ["true", "false", "null"].contains(word) { return .word(word) }
            let isNumber =
                first == "-" || (0x30...0x39).contains(first.value)
            let signs = "+-.eE0123456789".unicodeScalars
            guard isNumber, word.unicodeScalars.allSatisfy({ signs.contains($0) }),
                let number = Double(word)
            else { return nil }
            return .number(number)
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
                let digits = String(String.UnicodeScalarView(rest.prefix(4)))
                guard digits.utf8.count == 4, let value = UInt32(digits, radix: 16) else {
                    return nil
                }
                rest.removeFirst(4)
                // Half of a pair is no character, and names and states hold none of those.
                return Unicode.Scalar(value)
            default: return nil
            }
        }
    }
}
