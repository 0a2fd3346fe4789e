import HTTP
import Testing

/// Each limit at its value and one past it, however the bytes arrive.
@Suite struct LimitTests {
    private let limits = HeadLimits(headSize: 256, fields: 5, targetSize: 64)

    private func outcome(_ text: String) -> HeadResult {
        let bytes = Array(text.utf8)
        let whole = parseRequest(bytes, cuts: [bytes.count], limits: limits)
        #expect(parseRequest(bytes, cuts: Array(1...bytes.count), limits: limits) == whole)
        for cut in 0...bytes.count {
            let cuts = [cut, bytes.count]
            #expect(parseRequest(bytes, cuts: cuts, limits: limits) == whole, "cut at \(cut)")
        }
        return whole
    }

    private func text(method: Int = 3, target: Int = 1, fields: Int = 0, size: Int? = nil)
        -> String
    {
        var text = String(repeating: "M", count: method) + " /"
        text += String(repeating: "a", count: target - 1) + " HTTP/1.1\r\nHost: a\r\n"
        for _ in 0..<fields { text += "X: y\r\n" }
        if let size {
            text += "P: " + String(repeating: "p", count: size - text.utf8.count - 7) + "\r\n"
        }
        return text + "\r\n"
    }

    @Test("a method of the longest name is accepted, one byte more is not")
    func method() {
        #expect(outcome(text(method: Method.longestName)).error == nil)
        #expect(outcome(text(method: Method.longestName + 1)).error == .methodTooLong)
    }

    @Test("a target of the limit is accepted, one byte more is not")
    func target() {
        #expect(outcome(text(target: 64)).error == nil)
        #expect(outcome(text(target: 65)).error == .targetTooLong)
    }

    @Test("a target too long is refused before its line ends")
    func endlessTarget() {
        let start = Array("GET /".utf8)
        let long = start + [UInt8](repeating: 0x61, count: 64)
        #expect(
            parseRequest(long, cuts: Array(1...long.count), limits: limits).error
                == .targetTooLong
        )
        #expect(parseRequest(long, cuts: [long.count - 1], limits: limits) == .incomplete)
    }

    @Test("a method too long is refused before its line ends")
    func endlessMethod() {
        let long = [UInt8](repeating: 0x61, count: Method.longestName + 1)
        #expect(parseRequest(long, cuts: [long.count]).error == .methodTooLong)
        #expect(parseRequest(long, cuts: [long.count - 1]) == .incomplete)
    }

    @Test("a control byte before the limit of the target is found without a line end")
    func badTargetAtLimit() {
        let bytes = Array("GET /\u{1}".utf8) + [UInt8](repeating: 0x61, count: 70)
        let whole = parseRequest(bytes, cuts: [bytes.count], limits: limits)
        #expect(whole.error == .invalidTarget)
        #expect(parseRequest(bytes, cuts: Array(1...bytes.count), limits: limits) == whole)
    }

    @Test("as many fields as the limit are accepted, one more is not")
    func fields() {
        #expect(outcome(text(fields: 4)).error == nil)
        #expect(outcome(text(fields: 5)).error == .tooManyFields)
    }

    @Test("the table's own capacity bounds the fields too")
    func capacity() {
        var parser = RequestParser()
        var fields = FieldTable(capacity: 2)
        let bytes = Array(text(fields: 2).utf8)
        #expect(throws: HeadError.tooManyFields) {
            try parser.parse(bytes.span.bytes, into: &fields, limits: limits)
        }
    }

    @Test("a head of the limit is accepted, one byte more is not")
    func headSize() {
        #expect(text(size: 256).utf8.count == 256)
        #expect(outcome(text(size: 256)).error == nil)
        #expect(outcome(text(size: 257)).error == .headTooLarge)
        #expect(outcome(text(size: 1000)).error == .headTooLarge)
    }

    @Test("an error beyond the limit is not looked for")
    func errorBeyond() {
        let bad = "Y: \u{1}\r\n\r\n"
        let head = text(size: 254 - bad.utf8.count).dropLast(2)
        #expect(outcome(head + bad).error == .controlByte)
        #expect(outcome(text(size: 300).dropLast(2) + bad).error == .headTooLarge)
    }

    @Test("empty lines count for the head's size")
    func emptyLines() {
        #expect(outcome("\r\n" + text(size: 254)).error == nil)
        #expect(outcome("\r\n" + text(size: 255)).error == .headTooLarge)
    }

    @Test("an endless line ends at the limit")
    func endlessLine() {
        let start = Array("GET / HTTP/1.1\r\nX: ".utf8)
        let long = start + [UInt8](repeating: 0x61, count: 256 - start.count)
        #expect(parseRequest(long, cuts: Array(1...256), limits: limits).error == .headTooLarge)
        #expect(parseRequest(long, cuts: [255], limits: limits) == .incomplete)
    }

    @Test("as many connection options as the limit are accepted, one more is not")
    func options() {
        let list = Array(repeating: "x", count: 32).joined(separator: ",")
        let start = "GET / HTTP/1.1\r\nHost: a\r\nConnection: "
        #expect(outcome(start + list + "\r\n\r\n").error == nil)
        #expect(outcome(start + list + ",x\r\n\r\n").error == .tooManyConnectionOptions)
        let again = "\r\nConnection: x\r\n\r\n"
        #expect(outcome(start + list + again).error == .tooManyConnectionOptions)
    }

    @Test("an answer's head of the limit is accepted, one byte more is not")
    func responseSize() {
        let start = "HTTP/1.1 200 OK\r\nX: "
        for (size, error) in [(256, nil), (257, HeadError.headTooLarge)] {
            let fill = String(repeating: "x", count: size - start.utf8.count - 4)
            let bytes = Array((start + fill + "\r\n\r\n").utf8)
            let whole = parseResponse(bytes, cuts: [bytes.count], limits: limits)
            #expect(bytes.count == size)
            #expect(whole.error == error)
            #expect(parseResponse(bytes, cuts: Array(1...size), limits: limits) == whole)
        }
    }
}
