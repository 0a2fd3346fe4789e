import CBytes
import CLinux

/// What one worker counts: memory that it alone writes, and that control reads at any time.
///
/// Sums over the workers are made when somebody asks, so that a request costs a few additions in
/// the worker's own cache. A reader may see a request's counters half added.
public final class WorkerStatistics: @unchecked Sendable {
    /// Fine histograms, 14 KiB each, that a worker has at most; further ones are coarse, 4 KiB.
    static let mostFine = 512

    /// By listener, and in it by route; the last row of each listener counts what no route took.
    let traffic: CounterRows
    let endpoints: CounterRows
    let listeners: CounterRows
    let worker: CounterRows
    /// Rows of a listener in ``traffic``.
    let rowsPerListener: Int
    /// Histograms, as they were made.
    private var histograms: [UnsafeMutableRawPointer] = []
    private var fineCount = 0

    /// Counters for so many listeners, routes and endpoints, all zero.
    init(listeners: Int, routes: Int, endpoints: Int) {
        rowsPerListener = routes + 1
        traffic = CounterRows(max(1, listeners) * rowsPerListener, width: TrafficColumn.width)
        self.endpoints = CounterRows(endpoints, width: EndpointColumn.width)
        self.listeners = CounterRows(listeners, width: ListenerColumn.width)
        worker = CounterRows(1, width: WorkerColumn.width)
    }

    deinit {
        traffic.free()
        endpoints.free()
        listeners.free()
        worker.free()
        for histogram in histograms { cbytes_free_zeroed(histogram) }
    }

    /// A histogram for a row, whose `column` names it from now on; for the worker only.
    @inline(never)
    func addHistogram(
        _ column: UnsafeMutablePointer<UInt64>,
        mayBeFine: Bool
    ) -> UInt64 {
        let isFine = mayBeFine && fineCount < Self.mostFine
        if isFine { fineCount += 1 }
        let buckets: DurationBuckets = isFine ? .fine : .coarse
        let memory = cbytes_zeroed(buckets.count * MemoryLayout<UInt64>.stride)
        histograms.append(memory)
        // Memory from the allocator is even: the lowest bit is free to say of which kind it is.
        let named = UInt64(UInt(bitPattern: memory)) | (isFine ? 1 : 0)
        weir_count_publish(column, named)
        return named
    }

    /// Adds the histogram that a column names, if there is one.
    static func read(
        _ column: UnsafeMutablePointer<UInt64>,
        into histogram: inout DurationHistogram
    ) {
        let named = weir_count_published(column)
        guard let counts = UnsafePointer<UInt64>(bitPattern: UInt(named & ~1)) else { return }
        histogram.add(named & 1 == 1 ? .fine : .coarse) { weir_count_read(counts + $0) }
    }
}

extension UnsafeMutablePointer<UInt64> {
    /// Counts in a column of a row.
    func add(_ column: Int, _ value: UInt64 = 1) { weir_count(self + column, value) }

    /// Counts a duration in the histogram that a column names, which is made for the first one.
    func add(
        _ column: Int,
        duration: Int64,
        _ statistics: WorkerStatistics,
        mayBeFine: Bool
    ) {
        var named = self[column]
        if named == 0 {
            named = statistics.addHistogram(self + column, mayBeFine: mayBeFine)
        }
        let buckets: DurationBuckets = named & 1 == 1 ? .fine : .coarse
        guard let counts = UnsafeMutablePointer<UInt64>(bitPattern: UInt(named & ~1)) else {
            return
        }
        weir_count(counts + buckets.index(duration), 1)
    }
}
