import EventLoop
import Testing

@testable import Control

@Suite("Deadlines in a heap")
struct DeadlineHeapTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    @Test("any sequence comes up in order, cancelled ones never", arguments: [1, 2, 3])
    func sequences(seed: UInt64) {
        var random = Generator(state: seed)
        var heap = DeadlineHeap()
        var armed: [(number: Int, deadline: Deadline)] = []
        var seen: [Int] = []
        for number in 0..<3000 {
            let time = Instant(nanoseconds: Int64.random(in: 0..<5000, using: &random))
            let deadline = Deadline(at: time) { seen.append(number) }
            heap.insert(deadline)
            armed.append((number, deadline))
            if Int.random(in: 0..<3, using: &random) > 0 {
                let victim = armed.remove(at: Int.random(in: 0..<armed.count, using: &random))
                heap.cancel(victim.deadline)
                heap.cancel(victim.deadline)
            }
        }
        // Cancelled ones were swept out on the way.
        #expect(heap.count <= max(64, 2 * armed.count + 1))
        for now in stride(from: Int64(0), through: 5000, by: 500) {
            while let due = heap.popDue(Instant(nanoseconds: now), upTo: heap.newest) {
                #expect(due.time.nanoseconds <= now)
                due.perform()
            }
            #expect(heap.next.nanoseconds > now)
        }
        let expected = armed.sorted {
            $0.deadline.time == $1.deadline.time
                ? $0.number < $1.number : $0.deadline.time < $1.deadline.time
        }
        #expect(seen == expected.map(\.number))
        #expect(heap.next == .never)
    }

    @Test("one that is performed has come up")
    func performed() {
        var calls = 0
        let deadline = Deadline(at: Instant(nanoseconds: 1)) { calls += 1 }
        deadline.perform()
        deadline.perform()
        #expect(calls == 1)
        #expect(!deadline.isArmed)
    }
}
