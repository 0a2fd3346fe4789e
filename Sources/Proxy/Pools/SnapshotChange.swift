import Configuration
import Synchronization

/// What workers go over to when a changed file is taken: everything in one step.
public final class SnapshotChange: Sendable {
    /// What is served from now on.
    public let snapshot: Snapshot
    /// Endpoints of pools that are not where the snapshot has them: found ones, changed ones.
    public let updates: [PoolUpdate]
    /// Places of pools that serve nothing new from now on.
    let retiredPools: Set<Int>
    /// Places of listeners that accept nobody from now on.
    let closedListeners: Set<Int>
    /// By worker: sockets to accept from besides.
    let opened: [[WorkerListener]]
    /// By worker: where it counts from now on; empty where there is room as it is.
    let statistics: [WorkerStatistics]
    /// Where spans go from now on; `nil` where none are exported.
    let spans: SpanQueue?
    private let waiting: Atomic<Int>

    /// A change for as many workers as `opened` has entries for.
    public init(
        _ snapshot: Snapshot,
        updates: [PoolUpdate],
        retiredPools: Set<Int>,
        closedListeners: Set<Int>,
        opened: [[WorkerListener]],
        statistics: [WorkerStatistics],
        spans: SpanQueue?
    ) {
        self.spans = spans
        self.snapshot = snapshot
        self.updates = updates
        self.retiredPools = retiredPools
        self.closedListeners = closedListeners
        self.opened = opened
        self.statistics = statistics
        waiting = Atomic(opened.count)
    }

    /// Whether every worker has gone over.
    public var isAcknowledged: Bool { waiting.load(ordering: .acquiring) <= 0 }

    /// How many workers have not gone over yet.
    public var missing: Int { max(0, waiting.load(ordering: .acquiring)) }

    /// A worker has gone over.
    func acknowledge() { waiting.subtract(1, ordering: .acquiringAndReleasing) }
}

/// Asks all workers which places of the configuration requests and connections still use.
public final class UseQuery: Sendable {
    /// Places that are used.
    public struct Uses: Sendable {
        /// Of listeners.
        public var listeners: Set<Int> = []
        /// Of routes.
        public var routes: Set<Int> = []
        /// Of pools.
        public var pools: Set<Int> = []
    }

    private let uses = Mutex(Uses())
    private let waiting: Atomic<Int>

    /// A question to so many workers.
    public init(workers: Int) { waiting = Atomic(workers) }

    /// What they use, once all have answered; `nil` until then.
    public var answer: Uses? {
        waiting.load(ordering: .acquiring) <= 0 ? uses.withLock { $0 } : nil
    }

    /// One worker's answer.
    func add(_ other: Uses) {
        uses.withLock { uses in
            uses.listeners.formUnion(other.listeners)
            uses.routes.formUnion(other.routes)
            uses.pools.formUnion(other.pools)
        }
        waiting.subtract(1, ordering: .acquiringAndReleasing)
    }
}
