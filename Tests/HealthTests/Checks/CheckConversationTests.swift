import Balancing
import HTTP
import Health
import Testing

@Suite("HTTP checks")
struct CheckConversationTests {
    /// An answer and what it amounts to; `atEnd` if the connection has to end first.
    struct Row: Sendable, CustomTestStringConvertible {
        var raw: String
        var expected: CheckConversation.Step
        var atEnd = false
        var question = HTTPQuestion(path: "/")

        var testDescription: String { String(raw.prefix(120)) }
    }

    private static func asking(text: String, method: String = "GET") -> HTTPQuestion {
        var question = HTTPQuestion(path: "/")
        question.body = text
        question.method = method
        return question
    }

    private static func only(_ status: Int) -> HTTPQuestion {
        var question = HTTPQuestion(path: "/")
        question.statuses = StatusSet([status])
        return question
    }

    private static let ok = "HTTP/1.1 200 OK\r\n"
    private static let filler = String(repeating: "x", count: 65_533)

    static let rows: [Row] = [
        // Nothing behind the head is waited for.
        Row(raw: ok + "Content-Length: 5\r\n\r\n", expected: .passed),
        Row(raw: ok + "\r\n", expected: .passed),
        Row(raw: "HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n", expected: .passed),
        Row(raw: "HTTP/1.1 103 Early\r\n\r\n" + ok + "\r\n", expected: .passed),
        Row(raw: "HTTP/1.1 503 Busy\r\n\r\n", expected: .failed(.status(503))),
        Row(raw: ok + "\r\n", expected: .failed(.status(200)), question: only(204)),
        Row(raw: "HTTP/1.1 204 None\r\n\r\n", expected: .passed, question: only(204)),
        Row(raw: "220 mail ready\r\n", expected: .failed(.malformed)),
        Row(raw: "HTTP/1.1 101 Switching\r\n\r\n", expected: .failed(.malformed)),
        Row(raw: ok + "x: " + filler, expected: .failed(.malformed)),
        Row(raw: "", expected: .failed(.closed), atEnd: true),
        Row(raw: ok + "Content-Le", expected: .failed(.closed), atEnd: true),
        Row(
            raw: ok + "Content-Length: 9\r\n\r\nwell: yes",
            expected: .passed,
            question: asking(text: "well: yes")
        ),
        Row(
            raw: ok + "Content-Length: 9\r\n\r\nwell: no!",
            expected: .failed(.textMissing),
            question: asking(text: "well: yes")
        ),
        Row(
            raw: ok + "Content-Length: 9\r\n\r\nwell:",
            expected: .failed(.closed),
            atEnd: true,
            question: asking(text: "well: yes")
        ),
        Row(
            raw: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\naab\r\n2\r\naa\r\n4\r\nbaab\r\n",
            expected: .passed,
            question: asking(text: "aabaabaab")
        ),
        Row(
            raw: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\naab\r\n0\r\nx: aab\r\n\r\n",
            expected: .failed(.textMissing),
            question: asking(text: "aaba")
        ),
        Row(
            raw: ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            expected: .failed(.malformed),
            question: asking(text: "a")
        ),
        Row(raw: ok + "\r\nabc", expected: .passed, question: asking(text: "abc")),
        Row(
            raw: ok + "\r\nab",
            expected: .failed(.textMissing),
            atEnd: true,
            question: asking(text: "abc")
        ),
        // The last byte that is looked at, and one more.
        Row(raw: ok + "\r\n" + filler + "abc", expected: .passed, question: asking(text: "abc")),
        Row(
            raw: ok + "\r\n" + filler + "xabc",
            expected: .failed(.textMissing),
            question: asking(text: "abc")
        ),
        Row(
            raw: ok + "Content-Length: 3\r\n\r\n",
            expected: .failed(.textMissing),
            question: asking(text: "abc", method: "HEAD")
        ),
        Row(raw: ok + "Content-Length: 3\r\n\r\n", expected: .passed, question: asking(text: "")),
    ]

    /// Shows the bytes in pieces of this size, as a connection would.
    private func read(_ row: Row, by size: Int) -> CheckConversation.Step {
        var fields = FieldTable(capacity: 100)
        var conversation = CheckConversation(row.question)
        var unused: [UInt8] = []
        var rest = Array(row.raw.utf8)[...]
        while !rest.isEmpty {
            unused += rest.prefix(size)
            rest = rest.dropFirst(size)
            let step = conversation.take(unused.span.bytes, with: &fields)
            guard case .needMore(let used) = step else { return step }
            unused.removeFirst(used)
        }
        return row.atEnd ? conversation.ended() : .needMore(used: 0)
    }

    @Test("an answer is judged, whole or in pieces", arguments: rows)
    func verdict(row: Row) {
        #expect(read(row, by: .max) == row.expected)
        for size in [1, 2, 7, 1000] {
            #expect(read(row, by: size) == row.expected, "pieces of \(size)")
        }
    }

    @Test("a text is found wherever it stands and however it is cut", arguments: 1...100)
    func search(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        func letters(_ count: Int) -> String {
            String((0..<count).map { _ in random.next(below: 2) == 0 ? "a" : "b" })
        }
        let text = letters(1 + random.next(below: 6))
        let body = letters(random.next(below: 60))
        let row = Row(
            raw: "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
            expected: body.contains(text) ? .passed : .failed(.textMissing),
            question: Self.asking(text: text)
        )
        for size in [1, 3, 1000] { #expect(read(row, by: size) == row.expected, "\(text) \(body)") }
    }

    @Test("altered bytes never trap")
    func noise() {
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var bytes = Array(
                (Self.ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").utf8
            )
            for _ in 0..<4 {
                bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256))
            }
            var fields = FieldTable(capacity: 8)
            var conversation = CheckConversation(Self.asking(text: "abd"))
            if case .needMore(let used) = conversation.take(bytes.span.bytes, with: &fields) {
                #expect(used <= bytes.count, "seed \(seed)")
            }
            _ = conversation.ended()
        }
    }

    @Test("the request is as the question has it")
    func request() {
        var question = HTTPQuestion(path: "/healthz?full=1")
        #expect(
            String(decoding: CheckConversation.request(question, host: "a:80"), as: UTF8.self)
                == "GET /healthz?full=1 HTTP/1.1\r\nHost: a:80\r\nUser-Agent: weir-check\r\n"
                + "Accept: */*\r\nConnection: close\r\n\r\n"
        )
        question.method = "POST"
        question.host = "example.com"
        question.headers = [
            .init(name: "x-a", value: "1"), .init(name: "user-agent", value: "me"),
        ]
        #expect(
            String(decoding: CheckConversation.request(question, host: "a:80"), as: UTF8.self)
                == "POST /healthz?full=1 HTTP/1.1\r\nHost: example.com\r\nx-a: 1\r\n"
                + "user-agent: me\r\nAccept: */*\r\nContent-Length: 0\r\n"
                + "Connection: close\r\n\r\n"
        )
    }

    @Test(
        "failures in words",
        arguments: [
            (CheckFailure.status(503), "status 503"), (.timeout, "no answer in time"),
            (.noConnection("connection refused"), "connection refused"),
            (.closed, "the connection ended before the answer"),
        ]
    )
    func words(failure: CheckFailure, words: String) {
        #expect(failure.words == words)
    }
}
