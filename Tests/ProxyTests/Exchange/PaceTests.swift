import EventLoop
import Testing

@testable import Proxy

private let second: Int64 = 1_000_000_000
private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: (1000 + seconds) * second) }

@Suite("The least speed of a client")
struct PaceTests {
    @Test("nothing is asked in the first 30 s of owed time")
    func grace() {
        var pace = Pace()
        pace.began(at: at(0))
        #expect(!pace.isTooSlow(at: at(30)))
        #expect(pace.isTooSlow(at: at(30) + 1))
    }

    @Test(
        "240 bytes a second on average are enough, one byte less is not",
        arguments: [31, 32, 60, 3600, 1_000_000]
    )
    func rate(seconds: Int64) {
        for (missing, isTooSlow) in [(0, false), (1, true)] {
            var pace = Pace()
            pace.began(at: at(0))
            pace.moved(Int(seconds) * 240 - missing, at: at(1))
            #expect(pace.isTooSlow(at: at(seconds)) == isTooSlow)
        }
    }

    @Test("time in which nothing is owed does not count")
    func pauses() {
        var pace = Pace()
        for turn in 0..<20 as Range<Int64> {
            pace.began(at: at(turn * 1000))
            #expect(pace.isRunning)
            pace.paused(at: at(turn * 1000 + 1))
            #expect(!pace.isRunning)
        }
        // 20 s owed in all, nothing moved.
        #expect(!pace.isTooSlow(at: at(100_000)))
        pace.began(at: at(100_000))
        #expect(!pace.isTooSlow(at: at(100_010)))
        #expect(pace.isTooSlow(at: at(100_010) + 1))
        pace.paused(at: at(100_011))
        #expect(pace.isTooSlow(at: at(100_011)))
    }

    @Test("beginning twice and pausing twice change nothing")
    func twice() {
        var once = Pace()
        once.began(at: at(0))
        var twice = once
        twice.began(at: at(20))
        #expect(once == twice)
        once.paused(at: at(25))
        twice.paused(at: at(25))
        twice.paused(at: at(50))
        #expect(once == twice)
        #expect(!twice.isTooSlow(at: at(1000)))
    }

    @Test("a client that was fast before may be slow for as long as the average holds")
    func average() {
        var pace = Pace()
        pace.began(at: at(0))
        pace.moved(240 * 100, at: at(1))
        pace.moved(0, at: at(50))
        #expect(!pace.isTooSlow(at: at(100)))
        #expect(pace.isTooSlow(at: at(101)))
    }
}
