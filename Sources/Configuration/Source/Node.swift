/// A value of the file with its place, before anything is known of its meaning.
struct Node: Sendable {
    /// What YAML says it is.
    indirect enum Content: Sendable {
        case scalar(ScalarText)
        case list([Node])
        case map([Entry])
    }

    var content: Content
    var place: Place
    /// Whether a syntax error cut it off, so that nothing can be said of what is missing.
    var isCut = false
    /// Whether it is written with `[ ]` or `{ }`.
    var isFlow = false

    /// The scalar's text, if it is one.
    var scalar: ScalarText? {
        if case .scalar(let text) = content { text } else { nil }
    }

    /// The entry of a map with this key, if there is one.
    func entry(_ name: String) -> Entry? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.name == name && !$0.isRepeated }
    }
}

/// A key of a map with its value.
struct Entry: Sendable {
    var name: String
    var keyPlace: Place
    var value: Node
    /// Whether the map had this key before: it is checked, never used.
    var isRepeated = false
}

/// A scalar as written and as it counts after the environment has been filled in.
struct ScalarText: Sendable {
    /// A part of the text; what came from outside is never read as a template.
    struct Piece: Sendable {
        var text: String
        var isLiteral: Bool
    }

    /// As in the file; this is what diagnostics show.
    var written: String
    /// What counts.
    var pieces: [Piece]
    /// Whether it stands in quotes or as a block.
    var isQuoted: Bool
    /// Whether its value could not be found out (reported already).
    var isUnknown = false
    /// Whether it is a part of what stands in the file.
    var isPart = false

    init(_ text: String, isQuoted: Bool = false) {
        written = text
        pieces = [Piece(text: text, isLiteral: false)]
        self.isQuoted = isQuoted
    }

    /// The text that counts.
    var text: String {
        if pieces.count == 1 { pieces[0].text } else { pieces.map(\.text).joined() }
    }

    /// Whether a part of it came from outside, so that only ``written`` may be shown.
    var isFilled: Bool { pieces.contains(where: \.isLiteral) }

    /// What a diagnostic may show of `part`, which was made from the text.
    func shown(_ part: String) -> String { isFilled ? written : part }

    /// A part of the text that means something by itself.
    func part(_ text: String) -> ScalarText {
        var part = self
        part.written = shown(text)
        part.pieces = [Piece(text: text, isLiteral: isFilled)]
        part.isQuoted = true
        part.isPart = true
        return part
    }

    /// Whether it is `null` by the core schema: nothing, `~` or `null` without quotes.
    var isNull: Bool {
        !isQuoted && ["", "~", "null", "Null", "NULL"].contains(written)
    }
}
