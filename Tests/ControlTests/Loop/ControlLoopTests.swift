import CLinux
import EventLoop
import Testing

@testable import Control

@Suite("The control thread's loop")
struct ControlLoopTests {
    /// A pipe; both ends are closed with it.
    private struct Pipe: ~Copyable {
        var reading: Int32 = -1
        var writing: Int32 = -1

        init() { _ = weir_pipe(&reading, &writing, 4096) }

        deinit {
            if reading >= 0 { weir_close(reading) }
            if writing >= 0 { weir_close(writing) }
        }

        func write(_ text: String) {
            let bytes = Array(text.utf8)
            #expect(weir_write(writing, bytes, bytes.count) == bytes.count)
        }
    }

    /// A point up to which tests wait at most.
    private func limit(_ loop: ControlLoop) -> Instant {
        Instant(nanoseconds: weir_monotonic_ns()) + 5_000_000_000
    }

    private func read(_ descriptor: Int32) -> Int {
        var buffer = [UInt8](repeating: 0, count: 64)
        return buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map { weir_read(descriptor, $0, memory.count) } ?? -1
        }
    }

    @Test("a handler is called as long as its descriptor is ready, and not before")
    func readable() throws {
        let loop = try ControlLoop()
        let pipe = Pipe()
        var calls = 0
        #expect(loop.watch(pipe.reading) { calls += $0.contains(.readable) ? 1 : 100 } == true)
        loop.turn(until: loop.now)
        #expect(calls == 0)
        pipe.write("x")
        loop.turn(until: limit(loop))
        loop.turn(until: limit(loop))
        #expect(calls == 2)
        #expect(read(pipe.reading) == 1)
        loop.turn(until: loop.now)
        #expect(calls == 2)
        loop.unwatch(pipe.reading)
    }

    @Test("an edge-triggered handler is called once for each time that something comes")
    func edge() throws {
        let loop = try ControlLoop()
        let pipe = Pipe()
        var calls = 0
        #expect(loop.watch(pipe.reading, isEdgeTriggered: true) { _ in calls += 1 } == true)
        pipe.write("x")
        loop.turn(until: limit(loop))
        loop.turn(until: loop.now)
        #expect(calls == 1)
        pipe.write("y")
        loop.turn(until: limit(loop))
        #expect(calls == 2)
        loop.unwatch(pipe.reading)
    }

    @Test("what a descriptor is watched for can be changed")
    func change() throws {
        let loop = try ControlLoop()
        let pipe = Pipe()
        var seen: [Readiness] = []
        #expect(loop.watch(pipe.writing, []) { seen.append($0) } == true)
        loop.turn(until: loop.now)
        #expect(seen == [])
        #expect(loop.change(pipe.writing, .writable) == true)
        loop.turn(until: limit(loop))
        #expect(seen == [.writable])
        #expect(loop.change(pipe.writing, []) == true)
        loop.turn(until: loop.now)
        #expect(seen == [.writable])
        loop.unwatch(pipe.writing)
        #expect(loop.change(pipe.writing, .writable) == false)
        #expect(loop.watch(-1) { _ in } == false)
    }

    @Test("a descriptor that a handler takes out gets no event of the same batch")
    func removedInBatch() throws {
        let loop = try ControlLoop()
        let first = Pipe()
        let second = Pipe()
        let (a, b) = (first.reading, second.reading)
        var calls = 0
        for (own, other) in [(a, b), (b, a)] {
            let isWatched = loop.watch(own) { _ in
                calls += 1
                loop.unwatch(other)
            }
            #expect(isWatched == true)
        }
        first.write("x")
        second.write("x")
        loop.turn(until: limit(loop))
        #expect(calls == 1)
        #expect(loop.isWatched(a) != loop.isWatched(b))
        for descriptor in [a, b] { loop.unwatch(descriptor) }
    }

    @Test("a descriptor that is closed and given out again gets no event of its predecessor")
    func reused() throws {
        let loop = try ControlLoop()
        var calls: [String] = []
        let waking = Pipe()
        let old = weir_eventfd()
        weir_eventfd_signal(old)
        waking.write("x")
        var new: Int32 = -1
        // The new one has the number of the old one, unless another test was quicker.
        let isWatched = loop.watch(waking.reading) { _ in
            guard new < 0 else { return }
            loop.close(old)
            new = weir_eventfd()
            #expect(loop.watch(new) { _ in calls.append("new") } == true)
        }
        #expect(isWatched == true)
        #expect(loop.watch(old) { _ in calls.append("old") } == true)
        loop.turn(until: limit(loop))
        #expect(!calls.contains("new"))
        loop.close(new)
        loop.unwatch(waking.reading)
    }

    @Test("messages are received in their order")
    func mailbox() throws {
        let loop = try ControlLoop()
        let box = try Mailbox<Int>()
        var received: [Int] = []
        #expect(loop.receive(from: box) { received.append($0) } == true)
        for number in 0..<3 { box.post(number) }
        loop.turn(until: limit(loop))
        #expect(received == [0, 1, 2])
        loop.turn(until: loop.now)
        #expect(received == [0, 1, 2])
        loop.unwatch(box.descriptor)
    }

    @Test("deadlines come up in their order, not early, and the loop waits for them")
    func deadlines() throws {
        let loop = try ControlLoop()
        var order: [Int] = []
        var times: [Int64] = []
        let start = loop.now
        for milliseconds in [20, 5, 10] {
            loop.after(Int64(milliseconds) * 1_000_000) {
                order.append(milliseconds)
                times.append((loop.now - start) / 1_000_000)
            }
        }
        while order.count < 3 { loop.turn() }
        #expect(order == [5, 10, 20])
        #expect(zip(times, order).allSatisfy { $0 >= $1 })
    }

    @Test("a cancelled deadline does not come up, also where another one cancels it")
    func cancel() throws {
        let loop = try ControlLoop()
        var order: [String] = []
        let second = loop.at(loop.now + 1) { order.append("second") }
        loop.at(loop.now) {
            order.append("first")
            loop.cancel(second)
        }
        loop.cancel(nil)
        loop.after(2_000_000) { order.append("third") }
        while !order.contains("third") { loop.turn() }
        #expect(order == ["first", "third"])
        #expect(!second.isArmed)
        loop.cancel(second)
    }

    @Test("what an action adds for now waits for the next turn")
    func added() throws {
        let loop = try ControlLoop()
        var count = 0
        func again() {
            count += 1
            // What waits in the loop for ever would keep the loop itself.
            guard count < 3 else { return }
            loop.after(0) { again() }
        }
        loop.after(0) { again() }
        loop.turn()
        #expect(count == 1)
        loop.turn()
        #expect(count == 2)
        loop.turn()
        #expect(count == 3)
    }

    @Test("something is done again and again")
    func every() throws {
        let loop = try ControlLoop()
        var count = 0
        loop.every(1_000_000) { count += 1 }
        let start = loop.now
        while count < 5 { loop.turn() }
        #expect(loop.now - start >= 5_000_000)
    }
}
