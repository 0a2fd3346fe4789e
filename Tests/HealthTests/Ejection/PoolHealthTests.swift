import Balancing
import Health
import Testing

@Suite("Ejection")
struct PoolHealthTests {
    @Test("failures in a row eject, one less does not", arguments: [1, 2, 5, 100])
    func row(limit: Int) {
        var options = EjectionOptions()
        options.consecutiveFailures = limit
        let pool = EjectionFixture(2, options: options)
        if limit > 1 { #expect(pool.end(0, .countedAnswer, times: limit - 1) == nil) }
        #expect(pool.out == 0)
        let change = pool.end(0, .countedAnswer)
        let cause = EjectionChange.Cause.consecutive(
            failures: UInt32(limit),
            last: .countedAnswer
        )
        #expect(change == EjectionChange(.ejected, 0, cause, duration: seconds(10)))
        #expect(pool.state(0).availability == .unhealthy && pool.state(0).isForAnswers)
        #expect(pool.isConsistent)
    }

    @Test("a good answer ends the row, another 5xx neither ends nor lengthens it")
    func rowEnds() {
        let pool = EjectionFixture(2)
        pool.end(0, .reset, times: 4)
        pool.end(0, .errorAnswer, times: 50)
        #expect(pool.row(0) == 4)
        pool.end(0, .good)
        #expect(pool.row(0) == 0)
        pool.end(0, .reset, times: 4)
        #expect(pool.out == 0)
        #expect(pool.end(0, .timeout) != nil)
    }

    @Test("what `on` does not name is not in the row", arguments: TryVerdict.allCases)
    func on(verdict: TryVerdict) {
        var options = EjectionOptions()
        options.onConnectFailure = false
        options.onReset = false
        options.onTimeout = false
        let pool = EjectionFixture(2, options: options)
        pool.end(0, verdict, times: 20)
        #expect((pool.out == 1) == (verdict == .countedAnswer))
    }

    @Test("without the rule a row ejects nobody, without ejection nothing is counted")
    func off() {
        var options = EjectionOptions()
        options.consecutiveFailures = nil
        let pool = EjectionFixture(2, options: options)
        pool.end(0, .reset, times: 1000)
        #expect(pool.out == 0)
        let none = EjectionFixture(2, options: nil)
        none.end(0, .reset, times: 1000)
        #expect(none.out == 0 && none.row(0) == 0)
        #expect(none.health.verdict(status: 503) == .good)
    }

    @Test(
        "verdicts on answers",
        arguments: [
            (200, TryVerdict.good), (404, .good), (429, .countedAnswer), (500, .errorAnswer),
            (501, .errorAnswer), (503, .countedAnswer), (599, .errorAnswer),
        ]
    )
    func verdicts(status: Int, verdict: TryVerdict) {
        var options = EjectionOptions()
        options.statuses = StatusSet([429, 503])
        let pool = EjectionFixture(2, options: options)
        #expect(pool.health.verdict(status: status) == verdict)
        #expect(TryVerdict.of(status: status, options) == verdict)
    }

    @Test("time outs double, are capped, and good service makes them short again")
    func times() {
        let pool = EjectionFixture(2, rise: 1)
        for expected: Double in [10, 20, 40, 80, 160, 300, 300] {
            let change = pool.end(0, .reset, times: pool.state(0).ejection == .none ? 5 : 0)
            #expect(change?.duration == seconds(expected))
            #expect(pool.pass(expected - 0.1).isEmpty)
            #expect(pool.pass(0.1) == [EjectionChange(.halfOpen, 0, .timeOver)])
            #expect(pool.claim() == 0)
            #expect(pool.end(0, .good, wasProbe: true)?.kind == .returned)
        }
        // Seven times: the last one was 300 s, and two of them in service forget two.
        pool.pass(650)
        pool.end(0, .reset, times: 5)
        #expect(pool.state(0).timesEjected == 6)
    }

    @Test("a single request at a time finds out, and `rise` good ones bring it back")
    func halfOpen() {
        let pool = EjectionFixture(3, rise: 2)
        pool.end(1, .connectFailure, times: 5)
        #expect(pool.claim() == nil)
        pool.pass(11)
        #expect(pool.claim() == 1)
        #expect(pool.claim() == nil)
        #expect(pool.end(1, .good, wasProbe: true) == nil)
        #expect(pool.state(1).availability == .unhealthy)
        #expect(pool.claim() == 1)
        let change = pool.end(1, .good, wasProbe: true)
        #expect(change == EjectionChange(.returned, 1, .probesPassed(2)))
        #expect(pool.state(1).availability == .up && pool.shared.returned(1) == pool.now)
        #expect(pool.isConsistent)
    }

    @Test("a single request that fails ejects for twice as long", arguments: TryVerdict.allCases)
    func probeFails(verdict: TryVerdict) {
        guard verdict != .good else { return }
        let pool = EjectionFixture(2)
        pool.end(0, .reset, times: 5)
        pool.pass(10)
        #expect(pool.claim() == 0)
        let change = pool.end(0, verdict, wasProbe: true)
        let expected = EjectionChange(.ejected, 0, .probeFailed(verdict), duration: seconds(20))
        #expect(change == expected)
        #expect(pool.state(0).isForAnswers == !verdict.isOfConnection)
        #expect(pool.claim() == nil && pool.isConsistent)
    }

    @Test("a single request without a verdict lets another one ask")
    func abandoned() {
        let pool = EjectionFixture(2)
        pool.end(0, .reset, times: 5)
        pool.pass(10)
        #expect(pool.claim() == 0)
        pool.health.probeAbandoned(0, now: pool.now)
        #expect(pool.isConsistent && pool.claim() == 0)
    }

    @Test("none is claimed that was tried, is not wanted, or that others say is out")
    func notClaimed() {
        let pool = EjectionFixture(4)
        pool.end(2, .reset, times: 5)
        pool.pass(10)
        var tried = TriedEndpoints()
        tried.insert(2)
        #expect(pool.claim(tried) == nil)
        let unwanted = pool.health.claimProbe(excluding: TriedEndpoints(), now: pool.now) {
            $0 != 2
        }
        #expect(unwanted == nil)
        pool.health.setCheckedDown(2, true, now: pool.now)
        #expect(pool.claim() == nil && pool.isConsistent)
        pool.health.setCheckedDown(2, false, now: pool.now)
        pool.shared.set(2, .draining, now: pool.now)
        #expect(pool.claim() == nil && pool.isConsistent)
    }

    @Test("an endpoint that nobody asks for as long again as it was away returns")
    func notAsked() {
        let pool = EjectionFixture(2)
        pool.end(0, .countedAnswer, times: 5)
        pool.pass(10)
        #expect(pool.claim() == 0)
        #expect(pool.pass(12).isEmpty, "it is being asked")
        pool.health.probeAbandoned(0, now: pool.now)
        pool.health.setCheckedDown(0, true, now: pool.now)
        #expect(pool.pass(1).isEmpty, "checks say that it is down")
        pool.health.setCheckedDown(0, false, now: pool.now)
        let change = EjectionChange(.returned, 0, .notAsked(for: seconds(10)))
        #expect(pool.health.tick(now: pool.now) == [change])
        #expect(pool.out == 0 && pool.isConsistent && pool.state(0).timesEjected == 1)
        pool.end(0, .countedAnswer, times: 5)
        #expect(pool.pass(19.9).isEmpty)
        #expect(pool.pass(0.1).map(\.kind) == [.halfOpen])
        #expect(pool.pass(19.9).isEmpty)
        #expect(pool.pass(0.2).map(\.kind) == [.returned])
    }
}
