import CLinux
import Configuration
import EventLoop
import Health
import Synchronization

/// A stretch of finished log lines on its way to the log thread.
public struct LogBatch: @unchecked Sendable {
    /// Which log it belongs to.
    public enum Target: Sendable {
        case access
        case own
    }

    /// Which log it belongs to.
    public var target: Target
    /// The memory, which goes back by ``LogQueue/recycle(_:)``.
    public var memory: UnsafeMutableRawPointer
    /// Bytes in it.
    public var count: Int
}

/// Hands log lines from workers to the log thread.
///
/// Workers never wait: beyond ``maxWaiting`` batches lines are dropped and counted.
public final class LogQueue: Sendable {
    /// Batches that may wait for the log thread.
    public static let maxWaiting = 64

    /// Lines that were lost since the start.
    public struct Losses: Sendable, Equatable {
        /// As too many waited for the log thread.
        public var unqueued: UInt64 = 0
        /// As the file did not take them.
        public var unwritten: UInt64 = 0

        /// None.
        public init() {}
    }

    private struct State {
        var waiting: [LogBatch] = []
        /// Lines that were dropped since the last ``drain(into:)``.
        var dropped = 0
        var losses = Losses()
        /// How Weir's own log looks.
        var style: LogStyle
    }

    private let state: Mutex<State>
    /// Where memory for a batch comes from.
    let memory = BatchMemory(keeping: maxWaiting)
    /// Readable while batches wait.
    public let descriptor: Int32

    /// An empty queue.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses an eventfd.
    public init(style: LogStyle) throws(SystemError) {
        state = Mutex(State(style: style))
        descriptor = try SystemError.check(weir_eventfd(), "eventfd")
        state.withLock { $0.waiting.reserveCapacity(Self.maxWaiting) }
    }

    deinit {
        weir_close(descriptor)
        state.withLock { state in
            for batch in state.waiting { batch.memory.deallocate() }
        }
    }

    /// Hands a batch over; false if it was dropped, its `lines` counted.
    ///
    /// The memory is gone either way.
    @discardableResult
    func submit(_ batch: LogBatch, lines: Int) -> Bool {
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.maxWaiting else {
                state.dropped += lines
                state.losses.unqueued &+= UInt64(lines)
                return false
            }
            state.waiting.append(batch)
            return true
        }
        if !isTaken { recycle(batch) }
        weir_eventfd_signal(descriptor)
        return isTaken
    }

    /// Counts a line that no batch can hold.
    func countDropped() {
        state.withLock { state in
            state.dropped += 1
            state.losses.unqueued &+= 1
        }
    }

    /// Counts lines that could not be written.
    public func countUnwritten(_ lines: Int) {
        state.withLock { $0.losses.unwritten &+= UInt64(max(0, lines)) }
    }

    /// Lines of both logs that were lost.
    public var losses: Losses { state.withLock { $0.losses } }

    /// Has Weir's own log look like this from now on.
    public func setStyle(_ style: LogStyle) { state.withLock { $0.style = style } }

    private var style: LogStyle { state.withLock { $0.style } }

    /// A line of Weir's own log without its end; `nil` if its level is not wanted.
    public func line(_ level: LogConfig.Level, _ message: String) -> String? {
        style.line(level, message)
    }

    /// Writes a line into Weir's own log, if its level is wanted; for rare events.
    public func note(level: LogConfig.Level, _ message: String) {
        if let line = style.line(level, message) { write(line) }
    }

    /// Writes an event that happened at `now` into Weir's own log, if its level is wanted.
    public func note(level: LogConfig.Level, _ event: HealthEvent, now: Instant) {
        if let line = style.line(level, event, now: now) { write(line) }
    }

    private func write(_ line: String) {
        let bytes = Array((line + "\n").utf8.prefix(BatchMemory.size))
        let batch = LogBatch(target: .own, memory: memory.take(), count: bytes.count)
        batch.memory.copyMemory(from: bytes, byteCount: bytes.count)
        submit(batch, lines: 1)
    }

    /// Moves everything that waits into `batches`, whose memory takes its place; returns how many
    /// lines were dropped since the last call.
    public func drain(into batches: inout [LogBatch]) -> Int {
        weir_eventfd_clear(descriptor)
        batches.removeAll(keepingCapacity: true)
        return state.withLock { state in
            let dropped = state.dropped
            swap(&state.waiting, &batches)
            state.dropped = 0
            return dropped
        }
    }

    /// Bytes of all batches, those included that wait to be used again.
    public var bytes: Int { memory.bytes }

    /// Takes a batch's memory back.
    public func recycle(_ batch: LogBatch) { memory.recycle(batch.memory) }
}
