import EventLoop
import Foundation
import HTTP
import Testing

@testable import Proxy

@Suite("Spans")
struct SpanTests {
    private let sample = SampleLine()

    private func trace(caller: UInt64 = 0) -> TraceContext {
        var trace = TraceContext()
        trace.high = 0x0af7_6519_16cd_43dd
        trace.low = 0x8448_eb21_1c80_319c
        trace.caller = caller
        trace.own = 0xb7ad_6b71_6920_3331
        trace.tried = 0x00f0_67aa_0ba9_02b7
        return trace
    }

    private func request(_ outcome: Outcome = .ok, status: Int = 200) -> SpanRecord {
        var span = SpanRecord(.server, trace(caller: 1), outcome)
        span.start = 1_700_000_000_000_000_001
        span.end = 1_700_000_000_500_000_000
        span.method = .get
        span.methodName = sample.part("GET")
        span.host = sample.part("shop.example.com:8443")
        span.target = sample.part("/a/b?secret=1")
        span.route = sample.part("api")
        span.pool = sample.part("main")
        span.endpoint = sample.part("10.0.0.1:80")
        span.client = peer("192.0.2.77")
        span.status = status
        span.tries = 2
        return span
    }

    private func parsed(_ span: SpanRecord) throws -> [String: Any] {
        let written = text { $0.append(span: span) }
        let value = try JSONSerialization.jsonObject(with: Data(written.utf8))
        return try #require(value as? [String: Any], "\(written)")
    }

    private func attributes(_ span: SpanRecord) throws -> [String: String] {
        var found: [String: String] = [:]
        for entry in try #require(try parsed(span)["attributes"] as? [[String: Any]]) {
            let key = try #require(entry["key"] as? String)
            let value = try #require(entry["value"] as? [String: String])
            #expect(found[key] == nil, "\(key) stands there twice")
            found[key] = value["stringValue"] ?? value["intValue"]
        }
        return found
    }

    @Test("a request's span")
    func server() throws {
        let span = try parsed(request())
        #expect(span["traceId"] as? String == "0af7651916cd43dd8448eb211c80319c")
        #expect(span["spanId"] as? String == "b7ad6b7169203331")
        #expect(span["parentSpanId"] as? String == "0000000000000001")
        #expect(span["flags"] as? Int == 0x301)
        #expect(span["name"] as? String == "GET api")
        #expect(span["kind"] as? Int == 2)
        #expect(span["startTimeUnixNano"] as? String == "1700000000000000001")
        #expect(span["endTimeUnixNano"] as? String == "1700000000500000000")
        #expect(span["status"] == nil)
        #expect(
            try attributes(request()) == [
                "http.request.method": "GET", "url.scheme": "http", "url.path": "/a/b",
                "server.address": "shop.example.com", "server.port": "8443",
                "client.address": "192.0.2.77", "network.protocol.version": "1.1",
                "http.response.status_code": "200", "weir.route": "api", "weir.pool": "main",
                "weir.endpoint": "10.0.0.1:80", "weir.tries": "2", "weir.outcome": "ok",
            ]
        )
    }

    @Test("a try's span is its request's child")
    func client() throws {
        var record = request(.connectFailed, status: 0)
        record.kind = .client
        let span = try parsed(record)
        #expect(span["spanId"] as? String == "00f067aa0ba902b7")
        #expect(span["parentSpanId"] as? String == "b7ad6b7169203331")
        #expect(span["name"] as? String == "GET" && span["kind"] as? Int == 3)
        #expect((span["status"] as? [String: Int]) == ["code": 2])
        #expect(
            try attributes(record) == [
                "http.request.method": "GET", "server.address": "10.0.0.1",
                "server.port": "80", "http.request.resend_count": "1", "weir.pool": "main",
                "weir.endpoint": "10.0.0.1:80", "weir.outcome": "connect-failed",
                "error.type": "connect-failed",
            ]
        )
    }

    @Test("a trace that begins here has no parent, and what is missing is left out")
    func bare() throws {
        var record = SpanRecord(.server, trace(), .noRoute)
        record.methodName = sample.part("M-SEARCH")
        record.status = 404
        record.isHTTP2 = true
        record.isSecure = true
        let span = try parsed(record)
        #expect(span["parentSpanId"] == nil && span["name"] as? String == "HTTP")
        #expect(span["flags"] as? Int == 0x101)
        let found = try attributes(record)
        #expect(found["http.request.method"] == "_OTHER")
        #expect(found["http.request.method_original"] == "M-SEARCH")
        #expect(found["network.protocol.version"] == "2" && found["url.scheme"] == "https")
        #expect(found["weir.outcome"] == "no-route" && found["error.type"] == nil)
        #expect(found["server.address"] == nil && found["client.address"] == nil)
    }

    @Test(
        "which spans failed",
        arguments: [
            (SpanRecord.Kind.server, Outcome.ok, 200, nil), (.server, .ok, 404, nil),
            (.server, .ok, 503, "503"), (.server, .noRoute, 404, nil),
            (.server, .responseTimeout, 504, "response-timeout"),
            (.server, .upstreamReset, 200, "upstream-reset"),
            (.server, .clientAborted, 0, nil), (.server, .sendTimeout, 200, nil),
            (.client, .ok, 200, nil), (.client, .ok, 404, "404"), (.client, .ok, 500, "500"),
            (.client, .upstreamReset, 0, "upstream-reset"), (.client, .clientAborted, 0, nil),
        ] as [(SpanRecord.Kind, Outcome, Int, String?)]
    )
    func errors(kind: SpanRecord.Kind, outcome: Outcome, status: Int, expected: String?) throws {
        var record = request(outcome, status: status)
        record.kind = kind
        #expect(try attributes(record)["error.type"] == expected)
        #expect((try parsed(record)["status"] != nil) == (expected != nil))
    }

    @Test("every byte can stand in every part", arguments: UInt8.min...UInt8.max)
    func escaping(byte: UInt8) throws {
        var record = request()
        let part = sample.part([0x61, byte, 0x7a])
        record.method = .other
        (record.methodName, record.host, record.target) = (part, part, part)
        (record.route, record.pool, record.endpoint) = (part, part, part)
        let found = try attributes(record)
        let expected = "a\(Character(UnicodeScalar(byte)))z"
        for key in ["http.request.method_original", "weir.route", "weir.pool", "weir.endpoint"] {
            #expect(found[key] == expected, "\(key)")
        }
        #expect(found["url.path"] == (byte == 0x3f ? "a" : expected))
    }

    @Test(
        "hosts and ports",
        arguments: [
            ("a.b", "a.b", 0), ("a.b:80", "a.b", 80), ("[::1]", "[::1]", 0),
            ("[::1]:8080", "[::1]", 8080), ("a:", "a:", 0), ("a:123456", "a:123456", 0),
            ("unix:/run/a.sock", "unix:/run/a.sock", 0), (":80", ":80", 0), ("", "", 0),
        ] as [(String, String, UInt64)]
    )
    func hosts(text: String, host: String, port: UInt64) {
        let parts = HostAndPort(sample.part(text))
        #expect(String(decoding: parts.host, as: UTF8.self) == host)
        #expect(parts.port == port)
    }

    // MARK: Buffer and queue

    private func taken(_ queue: SpanQueue, _ most: Int = 512) -> (text: String, spans: Int) {
        let batches = queue.take(most)
        let texts = batches.map { batch in
            defer { queue.recycle(batch) }
            let bytes = UnsafeRawBufferPointer(start: batch.memory, count: batch.count)
            return String(decoding: bytes, as: UTF8.self)
        }
        return (texts.joined(separator: ","), batches.reduce(0) { $0 + $1.spans })
    }

    @Test("spans are handed over together, after a second at most")
    func buffer() throws {
        let queue = try SpanQueue()
        var buffer = SpanBuffer(queue)
        defer { buffer.free() }
        let start = Instant(nanoseconds: 5_000_000_000)
        for _ in 0..<3 { buffer.append(request(), from: start, to: start + 1000) }
        buffer.flushIfOld(start + 999_000_000)
        #expect(buffer.isWaiting && queue.waiting == 0)
        buffer.flushIfOld(start + 1_000_001_000)
        #expect(!buffer.isWaiting && queue.waiting == 3)
        let found = taken(queue)
        #expect(found.spans == 3)
        let list = try JSONSerialization.jsonObject(with: Data("[\(found.text)]".utf8))
        #expect((list as? [[String: Any]])?.count == 3)
    }

    @Test("what cannot wait is dropped and counted, and memory is bounded")
    func bound() throws {
        let queue = try SpanQueue()
        var buffer = SpanBuffer(queue)
        defer { buffer.free() }
        let most = SpanQueue.maxWaiting * SpanQueue.mostSpans
        let now = Instant(nanoseconds: 5_000_000_000)
        for _ in 0..<(most + 2 * SpanQueue.mostSpans) {
            buffer.append(request(), from: now, to: now)
        }
        #expect(queue.totals.unqueued + UInt64(queue.waiting) == UInt64(most) + 128)
        #expect(queue.waiting <= most && queue.totals.unqueued >= 128)
        var rest = queue.waiting
        while rest > 0 {
            let spans = taken(queue).spans
            #expect((1...512).contains(spans))
            rest -= spans
        }
        #expect(queue.waiting == 0 && taken(queue).spans == 0)
    }

    @Test("long values are cut, so that no span is too long")
    func long() throws {
        var record = request()
        record.target = sample.part([UInt8](repeating: 0x01, count: 60_000))
        record.host = record.target
        #expect(try attributes(record)["url.path"]?.unicodeScalars.count == 1024)
        #expect(text { $0.append(span: record) }.utf8.count < BatchMemory.size / 2)
    }
}
