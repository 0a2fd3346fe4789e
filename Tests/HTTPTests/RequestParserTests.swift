import HTTP
import Testing

@Suite struct RequestParserTests {
    @Test("an accepted head says what was sent", arguments: acceptedRequests)
    func accepts(_ example: RequestCase) {
        let result = parseRequest(example.bytes, cuts: [example.bytes.count])
        guard case .head(let text) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(!example.says.isEmpty)
        for piece in example.says { #expect(text.contains(piece)) }
    }

    @Test("a refused head is refused for its reason", arguments: refusedRequests)
    func refuses(_ example: RequestCase) {
        let bytes = example.bytes
        #expect(parseRequest(bytes, cuts: [bytes.count]).error == example.error)
    }

    @Test("how the bytes arrive changes nothing", arguments: acceptedRequests + refusedRequests)
    func cuts(_ example: RequestCase) {
        let bytes = example.bytes
        let whole = parseRequest(bytes, cuts: [bytes.count])
        #expect(parseRequest(bytes, cuts: Array(1...bytes.count)) == whole)
        for cut in 0...bytes.count {
            #expect(parseRequest(bytes, cuts: [cut, bytes.count]) == whole, "cut at \(cut)")
        }
    }

    @Test("a head that is cut off is waited for", arguments: acceptedRequests)
    func waits(_ example: RequestCase) {
        let whole = parseRequest(example.bytes, cuts: [example.bytes.count])
        for cut in 0..<example.bytes.count {
            let result = parseRequest(example.bytes, cuts: [cut])
            // Some examples have bytes of the next message behind the head.
            #expect(result == .incomplete || result == whole, "cut at \(cut)")
        }
    }

    @Test("the parser starts anew after a head and after an error")
    func startsAnew() throws {
        var parser = RequestParser()
        var fields = FieldTable(capacity: 10)
        let good = Array("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n".utf8)
        let bad = Array("GET / HTTP/1.1\r\nHost: a b\r\n".utf8)
        for _ in 0..<3 {
            let part = try parser.parse(
                good.span.bytes.extracting(0..<20),
                into: &fields,
                limits: usualLimits
            )
            #expect(part == nil)
            let head = try parser.parse(good.span.bytes, into: &fields, limits: usualLimits)
            #expect(head?.headSize == good.count)
            #expect(fields.count == 2)
            #expect(throws: HeadError.invalidHost) {
                try parser.parse(bad.span.bytes, into: &fields, limits: usualLimits)
            }
        }
    }

    @Test("a parser fits into a connection's slot")
    func size() {
        #expect(MemoryLayout<RequestParser>.size <= 16)
        #expect(MemoryLayout<ResponseParser>.size <= 16)
        #expect(MemoryLayout<BodyDecoder>.size <= 24)
        #expect(MemoryLayout<Field>.stride <= 24)
    }
}
