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
