import Balancing
import Testing

@testable import Simulator

@Suite("Heap of events")
struct HeapTests {
    @Test("events come in the order of time, then of kind", arguments: [1, 2, 3] as [UInt64])
    func order(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var heap = EventHeap()
        var waiting: [Int64] = []
        for _ in 0..<20_000 {
            if waiting.isEmpty || random.next(below: 5) < 3 {
                let time = Int64(random.next(below: 1000))
                heap.push(Event(time, .served, random.next(below: 100)))
                waiting.append(time)
            } else {
                let least = waiting.min()
                #expect(heap.nextTime == least, "seed \(seed)")
                #expect(heap.pop()?.time == least, "seed \(seed)")
                waiting.firstIndex { $0 == least }.map { _ = waiting.remove(at: $0) }
            }
        }
        #expect(heap.count == waiting.count)
    }

    @Test("of two at one time the lower kind comes first, and an empty heap has none")
    func ties() {
        var heap = EventHeap()
        heap.push(Event(5, .reached, 1))
        heap.push(Event(5, .served, 2))
        #expect(heap.pop()?.kind == .served)
        #expect(heap.pop()?.index == 1)
        #expect(heap.pop() == nil && heap.nextTime == Int64.max)
    }
}
