import HTTP
import Testing

@testable import Proxy

@Suite("Head of a forwarded request")
struct RequestHeadWriterTests {
    /// The head that goes on, and what the writer says of it.
    private func forward(
        _ test: ForwardCase,
        _ trace: TraceContext = TraceContext()
    ) -> (head: String, marks: [String])? {
        withRequest(lines(test.request)) { head, fields, bytes in
            guard let base = bytes.baseAddress else { return nil }
            var output = [UInt8](repeating: 0, count: 16_384)
            return output.withUnsafeMutableBytes { buffer in
                guard let memory = buffer.baseAddress else { return nil }
                var out = ByteWriter(memory, capacity: buffer.count)
                let context = ForwardContext(
                    forwarding: test.forwarding,
                    isTrusted: test.isTrusted,
                    peer: peer(test.peer),
                    requestID: ForwardCase.id,
                    trace: trace
                )
                var writer = RequestHeadWriter(source: base, head: head, context: context)
                let places = writer.write(fields: fields, to: &out)
                func text(_ range: ByteRange) -> String {
                    String(decoding: buffer[range.start..<range.end], as: UTF8.self)
                }
                let whole = String(decoding: buffer[..<out.count], as: UTF8.self)
                let marks = [places.method, places.target, places.host, places.requestID].map(text)
                return (whole, marks)
            }
        } ?? nil
    }

    @Test("request line, hop-by-hop fields, framing", arguments: plainForwards)
    func plain(test: ForwardCase) throws {
        #expect(try #require(forward(test)).head == lines(test.expected))
    }

    @Test("fields about the client", arguments: clientForwards)
    func client(test: ForwardCase) throws {
        #expect(try #require(forward(test)).head == lines(test.expected))
    }

    @Test("the same in and out again changes nothing more", arguments: plainForwards)
    func repeats(test: ForwardCase) throws {
        var again = test
        again.request = test.expected
        // A 1.1 head must name its host.
        guard !test.expected.contains("Host: ") else { return }
        let first = try #require(forward(again)).head
        #expect(first == lines(test.expected))
    }

    @Test("what the log needs is found in the written head")
    func marks() throws {
        let request = [
            "PUT http://c.d:8/x?y HTTP/1.1", "Host: a.b", "X-Request-Id: theirs",
        ]
        let believed = try #require(
            forward(ForwardCase("", request, trusted: true, sending: "xvif", becomes: []))
        )
        #expect(believed.marks == ["PUT", "/x?y", "c.d:8", "theirs"])
        let own = try #require(forward(ForwardCase("", request, sending: "xvif", becomes: [])))
        #expect(own.marks == ["PUT", "/x?y", "c.d:8", ""])
    }

    /// A place in a trace; `caller`: whether it came from one.
    private func trace(caller: Bool, written: Bool = true) -> TraceContext {
        var trace = TraceContext()
        // One that begins here has its request's id.
        trace.high = caller ? 0x0af7_6519_16cd_43dd : ForwardCase.id.high
        trace.low = caller ? 0x8448_eb21_1c80_319c : ForwardCase.id.low
        trace.tried = 0x00f0_67aa_0ba9_02b7
        trace.caller = caller ? 1 : 0
        trace.isSampled = caller
        trace.isWritten = written
        return trace
    }

    @Test("the trace's fields", arguments: ["", "xvi", "xvif"])
    func traces(switches: String) throws {
        let request = [
            "GET /x HTTP/1.1", "Traceparent: a", "Host: a.b", "traceState:  b", "X: 1",
            "tracestate: c",
        ]
        func forwarded(_ trace: TraceContext) throws -> [String] {
            let test = ForwardCase("", request, sending: switches, becomes: [])
            let lines = try #require(forward(test, trace)).head.split(separator: "\r\n")
            return lines.map(String.init).filter { $0.lowercased().hasPrefix("trace") }
        }
        let span = "00f067aa0ba902b7"
        let own = "traceparent: 00-\(ForwardCase.idText)-\(span)-00"
        let joined = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-\(span)-01"
        #expect(try forwarded(trace(caller: false)) == [own])
        #expect(
            try forwarded(trace(caller: true)) == [
                "traceState: b", "tracestate: c", joined,
            ]
        )
        #expect(
            try forwarded(trace(caller: true, written: false)) == [
                "Traceparent: a", "traceState: b", "tracestate: c",
            ]
        )
    }

    @Test("the host is found behind fields that go")
    func hostBehindTrace() throws {
        let request = ["GET /x HTTP/1.1", "Traceparent: a", "X: 1", "Host: a.b", "tracestate: c"]
        let test = ForwardCase("", request, sending: "xvi", becomes: [])
        let found = try #require(forward(test, trace(caller: false)))
        #expect(found.marks == ["GET", "/x", "a.b", ""])
        #expect(found.head.hasSuffix("-00f067aa0ba902b7-00\r\n\r\n"))
    }

    @Test("a head has room in what is reserved for it, the longest fields of Weir's included")
    func room() throws {
        let name = String(repeating: "a.", count: 120) + "example"
        for request in [
            ["GET http://\(name)/ HTTP/1.0", "X-Request-Id: x"],
            ["GET http://\(name) HTTP/1.1", "Host: b", "X-Forwarded-For: 1"],
            ["GET / HTTP/1.1", "Host: \(name)", "Connection: upgrade", "Upgrade: websocket"],
        ] {
            let address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
            let test = ForwardCase("", request, from: address, sending: "xvif", becomes: [])
            let head = try #require(forward(test, trace(caller: false))).head
            let reserved = withRequest(lines(request)) { head, fields, _ in
                RequestHeadWriter.room(for: head, lines: fields.count)
            }
            #expect(head.utf8.count <= (try #require(reserved)))
        }
    }

    @Test(
        "a thousand lines have room, in whatever white space",
        arguments: [[""], ["", " ", "\t "]]
    )
    func thousandLines(spaces: [String]) throws {
        var random = TestRandom(seed: 1)
        let name = String(repeating: "a.", count: 120) + "example"
        let begun = ["POST / HTTP/1.1", "Host:\(name)", "Transfer-Encoding:chunked"]
        let more = (3...1000).map { _ in "x:\(random.pick(spaces))y" }
        let limits = HeadLimits(headSize: 64 << 10, fields: 1000, targetSize: 8 << 10)
        var isCut = true
        let head = withRequest(lines(begun + more), limits: limits) { head, fields, bytes in
            written(capacity: RequestHeadWriter.room(for: head, lines: fields.count)) { out in
                guard let base = bytes.baseAddress else { return }
                let context = ForwardContext(
                    forwarding: ForwardCase("", [], sending: "xvif", becomes: []).forwarding,
                    isTrusted: false,
                    peer: peer("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                    requestID: ForwardCase.id,
                    trace: trace(caller: true)
                )
                var writer = RequestHeadWriter(source: base, head: head, context: context)
                _ = writer.write(fields: fields, to: &out)
                isCut = out.overflowed
            }
        }
        let text = String(decoding: try #require(head), as: UTF8.self)
        #expect(!isCut && text.hasSuffix("-01\r\n\r\n"))
        #expect(text.contains("\r\nTransfer-Encoding: chunked\r\n"))
        #expect(text.split(separator: "\r\n").count { $0 == "x: y" } == 998)
    }
}
