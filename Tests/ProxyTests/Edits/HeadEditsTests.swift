import Configuration
import HTTP
import Testing

@testable import Proxy

@Suite("Changes of heads")
struct HeadEditsTests {
    /// A field with a literal value or variables.
    private func field(_ name: String, _ segments: Template.Segment...) -> FixedHeader {
        FixedHeader(name: name, value: Template(segments: segments))
    }

    /// What `body` makes of the facts of a request that came with this head.
    private func withFacts<Result>(
        of request: String = "GET /p?q HTTP/1.1\r\nHost: a\r\n\r\n",
        _ body: (HeadFacts) -> Result
    ) throws -> Result {
        let result = withRequest(request) { parsed, _, bytes -> Result? in
            guard let base = bytes.baseAddress else { return nil }
            let received = ReceivedRequest(
                head: parsed,
                bytes: base,
                count: bytes.count,
                id: RequestID(high: 0xab, low: 1),
                keepAlive: true
            )
            return body(HeadFacts(received, client: peer("192.0.2.1")))
        }
        return try #require(result ?? nil)
    }

    /// The head with the changes, of a request that came with the other one.
    private func rewritten(
        _ head: String,
        _ config: HeaderEdits,
        hsts: Duration? = nil,
        of request: String = "GET /p?q HTTP/1.1\r\nHost: a\r\n\r\n",
        isSecure: Bool = false,
        lastLine: String = "",
        identity: (subject: String, names: String, fingerprint: String) = ("", "", "")
    ) throws -> String {
        let texts = TextStore()
        defer { withExtendedLifetime(texts) {} }
        let edits = HeadEdits(config, hsts: hsts, keep: texts.keep)
        defer { edits.deallocate() }
        return try withFacts(of: request) { facts in
            var facts = facts
            facts.isSecure = isSecure
            facts.route = texts.keep("r")
            facts.pool = texts.keep("main")
            facts.server = texts.keep("one")
            facts.identity.subject = texts.keep(identity.subject)
            facts.identity.names = texts.keep(identity.names)
            facts.identity.fingerprint = texts.keep(identity.fingerprint)
            return text { out in
                _ = edits.rewrite(
                    texts.keep(head),
                    facts,
                    lastLine: texts.keep(lastLine),
                    to: &out
                )
            }
        }
    }

    private let head = "HTTP/1.1 200 OK\r\nA: 1\r\nb: 2\r\nA: 3\r\nC: 4\r\n\r\nbody: 5\r\n"

    @Test("fields are removed, set and added in this order, whatever their case")
    func order() throws {
        var edits = HeaderEdits()
        edits.remove = ["c"]
        edits.set = [field("a", .literal("x"))]
        edits.add = [field("B", .literal("y")), field("c", .literal("z"))]
        let expected = "HTTP/1.1 200 OK\r\nb: 2\r\na: x\r\nB: y\r\nc: z\r\n\r\nbody: 5\r\n"
        #expect(try rewritten(head, edits) == expected)
    }

    @Test("names that only look alike stay")
    func names() throws {
        let source =
            "GET / HTTP/1.1\r\nX_Client: 1\r\nX-Client: 2\r\nX-Clients: 3\r\nX-Clien: 4\r\n\r\n"
        var edits = HeaderEdits()
        edits.remove = ["x-client"]
        let expected = "GET / HTTP/1.1\r\nX_Client: 1\r\nX-Clients: 3\r\nX-Clien: 4\r\n\r\n"
        #expect(try rewritten(source, edits) == expected)
    }

    @Test("a head without fields, and no changes at all")
    func nothing() throws {
        let source = "HTTP/1.1 204 \r\n\r\n"
        #expect(try rewritten(source, HeaderEdits()) == source)
        #expect(try rewritten(head, HeaderEdits()) == head)
        var edits = HeaderEdits()
        edits.set = [field("a", .literal(""))]
        #expect(try rewritten(source, edits) == "HTTP/1.1 204 \r\na: \r\n\r\n")
    }

    @Test(
        "what each variable stands for",
        arguments: [
            (.clientAddress, "192.0.2.1"), (.requestID, "00000000000000ab0000000000000001"),
            (.method, "PUT"), (.scheme, "https"), (.host, "A.b:8"), (.path, "/x/%2e"),
            (.query, "y=?z"), (.uri, "/x/%2e?y=?z"), (.route, "r"), (.pool, "main"),
            (.server, "one"), (.tlsSubject, "CN=a\\,b"), (.tlsNames, "a, b"),
            (.tlsFingerprint, "00ff"), (.header("x-one"), "1 2"), (.cookie("c"), "v=w"),
        ] as [(Template.Variable, String)]
    )
    func variables(variable: Template.Variable, expected: String) throws {
        let request =
            "PUT /x/%2e?y=?z HTTP/1.1\r\nHost: A.b:8\r\nX-One:  1 2 \r\nx-one: 3\r\n"
            + "Cookie: d=1; c=v=w\r\n\r\n"
        var edits = HeaderEdits()
        edits.set = [field("v", .literal("<"), .variable(variable), .literal(">"))]
        let found = try rewritten(
            "A\r\n\r\n",
            edits,
            of: request,
            isSecure: true,
            identity: ("CN=a\\,b", "a, b", "00ff")
        )
        #expect(found == "A\r\nv: <\(expected)>\r\n\r\n")
    }

    @Test("a field whose variables are all empty is left out, and what came under its name too")
    func missing() throws {
        var edits = HeaderEdits()
        edits.set = [
            field("a", .literal("CN "), .variable(.tlsSubject)),
            field("b", .variable(.tlsSubject), .literal(" "), .variable(.method)),
            field("c", .variable(.method), .literal(" "), .variable(.header("none"))),
        ]
        let expected = "HTTP/1.1 200 OK\r\nb: GET\r\nc: GET\r\n\r\nbody: 5\r\n"
        #expect(try rewritten(head, edits) == expected)
    }

    @Test("no value ends its line")
    func control() throws {
        var edits = HeaderEdits()
        edits.set = [field("a", .variable(.tlsSubject))]
        let found = try rewritten("A\r\n\r\n", edits, identity: ("x\r\nb: 1\u{0}\u{7f}", "", ""))
        #expect(found == "A\r\na: xb: 1\r\n\r\n")
    }

    @Test("hsts is told by https alone, and the only one then")
    func strictTransport() throws {
        let source = "A\r\nstrict-transport-security: max-age=1\r\n\r\n"
        let line = "Strict-Transport-Security: max-age=3600\r\n"
        let plain = try rewritten(source, HeaderEdits(), hsts: .seconds(3600))
        #expect(plain == source)
        let secure = try rewritten(source, HeaderEdits(), hsts: .seconds(3600), isSecure: true)
        #expect(secure == "A\r\n" + line + "\r\n")
    }

    @Test("no change touches the last line")
    func lastLine() throws {
        var edits = HeaderEdits()
        edits.remove = ["set-cookie"]
        let found = try rewritten(
            "A\r\nSet-Cookie: a\r\n\r\n",
            edits,
            lastLine: "Set-Cookie: b\r\n"
        )
        #expect(found == "A\r\nSet-Cookie: b\r\n\r\n")
    }

    @Test("ranges are found again behind what went away")
    func tracking() throws {
        let source = "GET / HTTP/1.1\r\nA: 1\r\nHost: h\r\nA: 2\r\nX-Request-Id: i\r\n\r\n"
        let texts = TextStore()
        defer { withExtendedLifetime(texts) {} }
        var config = HeaderEdits()
        config.remove = ["a"]
        let edits = HeadEdits(config, hsts: nil, keep: texts.keep)
        defer { edits.deallocate() }
        let bytes = Array(source.utf8)
        func place(ofEnd text: String) -> ByteRange {
            let start = bytes.indices.first { bytes[$0...].starts(with: text.utf8) } ?? 0
            return ByteRange(from: start + text.utf8.count - 1, to: start + text.utf8.count)
        }
        let ranges = TrackedRanges(
            host: place(ofEnd: "Host: h"),
            requestID: place(ofEnd: "X-Request-Id: i")
        )
        try withFacts { facts in
            var moved = TrackedRanges()
            let found = written { out in
                moved = edits.rewrite(texts.keep(source), facts, tracking: ranges, to: &out)
            }
            #expect(found[moved.host.start] == UInt8(ascii: "h") && moved.host.count == 1)
            #expect(found[moved.requestID.start] == UInt8(ascii: "i"))
        }
    }

    @Test("what does not fit is noticed", arguments: [(107, true), (108, false)])
    func overflow(capacity: Int, isOver: Bool) throws {
        let texts = TextStore()
        defer { withExtendedLifetime(texts) {} }
        var config = HeaderEdits()
        config.set = [field("a", .literal(String(repeating: "x", count: 98)))]
        let edits = HeadEdits(config, hsts: nil, keep: texts.keep)
        defer { edits.deallocate() }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
        defer { memory.deallocate() }
        // "A\r\n", "a: ", the value, two times CRLF.
        try withFacts { facts in
            var out = ByteWriter(memory, capacity: capacity)
            _ = edits.rewrite(texts.keep("A\r\n\r\n"), facts, to: &out)
            #expect(out.overflowed == isOver)
        }
    }
}
