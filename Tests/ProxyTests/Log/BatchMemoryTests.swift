import Testing

@testable import Proxy

@Suite("The memory of batches")
struct BatchMemoryTests {
    @Test("what comes back is used again, and no more of it is kept than asked for")
    func recycles() {
        let memory = BatchMemory(keeping: 2)
        let pieces = (0..<3).map { _ in memory.take() }
        #expect(Set(pieces).count == 3)
        for piece in pieces {
            // Each has room of its own.
            piece.initializeMemory(as: UInt8.self, repeating: 1, count: BatchMemory.size)
            memory.recycle(piece)
        }
        // The third was not kept, or it would come first.
        let again = (0..<2).map { _ in memory.take() }
        #expect(again == [pieces[1], pieces[0]])
        for piece in again { memory.recycle(piece) }
    }

    @Test("both queues take back what they give away, also where they drop it")
    func queues() throws {
        let log = try makeQueue()
        let spans = try SpanQueue()
        for _ in 0..<LogQueue.maxWaiting {
            log.submit(LogBatch(target: .own, memory: log.memory.take(), count: 0), lines: 1)
        }
        for _ in 0..<SpanQueue.maxWaiting {
            spans.submit(SpanBatch(memory: spans.memory.take(), count: 0, spans: 1))
        }
        let (line, span) = (log.memory.take(), spans.memory.take())
        #expect(!log.submit(LogBatch(target: .own, memory: line, count: 0), lines: 1))
        spans.submit(SpanBatch(memory: span, count: 0, spans: 1))
        #expect(spans.totals.unqueued == 1)
        for (memory, piece) in [(log.memory.take(), line), (spans.memory.take(), span)] {
            #expect(memory == piece)
            memory.deallocate()
        }
    }
}
