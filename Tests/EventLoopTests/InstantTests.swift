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
}
