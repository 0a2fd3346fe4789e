import CLinux
import EventLoop
import Synchronization

/// Spans on their way from a worker to those who export them: objects of JSON, a comma between two.
public struct SpanBatch: @unchecked Sendable {
    /// The memory, which goes back by ``SpanQueue/recycle(_:)``.
    public var memory: UnsafeMutableRawPointer
    /// Bytes in it.
    public var count: Int
    /// Spans in it.
    public var spans: Int
}

/// Hands spans from workers to the control thread.
///
/// Workers never wait: beyond ``maxWaiting`` batches spans are dropped and counted.
public final class SpanQueue: Sendable {
    /// Spans of a batch at most.
    static let mostSpans = 64
    /// Batches that may wait: 4 MiB.
    public static let maxWaiting = 64

    private struct State {
        var waiting: [SpanBatch] = []
        /// Spans that wait.
        var spans = 0
        var totals = Totals()
    }

    /// What became of spans so far.
    public struct Totals: Sendable, Equatable {
        /// Taken by the collector.
        public var exported: UInt64 = 0
        /// Dropped, as too many waited.
        public var unqueued: UInt64 = 0
        /// Dropped, as the collector did not take them.
        public var refused: UInt64 = 0

        /// Nothing yet.
        public init() {}

        /// Adds what became of spans of another queue.
        public mutating func add(_ other: Totals) {
            exported &+= other.exported
            unqueued &+= other.unqueued
            refused &+= other.refused
        }
    }

    private let state = Mutex(State())
    /// Where memory for a batch comes from.
    let memory = BatchMemory(keeping: maxWaiting)
    /// Readable after a batch was handed over.
    public let descriptor: Int32

    /// An empty queue.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses an eventfd.
    public init() throws(SystemError) {
        descriptor = try SystemError.check(weir_eventfd(), "eventfd")
    }

    deinit {
        weir_close(descriptor)
        state.withLock { state in
            for batch in state.waiting { batch.memory.deallocate() }
        }
    }

    /// Hands a batch over, or drops it if too many wait; the memory is gone either way.
    func submit(_ batch: SpanBatch) {
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.maxWaiting else {
                state.totals.unqueued &+= UInt64(batch.spans)
                return false
            }
            state.waiting.append(batch)
            state.spans += batch.spans
            return true
        }
        if !isTaken { recycle(batch) }
        weir_eventfd_signal(descriptor)
    }

    /// Counts a span that no batch can hold.
    func countUnqueued() { state.withLock { $0.totals.unqueued &+= 1 } }

    /// Spans that wait.
    public var waiting: Int { state.withLock { $0.spans } }

    /// What became of spans so far.
    public var totals: Totals { state.withLock { $0.totals } }

    /// Counts what became of spans that were taken.
    public func count(exported: Int, refused: Int) {
        state.withLock { state in
            state.totals.exported &+= UInt64(max(0, exported))
            state.totals.refused &+= UInt64(max(0, refused))
        }
    }

    /// Takes the oldest batches that have at most so many spans together, at least one of them.
    public func take(_ most: Int) -> [SpanBatch] {
        state.withLock { state in
            var spans = 0
            var taken: [SpanBatch] = []
            for batch in state.waiting {
                if !taken.isEmpty, spans + batch.spans > most { break }
                taken.append(batch)
                spans += batch.spans
            }
            state.waiting.removeFirst(taken.count)
            state.spans -= spans
            return taken
        }
    }

    /// Takes a batch's memory back.
    public func recycle(_ batch: SpanBatch) { memory.recycle(batch.memory) }
}
