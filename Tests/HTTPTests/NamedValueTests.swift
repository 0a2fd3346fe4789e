import HTTP
import Testing

/// A value asked for by name, and what must be found.
struct NamedValueCase: Sendable, CustomStringConvertible {
    var description: String
    var name: String
    var text: String
    var expected: String?

    init(_ description: String, _ name: String, in text: String, is expected: String?) {
        self.description = description
        self.name = name
        self.text = text
        self.expected = expected
    }
}

private let cookies: [NamedValueCase] = [
    NamedValueCase("the only one", "a", in: "a=1", is: "1"),
    NamedValueCase("the last one", "c", in: "a=1; b=2; c=3", is: "3"),
    NamedValueCase("the first of that name", "a", in: "a=1; a=2", is: "1"),
    NamedValueCase("an empty first one", "a", in: "a=; a=2", is: ""),
    NamedValueCase("none", "d", in: "a=1; b=2", is: nil),
    NamedValueCase("nothing at all", "a", in: "", is: nil),
    NamedValueCase("case of names counts", "a", in: "A=1", is: nil),
    NamedValueCase("a name is no prefix", "a", in: "ab=1", is: nil),
    NamedValueCase("a name is no suffix", "b", in: "ab=1", is: nil),
    NamedValueCase("a value is no name", "b", in: "a=b=1", is: nil),
    NamedValueCase("equals signs in a value", "a", in: "a=b=1==", is: "b=1=="),
    NamedValueCase("without spaces", "b", in: "a=1;b=2;c=3", is: "2"),
    NamedValueCase("with too many", "b", in: " a=1 ;\t b \t=  2 \t; c", is: "2"),
    NamedValueCase("a space inside", "a", in: "a=1 2", is: "1 2"),
    NamedValueCase("only blanks", "a", in: "a= \t ", is: ""),
    NamedValueCase("quotes stay", "a", in: "a=\"1\"; b=2", is: "\"1\""),
    NamedValueCase("quotes protect nothing", "b", in: "a=\"1; b=2\"", is: "2\""),
    NamedValueCase("no equals sign", "a", in: "a; b; a=1", is: "1"),
    NamedValueCase("separators alone", "a", in: ";;; ;=;=;", is: nil),
    NamedValueCase("separators before and behind", "a", in: ";; a=1;;", is: "1"),
    NamedValueCase("a nameless one", "", in: "=1; a=2", is: nil),
    NamedValueCase("commas part nothing", "b", in: "a=1,b=2", is: nil),
    NamedValueCase("bytes that are no ASCII", "ä", in: "a=1; ä=ö", is: "ö"),
]

private let queries: [NamedValueCase] = [
    NamedValueCase("the only one", "a", in: "a=1", is: "1"),
    NamedValueCase("the last one", "c", in: "a=1&b=2&c=3", is: "3"),
    NamedValueCase("the first of that name", "a", in: "a=1&a=2", is: "1"),
    NamedValueCase("an empty first one", "a", in: "a=&a=2", is: ""),
    NamedValueCase("one without equals sign is empty", "a", in: "a&a=2", is: ""),
    NamedValueCase("the same at the end", "a", in: "b=2&a", is: ""),
    NamedValueCase("none", "d", in: "a=1&b=2", is: nil),
    NamedValueCase("nothing at all", "a", in: "", is: nil),
    NamedValueCase("a name is no prefix", "a", in: "ab=1&ab", is: nil),
    NamedValueCase("a name is no suffix", "b", in: "ab=1&ab", is: nil),
    NamedValueCase("equals signs in a value", "a", in: "a=b=1==", is: "b=1=="),
    NamedValueCase("names are not decoded", "a", in: "%61=1", is: nil),
    NamedValueCase("a coded name is found as it was sent", "%61", in: "%61=1", is: "1"),
    NamedValueCase("values are not decoded", "a", in: "a=%20+", is: "%20+"),
    NamedValueCase("semicolons part nothing", "b", in: "a=1;b=2", is: nil),
    NamedValueCase("question marks belong to the value", "a", in: "a=?&b", is: "?"),
    NamedValueCase("blanks are not cut off", "a", in: " a=1&a= 2 ", is: " 2 "),
    NamedValueCase("a nameless one", "", in: "=1&&a=2", is: nil),
    NamedValueCase("separators alone", "a", in: "&&=&=&", is: nil),
]

/// Finds a value with the text between other bytes, which must never count.
private func find(
    _ test: NamedValueCase,
    _ search: (RawSpan, RawSpan, ByteRange) -> ByteRange?
) -> String? {
    let before = "a=before; b=before;&a=before&"
    let bytes = Array((before + test.text + ";a=behind&a=behind;b=behind").utf8)
    let start = before.utf8.count
    let range = ByteRange(from: start, to: start + test.text.utf8.count)
    let found = search(Array(test.name.utf8).span.bytes, bytes.span.bytes, range)
    return found.map { String(decoding: bytes[$0.start..<$0.end], as: UTF8.self) }
}

/// The same in the plainest way: all parts, then the first that fits.
private func slowly(_ name: [UInt8], _ bytes: [UInt8], cookies: Bool) -> [UInt8]? {
    func trimmed(_ part: some Collection<UInt8>) -> [UInt8] {
        var part = Array(part)
        guard cookies else { return part }
        while let first = part.first, first == 32 || first == 9 { part.removeFirst() }
        while let last = part.last, last == 32 || last == 9 { part.removeLast() }
        return part
    }
    let separator = UInt8(ascii: cookies ? ";" : "&")
    for part in bytes.split(separator: separator, omittingEmptySubsequences: true) {
        let halves = part.split(
            separator: UInt8(ascii: "="),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        if cookies, halves.count < 2 { continue }
        if !name.isEmpty, trimmed(halves[0]) == name {
            return halves.count < 2 ? [] : trimmed(halves[1])
        }
    }
    return nil
}

@Suite("Values found by name")
struct NamedValueTests {
    @Test("cookies", arguments: cookies)
    func cookie(test: NamedValueCase) {
        #expect(find(test) { cookieValue($0, in: $1, range: $2) } == test.expected)
    }

    @Test("query parameters", arguments: queries)
    func parameter(test: NamedValueCase) {
        #expect(find(test) { queryValue($0, in: $1, range: $2) } == test.expected)
    }

    @Test("random bytes mean what the slow search finds in them", arguments: 1...10)
    func random(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        let pieces = ["a=", "b=", "ab=", "a", "=", ";", "; ", "&", "\t", " ", "\"", "1", "\0", "ä"]
        var found = 0
        for round in 0..<2000 {
            let bytes = (0..<random.below(40)).flatMap { _ in Array(random.pick(pieces).utf8) }
            let name = Array(random.pick(["a", "a", "b", "ab", "ba", ""]).utf8)
            let cuts = random.cuts(of: bytes.count)
            let from = cuts.count > 1 ? cuts[0] : 0
            let to = cuts[cuts.count > 2 ? 1 : cuts.count - 1]
            let range = ByteRange(from: from, to: to)
            let part = Array(bytes[from..<to])
            let places = [
                cookieValue(name.span.bytes, in: bytes.span.bytes, range: range),
                queryValue(name.span.bytes, in: bytes.span.bytes, range: range),
            ]
            for (place, cookies) in zip(places, [true, false]) {
                let got = place.map { Array(bytes[$0.start..<$0.end]) }
                let want = slowly(name, part, cookies: cookies)
                if want != nil { found += 1 }
                #expect(
                    got == want,
                    "seed \(seed), round \(round): \(name) in \(part), cookies: \(cookies)"
                )
            }
        }
        // Else the generator is too wild to find anything out.
        #expect(found > 200 && found < 3000, "\(found) of 4000 were found")
    }

    @Test("a range that goes beyond the bytes is cut")
    func outside() {
        let bytes = Array("a=1".utf8)
        let name = Array("a".utf8)
        let long = ByteRange(from: 0, to: 100)
        let far = ByteRange(from: 50, to: 100)
        let want = ByteRange(from: 2, to: 3)
        #expect(cookieValue(name.span.bytes, in: bytes.span.bytes, range: long) == want)
        #expect(queryValue(name.span.bytes, in: bytes.span.bytes, range: long) == want)
        #expect(cookieValue(name.span.bytes, in: bytes.span.bytes, range: far) == nil)
        #expect(queryValue(name.span.bytes, in: bytes.span.bytes, range: far) == nil)
    }
}
