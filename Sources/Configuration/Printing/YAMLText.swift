/// Text of a YAML document, line by line.
struct YAMLText {
    private(set) var text = ""
    private var indentation = 0
    /// What begins the next line of an entry of a list.
    private var opensItem = false

    /// A line `key: value`.
    mutating func line(_ key: String, _ value: String) {
        text += prefix() + Self.key(key) + ": " + value + "\n"
    }

    /// A line `key:` with what belongs to it indented below.
    mutating func section(_ key: String, _ body: (inout YAMLText) -> Void) {
        text += prefix() + Self.key(key) + ":\n"
        indentation += 2
        body(&self)
        indentation -= 2
    }

    /// An entry of a list.
    mutating func item(_ body: (inout YAMLText) -> Void) {
        opensItem = true
        indentation += 2
        body(&self)
        if opensItem { text += prefix() + "{}\n" }
        indentation -= 2
    }

    private mutating func prefix() -> String {
        guard opensItem else { return String(repeating: " ", count: indentation) }
        opensItem = false
        return String(repeating: " ", count: indentation - 2) + "- "
    }

    /// A key as it must be written.
    private static func key(_ key: String) -> String {
        isPlain(key) ? key : quoted(key)
    }

    /// Text as it must be written; `${` is kept from being read as the environment.
    static func scalar(_ text: String) -> String {
        if isPlain(text) { return text }
        return quoted(text.replacing("${", with: "$${"))
    }

    /// A list in brackets.
    static func list(_ items: [String]) -> String {
        "[" + items.joined(separator: ", ") + "]"
    }

    /// Whether YAML reads the text as it stands, in braces too.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            default: "-_./".utf8.contains(byte)
            }
        }
        let startsWell =
            (65...90).contains(first) || (97...122).contains(first)
            || first == UInt8(ascii: "/")
        return isWord && startsWell && !["null", "true", "false"].contains(text.lowercased())
    }
}

extension Template {
    /// The template as it must be written, without quotes.
    var source: String {
        var text = ""
        for segment in segments {
            switch segment {
            case .literal(let literal):
                text += Self.escaped(literal)
            case .variable(let variable):
                // A dollar before a brace would be read as the environment.
                if text.hasSuffix("$") {
                    text.removeLast()
                    text += "${WEIR_DOLLAR:-$}"
                }
                text += "{\(variable.name)}"
            }
        }
        return text
    }

    /// Braces doubled, and `${` kept from being read as the environment.
    private static func escaped(_ literal: String) -> String {
        var text = ""
        var isAfterDollar = false
        for scalar in literal.unicodeScalars {
            if scalar == "{" {
                text += isAfterDollar ? "${" : "{{"
            } else {
                text.unicodeScalars.append(scalar)
            }
            isAfterDollar = scalar == "$"
        }
        return text
    }
}
