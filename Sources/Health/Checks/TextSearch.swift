/// Looks for a text in bytes that come in pieces, without keeping them.
///
/// Knuth, Morris and Pratt, "Fast Pattern Matching in Strings", 1977: each byte costs two
/// comparisons at most on average, wherever the pieces are cut.
struct TextSearch: Sendable {
    private let text: [UInt8]
    /// By bytes matched: how many still match if the next one does not.
    private let fallback: [Int]
    private var matched = 0
    /// Whether the text has come.
    private(set) var isFound: Bool

    /// A search at its beginning; what is empty is found at once.
    init(for text: [UInt8]) {
        self.text = text
        var fallback = Array(repeating: 0, count: max(1, text.count))
        var length = 0
        for place in text.indices.dropFirst() {
            while length > 0 && text[place] != text[length] { length = fallback[length - 1] }
            if text[place] == text[length] { length += 1 }
            fallback[place] = length
        }
        self.fallback = fallback
        isFound = text.isEmpty
    }

    /// Takes the next byte.
    mutating func take(_ byte: UInt8) {
        guard !isFound else { return }
        while matched > 0 && text[matched] != byte { matched = fallback[matched - 1] }
        if text[matched] == byte { matched += 1 }
        isFound = matched == text.count
    }
}
