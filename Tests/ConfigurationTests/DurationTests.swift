import Configuration
import Testing

@Suite("Durations")
struct DurationTests {
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
