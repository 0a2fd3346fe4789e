import HTTP
import Testing

/// Random heads of answers, most of them nearly right, against the slow reader.
@Suite struct RandomAnswerTests {
    @Test("random answers mean what the slow reader makes of them", arguments: 1...10)
    func answers(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        var accepted = 0
        for round in 0..<1000 {
            let bytes = makeAnswer(&random)
            let want = readAnswerSlowly(bytes)
            if want != nil { accepted += 1 }
            let sent = String(decoding: bytes, as: UTF8.self).debugDescription
            #expect(read(bytes, [bytes.count]) == want, "seed \(seed), round \(round): \(sent)")
            let cuts = random.cuts(of: bytes.count)
            #expect(read(bytes, cuts) == want, "seed \(seed), round \(round), \(cuts): \(sent)")
        }
        // Else the generator is too wild to find anything out.
        #expect(accepted > 200 && accepted < 900, "\(accepted) of 1000 were accepted")
    }
}

/// Parses, and puts what came in the slow reader's words; nil if there is no head.
private func read(_ bytes: [UInt8], _ cuts: [Int]) -> OracleAnswer? {
    var parser = ResponseParser()
    var fields = FieldTable(capacity: 100)
    for cut in cuts {
        let arrived = Array(bytes[..<cut])
        do throws(HeadError) {
            let head = try parser.parse(arrived.span.bytes, into: &fields, limits: usualLimits)
            if let head { return translate(head, fields, arrived) }
        } catch {
            return nil
        }
    }
    return nil
}

private func translate(
    _ head: ResponseHead,
    _ fields: borrowing FieldTable,
    _ bytes: [UInt8]
) -> OracleAnswer {
    func latin(_ range: ByteRange) -> String {
        var text = ""
        for byte in bytes[range.start..<range.end] {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return text
    }
    var answer = OracleAnswer()
    answer.status = Int(head.status)
    answer.reason = latin(head.reason)
    answer.isOldVersion = head.minorVersion == 0
    answer.length = head.contentLength
    answer.isChunked = head.isChunked
    answer.keepsAlive = head.keepAlive
    answer.becomesWebSocket = head.upgradesToWebSocket
    answer.size = head.headSize
    for index in 0..<fields.count where !fields[index].isHopByHop {
        answer.passed.append(latin(fields[index].name).lowercased())
    }
    return answer
}

private let statusLines = [
    "HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.0 200 OK", "HTTP/1.1 204 x",
    "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 304 \u{e4}", "HTTP/1.1 100 Continue",
    "HTTP/1.7 500 a b", "HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/2.0 200 OK", "HTTP/1.1  200",
    "HTTP/1.1 20 OK", "HTTP/1.1 2000", "ICY 200 OK", "", "HTTP/1.1 200 \u{1}",
]
private let lines = [
    "Content-Length: 5", "content-length: 05", "Content-Length: 5, 5", "Content-Length:",
    "Content-Length: 1234567890123456789", "Transfer-Encoding: chunked",
    "transfer-encoding: Chunked", "Transfer-Encoding: gzip", "Connection: close",
    "Connection: Upgrade", "Connection: keep-alive, x-a", "Connection: a b",
    "Connection: content-length", "Upgrade: websocket", "Upgrade: h2c", "Keep-Alive: timeout=5",
    "Host: a b", "TE: x", "Proxy-Connection: x", "Server : x", " folded", ": x", "none",
]

private func makeAnswer(_ random: inout TestRandom) -> [UInt8] {
    var text = random.once(in: 2) ? random.pick(statusLines) : "HTTP/1.1 200 OK"
    text += "\r\n"
    for _ in 0..<random.below(6) {
        let usual = ["Server: x", "X-A:", "Date:\tnow ", "Set-Cookie: a=b", "ETag: \"\u{fc}\""]
        text += random.once(in: 4) ? random.pick(lines) : random.pick(usual)
        text += "\r\n"
    }
    text += "\r\n"
    var bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    if random.once(in: 5) {
        let place = random.below(bytes.count)
        switch random.below(3) {
        case 0: bytes[place] = UInt8(random.below(256))
        case 1: bytes.insert(random.pick([0, 9, 10, 13, 32, 58, 44, 0x80]), at: place)
        default: bytes.remove(at: place)
        }
    }
    return bytes + Array("body".utf8.prefix(random.below(5)))
}
