import HTTP
import Testing

@testable import Proxy

@Suite("Head of a forwarded request")
struct RequestHeadWriterTests {
    /// The head that goes on, and what the writer says of it.
    private func forward(_ test: ForwardCase) -> (head: String, marks: [String])? {
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
                    requestID: ForwardCase.id
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
            let head = try #require(forward(test)).head
            let reserved = lines(request).utf8.count + 2 * name.utf8.count + 512
            #expect(head.utf8.count <= reserved)
        }
    }
}
