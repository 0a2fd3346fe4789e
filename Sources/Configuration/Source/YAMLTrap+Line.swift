extension YAMLTrap {
    /// A piece of a line that YAML reads otherwise than its author.
    struct Find {
        var id: DiagnosticID
        /// From 1.
        var column: Int
        var length: Int
        var message: String
        var remedy: String
    }

    /// The first value in a line that needed quotes and has none.
    func flowTrap(in line: [Unicode.Scalar]) -> Find? {
        let isPlain = Self.plainMask(line)
        for start in line.indices where isPlain[start] && Self.beginsValue(start, line) {
            let token = Self.token(from: start, in: line)
            let text = String(String.UnicodeScalarView(token))
            let length = max(1, token.count)
            if line[start] == "*" {
                return Find(
                    id: .yamlStar,
                    column: start + 1,
                    length: length,
                    message: "\(text) without quotes is an alias for YAML",
                    remedy: "quote it: \"\(text)\""
                )
            }
            if line[start] == "[", let end = Self.bracketAddress(from: start, in: line) {
                let address = String(String.UnicodeScalarView(line[start..<end]))
                return Find(
                    id: .yamlBracket,
                    column: start + 1,
                    length: end - start,
                    message: "\(address) without quotes is a list for YAML",
                    remedy: "quote it: \"\(address)\""
                )
            }
            if line[start] == ":", token.count > 1, token.dropFirst().first?.isDigit == true {
                return Find(
                    id: .yamlColon,
                    column: start + 1,
                    length: length,
                    message: "\(text) without quotes begins with a colon inside braces or brackets",
                    remedy: "quote it: \"\(text)\""
                )
            }
            if line[start] != "{", line[start] != "[",
                let brace = Self.innerBrace(from: start, in: line)
            {
                let value = String(String.UnicodeScalarView(line[start..<brace]))
                return Find(
                    id: .yamlBrace,
                    column: start + 1,
                    length: brace - start,
                    message: "\(value) without quotes holds a brace, which opens a map for YAML",
                    remedy: "quote it: \"\(value)\""
                )
            }
        }
        return nil
    }

    /// Which characters stand neither in quotes nor in a comment.
    static func plainMask(_ line: [Unicode.Scalar]) -> [Bool] {
        var mask = [Bool](repeating: false, count: line.count)
        var quote: Unicode.Scalar?
        var before: Unicode.Scalar = " "
        for (index, scalar) in line.enumerated() {
            if let open = quote {
                if scalar == open, !(open == "\"" && before == "\\") { quote = nil }
            } else if scalar == "\"" || scalar == "'" {
                quote = scalar
            } else if scalar == "#", before == " " {
                break
            } else {
                mask[index] = true
            }
            before = scalar
        }
        return mask
    }

    /// Whether a value can begin at this character.
    private static func beginsValue(_ index: Int, _ line: [Unicode.Scalar]) -> Bool {
        guard line[index] != " " else { return false }
        guard index > 0 else { return true }
        return [" ", "[", "{", ","].contains(line[index - 1])
    }

    /// The characters up to what ends a value.
    private static func token(
        from start: Int,
        in line: [Unicode.Scalar]
    ) -> ArraySlice<Unicode.Scalar> {
        line[start...].prefix { ![" ", ",", "]", "}", "\t"].contains($0) }
    }

    /// Where `[v6]:port` that begins at `start` ends.
    private static func bracketAddress(from start: Int, in line: [Unicode.Scalar]) -> Int? {
        guard let close = line[start...].firstIndex(of: "]") else { return nil }
        let inside = line[(start + 1)..<close]
        guard inside.contains(":"), inside.allSatisfy({ $0.isAddressCharacter }) else {
            return nil
        }
        let rest = line[(close + 1)...]
        guard rest.first == ":" else { return nil }
        return close + 2 + rest.dropFirst().prefix { $0.isDigit }.count
    }

    /// The end of a value that has a brace in its middle, braces included.
    private static func innerBrace(from start: Int, in line: [Unicode.Scalar]) -> Int? {
        var depth = 0
        var sawBrace = false
        for index in start..<line.count {
            switch line[index] {
            case "{":
                depth += 1
                sawBrace = true
            case "}":
                if depth == 0 { return sawBrace ? index : nil }
                depth -= 1
            case " ", ",", "]":
                if depth == 0 { return sawBrace ? index : nil }
            default:
                break
            }
        }
        return sawBrace && depth == 0 ? line.count : nil
    }
}

extension Unicode.Scalar {
    /// Whether it is one of `0` to `9`.
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }

    /// Whether it may stand in an IPv6 address.
    fileprivate var isAddressCharacter: Bool {
        isDigit || ("a"..."f").contains(self) || ("A"..."F").contains(self) || self == ":"
            || self == "."
    }
}
