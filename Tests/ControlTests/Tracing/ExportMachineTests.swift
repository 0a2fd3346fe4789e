import EventLoop
import Testing

@testable import Control

@Suite("When spans are exported")
struct ExportMachineTests {
    private typealias Machine = ExportMachine
    private func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }

    @Test("few spans wait five seconds for others, many leave at once")
    func gathers() {
        var machine = Machine()
        #expect(machine.spansWait(0, now: at(1)) == .nothing)
        #expect(machine.spansWait(1, now: at(1)) == .wait(until: at(6)))
        #expect(machine.spansWait(511, now: at(2)) == .nothing)
        #expect(machine.timeCame(511, now: at(5)) == .wait(until: at(6)))
        #expect(machine.timeCame(511, now: at(6)) == .send)
        #expect(machine.spansWait(600, now: at(6)) == .nothing)
        #expect(machine.delivered(600, now: at(7)) == .send)
        #expect(machine.delivered(3, now: at(8)) == .wait(until: at(13)))
        #expect(machine.spansWait(512, now: at(9)) == .send)
        #expect(machine.delivered(0, now: at(10)) == .nothing)
        #expect(machine.spansWait(512, now: at(11)) == .send)
    }

    @Test("a batch is tried three times, at growing intervals, and then dropped")
    func retries() {
        var machine = Machine()
        #expect(machine.spansWait(512, now: at(0)) == .send)
        #expect(machine.failed(.later(after: 0), random: 0, now: at(0)) == .wait(until: at(1)))
        #expect(machine.keepsBatch)
        #expect(machine.spansWait(9, now: at(0.5)) == .nothing)
        #expect(machine.timeCame(9, now: at(1)) == .sendAgain)
        #expect(machine.failed(.later(after: 0), random: 0, now: at(1)) == .wait(until: at(3)))
        #expect(machine.timeCame(9, now: at(3)) == .sendAgain)
        #expect(machine.failed(.later(after: 0), random: 0, now: at(3)) == .wait(until: at(7)))
        #expect(!machine.keepsBatch)
        #expect(machine.timeCame(9, now: at(7)) == .send)
        #expect(machine.failures == 3)
        #expect(machine.delivered(0, now: at(8)) == .nothing)
        #expect(machine.failures == 0)
    }

    @Test("a batch that is refused is dropped at once, and the next one waits")
    func refused() {
        var machine = Machine()
        #expect(machine.spansWait(512, now: at(0)) == .send)
        #expect(machine.failed(.refused, random: 0, now: at(0)) == .wait(until: at(1)))
        #expect(!machine.keepsBatch)
        #expect(machine.timeCame(0, now: at(1)) == .nothing)
        #expect(machine.spansWait(512, now: at(2)) == .send)
        #expect(machine.failed(.refused, random: 0, now: at(2)) == .wait(until: at(4)))
    }

    @Test("rests grow to half a minute, are shortened by chance, and heed what the collector asks")
    func rests() {
        var machine = Machine()
        var now = at(0)
        for number in 0..<70 {
            _ = machine.spansWait(512, now: now)
            guard case .wait(let until) = machine.failed(.refused, random: 0, now: now) else {
                Issue.record("no rest behind failure \(number)")
                return
            }
            let seconds = min(30, 1 << min(number, 10))
            #expect(until == now + Int64(seconds) * 1_000_000_000)
            now = until
            #expect(machine.timeCame(0, now: now) == .nothing)
        }
        var hurried = Machine()
        _ = hurried.spansWait(512, now: at(0))
        let half = hurried.failed(.refused, random: UInt64.max, now: at(0))
        #expect(half == .wait(until: Instant(nanoseconds: 500_000_001)))
        var told = Machine()
        _ = told.spansWait(512, now: at(0))
        let later = Machine.Failure.later(after: 7_000_000_000)
        #expect(told.failed(later, random: 0, now: at(0)) == .wait(until: at(7)))
        var patient = Machine()
        _ = patient.spansWait(512, now: at(0))
        let never = Machine.Failure.later(after: Int64.max)
        #expect(patient.failed(never, random: 0, now: at(0)) == .wait(until: at(30)))
    }

    @Test("at the end what waits is sent, as long as the collector takes it")
    func ends() {
        var idle = Machine()
        #expect(idle.ends(0, now: at(0)) == .end)
        #expect(idle.spansWait(5, now: at(1)) == .nothing)

        var gathering = Machine()
        _ = gathering.spansWait(1, now: at(0))
        #expect(gathering.ends(1, now: at(1)) == .send)
        #expect(gathering.delivered(2, now: at(2)) == .send)
        #expect(gathering.delivered(0, now: at(3)) == .end)

        var sending = Machine()
        _ = sending.spansWait(512, now: at(0))
        #expect(sending.ends(1, now: at(1)) == .nothing)
        #expect(sending.failed(.later(after: 0), random: 0, now: at(2)) == .end)
        #expect(!sending.keepsBatch)

        var resting = Machine()
        _ = resting.spansWait(512, now: at(0))
        _ = resting.failed(.later(after: 0), random: 0, now: at(0))
        #expect(resting.ends(1, now: at(0)) == .end)
        #expect(!resting.keepsBatch)
    }

    @Test("events that fit no phase change nothing")
    func unexpected() {
        var machine = Machine()
        #expect(machine.delivered(1, now: at(0)) == .nothing)
        #expect(machine.failed(.refused, random: 0, now: at(0)) == .nothing)
        #expect(machine.timeCame(1, now: at(0)) == .nothing)
        #expect(machine.failures == 0)
    }
}
