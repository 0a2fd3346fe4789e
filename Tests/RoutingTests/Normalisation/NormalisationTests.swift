import Routing
import Testing

@Suite("Normalisation")
struct NormalisationTests {
    @Test(
        "a path becomes its normal form",
        arguments: [
            ("", "/"), ("/", "/"), ("*", "*"), ("/a", "/a"), ("/a/", "/a/"), ("/a/b.c", "/a/b.c"),
            ("//", "/"), ("///a//b///", "/a/b/"), ("/.", "/"), ("/..", "/"), ("/./", "/"),
            ("/../..", "/"), ("/../a", "/a"), ("/a/.", "/a/"), ("/a/..", "/"), ("/a/../", "/"),
            ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/b/../../c", "/c"), ("/a//../b", "/b"),
            ("/a/b/..", "/a/"), ("/a/...", "/a/..."), ("/.a/..b/c.", "/.a/..b/c."),
            ("/.well-known/x", "/.well-known/x"), ("/a/.b/", "/a/.b/"),
            ("/%61%5A%30%2d%2E%5f%7e", "/aZ0-._~"), ("/%2e/a", "/a"), ("/a/%2E%2e/b", "/b"),
            ("/a/.%2e", "/"), ("/%2e%2E%2e", "/..."), ("/%3a%2c%c3%a9", "/%3A%2C%C3%A9"),
            ("/%25", "/%25"), ("/%2525", "/%2525"), ("/%252e%252e", "/%252e%252e"),
            ("/%0a%7F%20", "/%0A%7F%20"), ("/a%2fb", "/a%2Fb"), ("/a%5cb", "/a%5Cb"),
            ("/a\\b", "/a\\b"), ("/%2F", "/%2F"), ("/a%2f.b", "/a%2F.b"), ("/a%2f...", "/a%2F..."),
            ("/b/../a%2fb", "/a%2Fb"), ("/a%2fb/.", "/a%2Fb/"), ("/a%25b/../c", "/c"),
        ]
    )
    func paths(path: String, normal: String) {
        #expect(normalised(path) == .success(normal))
    }

    @Test(
        "a path that another reader could take for a different one is refused",
        arguments: [
            ("/%00", .escapedNUL), ("/a%00.txt", .escapedNUL), ("/a/../%00", .escapedNUL),
            ("/a%2f..", .hiddenDotSegment), ("/a%2F../b", .hiddenDotSegment),
            ("/..%2fb", .hiddenDotSegment), ("/..%5Cb", .hiddenDotSegment),
            ("/..\\b", .hiddenDotSegment), ("/a\\..\\b", .hiddenDotSegment),
            ("/a/%2e%2e%2fb", .hiddenDotSegment), ("/a/.%5c", .hiddenDotSegment),
            ("/%2f.", .hiddenDotSegment), ("/\\.", .hiddenDotSegment), ("/.%2f", .hiddenDotSegment),
            ("/a%2f.%2fb", .hiddenDotSegment), ("/a%2fb/../c", .hiddenDotSegment),
            ("/a\\b/../c", .hiddenDotSegment), ("/a%5cb/%2e%2e", .hiddenDotSegment),
            ("/%", .invalidEscape), ("/%4", .invalidEscape), ("/%zz", .invalidEscape),
            ("/100%/a", .invalidEscape), ("/%%32f", .invalidEscape), ("/%u0041", .invalidEscape),
            ("/%4/41", .invalidEscape), ("a", .notAbsolute), ("**", .notAbsolute),
            ("%2f", .notAbsolute),
        ] as [(String, PathError)]
    )
    func refusals(path: String, error: PathError) {
        #expect(normalised(path) == .failure(error))
    }

    @Test("a normal form is its own normal form, and holds no dot segment or doubled slash")
    func idempotence() {
        let seed: UInt64 = 0x7061_7468
        var random = TestRandom(state: seed)
        let pieces = [
            "/", "/", "/", ".", ".", "..", "a", "b", "%2e", "%2E", "%2f", "%5C", "\\", "%61",
            "%c3", "%25", "~", "//", "/./", "/../", "%20",
        ]
        for _ in 0..<50_000 {
            let path = "/" + (0..<random.below(9)).map { _ in random.one(of: pieces) }.joined()
            guard case .success(let once) = normalised(path) else { continue }
            guard normalised(once) == .success(once), isNormal(once) else {
                Issue.record("\(path) gave \(once), seed \(seed)")
                return
            }
        }
    }

    @Test("random paths come out as splitting, resolving and joining has them")
    func reference() {
        let seed: UInt64 = 0x7265_6665
        var random = TestRandom(state: seed)
        let pieces = ["/", "/", ".", "..", "a", "%2e", "%61", "%c3", "bcdefgh", "-0123456789", "."]
        for _ in 0..<100_000 {
            let path = "/" + (0..<random.below(12)).map { _ in random.one(of: pieces) }.joined()
            let expected = split(path)
            guard normalised(path) == .success(expected) else {
                Issue.record("\(path) did not give \(expected), seed \(seed)")
                return
            }
            let input = Array(path.utf8)
            var output = [UInt8](repeating: 0, count: input.count)
            let result = output.withUnsafeMutableBytes { normalisePath(input.span.bytes, into: $0) }
            if path == expected, !path.contains("%"), result != .unchanged {
                Issue.record("\(path) was rewritten for nothing, seed \(seed)")
                return
            }
        }
    }

    /// The normal form of a path without separators in escapes.
    private func split(_ path: String) -> String {
        let decoded = path.replacing("%2e", with: ".").replacing("%61", with: "a")
            .replacing("%c3", with: "%C3")
        let segments = decoded.split(separator: "/", omittingEmptySubsequences: false)
        var kept: [Substring] = []
        for segment in segments where segment != "." && !segment.isEmpty {
            if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
        }
        let isFolder = ["", ".", ".."].contains(segments.last) && !kept.isEmpty
        return "/" + kept.joined(separator: "/") + (isFolder ? "/" : "")
    }

    @Test("random hosts come out as lower-casing and cutting has them")
    func hostReference() {
        let seed: UInt64 = 0x686f_7374
        var random = TestRandom(state: seed)
        for _ in 0..<50_000 {
            var host = (0..<random.below(30)).map { _ in UInt8(33 + random.below(94)) }
            host.removeAll { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "[") }
            if random.below(2) == 0 { host += Array(":80".utf8) }
            let text = String(decoding: host, as: UTF8.self)
            var expected = text.lowercased().prefix { $0 != ":" }
            while expected.last == "." { expected.removeLast() }
            guard normalised(host: text) == expected else {
                Issue.record("\(text) did not give \(expected), seed \(seed)")
                return
            }
        }
    }

    private func isNormal(_ path: String) -> Bool {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return path.hasPrefix("/") && !segments.contains(".") && !segments.contains("..")
            && !segments.dropLast().contains("")
    }

    @Test(
        "a host becomes its normal form",
        arguments: [
            ("", ""), ("a", "a"), ("Example.COM", "example.com"), ("a:80", "a"), ("a:", "a"),
            ("a.b.:8080", "a.b"), ("a.b.", "a.b"), ("a..", "a"), (".", ""), ("A.:", "a"),
            ("127.0.0.1:80", "127.0.0.1"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"),
            ("[2001:DB8::A]:443", "[2001:db8::a]"), ("x_Y-z.%41", "x_y-z.%41"), ("@[`{Z", "@[`{z"),
        ]
    )
    func hosts(host: String, normal: String) {
        #expect(normalised(host: host) == normal)
        #expect(normalised(host: normal) == normal)
    }
}
