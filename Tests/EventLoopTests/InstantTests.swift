import EventLoop
import Testing

@Suite("Instants and durations")
struct InstantTests {
    @Test("sums that overflow are never")
    func overflow() {
        let late = Instant(nanoseconds: Int64.max - 10)
        #expect(late + 9 == Instant(nanoseconds: Int64.max - 1))
        #expect(late + 10 == .never)
        #expect(late + 11 == .never)
        #expect(Instant(nanoseconds: 5) + Int64.max == .never)
        #expect(Instant.never + Int64.max == .never)
        #expect(Instant.never + 0 == .never)
    }

    @Test("instants are ordered as their nanoseconds and nothing lies after never")
    func order() {
        #expect(Instant(nanoseconds: -1) < Instant(nanoseconds: 0))
        #expect(Instant(nanoseconds: 7) - Instant(nanoseconds: 9) == -2)
        #expect(Instant(nanoseconds: Int64.max - 1) < .never)
        #expect(max(Instant.never, Instant(nanoseconds: Int64.max - 1)) == .never)
    }

    @Test(
        "durations in nanoseconds, the largest number where they do not fit",
        arguments: [
            (.zero, 0),
            (.nanoseconds(1), 1),
            (.nanoseconds(999), 999),
            (.microseconds(1), 1000),
            (.milliseconds(250), 250_000_000),
            (.seconds(75), 75_000_000_000),
            (.seconds(1) + .nanoseconds(1), 1_000_000_001),
            (.seconds(9_223_372_036) + .nanoseconds(854_775_807), Int64.max),
            (.seconds(9_223_372_036) + .nanoseconds(854_775_808), Int64.max),
            (.seconds(9_223_372_037), Int64.max),
            (.seconds(Int64.max), Int64.max),
            (.milliseconds(-1500), -1_500_000_000),
        ] as [(Duration, Int64)]
    )
    func nanoseconds(duration: Duration, expected: Int64) {
        #expect(duration.inNanoseconds == expected)
    }
}
