import HTTP
import Testing

/// A chunked body and what must become of it.
struct BodyCase: CustomStringConvertible, Sendable {
    var name: String
    var text: String
    var data = ""
    var trailers = ""
    /// Bytes behind the message.
    var left = 0
    var error: BodyError?
    var description: String { name }

    init(_ name: String, _ text: String, _ data: String, trailers: String = "", left: Int = 0) {
        self.name = name
        self.text = text
        self.data = data
        self.trailers = trailers
        self.left = left
    }

    init(_ name: String, _ text: String, _ error: BodyError, data: String = "") {
        self.name = name
        self.text = text
        self.error = error
        self.data = data
    }
}

private let accepted: [BodyCase] = [
    BodyCase("empty", "0\r\n\r\n", ""),
    BodyCase("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"),
    BodyCase("two chunks", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"),
    BodyCase(
        "upper and lower case digits",
        "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        "01234567890123456789"
    ),
    BodyCase("two digits", "10\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef"),
    BodyCase("zeros before", "001\r\na\r\n000\r\n\r\n", "a"),
    BodyCase("as many digits as are taken", "000000000000001\r\na\r\n0\r\n\r\n", "a"),
    BodyCase("data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"),
    BodyCase("extension", "1;a\r\nx\r\n0;b\r\n\r\n", "x"),
    BodyCase("extension with value", "1;a=b;c=d\r\nx\r\n0\r\n\r\n", "x"),
    BodyCase("extension with blanks", "1 ; a = b ;\tc\r\nx\r\n0\r\n\r\n", "x"),
    BodyCase("quoted extension", "1;a=\"; \\\" \\\\ \t=ä\";b=\"\"\r\nx\r\n0\r\n\r\n", "x"),
    BodyCase("trailer", "1\r\nx\r\n0\r\nA: b\r\n\r\n", "x", trailers: "A: b\r\n"),
    BodyCase("trailers", "0\r\nA: b\r\nC:\r\n\r\n", "", trailers: "A: b\r\nC:\r\n"),
    BodyCase("next message behind", "1\r\nx\r\n0\r\n\r\nGET", "x", left: 3),
    BodyCase(
        "next message behind trailers",
        "0\r\nA: b\r\n\r\n\r\n\r\n",
        "",
        trailers: "A: b\r\n",
        left: 4
    ),
]

private let refused: [BodyCase] = [
    BodyCase("no size", "\r\nx", .invalidChunkSize),
    BodyCase("letters", "xyz\r\n", .invalidChunkSize),
    BodyCase("prefix", "0x5\r\nhello\r\n", .invalidChunkSize),
    BodyCase("signed", "+5\r\nhello\r\n", .invalidChunkSize),
    BodyCase("negative", "-1\r\n", .invalidChunkSize),
    BodyCase("blank before", " 5\r\nhello\r\n", .invalidChunkSize),
    BodyCase("blank behind", "5 \r\nhello\r\n", .invalidChunkExtension),
    BodyCase("letter behind", "5g\r\nhello\r\n", .invalidChunkSize),
    BodyCase("underscore", "5_0\r\nhello\r\n", .invalidChunkSize),
    BodyCase("NUL behind", "5\0\r\nhello\r\n", .invalidChunkSize),
    BodyCase("one digit too many", "0000000000000001\r\na\r\n", .chunkSizeTooLong),
    BodyCase("overflow", "FFFFFFFFFFFFFFFF\r\n", .chunkSizeTooLong),
    BodyCase("overflow by one digit", "10000000000000005\r\nhello\r\n", .chunkSizeTooLong),
    BodyCase("LF behind the size", "5\nhello\r\n0\r\n\r\n", .bareLineEnd),
    BodyCase("CR behind the size", "5\rhello\r\n0\r\n\r\n", .bareLineEnd),
    BodyCase("CR CR LF behind the size", "5\r\r\nhello", .bareLineEnd),
    BodyCase("LF in an extension", "5;a\nhello", .bareLineEnd),
    BodyCase("CR in an extension", "5;a\rb\r\nhello", .bareLineEnd),
    BodyCase("extension without name", "5;\r\nhello", .invalidChunkExtension),
    BodyCase("extension without value", "5;a=\r\nhello", .invalidChunkExtension),
    BodyCase("extension of a wrong name", "5;a(b\r\nhello", .invalidChunkExtension),
    BodyCase("two words in an extension", "5;a b\r\nhello", .invalidChunkExtension),
    BodyCase("NUL in an extension", "5;a\0\r\nhello", .invalidChunkExtension),
    BodyCase("LF in quotes", "5;a=\"\n\"\r\nhello", .invalidChunkExtension),
    BodyCase("CR LF in quotes", "5;a=\"\r\n\"\r\nhello", .invalidChunkExtension),
    BodyCase("escaped LF in quotes", "5;a=\"\\\n\"\r\nhello", .invalidChunkExtension),
    BodyCase("text behind quotes", "5;a=\"b\"c\r\nhello", .invalidChunkExtension),
    BodyCase("no CRLF behind the data", "5\r\nhello0\r\n\r\n", .missingChunkEnd, data: "hello"),
    BodyCase("longer data than its size", "2\r\nabc\r\n0\r\n\r\n", .missingChunkEnd, data: "ab"),
    BodyCase("LF behind the data", "1\r\na\n0\r\n\r\n", .missingChunkEnd, data: "a"),
    BodyCase("CR behind the data", "1\r\na\r0\r\n\r\n", .missingChunkEnd, data: "a"),
    BodyCase("LF for the blank line", "0\r\n\n", .bareLineEnd),
    BodyCase("LF behind a trailer", "0\r\nA: b\n\r\n", .bareLineEnd),
    BodyCase("LF for the blank line behind a trailer", "0\r\nA: b\r\n\n", .bareLineEnd),
    BodyCase("trailer without colon", "0\r\nabc\r\n\r\n", .invalidTrailer),
    BodyCase("trailer without name", "0\r\n: b\r\n\r\n", .invalidTrailer),
    BodyCase("folded trailer", "0\r\nA: b\r\n c\r\n\r\n", .invalidTrailer),
    BodyCase("NUL in a trailer", "0\r\nA: \0\r\n\r\n", .invalidTrailer),
    BodyCase("CR in a trailer", "0\r\nA: b\rc\r\n\r\n", .invalidTrailer),
    BodyCase("space before a trailer's colon", "0\r\nA : b\r\n\r\n", .invalidTrailer),
]

@Suite struct BodyDecoderTests {
    @Test("a chunked body gives its data and trailers", arguments: accepted)
    func accepts(_ example: BodyCase) {
        let bytes = Array(example.text.utf8)
        let result = decodeBody(bytes, .chunked, cuts: [bytes.count])
        #expect(result.data == Array(example.data.utf8))
        #expect(result.trailers == Array(example.trailers.utf8))
        #expect(result.ending == .complete(bytes.count - example.left))
    }

    @Test("a malformed chunked body is refused for its reason", arguments: refused)
    func refuses(_ example: BodyCase) {
        let bytes = Array(example.text.utf8)
        let result = decodeBody(bytes, .chunked, cuts: [bytes.count])
        #expect(example.error.map { .error($0) } == result.ending)
        #expect(result.data == Array(example.data.utf8))
    }

    @Test("how the bytes arrive changes nothing", arguments: accepted + refused)
    func cuts(_ example: BodyCase) {
        let bytes = Array(example.text.utf8)
        let whole = decodeBody(bytes, .chunked, cuts: [bytes.count])
        #expect(whole.violation == nil)
        #expect(decodeBody(bytes, .chunked, cuts: Array(0...bytes.count)) == whole)
        for cut in 0...bytes.count {
            #expect(
                decodeBody(bytes, .chunked, cuts: [cut, bytes.count]) == whole,
                "cut at \(cut)"
            )
        }
    }

    @Test("a body that is cut off is truncated", arguments: accepted)
    func truncated(_ example: BodyCase) throws {
        let bytes = Array(example.text.utf8)
        for cut in 0..<(bytes.count - example.left) {
            guard case .incomplete = decodeBody(bytes, .chunked, cuts: [cut]).ending else {
                Issue.record("complete at \(cut)")
                continue
            }
        }
        var decoder = BodyDecoder(.chunked)
        let event = try decoder.next("1\r\n".utf8Bytes.span.bytes, from: 0, limits: usualLimits)
        #expect(event == .needMore(consumed: 3))
        let isComplete = decoder.closed()
        #expect(!isComplete)
    }

    @Test("a chunk's line of the longest is accepted, one byte more is not")
    func chunkLine() {
        for (size, error) in [
            (BodyDecoder.longestChunkLine, nil),
            (BodyDecoder.longestChunkLine + 1, BodyError.chunkLineTooLong),
        ] {
            let line = "1;" + String(repeating: "e", count: size - 4) + "\r\n"
            let bytes = Array((line + "x\r\n0\r\n\r\n").utf8)
            #expect(line.utf8.count == size)
            let whole = decodeBody(bytes, .chunked, cuts: [bytes.count])
            #expect(whole.ending == (error.map { .error($0) } ?? .complete(bytes.count)))
            #expect(decodeBody(bytes, .chunked, cuts: Array(0...bytes.count)) == whole)
        }
    }

    @Test("a trailer section of the limit is accepted, one byte more is not")
    func trailerSize() {
        let limits = HeadLimits(headSize: 100, fields: 10, targetSize: 10)
        for (size, error) in [(100, nil), (101, BodyError.trailersTooLarge)] {
            let section = "A: " + String(repeating: "b", count: size - 7) + "\r\n\r\n"
            let bytes = Array(("0\r\n" + section).utf8)
            #expect(section.utf8.count == size)
            let whole = decodeBody(bytes, .chunked, cuts: [bytes.count], limits: limits)
            #expect(whole.ending == (error.map { .error($0) } ?? .complete(bytes.count)))
            #expect(
                decodeBody(bytes, .chunked, cuts: Array(0...bytes.count), limits: limits)
                    == whole
            )
        }
    }

    @Test("as many trailers as the limit are accepted, one more is not")
    func trailerCount() {
        let limits = HeadLimits(headSize: 1000, fields: 3, targetSize: 10)
        for (count, error) in [(3, nil), (4, BodyError.tooManyTrailers)] {
            let text = "0\r\n" + String(repeating: "A: b\r\n", count: count) + "\r\n"
            let bytes = Array(text.utf8)
            let whole = decodeBody(bytes, .chunked, cuts: [bytes.count], limits: limits)
            #expect(whole.ending == (error.map { .error($0) } ?? .complete(bytes.count)))
            #expect(
                decodeBody(bytes, .chunked, cuts: Array(0...bytes.count), limits: limits)
                    == whole
            )
        }
    }

    @Test("the largest chunk is taken as one that has not ended")
    func largestChunk() {
        let bytes = Array("fffffffffffffff\r\nabc".utf8)
        let result = decodeBody(bytes, .chunked, cuts: [bytes.count])
        #expect(result.data == Array("abc".utf8))
        #expect(result.ending == .incomplete(bytes.count))
    }

    @Test("a body of a length ends after so many bytes", arguments: [0, 1, 5, 10])
    func length(_ length: Int) {
        let bytes = Array("0123456789".utf8)
        for cuts in [[10], Array(0...10), [3, 7, 10]] {
            let result = decodeBody(bytes, .length(UInt64(length)), cuts: cuts)
            #expect(result.data == Array(bytes[..<length]))
            #expect(result.ending == .complete(length))
        }
    }

    @Test("what a length still owes is known, and may go another way")
    func remaining() throws {
        var decoder = BodyDecoder(.length(10))
        let bytes = Array("abc".utf8)
        #expect(decoder.remaining == 10)
        let event = try decoder.next(bytes.span.bytes, from: 1, limits: usualLimits)
        #expect(event == .data(ByteRange(offset: 1, count: 2)))
        #expect(decoder.remaining == 8)
        decoder.consumed(5)
        #expect(decoder.remaining == 3)
        #expect(!decoder.isComplete)
        var truncated = decoder
        let isTruncated = !truncated.closed()
        #expect(isTruncated)
        decoder.consumed(3)
        #expect(decoder.remaining == 0)
        #expect(decoder.isComplete)
        let isComplete = decoder.closed()
        #expect(isComplete)
        decoder.consumed(1)
        #expect(decoder.isComplete)
    }

    @Test("a body until the connection's end ends with it")
    func untilClose() throws {
        let bytes = Array("abc".utf8)
        let result = decodeBody(bytes, .untilClose, cuts: [1, 3])
        #expect(result.data == bytes)
        #expect(result.ending == .incomplete(3))
        var decoder = BodyDecoder(.untilClose)
        #expect(decoder.remaining == nil)
        #expect(!decoder.isComplete)
        let isComplete = decoder.closed()
        #expect(isComplete)
        #expect(decoder.isComplete)
        let event = try decoder.next(bytes.span.bytes, from: 2, limits: usualLimits)
        #expect(event == .end(consumed: 2))
    }

    @Test("no body is complete at once")
    func none() {
        #expect(BodyDecoder(.none).isComplete)
        #expect(BodyDecoder(.length(0)).isComplete)
        #expect(decodeBody([1, 2], .none, cuts: [2]).ending == .complete(0))
    }
}

extension String {
    fileprivate var utf8Bytes: [UInt8] { Array(utf8) }
}
