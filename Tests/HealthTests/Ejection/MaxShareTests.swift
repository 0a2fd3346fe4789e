import Balancing
import Testing

@testable import Health

@Suite("The share that may be ejected")
struct MaxShareTests {
    @Test(
        "in endpoints",
        arguments: [
            (0, 0.5, 0), (1, 0.5, 0), (1, 1.0, 0), (2, 0.5, 1), (2, 0.0, 1), (3, 0.1, 1),
            (3, 0.5, 1), (4, 0.5, 2), (10, 0.3, 3), (100, 0.29, 29), (5, 1.0, 5), (5, 7.0, 5),
            (5, -1.0, 1),
        ]
    )
    func limits(size: Int, share: Double, limit: Int) {
        #expect(PoolHealth.limit(size, share: share) == limit)
    }

    @Test("is not exceeded; who is refused is told once in a while")
    func refused() {
        let pool = EjectionFixture(4)
        for endpoint in 0..<2 { #expect(pool.end(endpoint, .reset, times: 5) != nil) }
        let cause = EjectionChange.Cause.consecutive(failures: 5, last: .reset)
        #expect(pool.end(2, .reset, times: 5) == EjectionChange(.refused, 2, cause))
        #expect(pool.end(2, .reset, times: 100) == nil)
        #expect(pool.end(3, .reset, times: 5)?.kind == .refused)
        #expect(pool.out == 2 && pool.isConsistent)
        pool.pass(9.5)
        #expect(pool.end(2, .reset) == nil)
        pool.pass(0.5)
        #expect(pool.end(2, .reset)?.kind == .refused)
    }

    @Test("who was refused is ejected by its next failure once there is a place")
    func later() {
        let pool = EjectionFixture(2, rise: 1)
        pool.end(0, .reset, times: 5)
        pool.end(1, .reset, times: 7)
        pool.pass(10)
        #expect(pool.claim() == 0)
        #expect(pool.end(1, .reset)?.kind == .refused, "half-open endpoints count as ejected")
        pool.end(0, .good, wasProbe: true)
        #expect(pool.end(1, .reset)?.kind == .ejected)
        #expect(pool.isConsistent)
    }

    @Test("follows the pool's size; a smaller one sends nobody back")
    func size() {
        let pool = EjectionFixture(6)
        for endpoint in 0..<3 { pool.end(endpoint, .reset, times: 5) }
        pool.health.setSize(2)
        #expect(pool.health.limit == 1 && pool.out == 3)
        #expect(pool.end(4, .reset, times: 5)?.kind == .refused)
        pool.health.setSize(8)
        #expect(pool.end(4, .reset)?.kind == .ejected)
        #expect(pool.isConsistent)
    }

    @Test("the only endpoint is never ejected")
    func single() {
        let pool = EjectionFixture(1)
        #expect(pool.end(0, .reset, times: 5)?.kind == .refused)
        #expect(pool.out == 0)
    }

    @Test("is not used up by endpoints that others have taken out")
    func others() {
        let pool = EjectionFixture(4)
        pool.health.setCheckedDown(0, true, now: pool.now)
        pool.shared.set(1, .draining, now: pool.now)
        pool.shared.set(2, .down, now: pool.now)
        for endpoint in 0..<3 { #expect(pool.end(endpoint, .reset, times: 9) == nil) }
        #expect(pool.out == 0 && pool.isConsistent)
    }

    @Test("a place is free again when the operator or another endpoint ends an ejection")
    func freed() {
        let pool = EjectionFixture(2)
        pool.end(0, .reset, times: 5)
        pool.shared.set(0, .up, now: pool.now)
        #expect(pool.out == 0 && pool.isConsistent)
        pool.end(0, .reset, times: 5)
        pool.pass(10)
        #expect(pool.claim() == 0)
        pool.health.reset(0, now: pool.now)
        #expect(pool.state(0) == EndpointHealth() && pool.isConsistent)
        #expect(pool.end(0, .reset, wasProbe: true) == nil)
        #expect(pool.row(0) == 1, "an end from before counts as any other")
    }
}

@Suite("The time of an ejection")
struct EjectionTimeTests {
    private static func time(base: Int, most: Int) -> EjectionTime {
        var options = EjectionOptions()
        options.baseTime = .seconds(base)
        options.maxTime = .seconds(most)
        return EjectionTime(options)
    }

    @Test(
        "doubles up to the cap",
        arguments: [
            (1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (63, 300), (0, 10),
        ]
    )
    func doubles(times: Int, expected: Int) {
        #expect(Self.time(base: 10, most: 300).plain(times: times) == seconds(Double(expected)))
    }

    @Test("has up to a tenth of jitter, never beyond the cap")
    func jitter() {
        let time = Self.time(base: 10, most: 21)
        #expect(time.jittered(times: 1, random: 0) == seconds(10))
        #expect(time.jittered(times: 1, random: .max) == seconds(11) - 1)
        #expect(time.jittered(times: 1, random: 1 << 63) == seconds(10.5))
        #expect(time.jittered(times: 2, random: .max) == seconds(21))
    }

    @Test("longest of all does not overflow")
    func longest() {
        var options = EjectionOptions()
        options.baseTime = .seconds(Int64.max)
        options.maxTime = .seconds(Int64.max)
        let time = EjectionTime(options)
        #expect(time.plain(times: 63) == .max)
        #expect(time.jittered(times: 63, random: .max) == .max)
    }

    @Test(
        "is forgotten one by one for each whole time out in service",
        arguments: [
            (1, 9.9, 1), (1, 10.0, 0), (3, 39.0, 3), (3, 40.0, 2), (3, 119.0, 1), (3, 1e6, 0),
            (3, -5.0, 3), (0, 100.0, 0),
        ]
    )
    func remembered(times: Int, inService: Double, left: Int) {
        let time = Self.time(base: 10, most: 300)
        #expect(time.remembered(times: times, inService: seconds(inService)) == left)
    }
}
