import EventLoop
import HTTP
import Testing

@testable import Proxy

/// An answer's head as it comes and as it must go on.
struct AnswerCase: Sendable, CustomStringConvertible {
    var description: String
    var answer: [String]
    var framing: AnswerHeadWriter.Framing = .asReceived
    var connection: StaticString = ""
    var sticky: StaticString = ""
    var expected: [String]
}

private let ok = "HTTP/1.1 200 OK"

private let answers: [AnswerCase] = [
    AnswerCase(description: "smallest", answer: [ok], expected: [ok]),
    AnswerCase(
        description: "fields as sent but for the white space around values",
        answer: [ok, "content-LENGTH: 3", "X:1", "Set-Cookie: a", "Set-Cookie: b"],
        expected: [ok, "content-LENGTH: 3", "X: 1", "Set-Cookie: a", "Set-Cookie: b"]
    ),
    AnswerCase(
        description: "HTTP/1.0 becomes 1.1",
        answer: ["HTTP/1.0 404 Not Found", "A: b"],
        framing: .close,
        connection: "close",
        expected: ["HTTP/1.1 404 Not Found", "A: b", "Connection: close"]
    ),
    AnswerCase(
        description: "no reason",
        answer: ["HTTP/1.1 299 "],
        expected: ["HTTP/1.1 299 "]
    ),
    AnswerCase(
        description: "hop-by-hop fields and named ones stay behind",
        answer: [
            ok, "Connection: keep-alive, X-Secret", "Keep-Alive: timeout=5", "A: 1", "X-Secret: s",
            "Upgrade: h2", "Proxy-Connection: x", "Content-Length: 0",
        ],
        connection: "keep-alive",
        expected: [ok, "A: 1", "Content-Length: 0", "Connection: keep-alive"]
    ),
    AnswerCase(
        description: "chunks are Weir's own",
        answer: [ok, "Transfer-Encoding: chunked", "A: 1", "Trailer: x"],
        framing: .chunked,
        expected: [ok, "A: 1", "Trailer: x", "Transfer-Encoding: chunked"]
    ),
    AnswerCase(
        description: "chunks for an answer that ended with its connection",
        answer: [ok, "A: 1"],
        framing: .chunked,
        connection: "close",
        expected: [ok, "A: 1", "Transfer-Encoding: chunked", "Connection: close"]
    ),
    AnswerCase(
        description: "a token stands behind the server's own fields",
        answer: [ok, "Set-Cookie: a=b", "Content-Length: 0"],
        sticky: "Set-Cookie: weir=token\r\n",
        expected: [ok, "Set-Cookie: a=b", "Content-Length: 0", "Set-Cookie: weir=token"]
    ),
    AnswerCase(
        description: "a token is told where there are no fields",
        answer: [ok],
        sticky: "x-session: token\r\n",
        expected: [ok, "x-session: token"]
    ),
    AnswerCase(
        description: "an answer that cannot have a body has no length",
        answer: ["HTTP/1.1 204 No Content", "A: 1", "Content-Length: 0", "B: 2"],
        expected: ["HTTP/1.1 204 No Content", "A: 1", "B: 2"]
    ),
    AnswerCase(
        description: "the length of what was not modified stays",
        answer: ["HTTP/1.1 304 Not Modified", "Content-Length: 5"],
        expected: ["HTTP/1.1 304 Not Modified", "Content-Length: 5"]
    ),
    AnswerCase(
        description: "proxy authentication is end to end",
        answer: ["HTTP/1.1 407 x", "Proxy-Authenticate: Basic", "Content-Length: 0"],
        expected: ["HTTP/1.1 407 x", "Proxy-Authenticate: Basic", "Content-Length: 0"]
    ),
]

@Suite("Head of a passed-on answer")
struct AnswerHeadWriterTests {
    /// Behind the status line, so that no case is about it.
    private static let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT"

    @Test("status line, fields, framing, connection", arguments: answers)
    func final(test: AnswerCase) {
        var (answer, expected) = (test.answer, test.expected)
        answer.insert(Self.date, at: 1)
        expected.insert(Self.date, at: 1)
        var dates = DateText()
        #expect(written(test, answer, dates: &dates) == lines(expected))
    }

    @Test("an answer without Date gets it, behind the server's fields", arguments: answers)
    func dated(test: AnswerCase) {
        var dates = DateText()
        let ours = ["Transfer-Encoding: chunked", "Connection: \(test.connection)"]
        let own = test.expected.count { line in
            ours.contains(line) || "\(line)\r\n" == "\(test.sticky)"
        }
        var date = ByteWriter(.allocate(byteCount: 64, alignment: 1), capacity: 64)
        defer { date.start.deallocate() }
        let found = written(test, test.answer, dates: &dates)
        dates.appendHTTPDate(Instant(nanoseconds: 5_000_000_000), to: &date)
        let bytes = UnsafeRawBufferPointer(start: date.start, count: date.count)
        var expected = test.expected
        let line = "Date: " + String(decoding: bytes, as: UTF8.self)
        expected.insert(line, at: expected.count - own)
        #expect(found == lines(expected))
    }

    @Test("a Date that Connection names is replaced")
    func named() throws {
        var dates = DateText()
        let test = AnswerCase(description: "", answer: [], expected: [])
        let answer = [ok, "Connection: date", Self.date, "A: 1"]
        let found = try #require(written(test, answer, dates: &dates))
        #expect(found.hasPrefix(ok + "\r\nA: 1\r\nDate: ") && !found.contains("1994"))
    }

    private func written(
        _ test: AnswerCase,
        _ answer: [String],
        dates: inout DateText
    ) -> String? {
        withAnswer(lines(answer)) { head, fields, source in
            var out = ByteWriter(.allocate(byteCount: 4096, alignment: 1), capacity: 4096)
            defer { out.start.deallocate() }
            AnswerHeadWriter(source: source, head: head).write(
                fields: fields,
                framing: test.framing,
                connection: test.connection,
                stickyLine: UnsafeRawBufferPointer(
                    start: test.sticky.utf8Start,
                    count: test.sticky.utf8CodeUnitCount
                ),
                received: Instant(nanoseconds: 5_000_000_000),
                dates: &dates,
                to: &out
            )
            return String(
                decoding: UnsafeRawBufferPointer(start: out.start, count: out.count),
                as: UTF8.self
            )
        }
    }

    @Test(
        "interim heads, and the 101 that opens a tunnel",
        arguments: [
            (
                [
                    "HTTP/1.1 103 Early Hints", "Content-Length: 5", "Link: </a>",
                    "Connection: close",
                ], false,
                ["HTTP/1.1 103 Early Hints", "Link: </a>"]
            ),
            (["HTTP/1.1 100 Continue"], false, ["HTTP/1.1 100 Continue"]),
            (
                [
                    "HTTP/1.1 101 Switching Protocols", "Upgrade: WebSocket", "Connection: Upgrade",
                    "Sec-WebSocket-Accept: k", "Content-Length: 0",
                ], true,
                [
                    "HTTP/1.1 101 Switching Protocols", "Sec-WebSocket-Accept: k",
                    "Connection: Upgrade", "Upgrade: websocket",
                ]
            ),
        ]
    )
    func interim(answer: [String], isUpgrade: Bool, expected: [String]) {
        let head = withAnswer(lines(answer)) { head, fields, source in
            var out = ByteWriter(.allocate(byteCount: 4096, alignment: 1), capacity: 4096)
            defer { out.start.deallocate() }
            AnswerHeadWriter(source: source, head: head).writeInterim(
                fields: fields,
                isUpgrade: isUpgrade,
                stickyLine: UnsafeRawBufferPointer(start: nil, count: 0),
                to: &out
            )
            return String(
                decoding: UnsafeRawBufferPointer(start: out.start, count: out.count),
                as: UTF8.self
            )
        }
        #expect(head == lines(expected))
    }
}
