import HTTP
import Testing

/// A request, or what follows it, and what is wrong with it.
struct MalformedCase: CustomTestStringConvertible, Sendable {
    var what: String
    var flaw: HTTP2Flaw
    var fields: [(String, String)] = []
    var flags = RawFrame.endStream | RawFrame.endHeaders
    /// Frames behind the head.
    var rest: [RawFrame] = []

    var testDescription: String { what }

    init(_ what: String, _ flaw: HTTP2Flaw, _ fields: [(String, String)]) {
        self.what = what
        self.flaw = flaw
        self.fields = fields
    }

    /// A request with a body.
    init(_ what: String, _ flaw: HTTP2Flaw, _ fields: [(String, String)], then rest: RawFrame...) {
        self.init(what, flaw, fields)
        self.rest = rest
        flags = RawFrame.endHeaders
    }
}

/// RFC 9113 §8 for requests.
private let malformedRequests: [MalformedCase] = [
    // §8.2: names and values
    MalformedCase("an upper-case name", .upperCaseName, get("/", [("X-A", "1")])),
    MalformedCase("an empty name", .invalidName, get("/", [("", "1")])),
    MalformedCase("a space in a name", .invalidName, get("/", [("x a", "1")])),
    MalformedCase("a colon in a name", .invalidName, get("/", [("x:a", "1")])),
    MalformedCase("a line feed in a name", .invalidName, get("/", [("x\na", "1")])),
    MalformedCase("a NUL in a name", .invalidName, get("/", [("x\0", "1")])),
    MalformedCase("a name that is not ASCII", .invalidName, get("/", [("x\u{e4}", "1")])),
    MalformedCase("DEL in a name", .invalidName, get("/", [("x\u{7f}", "1")])),
    MalformedCase("a carriage return in a value", .invalidValue, get("/", [("x", "a\rb")])),
    MalformedCase("a line feed in a value", .invalidValue, get("/", [("x", "a\nb")])),
    MalformedCase("a NUL in a value", .invalidValue, get("/", [("x", "a\0b")])),
    MalformedCase("a control byte in a value", .invalidValue, get("/", [("x", "a\u{1}b")])),
    MalformedCase("a space before a value", .invalidValue, get("/", [("x", " a")])),
    MalformedCase("a space behind a value", .invalidValue, get("/", [("x", "a ")])),
    MalformedCase("a tab before a value", .invalidValue, get("/", [("x", "\ta")])),
    MalformedCase("a tab behind a value", .invalidValue, get("/", [("x", "a\t")])),
    MalformedCase("a line feed in :path", .invalidValue, get("/\r\nx: y")),
    // §8.2.2: fields of the connection
    MalformedCase("Connection", .connectionField, get("/", [("connection", "close")])),
    MalformedCase("Keep-Alive", .connectionField, get("/", [("keep-alive", "timeout=5")])),
    MalformedCase("Proxy-Connection", .connectionField, get("/", [("proxy-connection", "x")])),
    MalformedCase(
        "Transfer-Encoding",
        .connectionField,
        get("/", [("transfer-encoding", "chunked")])
    ),
    MalformedCase("Upgrade", .connectionField, get("/", [("upgrade", "h2c")])),
    MalformedCase("TE other than trailers", .invalidTE, get("/", [("te", "gzip")])),
    MalformedCase("TE of two", .invalidTE, get("/", [("te", "trailers, gzip")])),
    // §8.3: pseudo-header fields
    MalformedCase("an unknown one", .unknownPseudoField, get("/", [(":x", "1")])),
    MalformedCase(":status in a request", .unknownPseudoField, get("/", [(":status", "200")])),
    MalformedCase("an empty name behind the colon", .unknownPseudoField, get("/", [(":", "1")])),
    MalformedCase("a second :path", .repeatedPseudoField, get("/", [(":path", "/b")])),
    MalformedCase("a second :method", .repeatedPseudoField, get("/", [(":method", "GET")])),
    MalformedCase("a second :scheme", .repeatedPseudoField, get("/", [(":scheme", "https")])),
    MalformedCase("a second :authority", .repeatedPseudoField, get("/", [(":authority", "b")])),
    MalformedCase(
        "one behind a field",
        .latePseudoField,
        get("/", [("x", "1"), (":path", "/")])
    ),
    MalformedCase("no :method", .missingPseudoField, get("/", [], without: ":method")),
    MalformedCase("no :scheme", .missingPseudoField, get("/", [], without: ":scheme")),
    MalformedCase("no :path", .missingPseudoField, get("/", [], without: ":path")),
    MalformedCase("no field at all", .missingPseudoField, []),
    MalformedCase("only a field", .missingPseudoField, [("x", "1")]),
    MalformedCase("an empty :path", .missingPseudoField, get("")),
    MalformedCase("an empty :method", .missingPseudoField, get("/", [], (":method", ""))),
    MalformedCase("an empty :authority", .missingPseudoField, get("/", [], (":authority", ""))),
    MalformedCase("a :path without a slash", .invalidPath, get("a")),
    MalformedCase("a whole URI in :path", .invalidPath, get("http://a.example/")),
    MalformedCase("a fragment in :path", .invalidPath, get("/#a")),
    MalformedCase("a space in :path", .invalidPath, get("/a b")),
    MalformedCase("an asterisk with GET", .invalidPath, get("*")),
    MalformedCase("a :method that is no token", .invalidMethod, get("/", [], (":method", "G T"))),
    MalformedCase("a :scheme that is none", .invalidScheme, get("/", [], (":scheme", "1http"))),
    MalformedCase("user information", .invalidAuthority, get("/", [], (":authority", "u@a"))),
    MalformedCase(
        "a :authority with a path",
        .invalidAuthority,
        get("/", [], (":authority", "a/b"))
    ),
    MalformedCase("a port too high", .invalidAuthority, get("/", [], (":authority", "a:65536"))),
    MalformedCase(
        "neither :authority nor Host",
        .missingAuthority,
        get("/", [], without: ":authority")
    ),
    MalformedCase("another Host", .differentHosts, get("/", [("host", "b.example")])),
    MalformedCase("another port in Host", .differentHosts, get("/", [("host", "a.example:444")])),
    MalformedCase("the other scheme's port", .differentHosts, get("/", [("host", "a.example:80")])),
    MalformedCase("an empty Host", .invalidAuthority, get("/", [("host", "")])),
    MalformedCase(
        "two of Host",
        .repeatedHost,
        get("/", [("host", "a.example"), ("host", "a.example")])
    ),
    // §8.5: CONNECT
    MalformedCase(
        "CONNECT with :path",
        .unexpectedPseudoField,
        get("/", [], without: ":scheme", (":method", "CONNECT"))
    ),
    MalformedCase(
        "CONNECT with :scheme",
        .unexpectedPseudoField,
        [(":method", "CONNECT"), (":scheme", "https"), (":authority", "a.example:1")]
    ),
    MalformedCase("CONNECT without :authority", .missingPseudoField, [(":method", "CONNECT")]),
    MalformedCase(
        ":protocol without CONNECT",
        .unexpectedPseudoField,
        get("/", [(":protocol", "websocket")])
    ),
    // §8.1.1: Content-Length
    MalformedCase("no number", .invalidContentLength, post([("content-length", "x")])),
    MalformedCase("a sign", .invalidContentLength, post([("content-length", "+1")])),
    MalformedCase("a list", .invalidContentLength, post([("content-length", "1, 1")])),
    MalformedCase("an empty number", .invalidContentLength, post([("content-length", "")])),
    MalformedCase(
        "a number without end",
        .invalidContentLength,
        post([("content-length", "99999999999999999999")])
    ),
    MalformedCase(
        "two of Content-Length",
        .repeatedContentLength,
        post([("content-length", "0"), ("content-length", "0")])
    ),
    MalformedCase("a length without a body", .bodyTooShort, post([("content-length", "1")])),
    MalformedCase(
        "too short a body",
        .bodyTooShort,
        post([("content-length", "4")]),
        then: .data(1, "abc", RawFrame.endStream)
    ),
    MalformedCase(
        "a body that never begins",
        .bodyTooShort,
        post([("content-length", "4")]),
        then: .data(1, "", RawFrame.endStream)
    ),
    MalformedCase(
        "too long a body",
        .bodyTooLong,
        post([("content-length", "2")]),
        then: .data(1, "abc")
    ),
    MalformedCase(
        "too long a body in two frames",
        .bodyTooLong,
        post([("content-length", "2")]),
        then: .data(1, "ab"),
        .data(1, "c", RawFrame.endStream)
    ),
    MalformedCase(
        "trailers too early",
        .bodyTooShort,
        post([("content-length", "4")]),
        then: .data(1, "abc"),
        .headers(1, [("x", "1")])
    ),
    // §8.1: trailers
    MalformedCase(
        "trailers that do not end the stream",
        .openTrailers,
        post(),
        then: .headers(1, [("x", "1")], RawFrame.endHeaders)
    ),
    MalformedCase(
        "a pseudo-header field in trailers",
        .pseudoFieldInTrailers,
        post(),
        then: .headers(1, [(":path", "/")])
    ),
    MalformedCase(
        "Connection in trailers",
        .connectionField,
        post(),
        then: .headers(1, [("connection", "close")])
    ),
    MalformedCase(
        "an upper-case name in trailers",
        .upperCaseName,
        post(),
        then: .headers(1, [("X", "1")])
    ),
]

private let allowedCases: [([(String, String)], String)] = [
    (
        get("/", [("te", "trailers")]),
        "GET / HTTP/1.1\r\nhost: a.example\r\nte: trailers\r\n"
    ),
    (get("/", [("x", "")]), "GET / HTTP/1.1\r\nhost: a.example\r\nx: \r\n"),
    (
        get("/", [("x", "a\tb \u{e4}")]),
        "GET / HTTP/1.1\r\nhost: a.example\r\nx: a\tb \u{e4}\r\n"
    ),
    (get("/a?b=c%20"), "GET /a?b=c%20 HTTP/1.1\r\nhost: a.example\r\n"),
    (get("*", [], (":method", "OPTIONS")), "OPTIONS * HTTP/1.1\r\nhost: a.example\r\n"),
    (get("/", [("host", "b:1")], without: ":authority"), "GET / HTTP/1.1\r\nhost: b:1\r\n"),
    (get("/", [("host", "A.EXAMPLE")]), "GET / HTTP/1.1\r\nhost: a.example\r\n"),
    (get("/", [("host", "a.example:443")]), "GET / HTTP/1.1\r\nhost: a.example\r\n"),
    (get("/", [("host", "a.example:")]), "GET / HTTP/1.1\r\nhost: a.example\r\n"),
    (get("/", [], (":authority", "[::1]:8")), "GET / HTTP/1.1\r\nhost: [::1]:8\r\n"),
    (
        post([("content-length", "0")]),
        "POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 0\r\n"
    ),
    (
        [(":method", "CONNECT"), (":authority", "b.example:1")],
        "CONNECT b.example:1 HTTP/1.1\r\nhost: b.example:1\r\n"
    ),
    // The parser answers 400 to a target of another scheme.
    (
        get("/x", [], (":scheme", "ftp")),
        "GET ftp://a.example/x HTTP/1.1\r\nhost: a.example\r\n"
    ),
]

/// What RFC 9113 §8 wants of messages.
@Suite struct MessageRuleTests {
    @Test("malformed requests reset their stream and go no further", arguments: malformedRequests)
    func malformed(_ test: MalformedCase) throws {
        let peer = try HTTP2Peer.server()
        let bytes = ([.headers(1, test.fields, test.flags)] + test.rest).flatMap(\.bytes)
        let events = peer.receive(bytes)
        #expect(events.last == "malformed 1 \(test.flaw)", "\(events)")
        #expect(peer.sent() == ["reset 1 1"])
        #expect(peer.connection.streamCount == 0)
        // The connection is as good as before, and so is what HPACK remembers.
        let head = "GET /b HTTP/1.1\r\nhost: a.example\r\n\r\n"
        #expect(peer.receive(.headers(3, get("/b"))) == ["head 3 \(head) end"])
    }

    @Test("requests that are allowed are heads", arguments: allowedCases)
    func allowed(_ fields: [(String, String)], _ text: String) throws {
        let peer = try HTTP2Peer.server()
        #expect(peer.receive(.headers(1, fields)) == ["head 1 \(text)\r\n end"])
    }

    @Test("what the codec lets through the parser of HTTP/1 takes or refuses, by the same limits")
    func parsed() throws {
        let peer = try HTTP2Peer.server()
        let fields = post([
            ("cookie", "a=1"), ("content-type", "text/plain"), ("expect", "100-continue"),
        ])
        peer.receive(.headers(1, fields, RawFrame.endHeaders))
        let event = peer.connection.event(0)
        let text = peer.connection.text[Int(event.offset)..<Int(event.offset + event.count)]
        let bytes = Array(text)
        var parser = RequestParser()
        var table = FieldTable(capacity: 40)
        let head = try parser.parse(bytes.span.bytes, into: &table, limits: someLimits)
        #expect(head?.framing == .chunked)
        #expect(head?.expectsContinue == true)
        #expect(head?.headSize == bytes.count)
        #expect(table.contains(.cookie) && table.contains(.contentType))
    }
}
