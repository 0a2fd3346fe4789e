import EventLoop
import Synchronization
import Testing

@Suite("Mailbox and threads")
struct MailboxTests {
    private struct Note: Sendable, Equatable {
        var sender: Int
        var number: Int
    }

    @Test("messages come out in order, once, and wake the loop until they are taken")
    func order() throws {
        let box = try Mailbox<String>()
        let poller = try Poller()
        #expect(poller.addSource(box.descriptor, token: 5) == true)
        #expect(poller.wait(milliseconds: 0) == 0)
        box.post("a")
        box.post("b")
        #expect(poller.wait(milliseconds: 2000) == 1)
        #expect(poller.wait(milliseconds: 0) == 1)
        #expect(box.drain() == ["a", "b"])
        #expect(poller.wait(milliseconds: 0) == 0)
        #expect(box.drain() == [])
        box.post("c")
        #expect(poller.wait(milliseconds: 2000) == 1)
        #expect(box.drain() == ["c"])
    }

    @Test("messages of several threads all arrive, each thread's in its order")
    func threads() throws {
        let box = try Mailbox<Note>()
        let poller = try Poller()
        #expect(poller.addSource(box.descriptor, token: 0) == true)
        func start(_ sender: Int) throws -> Thread {
            try Thread(name: "sender-\(sender)") {
                for number in 0..<3000 { box.post(Note(sender: sender, number: number)) }
            }
        }
        let one = try start(0)
        let two = try start(1)
        let three = try start(2)
        var next = [0, 0, 0]
        var isOrdered = true
        // A wake-up lost would end this by its time-out, with messages missing.
        while next.reduce(0, +) < 9000, poller.wait(milliseconds: 10_000) > 0 {
            for note in box.drain() {
                isOrdered = isOrdered && note.number == next[note.sender]
                next[note.sender] += 1
            }
        }
        one.join()
        two.join()
        three.join()
        #expect(isOrdered)
        #expect(next == [3000, 3000, 3000])
        #expect(box.drain().isEmpty)
    }

    @Test("join waits for the thread's end")
    func join() throws {
        final class Flag: Sendable { let value = Atomic<Int>(0) }
        let flag = Flag()
        let box = try Mailbox<Int>()
        let thread = try Thread(name: "flag") {
            let poller = try? Poller()
            _ = poller?.wait(milliseconds: 50)
            flag.value.store(1, ordering: .relaxed)
            box.post(1)
        }
        thread.join()
        #expect(flag.value.load(ordering: .relaxed) == 1)
        #expect(box.drain() == [1])
    }
}
