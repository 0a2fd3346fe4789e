import Foundation
import Testing

@testable import Proxy

@Suite("Lines of the access log")
struct LogLineTests {
    private func parsed(_ line: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(value as? [String: Any])
    }

    @Test("a JSON line, whole")
    func json() throws {
        let expected =
            #"{"time":"1970-01-01T00:00:00.000Z","#
            + #""request-id":"00000000000000010000000000000002","trace-id":null,"#
            + #""client":"192.0.2.77","#
            + #""method":"GET","host":"a.b:80","path":"/x?y","route":"api","status":200,"#
            + #""bytes-in":10,"bytes-out":20,"duration":1.234567,"first-byte":0.000001,"#
            + #""endpoint":"one","tries":1,"outcome":"ok"}"# + "\n"
        #expect(SampleLine.full().json() == expected)
    }

    @Test("missing parts are null, and the line still parses")
    func missing() throws {
        let sample = SampleLine()
        sample.line.firstByte = nil
        sample.line.status = 400
        sample.line.outcome = .badRequest
        sample.line.client = peer(nil)
        let line = try parsed(sample.json())
        for key in ["method", "host", "path", "route", "endpoint", "first-byte"] {
            #expect(line[key] is NSNull, "\(key)")
        }
        #expect(line["client"] as? String == "unix")
        #expect(line["status"] as? Int == 400)
        #expect(line["outcome"] as? String == "bad-request")
        #expect(line.count == 16)
    }

    @Test("numbers at their largest")
    func numbers() throws {
        let sample = SampleLine.full()
        sample.line.bytesIn = UInt64.max
        sample.line.duration = Int64.max
        sample.line.firstByte = -5
        sample.line.tries = 255
        let text = sample.json()
        #expect(text.contains(#""bytes-in":18446744073709551615,"#))
        #expect(text.contains(#""duration":9223372036.854775,"#))
        #expect(text.contains(#""first-byte":0.000000,"#))
        #expect(text.contains(#""tries":255,"#))
    }

    @Test("every byte can stand in every part", arguments: UInt8.min...UInt8.max)
    func escaping(byte: UInt8) throws {
        let sample = SampleLine()
        let part = sample.part([0x61, byte, 0x7a])
        sample.line.method = part
        sample.line.host = part
        sample.line.target = part
        sample.line.route = part
        sample.line.endpoint = part
        sample.line.foreignID = part
        let json = sample.json()
        let line = try parsed(json)
        // Bytes beyond ASCII come as the scalar of the same number.
        let expected = "a\(Character(UnicodeScalar(byte)))z"
        for key in ["method", "host", "path", "route", "endpoint", "request-id"] {
            #expect(line[key] as? String == expected, "\(key)")
        }
        for text in [json, sample.combined()] {
            #expect(text.utf8.dropLast().allSatisfy { (0x20..<0x7f).contains($0) })
            #expect(text.utf8.last == 0x0a)
        }
        let quotes = sample.combined().filter { $0 == "\"" }
        #expect(quotes.count == 6)
    }

    @Test("a byte that needs an escape, at every place of texts of every length")
    func places() throws {
        let sample = SampleLine()
        for length in 1...40 {
            for place in 0..<length {
                var bytes = [UInt8](repeating: 0x61, count: length)
                bytes[place] = 0x22
                sample.line.host = sample.part(bytes)
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(try parsed(sample.json())["host"] as? String == text)
            }
        }
    }

    @Test(
        "a masked client has no last part",
        arguments: [
            ("192.0.2.77", "192.0.2.0"), ("255.255.255.255", "255.255.255.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("ffff:ffff:ffff:ffff::1", "ffff:ffff:ffff::"),
            ("::1", "::"),
        ]
    )
    func masked(address: String, expected: String) throws {
        let sample = SampleLine()
        sample.line.client = peer(address)
        #expect(try parsed(sample.json(masked: true))["client"] as? String == expected)
        #expect(try parsed(sample.json())["client"] as? String == address)
        #expect(sample.combined(masked: true).hasPrefix(expected + " - - ["))
        #expect(sample.combined().hasPrefix(address + " - - ["))
    }

    @Test("a line of the combined format, whole")
    func combined() {
        #expect(
            SampleLine.full().combined()
                == "192.0.2.77 - - [01/Jan/1970:00:00:00 +0000] \"GET /x?y HTTP/1.1\" 200 20 "
                + "\"-\" \"-\"\n"
        )
    }

    @Test("lines of Weir's own log by level and form")
    func own() throws {
        let queue = try makeQueue(level: .warning)
        queue.note(level: .info, "not wanted")
        queue.note(level: .warning, "wanted")
        queue.note(level: .error, "this too")
        let texts = queue.take().texts
        #expect(texts.count == 2)
        #expect(texts.first?.hasSuffix("Z warning: wanted\n") == true)
        #expect(texts.last?.hasSuffix("Z error: this too\n") == true)
        let json = try makeQueue(level: .debug, json: true)
        json.note(level: .debug, "a \"b\" \\ c\nd\u{1}ä")
        let line = try parsed(try #require(json.take().texts.first))
        #expect(line["message"] as? String == "a \"b\" \\ c d ä")
        #expect(line["level"] as? String == "debug")
    }
}
