import CBytes
import CLinux
import Configuration

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

    /// Counters for what has places in a configuration, all zero, and for half as much again that
    /// changed files may bring.
    public init(_ placed: PlacedConfig) {
        func room(_ count: Int) -> Int { count + max(16, count / 2) }
        let listeners = room(placed.config.listeners.count)
        rowsPerListener = room(placed.config.routes.count) + 1
        traffic = CounterRows(listeners * rowsPerListener, width: TrafficColumn.width)
        endpoints = CounterRows(room(placed.endpointCount), width: EndpointColumn.width)
        self.listeners = CounterRows(listeners, width: ListenerColumn.width)
        worker = CounterRows(1, width: WorkerColumn.width)
    }

    /// Whether there are counters for everything that has a place.
    public func hasRoom(for placed: PlacedConfig) -> Bool {
        placed.config.listeners.count <= listeners.count
            && placed.config.routes.count < rowsPerListener
            && placed.endpointCount <= endpoints.count
    }

    // MARK: Places that get somebody else

    /// Forgets what was counted of a listener and a route, `nil` for what no route took; nobody
    /// may be counting there.
    public func clear(listener: Int, route: Int?) {
        let row = traffic.row(listener * rowsPerListener + (route ?? rowsPerListener - 1))
        Self.clear(row, width: TrafficColumn.width, histogram: TrafficColumn.histogram)
    }

    /// Forgets what was counted of an endpoint; nobody may be counting there.
    public func clear(endpoint: Int) {
        Self.clear(
            endpoints.row(endpoint),
            width: EndpointColumn.width,
            histogram: EndpointColumn.histogram
        )
    }

    /// Forgets what was counted of a listener's connections; nobody may be counting there.
    public func clear(listener: Int) {
        let row = listeners.row(listener)
        for column in 0..<ListenerColumn.width { weir_count_set(row + column, 0) }
    }

    /// Goes on with what a worker said of itself elsewhere; for that worker only.
    func takeWorker(from other: WorkerStatistics) {
        let (own, known) = (worker.row(0), other.worker.row(0))
        for column in 0..<WorkerColumn.width where column != WorkerColumn.histogramBytes {
            weir_count_set(own + column, known[column])
        }
    }

    /// The histogram stays for whoever comes, empty.
    private static func clear(
        _ row: UnsafeMutablePointer<UInt64>,
        width: Int,
        histogram: Int
    ) {
        for column in 0..<width where column != histogram { weir_count_set(row + column, 0) }
        let named = weir_count_published(row + histogram)
        guard let counts = UnsafeMutablePointer<UInt64>(bitPattern: UInt(named & ~1)) else {
            return
        }
        let buckets: DurationBuckets = named & 1 == 1 ? .fine : .coarse
        for bucket in 0..<buckets.count { weir_count_set(counts + bucket, 0) }
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
        let size = buckets.count * MemoryLayout<UInt64>.stride
        let memory = cbytes_zeroed(size)
        histograms.append(memory)
        worker.row(0).add(WorkerColumn.histogramBytes, UInt64(size))
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
