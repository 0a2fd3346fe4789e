import Synchronization

/// The circuit breaker of one pool: what its workers have under way together, and how many wait.
///
/// Each worker keeps the requests that wait with it in a ``PendingQueue``; the gate has what they
/// share: the counts, and since when each worker's first one waits, so that room goes to whoever
/// waits longest. All of it is atomic; nobody blocks.
public final class PoolGate: Sendable {
    /// A number that several workers change.
    private final class Counter: Sendable {
        let value = Atomic<Int64>(0)
    }

    /// The pool's bounds; `Int64.max` where there is none.
    public let maxRequests: Int64
    /// The pool's bounds; `Int64.max` where there is none.
    public let maxConnections: Int64
    /// How many may wait.
    public let maxPending: Int64
    /// How long each may wait, in nanoseconds.
    public let queueTimeout: Int64
    /// How many may wait for one endpoint that they have to go to.
    public let maxPendingPerServer: Int64
    /// How long those may wait, in nanoseconds.
    public let serverQueueTimeout: Int64
    private let requests = Counter()
    private let connections = Counter()
    private let pending = Counter()
    /// Those of them that any endpoint would do for.
    private let pendingForAny = Counter()
    /// By worker: since when its first one waits.
    private let oldest: [Counter]
    /// By worker: whether it waits for connections.
    private let lacking: [Counter]
    /// By endpoint: how many wait for it alone.
    private let pendingByServer: [Counter]
    private let isOpen = Atomic<Bool>(false)
    private let wasEmpty = Atomic<Bool>(false)

    /// The gate of a pool with these bounds, so many workers, and so many endpoints at most.
    public init(_ options: BreakerOptions, workers: Int, capacity: Int) {
        func bound(_ count: Int?) -> Int64 { count.map { Int64(max(1, $0)) } ?? Int64.max }
        maxRequests = bound(options.pool.maxRequests)
        maxConnections = bound(options.pool.maxConnections)
        maxPending = Int64(max(0, options.maxPending))
        queueTimeout = options.queueTimeout.inNanoseconds
        maxPendingPerServer = options.perServerMaxPending.map { Int64(max(0, $0)) } ?? Int64.max
        serverQueueTimeout = (options.perServerQueueTimeout ?? options.queueTimeout).inNanoseconds
        oldest = (0..<max(1, workers)).map { _ in
            let counter = Counter()
            counter.value.store(Int64.max, ordering: .relaxed)
            return counter
        }
        lacking = (0..<max(1, workers)).map { _ in Counter() }
        pendingByServer = (0..<max(1, capacity)).map { _ in Counter() }
    }

    private func enter(_ counter: Counter, limit: Int64) -> Bool {
        var count = counter.value.load(ordering: .sequentiallyConsistent)
        while count < limit {
            let (isDone, found) = counter.value.compareExchange(
                expected: count,
                desired: count + 1,
                ordering: .sequentiallyConsistent
            )
            if isDone { return true }
            count = found
        }
        return false
    }

    private func leave(_ counter: Counter) {
        counter.value.subtract(1, ordering: .sequentiallyConsistent)
    }

    // MARK: Room

    /// Whether requests wait that came before a new one and that any endpoint would do for.
    public var hasQueue: Bool { pendingForAny.value.load(ordering: .sequentiallyConsistent) > 0 }

    /// How many wait, on all workers.
    public var waiting: Int { Int(pending.value.load(ordering: .sequentiallyConsistent)) }

    /// Takes room for a request; false if there is none.
    public func enterRequest() -> Bool { enter(requests, limit: maxRequests) }

    /// Gives a request's room back.
    public func leaveRequest() { leave(requests) }

    /// Takes room for a connection; false if there is none.
    public func enterConnection() -> Bool { enter(connections, limit: maxConnections) }

    /// Counts a connection even where there is no room for it: one that takes another's place.
    public func forceConnection() {
        connections.value.add(1, ordering: .sequentiallyConsistent)
    }

    /// Gives a connection's room back.
    public func leaveConnection() { leave(connections) }

    // MARK: Waiting

    /// Takes a place in the queue; false if as many wait as may.
    ///
    /// `endpoint`: the one that the request has to go to, -1 if any will do.
    public func enterQueue(endpoint: Int32) -> Bool {
        let isBound = endpoint >= 0 && Int(endpoint) < pendingByServer.count
        if isBound, !enter(pendingByServer[Int(endpoint)], limit: maxPendingPerServer) {
            return false
        }
        guard enter(pending, limit: maxPending) else {
            if isBound { leave(pendingByServer[Int(endpoint)]) }
            return false
        }
        if !isBound { pendingForAny.value.add(1, ordering: .sequentiallyConsistent) }
        return true
    }

    /// Gives a place in the queue back.
    public func leaveQueue(endpoint: Int32) {
        leave(pending)
        if endpoint >= 0, Int(endpoint) < pendingByServer.count {
            leave(pendingByServer[Int(endpoint)])
        } else {
            leave(pendingForAny)
        }
    }

    /// Says whether a worker's first ones wait for connections rather than for a request's end.
    public func setLacksConnections(_ lacks: Bool, worker: Int) {
        guard worker >= 0, worker < lacking.count else { return }
        lacking[worker].value.store(lacks ? 1 : 0, ordering: .relaxed)
    }

    /// Whether a worker's first ones wait for connections.
    public func lacksConnections(worker: Int) -> Bool {
        worker >= 0 && worker < lacking.count
            && lacking[worker].value.load(ordering: .relaxed) != 0
    }

    /// Says since when a worker's first one waits that any endpoint will do for; `Int64.max` if
    /// there is none.
    public func setOldest(_ since: Int64, worker: Int) {
        guard worker >= 0, worker < oldest.count else { return }
        oldest[worker].value.store(since, ordering: .sequentiallyConsistent)
    }

    /// The worker, other than `worker`, with the one that waits longest, if that began to wait
    /// before `limit`; `nil` if there is none.
    public func longestWaiting(before limit: Int64, besides worker: Int) -> Int? {
        var best: Int?
        var since = limit
        for (index, counter) in oldest.enumerated() where index != worker {
            let other = counter.value.load(ordering: .sequentiallyConsistent)
            if other < since {
                since = other
                best = index
            }
        }
        return best
    }

    // MARK: Events

    /// A request had to wait or was refused; true if that is news.
    public func noteFull() -> Bool {
        wasEmpty.store(false, ordering: .relaxed)
        if isOpen.load(ordering: .relaxed) { return false }
        return !isOpen.exchange(true, ordering: .relaxed)
    }

    /// Control looks about ten times a second; true once nobody has waited since the last look.
    public func noteEmpty() -> Bool {
        guard isOpen.load(ordering: .relaxed), waiting == 0 else {
            return false
        }
        guard wasEmpty.exchange(true, ordering: .relaxed) else { return false }
        isOpen.store(false, ordering: .relaxed)
        return true
    }
}
