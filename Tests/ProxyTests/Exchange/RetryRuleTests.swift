import Testing

@testable import Proxy

@Suite("When a request is sent again")
struct RetryRuleTests {
    /// Every rule that there can be, with up to four tries.
    private static let rules: [RetryRule] = {
        var rules: [RetryRule] = []
        for bits in 0..<256 {
            for tries in 1...4 {
                for attempts in 1...4 {
                    rules.append(
                        RetryRule(
                            isResendable: bits & 1 != 0,
                            isIdempotent: bits & 2 != 0,
                            isReused: bits & 4 != 0,
                            hasAnswered: bits & 8 != 0,
                            isProbe: bits & 128 != 0,
                            tries: tries,
                            attempts: attempts,
                            retriesConnect: bits & 16 != 0,
                            retriesReset: bits & 32 != 0,
                            retriesTimeout: bits & 64 != 0
                        )
                    )
                }
            }
        }
        return rules
    }()

    /// Failures after which a server may have processed the request.
    private static let maybeSeen: Set<TryFailure> = [.reset, .badAnswer, .timeout, .status]

    /// The rule told from the file's side: a list of reasons to give up, then where to go.
    private func expected(_ rule: RetryRule, _ failure: TryFailure) -> RetryRule.Decision {
        // A kept connection that closed unseen is nobody's try.
        let isReplaced = rule.isReused && failure == .closedUnseen
        let isConnect = failure.isUnseen || [.closedUnseen, .refused].contains(failure)
        let isWanted =
            isReplaced || failure == .status || failure == .callStatus
            || (rule.retriesConnect && isConnect)
            || (rule.retriesReset && [.closedUnseen, .refused, .reset].contains(failure))
            || (rule.retriesTimeout && failure == .timeout)
            // What it met was not meant for this client.
            || (rule.isProbe && failure != .noDescriptor)
        let reasonsToStop = [
            !isWanted,
            rule.hasAnswered,
            !rule.isResendable,
            Self.maybeSeen.contains(failure) && !rule.isIdempotent,
            !isReplaced && !rule.isProbe && rule.tries >= rule.attempts,
        ]
        if reasonsToStop.contains(true) { return .giveUp }
        if isReplaced { return .replaceConnection }
        if rule.isReused && failure == .reset { return .sameEndpoint }
        let waits =
            [.refused, .reset, .timeout, .status, .callStatus].contains(failure) && !rule.isProbe
        return .otherEndpoint(waits: waits)
    }

    @Test("the whole truth table", arguments: TryFailure.allCases)
    func table(failure: TryFailure) {
        let wrong = Self.rules.filter { $0.decide(failure) != expected($0, failure) }
        #expect(Self.rules.count == 4096)
        #expect(wrong.isEmpty)
    }

    @Test("a request that may have been processed and must not be repeated never is")
    func neverTwice() {
        for failure in Self.maybeSeen {
            let resent = Self.rules.filter {
                !$0.isIdempotent && $0.decide(failure) != .giveUp
            }
            #expect(resent.isEmpty, "\(failure)")
        }
    }

    @Test("nothing is sent again behind part of an answer or without its bytes")
    func impossible() {
        for failure in TryFailure.allCases {
            let resent = Self.rules.filter {
                ($0.hasAnswered || !$0.isResendable) && $0.decide(failure) != .giveUp
            }
            #expect(resent.isEmpty, "\(failure)")
        }
    }

    @Test("the last attempt is the last, kept connections closed unseen and probes aside")
    func lastAttempt() {
        for failure in TryFailure.allCases {
            let others = Self.rules.filter { rule in
                guard rule.tries >= rule.attempts, !rule.isProbe else { return false }
                let decision = rule.decide(failure)
                return decision != .giveUp && decision != .replaceConnection
            }
            #expect(others.isEmpty, "\(failure)")
        }
    }

    @Test("only what no server saw is sent without counting as a try")
    func uncounted() {
        for failure in TryFailure.allCases where failure != .closedUnseen {
            let replaced = Self.rules.filter { $0.decide(failure) == .replaceConnection }
            #expect(replaced.isEmpty, "\(failure)")
        }
    }

    @Test("a failure that is final names the outcome")
    func outcomes() {
        let outcomes = TryFailure.allCases.map(\.outcome)
        #expect(
            outcomes == [
                .connectFailed, .connectTimeout, .untrustedServer, .overloaded, .upstreamReset,
                .upstreamReset, .upstreamReset, .badAnswer, .responseTimeout, .badAnswer,
                .badAnswer,
            ]
        )
    }
}
