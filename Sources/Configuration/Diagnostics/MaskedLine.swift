/// A line of a file as diagnostics may show it: without what lets somebody in.
struct MaskedLine {
    /// The line, with ``SecretFields/hidden`` for the value of a field that holds a secret.
    let text: String
    /// What is not shown, and parts of it that messages may quote.
    private var secrets: [String] = []

    /// Characters of a secret that give none of it away.
    private static let leastTold = 4
    /// Lines above that may say what a value belongs to.
    private static let mostAbove = 64

    /// The line of this number in a file.
    init(_ number: Int, of file: SourceFile?) {
        let line = file?.line(number) ?? ""
        if let start = SecretFields.valueStart(in: line) {
            let value = Self.trimmed(line[start...])
            // A value that begins below is masked there.
            if value.isEmpty || value.first == "|" || value.first == ">" {
                text = line
                return
            }
            text = line[..<start] + " " + SecretFields.hidden
            secrets = Self.parts(of: value)
        } else if Self.continuesSecret(number, line, of: file) {
            text = line.prefix { $0 == " " || $0 == "\t" } + SecretFields.hidden
            secrets = Self.parts(of: Self.trimmed(line[...]))
        } else {
            text = Self.withoutUser(line)
        }
    }

    /// A message or remedy without what the line hides.
    func masked(_ words: String) -> String {
        var words = words
        for secret in secrets {
            // A quotation may have been cut.
            var part = secret[...]
            while part.count > Self.leastTold, !words.contains(part) { part = part.dropLast() }
            words = words.replacing(part, with: SecretFields.hidden)
        }
        return Self.withoutUser(words)
    }

    /// Whether the line goes on with the value of a field above it.
    private static func continuesSecret(
        _ number: Int,
        _ line: String,
        of file: SourceFile?
    ) -> Bool {
        func indent(_ line: String) -> Int { line.prefix { $0 == " " }.count }
        let own = indent(line)
        for above in stride(from: number - 1, to: max(0, number - mostAbove), by: -1) {
            guard let other = file?.line(above), !trimmed(other[...]).isEmpty else { continue }
            if indent(other) >= own { continue }
            return SecretFields.valueStart(in: other) != nil
        }
        return false
    }

    /// The value, and its words; the longest first.
    private static func parts(of value: Substring) -> [String] {
        let ends: Set<Character> = [" ", "\t", "\"", "'", "{", "}", "[", "]", ",", "*", "&"]
        let words = value.prefix(4096).split { ends.contains($0) }.map(String.init)
        return ([String(value)] + words).filter { word in
            // What a colon ends is the name of another field.
            word.count > leastTold && word.last != ":" && !SecretFields.isScheme(word)
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    /// Without user and password of a URL.
    private static func withoutUser(_ text: String) -> String {
        guard let slashes = text.firstRange(of: "://") else { return text }
        let authority = text[slashes.upperBound...].prefix {
            $0 != "/" && !$0.isWhitespace && $0 != "\""
        }
        guard let at = authority.lastIndex(of: "@") else { return text }
        return text[..<slashes.upperBound] + SecretFields.hidden + text[at...]
    }
}
