/// Fields of heads whose values let somebody in, so that nothing that is printed shows them.
enum SecretFields {
    /// What stands in the place of a value that is not shown.
    static let hidden = "[hidden]"

    /// Names, in lower case, of fields that hold nothing but a secret.
    private static let credentials: Set<String> = [
        "authorization", "proxy-authorization", "x-authorization", "x-api-key", "api-key",
        "apikey", "x-auth-token", "x-access-token", "x-amz-security-token",
    ]
    /// Names of fields that may hold one.
    private static let others: Set<String> = ["cookie", "set-cookie"]
    /// Words before a secret, in lower case (RFC 9110 §11.1, IANA's list of schemes).
    private static let schemes: Set<String> = ["basic", "bearer", "digest", "negotiate", "token"]

    /// Whether a field, given by its name, holds nothing but a secret.
    static func isCredential(_ name: String) -> Bool { credentials.contains(name.lowercased()) }

    /// Whether it is a word before a secret, and none itself.
    static func isScheme(_ word: String) -> Bool { schemes.contains(word.lowercased()) }

    /// Where the value begins that a line of a file gives such a field: behind its colon.
    ///
    /// The word `cookie` alone also names keys.
    static func valueStart(in line: String) -> String.Index? {
        var rest = line[...]
        while let start = rest.firstIndex(where: isOfName) {
            rest = rest[start...]
            let word = rest.prefix(while: isOfName).lowercased()
            rest = rest.drop(while: isOfName)
            let colon = rest.drop { $0 == "\"" || $0 == "'" || $0 == " " }
            guard colon.first == ":" else { continue }
            if credentials.contains(word) || (others.contains(word) && colon.contains("=")) {
                return colon.index(after: colon.startIndex)
            }
        }
        return nil
    }

    private static func isOfName(_ character: Character) -> Bool {
        character.isLetter || character == "-"
    }

    /// Whether `written`, as a file has it for the field of this name, must not be shown: more of
    /// it stands there than variables, the environment and the word for a scheme.
    static func mustHide(_ name: String, _ written: String) -> Bool {
        guard isCredential(name) || others.contains(name.lowercased()) else { return false }
        let literal = literalPart(written).lowercased()
        return !literal.isEmpty && !schemes.contains(literal)
    }

    /// What is left without `{name}` and `${NAME}`, and without blanks around it.
    private static func literalPart(_ written: String) -> String {
        var literal = String.UnicodeScalarView()
        var rest = written.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "$", rest.first == "{", let end = rest.firstIndex(of: "}") {
                // The part behind :- stands in the file as any other text does.
                let name = String(rest[..<end].dropFirst())
                if let mark = name.firstRange(of: ":-") {
                    literal += name[mark.upperBound...].unicodeScalars
                }
                rest = rest[end...].dropFirst()
            } else if scalar == "{", rest.first != "{", let end = rest.firstIndex(of: "}") {
                rest = rest[end...].dropFirst()
            } else {
                literal.append(scalar)
            }
        }
        let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
        while let first = literal.first, isBlank(first) { literal.removeFirst() }
        while let last = literal.last, isBlank(last) { literal.removeLast() }
        return String(literal)
    }
}
