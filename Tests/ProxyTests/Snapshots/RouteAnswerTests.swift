import Configuration
import HTTP
import Testing

@testable import Proxy

@Suite("Answers that a route makes")
struct RouteAnswerTests {
    /// What `body` makes of the values that a request gives.
    private func values<Result>(
        _ request: String,
        _ body: (TemplateValues) -> Result
    ) throws -> Result {
        let result = withRequest(request) { head, _, bytes -> Result? in
            guard let base = bytes.baseAddress else { return nil }
            let received = ReceivedRequest(
                head: head,
                bytes: base,
                count: bytes.count,
                id: RequestID(high: 0xab, low: 1),
                keepAlive: true
            )
            return body(
                TemplateValues(
                    request: received,
                    clientAddress: "192.0.2.1",
                    routeName: "r",
                    headers: ["x-one": "1"]
                )
            )
        }
        return try #require(result ?? nil)
    }

    private func template(_ segments: Template.Segment...) -> Template {
        Template(segments: segments)
    }

    @Test(
        "what each variable stands for",
        arguments: [
            (.clientAddress, "192.0.2.1"), (.requestID, "00000000000000ab0000000000000001"),
            (.method, "PUT"), (.scheme, "http"), (.host, "A.b:8"), (.path, "/x/%2e"),
            (.query, "y=?z"), (.uri, "/x/%2e?y=?z"), (.route, "r"), (.header("x-one"), "1"),
            (.header("x-two"), ""),
        ] as [(Template.Variable, String)]
    )
    func variables(variable: Template.Variable, expected: String) throws {
        let request = "PUT /x/%2e?y=?z HTTP/1.1\r\nHost: A.b:8\r\n\r\n"
        #expect(try values(request) { $0.value(of: variable) } == expected)
    }

    @Test(
        "path, query and uri where parts are missing",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", "", "/"),
            ("GET /p? HTTP/1.1\r\nHost: a\r\n\r\n", "/p", "", "/p?"),
            ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "/", "", "/"),
            ("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "/", "q", "/?q"),
        ]
    )
    func missing(request: String, path: String, query: String, uri: String) throws {
        let found = try values(request) { values in
            [Template.Variable.path, .query, .uri].map { values.value(of: $0) }
        }
        #expect(found == [path, query, uri])
    }

    @Test("literals and variables in turn")
    func rendering() throws {
        let text = template(
            .literal("<"),
            .variable(.method),
            .literal("> "),
            .variable(.query),
            .literal("!")
        )
        let rendered = try values("GET / HTTP/1.1\r\nHost: a\r\n\r\n") { $0.render(text) }
        #expect(rendered == "<GET> !")
    }

    @Test("control bytes never come out")
    func control() {
        let bytes: [UInt8] = [0x61, 0x0d, 0x0a, 0, 0x09, 0x7f, 0x62]
        let text = bytes.withUnsafeBytes { buffer in
            buffer.baseAddress.map { TemplateValues.text($0, ByteRange(offset: 0, count: 7)) }
        }
        #expect(text == "ab")
    }

    @Test("a redirect keeps path and query where its target has none")
    func redirect() throws {
        let target = template(.literal("https://"), .variable(.host))
        for (keeps, location) in [(true, "https://a/p?q"), (false, "https://a")] {
            let action = RouteAction.redirect(to: target, status: 308, keepsPathAndQuery: keeps)
            let answer = try values("GET /p?q HTTP/1.1\r\nHost: a\r\n\r\n") {
                RouteAnswer(action, $0)
            }
            #expect(answer.status == 308 && answer.body.isEmpty && answer.hasLength)
            #expect(answer.headers.map(\.0) == ["Location"])
            #expect(answer.headers.map(\.1) == [location])
            #expect(action.templates == [target])
        }
    }

    @Test("a fixed answer has its type, its body and its own fields, which win")
    func respond() throws {
        var fixed = FixedAnswer()
        fixed.status = 203
        fixed.body = .template(template(.literal("hi "), .variable(.method)))
        fixed.headers = [
            FixedHeader(name: "content-TYPE", value: template(.literal("text/html"))),
            FixedHeader(name: "X-Route", value: template(.variable(.route))),
        ]
        let answer = try values("GET / HTTP/1.1\r\nHost: a\r\n\r\n") {
            RouteAnswer(.respond(fixed), $0)
        }
        #expect(answer.status == 203)
        #expect(String(decoding: answer.body, as: UTF8.self) == "hi GET")
        #expect(answer.headers.map(\.0) == ["content-TYPE", "X-Route"])
        #expect(answer.headers.map(\.1) == ["text/html", "r"])
        #expect(RouteAction.respond(fixed).templates.count == 3)
        fixed.headers = []
        let plain = try values("GET / HTTP/1.1\r\nHost: a\r\n\r\n") {
            RouteAnswer(.respond(fixed), $0)
        }
        #expect(plain.headers.map(\.1) == ["text/plain; charset=utf-8"])
    }

    @Test("a file's bytes go out as they are, an empty body has no type")
    func files() throws {
        var fixed = FixedAnswer()
        fixed.body = .bytes([0, 255, 10], contentType: "image/png")
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let image = try values(request) { RouteAnswer(.respond(fixed), $0) }
        #expect(image.body == [0, 255, 10])
        #expect(image.headers.map(\.1) == ["image/png"])
        fixed.body = .bytes([], contentType: "image/png")
        let empty = try values(request) { RouteAnswer(.respond(fixed), $0) }
        #expect(empty.body.isEmpty && empty.headers.isEmpty && empty.hasLength)
    }

    @Test(
        "statuses that allow no body have no length",
        arguments: [(204, false), (304, false), (200, true), (404, true)]
    )
    func lengths(status: Int, hasLength: Bool) throws {
        var fixed = FixedAnswer()
        fixed.status = status
        let answer = try values("GET / HTTP/1.1\r\nHost: a\r\n\r\n") {
            RouteAnswer(.respond(fixed), $0)
        }
        #expect(answer.hasLength == hasLength)
    }
}
