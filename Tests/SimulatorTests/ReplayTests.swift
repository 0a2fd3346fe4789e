import Configuration
import Testing

@testable import Simulator

@Suite("Replay of an access log")
struct ReplayTests {
    static func line(_ second: Int, _ endpoint: String?, _ duration: String, status: Int = 200)
        -> String
    {
        let minutes = String(second / 60 + 100).dropFirst()
        let seconds = String(second % 60 + 100).dropFirst()
        let server = endpoint.map { "\"\($0)\"" } ?? "null"
        return #"{"time":"2026-11-23T22:\#(minutes):\#(seconds).500Z","client":"10.1.1.1","#
            + #""path":"/a\"b?c","status":\#(status),"duration":\#(duration),"#
            + #""first-byte":0.1,"endpoint":\#(server),"outcome":"ok"}"# + "\n"
    }

    @Test("a request takes the measured time where it was, and in proportion elsewhere")
    func work() throws {
        var reader = LogReader(endpoints: ["a", "b"], key: .client)
        for second in 0..<100 {
            reader.read(Self.line(second, "a", "0.100000").utf8)
            reader.read(Self.line(second, "b", "0.300000").utf8)
            reader.read(Self.line(second, "b", "0.300000").utf8)
        }
        reader.read("no line\n\(Self.line(1, "c", "0.1"))\(Self.line(1, nil, "0.1"))".utf8)
        let found = reader.replay()
        let replay = try #require(found)
        #expect(reader.unreadable == 1 && reader.foreign == 2 && replay.entries.count == 300)
        #expect(replay.entries.map(\.arrival) == replay.entries.map(\.arrival).sorted())
        let first = replay.entries.filter { $0.arrival < 100_000_000 }
        for entry in first {
            let there = [0, 1].map { entry.work / replay.speed($0, entry.arrival) }
            #expect(there == [100_000_000, 300_000_000])
        }
        #expect(Set(replay.entries.map(\.key)).count == 1)
    }

    @Test("failures become their server's share of failures at that time")
    func failures() throws {
        var reader = LogReader(endpoints: ["a", "b"], key: .path)
        for second in 0..<40 {
            let status = second < 10 && second % 2 == 0 ? 503 : 200
            reader.read(Self.line(second, "a", "0.001", status: status).utf8)
        }
        let found = reader.replay()
        let replay = try #require(found)
        #expect(abs(replay.failureShare(0, 0) - 0.5) < 0.1)
        #expect(replay.failureShare(0, 35_000_000_000) == 0 && replay.failureShare(1, 0) == 0)
        #expect(replay.failureTime(0, 0) == 1_000_000)
    }

    @Test(
        "times and durations are read",
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
            ("2026-11-23T22:31:27.159Z", 1_795_473_087_159_000_000),
        ]
    )
    func times(text: String, time: Int64) {
        #expect(LogLine.time(text) == time)
    }

    @Test("what is no log gives no traffic")
    func nothing() {
        for text in ["", "{}\n", "{\"time\":1}\n", "[\n", "{\"a\":\"\\\"", "\n\n"] {
            var reader = LogReader(endpoints: ["a"], key: .client)
            reader.read(text.utf8)
            #expect(reader.replay() == nil)
        }
    }
}
