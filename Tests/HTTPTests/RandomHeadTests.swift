import HTTP
import Testing

/// Random heads, most of them nearly right, against the slow reader.
@Suite struct RandomHeadTests {
    @Test("random heads mean what the slow reader makes of them", arguments: 1...20)
    func heads(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        var accepted = 0
        for round in 0..<1000 {
            let bytes = makeHead(&random)
            let want = readSlowly(bytes)
            let got = read(bytes, cuts: [bytes.count])
            let sent = String(decoding: bytes, as: UTF8.self).debugDescription
            if case .head = want { accepted += 1 }
            // A head that is cut off may be refused already; the reader does not say.
            if want == .incomplete {
                if case .head = got { Issue.record("seed \(seed), round \(round): \(sent)") }
                continue
            }
            #expect(got == want, "seed \(seed), round \(round): \(sent)")
            let cuts = random.cuts(of: bytes.count)
            #expect(read(bytes, cuts: cuts) == got, "seed \(seed), round \(round), \(cuts)")
        }
        // Else the generator is too wild to find anything out.
        #expect(accepted > 200 && accepted < 900, "\(accepted) of 1000 were accepted")
    }
}

/// Parses, and puts what came in the slow reader's words.
private func read(_ bytes: [UInt8], cuts: [Int]) -> OracleResult {
    var parser = RequestParser()
    var fields = FieldTable(capacity: 100)
    for cut in cuts {
        let arrived = Array(bytes[..<cut])
        do throws(HeadError) {
            if let head = try parser.parse(arrived.span.bytes, into: &fields, limits: usualLimits) {
                return .head(translate(head, fields, arrived))
            }
        } catch {
            return .refused
        }
    }
    return .incomplete
}

private func latin(_ range: ByteRange, _ bytes: [UInt8]) -> String {
    var text = ""
    for byte in bytes[range.start..<range.end] { text.unicodeScalars.append(Unicode.Scalar(byte)) }
    return text
}

private func translate(
    _ head: RequestHead,
    _ fields: borrowing FieldTable,
    _ bytes: [UInt8]
) -> OracleHead {
    var result = OracleHead()
    result.method = latin(head.methodName, bytes)
    result.target = latin(head.target, bytes)
    result.path = latin(head.path, bytes)
    result.query = head.hasQuery ? latin(head.query, bytes) : nil
    result.authority = latin(head.authority, bytes)
    result.isOldVersion = head.minorVersion == 0
    result.framing =
        switch head.framing {
        case .none: "none"
        case .length(let length): "length(\(length))"
        case .chunked: "chunked"
        case .untilClose: "untilClose"
        }
    result.keepsAlive = head.keepAlive
    result.upgrade = "\(head.upgrade)"
    result.expectsContinue = head.expectsContinue
    result.size = head.headSize
    for index in 0..<fields.count {
        let field = fields[index]
        result.fields.append(
            (field.isHopByHop ? "-" : "+") + latin(field.name, bytes) + ": "
                + latin(field.value, bytes)
        )
    }
    return result
}

private let methods = [
    "GET", "GET", "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "CONNECT", "get", "X-Y",
    "G(T", "", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG",
]
private let targets = [
    "/", "/", "/a/b", "/a?b", "/a?b?c", "/?", "*", "http://h.x/", "HTTP://h.x:1?q", "https://h",
    "http://", "http://u@h/", "ftp://h/", "a", "/#", "//x", "/%00", "/\u{e4}", "http://[::1]/x",
]
private let versions = [
    "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.0", "HTTP/1.2",
    "HTTP/2.0", "HTTP/1.", "HTTP/1.1 ", "http/1.1", "",
]
private let names = [
    "Connection", "connection", "Content-Length", "content-length", "Transfer-Encoding",
    "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "upgrade", "HTTP2-Settings",
    "Expect", "X-One", "x-one", "X-Two", "Close", "Cookie", "Accept", "User-Agent", "Host", "Via",
    "X Y",
    "", "X(", "Content-Length ", "\tX", "Transfer_Encoding",
]
private let values = [
    "", "a", "a b", " \t", "5", "0", "+5", "005", "9999999999999999999", "chunked", "Chunked",
    "gzip, chunked", "close", "keep-alive", "Upgrade", "close, x-one", "x-two,,X-One , te",
    "host", "websocket", "WebSocket", "h2c", "100-continue", "h", "a,b", "\u{e4}", "a\tb", "a\0b",
    "keep-alive, upgrade", "cookie", "a\u{7f}", "[::1]:80", "timeout=5",
]

private func makeHead(_ random: inout TestRandom) -> [UInt8] {
    var text = String(repeating: "\r\n", count: random.once(in: 8) ? random.below(6) : 0)
    text += random.once(in: 4) ? random.pick(methods) : random.pick(["GET", "POST"])
    text += " " + (random.once(in: 3) ? random.pick(targets) : "/p/q?r")
    text += " " + (random.once(in: 5) ? random.pick(versions) : "HTTP/1.1") + "\r\n"
    if !random.once(in: 12) { text += "Host: " + random.pick(["h", "h.x:80", "[::1]"]) + "\r\n" }
    for _ in 0..<random.below(7) {
        switch random.below(5) {
        case 0: text += random.pick(names) + ":" + random.pick(values) + "\r\n"
        case 1:
            text += random.pick(["Connection", "Upgrade", "Expect", "TE", "X-One"]) + ": "
            text += random.pick(["close", "upgrade", "x-one", "websocket", "100-continue"])
            text += "\r\n"
        case 2:
            text += random.pick(["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""])
        default: text += random.pick(["X-A: 1\r\n", "Cookie:  a=b \r\n", "X-Two:\t\r\n"])
        }
    }
    text += "\r\n"
    var bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    if random.once(in: 4) {
        let place = random.below(bytes.count)
        switch random.below(3) {
        case 0: bytes[place] = UInt8(random.below(256))
        case 1: bytes.insert(random.pick([0, 9, 10, 13, 32, 58, 44, 0x80]), at: place)
        default: bytes.remove(at: place)
        }
    }
    return bytes + Array("\r\n\r\nrest".utf8.prefix(random.below(8)))
}
