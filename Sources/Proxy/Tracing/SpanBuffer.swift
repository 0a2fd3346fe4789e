import CLinux
import EventLoop

/// A worker's spans until they go to control: when the buffer is full, or a second after the
/// first of them.
///
/// Whoever has it frees it.
struct SpanBuffer {
    private let queue: SpanQueue?
    private var writer: ByteWriter?
    private var spans = 0
    private var since = Instant.never
    /// Nanoseconds from the loop's clock to the wall clock, and when that was read.
    private var offset: Int64 = 0
    private var checked = Instant.never

    /// A buffer that hands its spans to a queue; without one it takes none.
    init(_ queue: SpanQueue?) { self.queue = queue }

    /// Gives the memory back.
    func free() { writer?.start.deallocate() }

    /// Whether this is where its spans go.
    func goes(to queue: SpanQueue?) -> Bool { queue === self.queue }

    /// Whether spans wait to be handed over.
    var isWaiting: Bool { spans > 0 }

    /// Appends a span; its times are those of the loop's clock.
    mutating func append(_ span: SpanRecord, from start: Instant, to end: Instant) {
        guard let queue else { return }
        var span = span
        readClock(end)
        span.start = start.nanoseconds &+ offset
        span.end = end.nanoseconds &+ offset
        for _ in 0..<2 {
            var writer =
                self.writer ?? ByteWriter(queue.memory.take(), capacity: BatchMemory.size)
            self.writer = writer
            if spans > 0 { writer.append(byte: 0x2c) }
            writer.append(span: span)
            if !writer.overflowed {
                self.writer = writer
                spans += 1
                if since == .never { since = end }
                if spans >= SpanQueue.mostSpans { flush() }
                return
            }
            guard spans > 0 else { break }
            flush()
        }
        queue.countUnqueued()
    }

    /// The wall clock is read at most once a second, so that spans of one request fit together.
    private mutating func readClock(_ now: Instant) {
        if checked != .never, now - checked < 1_000_000_000 { return }
        offset = weir_realtime_ns() &- weir_monotonic_ns()
        checked = now
    }

    /// Hands spans over if the first of them has waited a second.
    mutating func flushIfOld(_ now: Instant) {
        if spans > 0, now - since >= 1_000_000_000 { flush() }
    }

    /// Hands over what there is.
    mutating func flush() {
        guard spans > 0, let writer, let queue else { return }
        queue.submit(SpanBatch(memory: writer.start, count: writer.count, spans: spans))
        self.writer = nil
        spans = 0
        since = .never
    }
}
