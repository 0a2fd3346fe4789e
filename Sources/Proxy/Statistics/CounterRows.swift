import CBytes
import CLinux

/// Rows of counters that one worker writes and control reads.
///
/// Rows that are never touched cost address space only.
struct CounterRows: BitwiseCopyable, @unchecked Sendable {
    /// The first row.
    let base: UnsafeMutablePointer<UInt64>
    /// How many rows there are, and counters in each.
    let count: Int
    let width: Int

    /// Rows of zeroes; to be given back by ``free()``.
    init(_ count: Int, width: Int) {
        self.count = max(1, count)
        self.width = width
        base = cbytes_zeroed(self.count * width * MemoryLayout<UInt64>.stride)
            .assumingMemoryBound(to: UInt64.self)
    }

    /// Gives the memory back.
    func free() { cbytes_free_zeroed(base) }

    /// A row; `index` must be below ``count``.
    func row(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        return base + index &* width
    }

    /// What stands in a row now.
    func read(_ index: Int) -> [UInt64] {
        let row = row(index)
        return (0..<width).map { weir_count_read(row + $0) }
    }
}

/// What is counted of the requests of one listener and one route.
enum TrafficColumn {
    /// By outcome: how the requests ended.
    static let outcomes = 0
    /// By first digit: the statuses of their answers; the first one counts those without.
    static let statuses = 32
    static let bytesIn = 40
    static let bytesOut = 41
    /// Nanoseconds that they took, together.
    static let duration = 42
    /// Tries behind the first.
    static let retries = 43
    /// The address of their histogram of durations.
    static let histogram = 44
    /// Requests under way: begun less ended, which wraps.
    static let inFlight = 45
    static let width = 46
}

/// What is counted of one endpoint.
enum EndpointColumn {
    /// Requests sent, each try for itself.
    static let tries = 0
    /// Connections opened or tried to open.
    static let connects = 1
    /// By first digit: the statuses of its answers.
    static let statuses = 2
    /// By kind: tries that failed without an answer.
    static let connectFailures = 8
    static let timeouts = 9
    static let resets = 10
    static let badAnswers = 11
    /// Of the requests that ended here.
    static let bytesIn = 12
    static let bytesOut = 13
    /// Nanoseconds from tries to their answers' heads, together.
    static let answerTime = 14
    /// The address of the histogram of these times.
    static let histogram = 15
    static let width = 16
}

/// What is counted of one listener besides its requests.
enum ListenerColumn {
    static let connections = 0
    static let handshakes = 1
    static let resumed = 2
    static let handshakeFailures = 3
    static let http2 = 4
    /// Connections closed at once, as their client had as many as it may.
    static let refused = 5
    /// Times that a worker paused accepting, as there were too many connections, or handshakes.
    static let pauses = 6
    static let handshakePauses = 7
    static let width = 8
}

/// What a worker says of itself at the end of each turn.
enum WorkerColumn {
    static let turns = 0
    /// The time of the turn, in nanoseconds of the monotonic clock.
    static let lastTurn = 1
    static let clients = 2
    static let exchanges = 3
    static let servers = 4
    /// Bytes in buffers that connections hold.
    static let bufferBytes = 5
    /// Nanoseconds that the longest turn took, of those of the present ten seconds and of those
    /// before.
    static let longestTurn = 6
    static let longestBefore = 7
    /// Turns that took longer than `limits.loop-lag`.
    static let lateTurns = 8
    /// When the present ten seconds began, in nanoseconds of the monotonic clock.
    static let windowStart = 9
    /// Bytes of the places that connections and requests have had so far.
    static let tableBytes = 10
    /// Bytes of blocks in which frames of HTTP/2 wait to be sent.
    static let frameBytes = 11
    /// Bytes of histograms.
    static let histogramBytes = 12
    /// By outcome: the answers that the worker made itself.
    static let localResponses = 16
    static let width = 48
}
