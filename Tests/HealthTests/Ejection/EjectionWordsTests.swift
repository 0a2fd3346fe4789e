import Health
import Testing

@Suite("Ejection's words")
struct EjectionWordsTests {
    private static let cases: [(EjectionChange, HealthEvent.Kind, String)] = [
        (
            EjectionChange(.ejected, 0, .consecutive(failures: 5, last: .connectFailure)),
            .ejected, "5 failures in a row, the last: no connection"
        ),
        (
            EjectionChange(.refused, 0, .consecutive(failures: 1, last: .timeout)),
            .ejectionRefused,
            "max-share is reached; 1 failure in a row, the last: no answer in time"
        ),
        (
            EjectionChange(.ejected, 0, .successRate(good: 3, of: 40, below: 0.5)),
            .ejected,
            "only 3 of 40 tries were good, fewer than 50 % and than at the other servers"
        ),
        (
            EjectionChange(
                .ejected,
                0,
                .outlier(rate: 0.8, mean: 0.9605, deviation: 0.0402, deviations: 1.9)
            ),
            .ejected,
            "80 % of the tries were good, more than 1.9 standard deviations of 4 % below the "
                + "servers' mean of 96.1 %"
        ),
        (
            EjectionChange(.ejected, 0, .slow(latency: 90_500_000, median: 20_000_000, factor: 3)),
            .ejected, "answers take 90.5 ms, more than 3 times the other servers' median of 20 ms"
        ),
        (
            EjectionChange(.ejected, 0, .probeFailed(.reset)), .ejected,
            "the request that was to show whether it is well failed: the connection ended before "
                + "the answer"
        ),
        (
            EjectionChange(.halfOpen, 0, .timeOver), .halfOpen,
            "its time out is over, single requests show whether it is well"
        ),
        (
            EjectionChange(.returned, 0, .checksPassed(2)), .returned,
            "2 checks in a row passed"
        ),
        (
            EjectionChange(.returned, 0, .notAsked(for: 10_000_000_000)), .returned,
            "no request that may be repeated came in 10 s to show whether it is well"
        ),
        (
            EjectionChange(.returned, 0, .probesPassed(1)), .returned,
            "1 single request was answered well"
        ),
    ]

    @Test("say what was seen", arguments: cases.indices)
    func words(index: Int) {
        let (change, kind, reason) = Self.cases[index]
        let event = change.event(pool: "main", endpoint: "10.0.0.1:80")
        let expected = HealthEvent(kind, pool: "main", endpoint: "10.0.0.1:80", reason: reason)
        #expect(event == expected)
    }

    @Test("an ejection's event says how long it lasts")
    func duration() {
        let change = EjectionChange(.ejected, 1, .probeFailed(.reset), duration: 20)
        #expect(change.event(pool: "p", endpoint: "e").duration == 20)
    }
}
