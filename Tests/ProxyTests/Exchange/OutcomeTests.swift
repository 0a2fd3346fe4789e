import EventLoop
import Testing

@testable import Proxy

@Suite("Outcomes")
struct OutcomeTests {
    @Test("words are unique, in kebab-case and the case's own name")
    func words() {
        let words = Outcome.allCases.map { "\($0.word)" }
        #expect(Set(words).count == Outcome.allCases.count)
        for outcome in Outcome.allCases {
            let kebab = "\(outcome)".reduce(into: "") { text, character in
                text += character.isUppercase ? "-\(character.lowercased())" : "\(character)"
            }
            #expect("\(outcome.word)" == kebab)
        }
    }

    @Test("each has a status of its kind and one whole sentence")
    func answers() {
        for outcome in Outcome.allCases {
            let sentence = "\(outcome.explanation)"
            #expect(sentence.hasSuffix(".") && sentence.count > 20)
            #expect(sentence.first?.isUppercase == true)
            #expect(outcome == .ok ? outcome.status == 200 : (400...599).contains(outcome.status))
        }
        #expect(Set(Outcome.allCases.map { "\($0.explanation)" }).count == Outcome.allCases.count)
    }

    @Test(
        "statuses are those of the issue's tables",
        arguments: [
            (.badRequest, 400), (.headTooLarge, 431), (.targetTooLong, 414), (.bodyTooLarge, 413),
            (.methodRefused, 405), (.protocolRefused, 501), (.versionRefused, 505),
            (.headTimeout, 408),
            (.bodyTimeout, 408), (.noRoute, 404), (.noEndpoint, 503), (.connectFailed, 503),
            (.connectTimeout, 504), (.responseTimeout, 504), (.totalTimeout, 504),
            (.upstreamReset, 502), (.badAnswer, 502), (.overloaded, 503), (.shutdown, 503),
        ] as [(Outcome, Int)]
    )
    func statuses(outcome: Outcome, status: Int) { #expect(outcome.status == status) }
}

@Suite("Until when an idle upstream connection is offered")
struct KeptUntilTests {
    private static let second: Int64 = 1_000_000_000
    private static let now = Instant(nanoseconds: 5_000_000_000_000)

    @Test(
        "the pool's time, or the server's less a tenth or a second if that is shorter",
        arguments: [
            (60 * second, nil, 60 * second),
            (60 * second, 5, 4_500_000_000),
            (60 * second, 1, 900_000_000),
            (60 * second, 9, 8_100_000_000),
            (60 * second, 10, 9 * second),
            (60 * second, 20, 19 * second),
            (60 * second, 61, 60 * second),
            (60 * second, 60, 59 * second),
            (60 * second, 3600, 60 * second),
            (60 * second, 0, 0),
            (Int64.max, 120, 119 * second),
            (Int64.max, UInt32.max, 4_294_967_294 * second),
        ] as [(Int64, UInt32?, Int64)]
    )
    func margins(idle: Int64, timeout: UInt32?, expected: Int64) {
        #expect(Worker.keptUntil(Self.now, idle, timeout) == Self.now + expected)
    }

    @Test("without any bound it is for ever")
    func unbounded() {
        #expect(Worker.keptUntil(Self.now, Int64.max, nil) == .never)
    }
}
