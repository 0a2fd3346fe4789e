import HTTP
import Testing

/// An answer's head and what must become of it.
struct ResponseCase: CustomStringConvertible, Sendable {
    var name: String
    var bytes: [UInt8]
    var error: HeadError?
    var says: [String] = []
    var description: String { name }

    init(_ name: String, _ text: String, says: String...) {
        self.name = name
        bytes = Array(text.utf8)
        self.says = says
    }

    init(_ name: String, _ text: String, _ error: HeadError) {
        self.name = name
        bytes = Array(text.utf8)
        self.error = error
    }
}

private func answer(_ fields: String, status: String = "200 OK") -> String {
    "HTTP/1.1 \(status)\r\n\(fields)\r\n"
}

private let accepted: [ResponseCase] = [
    ResponseCase(
        "smallest",
        answer(""),
        says: "200 OK 1.1 19 length=nil chunked=false",
        "keep=true timeout=nil websocket=false"
    ),
    ResponseCase("no reason", answer("", status: "404 "), says: "404  1.1"),
    ResponseCase("no reason and no space", answer("", status: "404"), says: "404  1.1"),
    ResponseCase(
        "reason of words and UTF-8",
        answer("", status: "299 Ganz\tschön gut"),
        says: "299 Ganz\tschön gut 1.1"
    ),
    ResponseCase("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", says: "1.0", "keep=false"),
    ResponseCase(
        "HTTP/1.0 with keep-alive",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
        says: "1.0",
        "keep=true"
    ),
    ResponseCase("first status", answer("", status: "100 Continue"), says: "100 Continue"),
    ResponseCase("last status", answer("", status: "599 x"), says: "599 x"),
    ResponseCase("length", answer("Content-Length: 7\r\n"), says: "length=Optional(7)"),
    ResponseCase(
        "length in a 204",
        answer("Content-Length: 0\r\n", status: "204 x"),
        says: "length=Optional(0)"
    ),
    ResponseCase("chunked", answer("Transfer-Encoding: Chunked\r\n"), says: "chunked=true"),
    ResponseCase(
        "chunked in a 304",
        answer("Transfer-Encoding: chunked\r\n", status: "304 x"),
        says: "chunked=true"
    ),
    ResponseCase("close", answer("Connection: close\r\n"), says: "keep=false"),
    ResponseCase(
        "time-out",
        answer("Keep-Alive: timeout=5, max=100\r\n"),
        says: "timeout=Optional(5)",
        "-keepAlive"
    ),
    ResponseCase(
        "time-out behind others",
        answer("Keep-Alive: max=1 ,\tTIMEOUT=60\r\n"),
        says: "timeout=Optional(60)"
    ),
    ResponseCase(
        "time-out of 0",
        answer("Keep-Alive: timeout=0\r\n"),
        says: "timeout=Optional(0)"
    ),
    ResponseCase(
        "time-out at the most",
        answer("Keep-Alive: timeout=4294967295\r\n"),
        says: "timeout=Optional(4294967295)"
    ),
    ResponseCase(
        "time-out beyond the most",
        answer("Keep-Alive: timeout=4294967296\r\n"),
        says: "timeout=Optional(4294967295)"
    ),
    ResponseCase(
        "time-out that would overflow",
        answer("Keep-Alive: timeout=99999999999999999999999999\r\n"),
        says: "timeout=Optional(4294967295)"
    ),
    ResponseCase(
        "time-out that is none",
        answer("Keep-Alive: timeout=abc\r\n"),
        says: "timeout=nil"
    ),
    ResponseCase("empty time-out", answer("Keep-Alive: timeout=\r\n"), says: "timeout=nil"),
    ResponseCase(
        "negative time-out",
        answer("Keep-Alive: timeout=-1\r\n"),
        says: "timeout=nil"
    ),
    ResponseCase(
        "time-out of another name",
        answer("Keep-Alive: xtimeout=1, timeout\r\n"),
        says: "timeout=nil"
    ),
    ResponseCase(
        "websocket",
        answer("Upgrade: WebSocket\r\nConnection: Upgrade\r\n", status: "101 x"),
        says: "websocket=true"
    ),
    ResponseCase(
        "another protocol",
        answer("Upgrade: h2c\r\nConnection: Upgrade\r\n", status: "101 x"),
        says: "websocket=false"
    ),
    ResponseCase(
        "101 without Connection",
        answer("Upgrade: websocket\r\n", status: "101 x"),
        says: "websocket=false"
    ),
    ResponseCase(
        "Upgrade in a 200",
        answer("Upgrade: websocket\r\nConnection: upgrade\r\n"),
        says: "websocket=false"
    ),
    ResponseCase(
        "hop-by-hop",
        answer("X: y\r\nConnection: x\r\nTrailer: z\r\n"),
        says: "-other X",
        "+trailer"
    ),
    ResponseCase(
        "a Host means nothing",
        answer("Host: a b\r\nHost: c\r\n"),
        says: "+host Host=a b"
    ),
]

private let refused: [ResponseCase] = [
    ResponseCase("garbage", "garbage\r\n\r\n", .invalidStatusLine),
    ResponseCase("HTML", "<html>\r\n\r\n", .invalidStatusLine),
    ResponseCase("empty line", "\r\n" + answer(""), .invalidStatusLine),
    ResponseCase("blank before", " " + answer(""), .invalidStatusLine),
    ResponseCase("lower case", "http/1.1 200 OK\r\n\r\n", .invalidStatusLine),
    ResponseCase("no status", "HTTP/1.1\r\n\r\n", .invalidStatusLine),
    ResponseCase("two spaces", "HTTP/1.1  200 OK\r\n\r\n", .invalidStatusLine),
    ResponseCase("two digits", answer("", status: "20 OK"), .invalidStatusLine),
    ResponseCase("four digits", answer("", status: "2000 OK"), .invalidStatusLine),
    ResponseCase("signed", answer("", status: "+20 OK"), .invalidStatusLine),
    ResponseCase("below the first status", answer("", status: "099 x"), .invalidStatusLine),
    ResponseCase("above the last status", answer("", status: "600 x"), .invalidStatusLine),
    ResponseCase("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
    ResponseCase("HTTP/0.9", "HTTP/0.9 200 OK\r\n\r\n", .unsupportedVersion),
    ResponseCase("NUL in the reason", answer("", status: "200 a\0b"), .controlByte),
    ResponseCase("LF", "HTTP/1.1 200 OK\n\r\n", .bareLineFeed),
    ResponseCase("LF behind the status", "HTTP/1.1 200\n\r\n", .bareLineFeed),
    ResponseCase("CR in the reason", answer("", status: "200 a\rb"), .bareCarriageReturn),
    ResponseCase(
        "both framings",
        answer("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
        .bothFramings
    ),
    ResponseCase(
        "two lengths",
        answer("Content-Length: 1\r\nContent-Length: 2\r\n"),
        .repeatedContentLength
    ),
    ResponseCase(
        "two equal lengths",
        answer("Content-Length: 1\r\nContent-Length: 1\r\n"),
        .repeatedContentLength
    ),
    ResponseCase("list of lengths", answer("Content-Length: 1, 1\r\n"), .invalidContentLength),
    ResponseCase(
        "length too long",
        answer("Content-Length: 1234567890123456789\r\n"),
        .contentLengthTooLong
    ),
    ResponseCase("gzip", answer("Transfer-Encoding: gzip\r\n"), .invalidTransferEncoding),
    ResponseCase(
        "gzip, chunked",
        answer("Transfer-Encoding: gzip, chunked\r\n"),
        .invalidTransferEncoding
    ),
    ResponseCase(
        "chunked in HTTP/1.0",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncodingInOldVersion
    ),
    ResponseCase(
        "chunked in a 204",
        answer("Transfer-Encoding: chunked\r\n", status: "204 x"),
        .transferEncodingWithoutBody
    ),
    ResponseCase(
        "chunked in a 103",
        answer("Transfer-Encoding: chunked\r\n", status: "103 x"),
        .transferEncodingWithoutBody
    ),
    ResponseCase("folded line", answer("X: a\r\n b\r\n"), .foldedLine),
    ResponseCase("space before the colon", answer("X : a\r\n"), .spaceBeforeColon),
    ResponseCase("no colon", answer("Xyz\r\n"), .invalidFieldLine),
    ResponseCase(
        "Connection names Content-Length",
        answer("Connection: content-length\r\nContent-Length: 1\r\n"),
        .connectionNamesFraming
    ),
]

@Suite struct ResponseParserTests {
    @Test("an accepted head says what was sent", arguments: accepted)
    func accepts(_ example: ResponseCase) {
        let result = parseResponse(example.bytes, cuts: [example.bytes.count])
        guard case .head(let text) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(!example.says.isEmpty)
        for piece in example.says { #expect(text.contains(piece)) }
    }

    @Test("a refused head is refused for its reason", arguments: refused)
    func refuses(_ example: ResponseCase) {
        let bytes = example.bytes
        #expect(parseResponse(bytes, cuts: [bytes.count]).error == example.error)
    }

    @Test("how the bytes arrive changes nothing", arguments: accepted + refused)
    func cuts(_ example: ResponseCase) {
        let bytes = example.bytes
        let whole = parseResponse(bytes, cuts: [bytes.count])
        #expect(parseResponse(bytes, cuts: Array(1...bytes.count)) == whole)
        for cut in 0...bytes.count {
            #expect(parseResponse(bytes, cuts: [cut, bytes.count]) == whole, "cut at \(cut)")
        }
    }

    @Test("a head that is cut off is waited for", arguments: accepted)
    func waits(_ example: ResponseCase) {
        for cut in 0..<example.bytes.count {
            #expect(parseResponse(example.bytes, cuts: [cut]) == .incomplete, "cut at \(cut)")
        }
    }

    @Test(
        "an answer's body is framed by RFC 9112 §6.3",
        arguments: [
            (200, "", Method.get, BodyFraming.untilClose),
            (200, "Content-Length: 5\r\n", .get, .length(5)),
            (200, "Transfer-Encoding: chunked\r\n", .post, .chunked),
            (200, "Content-Length: 5\r\n", .head, .none),
            (200, "Transfer-Encoding: chunked\r\n", .head, .none),
            (200, "", .head, .none),
            (204, "", .get, .none), (204, "Content-Length: 5\r\n", .get, .none),
            (304, "Content-Length: 5\r\n", .get, .none), (304, "", .get, .none),
            (100, "", .get, .none), (101, "", .get, .none), (199, "", .get, .none),
            (205, "", .get, .untilClose), (404, "", .options, .untilClose),
        ] as [(Int, String, Method, BodyFraming)]
    )
    func framing(status: Int, fields: String, method: Method, framing: BodyFraming) throws {
        let bytes = Array(answer(fields, status: "\(status) x").utf8)
        var parser = ResponseParser()
        var table = FieldTable(capacity: 10)
        let head = try parser.parse(bytes.span.bytes, into: &table, limits: usualLimits)
        #expect(head?.framing(for: method) == framing)
    }
}
