import Balancing
import Health
import Testing

@Suite("Backoff")
struct BackoffTests {
    @Test(
        "is at most base · 2^(n−1), and at most the cap",
        arguments: [
            (1, 25), (2, 50), (3, 100), (4, 200), (5, 250), (6, 250), (1000, 250), (0, 25),
            (-7, 25),
        ]
    )
    func longest(afterTry: Int, expected: Int64) {
        #expect(Backoff.wait(afterTry: afterTry, 25, 250, random: .max) == expected)
        #expect(Backoff.wait(afterTry: afterTry, 25, 250, random: 0) == 0)
    }

    @Test(
        "odd options neither overflow nor wait before time",
        arguments: [
            (Int64.max, Int64.max), (0, 5), (5, 0), (-1, 5), (5, -1), (10, 3),
        ]
    )
    func odd(base: Int64, most: Int64) {
        for afterTry in [1, 2, 100] {
            let wait = Backoff.wait(afterTry: afterTry, base, most, random: .max)
            #expect(wait >= 0 && wait <= max(0, most))
        }
    }

    @Test("is spread over the whole range")
    func spread() {
        var random = SeededRandom(seed: 1)
        var tenths = Array(repeating: 0, count: 10)
        for _ in 0..<10_000 {
            let wait = Backoff.wait(afterTry: 3, 250, 1_000_000, random: random.next())
            tenths[min(9, Int(wait) / 100)] += 1
        }
        #expect(tenths.allSatisfy { (850...1150).contains($0) }, "\(tenths)")
    }
}
