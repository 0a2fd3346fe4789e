import Balancing
import Health
import Testing

@Suite("Ejection by comparison")
struct OutlierDetectorTests {
    typealias Behaviour = DetectorFixture.Behaviour

    private static func only(
        successRate: Bool = false,
        deviations: Double? = nil,
        slow: Double? = nil
    )
        -> EjectionOptions
    {
        var options = EjectionOptions()
        if !successRate { options.successRate = nil }
        options.outlier?.deviations = deviations
        options.outlier?.slowFactor = slow
        return options
    }

    private static func pool(_ count: Int, _ behaviour: Behaviour) -> [Behaviour] {
        Array(repeating: behaviour, count: count)
    }

    @Test(
        "a busy endpoint that turns bad is out within half a second of its first failure",
        arguments: [2, 3, 4, 10],
        [0.0, 0.03, 0.11, 0.19]
    )
    func reaction(size: Int, phase: Double) throws {
        let fixture = DetectorFixture(
            Self.pool(size, Behaviour(rate: 500)),
            options: Self.only(successRate: true)
        )
        #expect(fixture.run(12 + phase).isEmpty)
        fixture.behaviours[1].good = 0
        let changes = fixture.run(3)
        let first = try #require(changes.first)
        #expect(first.time <= 0.5 && first.change.endpoint == 1 && changes.count == 1)
        guard case .successRate(_, _, let below) = first.change.cause else {
            Issue.record("\(first.change)")
            return
        }
        #expect(below == 0.5 && fixture.pool.state(1).isForAnswers)
        #expect((seconds(10)...seconds(11)).contains(first.change.duration))
        #expect(fixture.pool.isConsistent)
    }

    @Test("an endpoint with little traffic is out once it has enough tries")
    func slowly() throws {
        let fixture = DetectorFixture(Self.pool(3, Behaviour(rate: 5)))
        fixture.run(20)
        fixture.behaviours[0].good = 0.1
        let changes = fixture.run(20)
        #expect(changes.map(\.change.endpoint) == [0])
        #expect(try #require(changes.first).time >= 2)
    }

    @Test("too few tries say nothing", arguments: [1.9, 2.1])
    func minimum(rate: Double) {
        let fixture = DetectorFixture([Behaviour(rate: rate, good: 0), Behaviour(rate: 50)])
        let changes = fixture.run(60)
        #expect(DetectorFixture.ejected(changes) == (rate < 2 ? [] : [0]))
    }

    @Test(
        "a fault that all share ejects nobody, however long it lasts",
        arguments: [2, 3, 6],
        [0.0, 0.02, 0.3, 0.49, 0.99]
    )
    func shared(size: Int, good: Double) {
        let options = Self.only(successRate: true, deviations: 1.9)
        let fixture = DetectorFixture(
            Self.pool(size, Behaviour(rate: 25, good: good)),
            options: options,
            seed: size
        )
        let changes = fixture.run(200)
        #expect(changes.isEmpty, "\(changes)")
    }

    @Test("without another endpoint to compare with, nobody is ejected")
    func alone() {
        let fixture = DetectorFixture([Behaviour(rate: 50, good: 0), Behaviour(rate: 0.5)])
        #expect(fixture.run(60).isEmpty)
    }

    @Test("good answers above the share are good enough")
    func above() {
        let fixture = DetectorFixture(
            [Behaviour(rate: 100, good: 0.6), Behaviour(rate: 100), Behaviour(rate: 100)]
        )
        #expect(fixture.run(60).isEmpty)
    }

    @Test("never more than `max-share` go, the worst first")
    func share() {
        let options = Self.only(successRate: true)
        let fixture = DetectorFixture(
            [
                Behaviour(rate: 100, good: 0.3), Behaviour(rate: 100, good: 0),
                Behaviour(rate: 100, good: 0.1), Behaviour(rate: 100), Behaviour(rate: 100),
                Behaviour(rate: 100), Behaviour(rate: 100),
            ],
            options: options
        )
        fixture.pool.health.setSize(4)
        let changes = fixture.run(5)
        #expect(Set(DetectorFixture.ejected(changes)) == [1, 2])
        let refused = changes.filter { $0.change.kind == .refused }.map(\.change.endpoint)
        #expect(refused == [0], "told once in ten seconds")
        #expect(fixture.pool.isConsistent)
    }

    @Test("what was before its ejection is not held against an endpoint that is back")
    func anew() {
        let fixture = DetectorFixture(Self.pool(3, Behaviour(rate: 100)))
        fixture.behaviours[2].good = 0
        var options = EjectionOptions()
        options.baseTime = .seconds(1)
        let short = DetectorFixture(fixture.behaviours, options: options)
        #expect(DetectorFixture.ejected(short.run(2)) == [2])
        short.behaviours[2].good = 1
        short.pool.pass(1)
        #expect(short.pool.claim() == 2)
        #expect(short.pool.end(2, .good, wasProbe: true)?.kind == .returned)
        #expect(short.run(30).isEmpty)
    }

    @Test(
        "deviations eject who is far below the others, with five servers or more",
        arguments: [
            (4, 0.8, false), (5, 0.8, true), (8, 0.8, true), (8, 0.97, false),
        ]
    )
    func deviations(size: Int, good: Double, isOut: Bool) {
        var behaviours = Self.pool(size, Behaviour(rate: 60, good: 0.995))
        behaviours[1].good = good
        let options = Self.only(deviations: 1.9)
        let fixture = DetectorFixture(behaviours, options: options)
        #expect(DetectorFixture.ejected(fixture.run(12)) == (isOut ? [1] : []))
    }

    @Test(
        "deviations need a hundred tries in ten seconds, whatever the window",
        arguments: [
            (5, 9.0, false), (5, 12.0, true), (20, 9.0, false), (20, 12.0, true),
        ]
    )
    func deviationMinimum(window: Int, rate: Double, isOut: Bool) {
        var options = EjectionOptions()
        options.successRate?.below = 0
        options.successRate?.window = .seconds(window)
        var behaviours = Self.pool(6, Behaviour(rate: rate))
        behaviours[3].good = 0.2
        let fixture = DetectorFixture(behaviours, options: options)
        #expect(DetectorFixture.ejected(fixture.run(60)) == (isOut ? [3] : []))
    }

    @Test(
        "the slow are ejected if that is asked for",
        arguments: [
            (nil, 100, false), (3.0, 100, true), (3.0, 31, true), (3.0, 29, false),
        ] as [(Double?, Int64, Bool)]
    )
    func slow(factor: Double?, milliseconds: Int64, isOut: Bool) {
        var behaviours = Self.pool(5, Behaviour(rate: 50))
        behaviours[4].latency = milliseconds * 1_000_000
        let options = Self.only(slow: factor)
        let fixture = DetectorFixture(behaviours, options: options)
        let changes = fixture.run(30)
        #expect(DetectorFixture.ejected(changes) == (isOut ? [4] : []))
        guard let change = changes.first?.change else { return }
        let cause = EjectionChange.Cause.slow(
            latency: milliseconds * 1_000_000,
            median: 10_000_000,
            factor: 3
        )
        #expect(change.cause == cause && fixture.pool.state(4).isForAnswers)
    }

    @Test("an endpoint that turns slow is out within a few seconds")
    func turnsSlow() throws {
        let options = Self.only(slow: 3)
        let fixture = DetectorFixture(Self.pool(5, Behaviour(rate: 50)), options: options)
        #expect(fixture.run(30).isEmpty)
        fixture.behaviours[0].latency = 100_000_000
        #expect(try #require(fixture.run(10).first).time < 3)
    }

    @Test("counters may wrap")
    func wraps() {
        let fixture = DetectorFixture(Self.pool(3, Behaviour(rate: 100)))
        let block = unsafe fixture.pool.shared.block(0)
        unsafe block.pointee.triesEnded.store(.max - 300, ordering: .relaxed)
        unsafe block.pointee.triesFailed.store(.max - 50, ordering: .relaxed)
        #expect(fixture.run(30).isEmpty)
        fixture.behaviours[0].good = 0
        #expect(DetectorFixture.ejected(fixture.run(2)) == [0])
    }

    @Test("another endpoint in the same place begins without a past")
    func replaced() {
        var options = EjectionOptions()
        options.maxShare = 0
        let fixture = DetectorFixture(Self.pool(4, Behaviour(rate: 100)), options: options)
        fixture.behaviours[0].good = 0
        // Its place in the share is taken, so that it stays in service.
        fixture.pool.end(3, .reset, times: 5)
        #expect(fixture.run(5).map(\.change.kind) == [.refused])
        fixture.pool.health.reset(0, now: fixture.pool.now)
        fixture.behaviours[0].good = 1
        #expect(fixture.run(30).isEmpty)
    }

    @Test("late ticks miss nothing and see nothing twice")
    func late() {
        let fixture = DetectorFixture(Self.pool(3, Behaviour(rate: 100)))
        fixture.run(5)
        // Control was away for a minute, in which an endpoint answered nothing well.
        for endpoint in 0..<3 {
            fixture.pool.end(endpoint, endpoint == 1 ? .errorAnswer : .good, times: 6000)
        }
        fixture.pool.now += seconds(60)
        #expect(DetectorFixture.ejected(fixture.run(0.2)) == [1])
        #expect(fixture.run(30).isEmpty)
    }

    @Test("is not needed without a rule")
    func needed() {
        var options = EjectionOptions()
        options.successRate = nil
        #expect(OutlierDetector(options, capacity: 1).isNeeded)
        options.outlier = nil
        #expect(!OutlierDetector(options, capacity: 1).isNeeded)
    }

    @Test(
        "looks fifty times in a window, at most every 20 ms",
        arguments: [
            (10_000, 200), (1_000, 20), (100, 20), (60_000, 1_200),
        ]
    )
    func interval(window: Int, expected: Int64) {
        var options = EjectionOptions()
        options.successRate?.window = .milliseconds(window)
        #expect(OutlierDetector(options, capacity: 1).interval == expected * 1_000_000)
    }
}
