import Balancing
import Health
import Synchronization
import Testing

@Suite("What a pool takes at once")
struct PoolGateTests {
    private func gate(
        requests: Int? = nil,
        connections: Int? = nil,
        pending: Int = 1024,
        perServerPending: Int? = nil
    ) -> PoolGate {
        var options = BreakerOptions()
        options.pool.maxRequests = requests
        options.pool.maxConnections = connections
        options.maxPending = pending
        options.perServerMaxPending = perServerPending
        return PoolGate(options, workers: 3, capacity: 4)
    }

    @Test("as many as the bound, not one more, and again once one has left")
    func bounds() {
        let gate = gate(requests: 2, connections: 1)
        #expect(gate.enterRequest() && gate.enterRequest() && !gate.enterRequest())
        gate.leaveRequest()
        #expect(gate.enterRequest() && !gate.enterRequest())
        #expect(gate.enterConnection() && !gate.enterConnection())
        gate.leaveConnection()
        gate.forceConnection()
        #expect(!gate.enterConnection())
    }

    @Test("without bounds everyone enters")
    func unbounded() {
        let gate = gate()
        for _ in 0..<10_000 { #expect(gate.enterRequest() && gate.enterConnection()) }
    }

    @Test("the queue takes max-pending, those for one endpoint their own share of it")
    func queue() {
        let gate = gate(pending: 3, perServerPending: 1)
        #expect(!gate.hasQueue)
        #expect(gate.enterQueue(endpoint: 2) && !gate.enterQueue(endpoint: 2))
        // Those who wait for one endpoint are in nobody else's way.
        #expect(!gate.hasQueue && gate.waiting == 1)
        #expect(gate.enterQueue(endpoint: -1) && gate.enterQueue(endpoint: 1))
        #expect(gate.hasQueue && gate.waiting == 3)
        #expect(!gate.enterQueue(endpoint: -1) && !gate.enterQueue(endpoint: 0))
        gate.leaveQueue(endpoint: 2)
        #expect(gate.enterQueue(endpoint: 2))
        gate.leaveQueue(endpoint: -1)
        #expect(!gate.hasQueue && gate.waiting == 2)
    }

    @Test("room goes to the worker with the one that waits longest")
    func longest() {
        let gate = gate()
        #expect(gate.longestWaiting(before: .max, besides: -1) == nil)
        gate.setOldest(30, worker: 0)
        gate.setOldest(20, worker: 2)
        #expect(gate.longestWaiting(before: .max, besides: -1) == 2)
        #expect(gate.longestWaiting(before: .max, besides: 2) == 0)
        #expect(gate.longestWaiting(before: 30, besides: 2) == nil)
        gate.setOldest(.max, worker: 2)
        #expect(gate.longestWaiting(before: .max, besides: -1) == 0)
    }

    @Test("it opens once, and closes when nobody waited between two looks")
    func events() {
        let gate = gate()
        #expect(!gate.noteEmpty())
        #expect(gate.noteFull() && !gate.noteFull())
        #expect(gate.enterQueue(endpoint: -1))
        #expect(!gate.noteEmpty() && !gate.noteEmpty())
        gate.leaveQueue(endpoint: -1)
        #expect(!gate.noteEmpty())
        #expect(!gate.noteFull())
        #expect(!gate.noteEmpty() && gate.noteEmpty() && !gate.noteEmpty())
        #expect(gate.noteFull())
    }

    @Test("workers together never go over a bound", arguments: [1, 3, 8] as [Int])
    func together(bound: Int) async {
        let gate = gate(requests: bound)
        let under = Bystander()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<20_000 where gate.enterRequest() {
                        let count = under.now.add(1, ordering: .relaxed).newValue
                        under.most.max(count, ordering: .relaxed)
                        under.now.subtract(1, ordering: .relaxed)
                        gate.leaveRequest()
                    }
                }
            }
        }
        #expect(under.most.load(ordering: .relaxed) <= bound)
        // All have left: there is room for as many again.
        #expect((0..<bound).allSatisfy { _ in gate.enterRequest() } && !gate.enterRequest())
    }

    /// Counts besides the gate.
    private final class Bystander: Sendable {
        let now = Atomic<Int>(0)
        let most = Atomic<Int>(0)
    }
}
