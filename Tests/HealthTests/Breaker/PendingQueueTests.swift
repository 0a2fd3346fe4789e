import Balancing
import Health
import Testing

@Suite("Queue of those who wait for room")
struct PendingQueueTests {
    /// Those who wait, in order.
    private func order(_ queue: PendingQueue) -> [PendingQueue.Waiter] {
        var waiters: [PendingQueue.Waiter] = []
        var place = queue.first
        while place >= 0 {
            waiters.append(queue[place])
            place = queue.next(after: place)
        }
        return waiters
    }

    @Test("first come, first served; whoever leaves in the middle leaves no gap")
    func leavesInTheMiddle() {
        var queue = PendingQueue()
        #expect(queue.first == -1 && queue.count == 0 && queue.oldestForAny == Int64.max)
        let places = (0..<4).map { queue.append($0, wants: -1, at: Int64($0)) }
        queue.remove(places[2])
        #expect(order(queue).map(\.id) == [0, 1, 3])
        queue.remove(places[0])
        #expect(order(queue).map(\.id) == [1, 3] && queue.oldestForAny == 1)
        queue.remove(places[3])
        #expect(queue.append(9, wants: 5, at: 7) >= 0)
        #expect(
            order(queue).map(\.id) == [1, 9] && queue[queue.next(after: queue.first)].wants == 5
        )
    }

    @Test(
        "at random: nobody is lost, nobody overtakes, as a plain list says",
        arguments: [1, 2, 3, 4, 5] as [UInt64]
    )
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = PendingQueue()
        var model: [(place: Int32, waiter: PendingQueue.Waiter)] = []
        for step in 0..<20_000 {
            if model.isEmpty || random.next(below: 5) < 3 && model.count < 200 {
                let id = Int32(step)
                let wants = Int32(random.next(below: 4)) - 1
                let place = queue.append(id, wants: wants, at: Int64(step))
                #expect(!model.contains { $0.place == place }, "seed \(seed), step \(step)")
                model.append((place, .init(id: id, wants: wants, since: Int64(step))))
            } else {
                // The front more often than anyone else.
                let index = random.next(below: 2) == 0 ? 0 : random.next(below: model.count)
                queue.remove(model.remove(at: index).place)
            }
            #expect(queue.count == model.count, "seed \(seed), step \(step)")
            let forAny = model.first { $0.waiter.wants < 0 }?.waiter.since
            #expect(queue.oldestForAny == forAny ?? .max, "seed \(seed), step \(step)")
            if step % 50 == 0 {
                #expect(order(queue) == model.map(\.waiter), "seed \(seed), step \(step)")
            }
        }
    }
}
