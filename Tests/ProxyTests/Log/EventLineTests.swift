import Configuration
import EventLoop
import Health
import Testing

@testable import Proxy

@Suite("Events as lines of Weir's own log")
struct EventLineTests {
    private func line(
        _ event: HealthEvent,
        json: Bool,
        level: LogConfig.Level = .info
    ) throws -> String {
        var config = LogConfig()
        config.json = json
        let style = LogStyle(config)
        return try #require(style.line(level, event, now: Instant(nanoseconds: 0)))
    }

    private let event = HealthEvent(
        .ejected,
        pool: "main",
        endpoint: "a",
        reason: "said \"no\"\nand more",
        duration: 1_500_000_000
    )

    @Test("as text: what, whom, why and until when, on one line")
    func text() throws {
        let text = try line(event, json: false)
        let found = text.firstMatch(of: /^[0-9T:.-]+Z info: (.*), until [0-9T:.-]+Z$/)
        #expect(found?.1 == #"ejected pool main server a: said "no" and more"#, "\(text)")
    }

    @Test("as JSON: the same in fields")
    func json() throws {
        let text = try line(event, json: true)
        #expect(text.contains("\"event\":\"ejected\",\"pool\":\"main\",\"endpoint\":\"a\""))
        #expect(text.contains("\"reason\":\"said \\\"no\\\" and more\",\"until\":\""))
        #expect(text.hasPrefix("{\"time\":\"") && text.hasSuffix("Z\"}"))
    }

    @Test("no control character of any kind gets into a line", arguments: [false, true])
    func controls(json: Bool) throws {
        let codes: [UInt32] = [
            0x00, 0x0A, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9B, 0x9F, 0x2028, 0x2029,
        ]
        let scalars = codes.compactMap { Unicode.Scalar($0) }
        var text = String.UnicodeScalarView()
        for scalar in scalars { text.append(scalar) }
        let hostile = "a" + String(text) + "\u{A0}é"
        var config = LogConfig()
        config.json = json
        let style = LogStyle(config)
        let event = HealthEvent(.resolved, pool: hostile, endpoint: hostile, reason: hostile)
        let lines = [
            try #require(style.line(.info, hostile)), try line(event, json: json),
        ]
        for line in lines {
            #expect(!line.unicodeScalars.contains(where: scalars.contains))
            #expect(line.contains("a" + String(repeating: " ", count: scalars.count) + "\u{A0}é"))
        }
    }

    @Test("what is not known is left out")
    func short() throws {
        let event = HealthEvent(.panicEnded, pool: "p", reason: "r")
        #expect(try line(event, json: false).hasSuffix(" info: panic-ended pool p: r"))
        let json = try line(event, json: true)
        #expect(!json.contains("endpoint") && !json.contains("until"))
        #expect(json.hasSuffix("\"event\":\"panic-ended\",\"pool\":\"p\",\"reason\":\"r\"}"))
    }

    @Test("levels that are not wanted give no line")
    func level() {
        var config = LogConfig()
        config.level = .warning
        #expect(LogStyle(config).line(.info, event, now: Instant(nanoseconds: 0)) == nil)
        #expect(LogStyle(config).line(.warning, event, now: Instant(nanoseconds: 0)) != nil)
    }
}
