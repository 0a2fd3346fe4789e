import Balancing
import Health
import Testing

@Suite("Checks and ejection")
struct CheckReturnTests {
    @Test("`rise` checks that began after an ejection for connections end it", arguments: 1...3)
    func returns(rise: Int) {
        let pool = EjectionFixture(2, rise: rise)
        pool.end(0, .connectFailure, times: 5)
        let before = pool.now - 1
        for _ in 0..<5 {
            #expect(pool.health.checkPassed(0, began: before, now: pool.now) == nil)
        }
        for _ in 1..<rise {
            #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) == nil)
        }
        let change = pool.health.checkPassed(0, began: pool.now, now: pool.now)
        #expect(change == EjectionChange(.returned, 0, .checksPassed(rise)))
        #expect(pool.state(0).availability == .up && pool.isConsistent)
        #expect(pool.state(0).timesEjected == 1)
        #expect(pool.row(0) == 0)
    }

    @Test("a failed check between them begins anew")
    func failed() {
        let pool = EjectionFixture(2, rise: 2)
        pool.end(0, .reset, times: 5)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) == nil)
        pool.health.checkFailed(0)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) == nil)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) != nil)
    }

    @Test("checks do not end an ejection for answers", arguments: [false, true])
    func answers(isHalfOpen: Bool) {
        let pool = EjectionFixture(2, rise: 1)
        pool.end(0, .countedAnswer, times: 5)
        if isHalfOpen { pool.pass(10) }
        for _ in 0..<9 {
            #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) == nil)
        }
        #expect(pool.out == 1)
    }

    @Test("the row's last failure decides what an ejection is for")
    func last() {
        let pool = EjectionFixture(3)
        pool.end(0, .countedAnswer, times: 4)
        pool.end(0, .reset)
        #expect(pool.state(0).ejection == .ejected && !pool.state(0).isForAnswers)
    }

    @Test("checks from before a second ejection do not count for it")
    func second() {
        let pool = EjectionFixture(2, rise: 2)
        pool.end(0, .reset, times: 5)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) == nil)
        pool.pass(10)
        let before = pool.now
        #expect(pool.claim() == 0)
        pool.now += 1000
        pool.end(0, .reset, wasProbe: true)
        #expect(pool.health.checkPassed(0, began: before, now: pool.now) == nil)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) == nil)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) != nil)
    }

    @Test("a single request that ends after checks brought its endpoint back is a try like others")
    func late() {
        let pool = EjectionFixture(2, rise: 1)
        pool.end(0, .reset, times: 5)
        pool.pass(10)
        #expect(pool.claim() == 0)
        #expect(pool.health.checkPassed(0, began: pool.now, now: pool.now) != nil)
        #expect(pool.end(0, .reset, wasProbe: true) == nil)
        #expect(pool.row(0) == 1 && pool.out == 0 && pool.isConsistent)
    }

    @Test("an endpoint that checks bring up begins with an empty row")
    func up() {
        let pool = EjectionFixture(2)
        pool.end(0, .reset, times: 4)
        pool.health.setCheckedDown(0, true, now: pool.now)
        #expect(pool.state(0).availability == .unhealthy)
        pool.end(0, .reset, times: 4)
        #expect(pool.out == 0)
        pool.health.setCheckedDown(0, false, now: pool.now)
        #expect(pool.state(0).availability == .up && pool.row(0) == 0)
    }
}
