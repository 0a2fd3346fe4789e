import HTTP
import Health
import Testing

/// A check by HTTP/2 against a server of Weir's own codec.
@Suite("Checks by HTTP/2")
final class CheckStreamTests {
    private let memory: HTTP2Memory
    private let server: HTTP2Connection
    private var fields = FieldTable(capacity: CheckConversation.mostFields)

    init() throws {
        memory = HTTP2Memory()
        let limits = HeadLimits(headSize: 4096, fields: 40, targetSize: 1024)
        server = try #require(
            HTTP2Connection(
                role: .server,
                options: HTTP2Options(headLimits: limits),
                memory: memory
            )
        )
    }

    /// What the server has to send.
    private func answered() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = buffer.baseAddress.map { server.send(into: $0, room: 65_536) } ?? 0
        }
    }

    /// The head that the server gets and the bytes behind it.
    private func asked(_ check: CheckStream) -> (head: String, body: [UInt8]) {
        let bytes = check.output()
        return bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return ("", []) }
            server.receive(base, buffer.count, now: 0)
            var head = ""
            var body: [UInt8] = []
            for index in 0..<server.eventCount {
                let event = server.event(index)
                let range = Int(event.offset)..<Int(event.offset + event.count)
                if event.kind == .head {
                    head = String(decoding: server.text[range], as: UTF8.self)
                }
                if event.kind == .data { body += buffer[range] }
            }
            server.clearEvents()
            return (head, body)
        }
    }

    /// What the check makes of an answer that arrives in pieces of this size.
    private func step(
        _ check: CheckStream,
        _ head: String,
        _ body: [UInt8],
        trailers: String = "",
        piece: Int = Int.max
    ) -> CheckConversation.Step {
        let isWhole = body.isEmpty && trailers.isEmpty
        Array(head.utf8).withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            #expect(server.respond(1, base, bytes.count, endsStream: isWhole))
        }
        var sent: [UInt8] = []
        body.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress, bytes.count > 0 { server.supply(1, base, bytes.count) }
            Array(trailers.utf8).withUnsafeBytes { lines in
                if !isWhole { _ = server.finish(1, trailers: lines.baseAddress, lines.count) }
            }
            sent = answered()
        }
        var start = 0
        while start < sent.count {
            let end = min(sent.count, start + min(piece, sent.count))
            let part = Array(sent[start..<end])
            start = end
            let step = part.withUnsafeBytes { check.take($0, now: 0, with: &fields) }
            if case .needMore = step { continue }
            return step
        }
        return .needMore(used: 0)
    }

    private func call(_ service: String) throws -> CheckStream {
        try #require(
            CheckStream(service: service, host: "a:1", isSecure: false, memory: memory)
        )
    }

    @Test("the question names the service", arguments: ["", "shop.Orders"])
    func question(service: String) throws {
        let (head, body) = asked(try call(service))
        #expect(head.hasPrefix("POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: a:1\r\n"))
        #expect(head.contains("content-type: application/grpc\r\n"))
        #expect(head.contains("te: trailers\r\n"))
        let name = Array(service.utf8)
        let message = name.isEmpty ? [] : [0x0a, UInt8(name.count)] + name
        #expect(body == [0, 0, 0, 0, UInt8(message.count)] + message)
    }

    @Test("the answer's state and status decide", arguments: [1, 3, Int.max])
    func answers(piece: Int) throws {
        let good = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n\r\n"
        let serving: [UInt8] = [0, 0, 0, 0, 2, 8, 1]
        let cases: [(String, [UInt8], String, CheckConversation.Step)] = [
            (good, serving, "grpc-status: 0\r\n", .passed),
            (good, [0, 0, 0, 0, 2, 8, 2], "grpc-status: 0\r\n", .failed(.notServing)),
            (good, [0, 0, 0, 0, 0], "grpc-status: 0\r\n", .failed(.notServing)),
            (good, serving, "grpc-status: 14\r\n", .failed(.call(.unavailable))),
            (good, serving, "x-no: status\r\n", .failed(.malformed)),
            (good, [], "grpc-status: 0\r\n", .failed(.malformed)),
            ("HTTP/1.1 200 OK\r\ngrpc-status: 5\r\n\r\n", [], "", .failed(.call(.notFound))),
            ("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", [], "", .failed(.status(404))),
        ]
        for (head, body, trailers, wanted) in cases {
            let fresh = try CheckStreamTests()
            let check = try fresh.call("")
            _ = fresh.asked(check)
            let step = fresh.step(check, head, body, trailers: trailers, piece: piece)
            #expect(step == wanted, "\(head) \(body) \(trailers)")
        }
    }

    @Test("a question of HTTP is asked as ever", arguments: [1, 3, Int.max])
    func http(piece: Int) throws {
        var question = HTTPQuestion(path: "/health")
        question.statuses = StatusSet([200])
        question.body = "well"
        let request = CheckConversation.request(question, host: "a:1")
        let cases: [(String, String, CheckConversation.Step)] = [
            ("200", "all is well", .passed), ("200", "all is ill", .failed(.textMissing)),
            ("503", "all is well", .failed(.status(503))),
        ]
        for (status, body, wanted) in cases {
            for length in ["", "content-length: \(body.utf8.count)\r\n"] {
                let fresh = try CheckStreamTests()
                let check = try #require(
                    CheckStream(question, request, isSecure: true, memory: fresh.memory)
                )
                let (head, _) = fresh.asked(check)
                #expect(head.hasPrefix("GET /health HTTP/1.1\r\nhost: a:1\r\n"))
                let answer = "HTTP/1.1 \(status) x\r\n\(length)\r\n"
                let step = fresh.step(check, answer, Array(body.utf8), piece: piece)
                #expect(step == wanted, "\(status) \(body) \(length)")
            }
        }
    }

    @Test("what is no HTTP/2 fails")
    func garbage() throws {
        let check = try call("")
        _ = check.output()
        let step = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8).withUnsafeBytes {
            check.take($0, now: 0, with: &fields)
        }
        _ = check.output()
        #expect(step == .failed(.malformed) || check.isBroken)
    }
}
