import HTTP
import Testing

@Suite("Answers to Weir's own questions")
struct AnswerReaderTests {
    /// What is read of an answer that comes in pieces of this size: the final status, the body,
    /// and how it ended.
    private func read(_ raw: String, to method: Method = .get, by size: Int) -> String {
        let limits = HeadLimits(headSize: 200, fields: 8, targetSize: 0)
        var fields = FieldTable(capacity: 8)
        var reader = AnswerReader(to: method)
        var unused: [UInt8] = []
        var rest = Array(raw.utf8)[...]
        var text = ""
        while !rest.isEmpty {
            unused += rest.prefix(size)
            rest = rest.dropFirst(size)
            var offset = 0
            reading: while true {
                let event: AnswerReader.Event
                do throws(AnswerFault) {
                    event = try reader.next(
                        unused.span.bytes,
                        from: offset,
                        into: &fields,
                        limits: limits
                    )
                } catch {
                    return text + "\(error)"
                }
                switch event {
                case .needMore(let used):
                    unused.removeFirst(used)
                    break reading
                case .head(let head, let start):
                    text += "\(head.status) "
                    offset = start + head.headSize
                case .data(let range):
                    text += String(decoding: unused[range.start..<range.end], as: UTF8.self)
                    offset = range.end
                case .end(let used):
                    let left = unused.count - used
                    return text + " end" + (left > 0 ? " +\(left)" : "")
                }
            }
        }
        return text + (reader.closed() ? " closed" : " cut")
    }

    @Test(
        "are read to their end, interim ones passed over",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 abc end"),
            ("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n", "204  end"),
            ("HTTP/1.1 200 OK\r\n\r\nabc", "200 abc closed"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "200 abc cut"),
            ("HTTP/1.1 200 OK\r\nContent-L", " cut"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "1\r\na\r\n2\r\nbc\r\n0\r\nx: y\r\n\r\n",
                "200 abc end"
            ),
            ("HTTP/1.1 101 S\r\n\r\n", "interim"),
            ("mail ready\r\n", "head(HTTP.HeadError.invalidStatusLine)"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
                "200 body(HTTP.BodyError.invalidChunkSize)"
            ),
        ]
    )
    func answers(raw: String, expected: String) {
        for size in [1, 2, 5, 1000] { #expect(read(raw, by: size) == expected, "by \(size)") }
    }

    @Test("more than a few interim ones are refused", arguments: 4...5)
    func interims(count: Int) {
        let raw = String(repeating: "HTTP/1.1 103 E\r\n\r\n", count: count)
        let isMany = count > AnswerReader.mostInterims
        #expect(read(raw + "HTTP/1.1 204 N\r\n\r\n", by: 7) == (isMany ? "interim" : "204  end"))
    }

    @Test("to HEAD have no body, and what follows was not asked for")
    func head() {
        let raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        #expect(read(raw, to: .head, by: 1000) == "200  end +3")
    }
}
