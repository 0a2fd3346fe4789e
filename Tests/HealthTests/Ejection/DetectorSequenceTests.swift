import Balancing
import Health
import Testing

/// Comparison, time outs and single requests together, under traffic that changes at random.
@Suite("Ejection under changing traffic")
struct DetectorSequenceTests {
    /// Invariants: never more than `max-share` are out; the counters match the states; once all
    /// are well, all return.
    @Test("keeps its invariants", arguments: 1...30)
    func sequence(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var options = EjectionOptions()
        options.maxShare = Double(1 + random.next(below: 10)) / 10
        options.baseTime = .seconds(1 + random.next(below: 3))
        options.maxTime = .seconds(8)
        options.outlier?.slowFactor = 2 + Double(random.next(below: 3))
        options.outlier?.minRequests = 20
        let behaviours = (0..<(2 + random.next(below: 8))).map { _ in
            DetectorFixture.Behaviour(rate: 20)
        }
        let fixture = DetectorFixture(behaviours, options: options, seed: seed)
        var ejections = 0
        for _ in 0..<60 {
            let endpoint = random.next(below: behaviours.count)
            fixture.behaviours[endpoint].rate = Double(random.next(below: 120))
            fixture.behaviours[endpoint].good = [0, 0.4, 0.9, 1][random.next(below: 4)]
            fixture.behaviours[endpoint].latency =
                [1, 10, 100][random.next(below: 3)] * 1_000_000
            ejections += DetectorFixture.ejected(fixture.run(0.5)).count
            fixture.pool.pass(0)
            if let claimed = fixture.pool.claim() {
                let isGood = fixture.behaviours[claimed].good > 0.5
                fixture.pool.end(claimed, isGood ? .good : .countedAnswer, wasProbe: true)
            }
            #expect(fixture.pool.out <= fixture.pool.health.limit && fixture.pool.isConsistent)
        }
        #expect(ejections > 0, "the sequence shows something")
        for endpoint in behaviours.indices { fixture.behaviours[endpoint] = behaviours[endpoint] }
        fixture.pool.pass(9)
        while let claimed = fixture.pool.claim() {
            fixture.pool.end(claimed, .good, wasProbe: true)
        }
        #expect(fixture.pool.out == 0 && fixture.pool.isConsistent)
    }
}
