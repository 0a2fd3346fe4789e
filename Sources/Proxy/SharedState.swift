import CLinux
import Configuration
import EventLoop
import Health
import Routing
import Synchronization

/// A count that all workers share.
final class SharedCount: Sendable {
    let value = Atomic<Int>(0)
    /// The most there may be.
    let limit = Atomic<Int>(Int.max)

    /// Whether one more stays within the limit.
    var hasRoom: Bool { value.load(ordering: .relaxed) < limit.load(ordering: .relaxed) }
}

/// What a worker tells control.
public enum ControlMessage: Sendable {
    /// What an endpoint of a pool did has changed whether it gets traffic.
    case ejection(pool: Int, EjectionChange)
    /// A pool's retry budget was used up.
    case budgetEmpty(pool: Int)
    /// A bound of a pool's breaker was reached: requests wait, or are refused.
    case breakerOpened(pool: Int)
}

/// What the workers of a process share: counts that change once per connection, never per request.
public final class SharedState: Sendable {
    /// Places for listeners that changed files may bring besides those of the first.
    private static let spareListeners = 256

    /// Downstream connections in the process.
    let connections = SharedCount()
    /// Connections per listener, by its place.
    let listenerConnections: [SharedCount]
    /// Connections per client address.
    let clients = ClientCounts()
    /// Where logs go.
    public let logs: LogQueue
    /// Where spans go at first; `nil` where none are exported.
    let spans: SpanQueue?
    /// Where workers tell control what has happened.
    public let control: Mailbox<ControlMessage>
    /// Every worker's mailbox.
    let mailboxes: [Mailbox<WorkerMessage>]
    /// Whether new traffic is wanted: what `ready-path` says.
    public let isReady = Atomic<Bool>(true)
    /// Whether every worker serves, as far as control knows: `ready-path` says that too.
    public let isWhole = Atomic<Bool>(true)
    private let counters: Mutex<[WorkerStatistics]>

    /// What every worker counts.
    public var statistics: [WorkerStatistics] { counters.withLock { $0 } }

    /// The shared state of the workers that read these mailboxes.
    ///
    /// `descriptorLimit`: descriptors that the process may open.
    public init(
        _ placed: PlacedConfig,
        mailboxes: [Mailbox<WorkerMessage>],
        control: Mailbox<ControlMessage>,
        descriptorLimit: Int,
        logs: LogQueue,
        spans: SpanQueue? = nil
    ) {
        listenerConnections = (0..<(placed.config.listeners.count + Self.spareListeners)).map { _ in
            SharedCount()
        }
        self.mailboxes = mailboxes
        counters = Mutex(mailboxes.map { _ in WorkerStatistics(placed) })
        self.control = control
        self.logs = logs
        self.spans = spans
        setBounds(placed, descriptorLimit: descriptorLimit)
    }

    /// Whether there are places for the listeners of a configuration.
    public func hasRoom(for placed: PlacedConfig) -> Bool {
        placed.config.listeners.count <= listenerConnections.count
    }

    /// Bounds connections as a configuration says.
    ///
    /// `descriptorLimit`: descriptors that the process may open.
    public func setBounds(_ placed: PlacedConfig, descriptorLimit: Int) {
        // An accepted request must always be able to connect: half of what control and probes
        // leave.
        let config = placed.written
        let probed = config.pools.filter { $0.prequalProbe != nil }
        let probes = mailboxes.count * probed.reduce(0) { $0 + $1.servers.count }
        let automatic = max(1, (descriptorLimit - 32 - probes) / 2)
        connections.limit.store(config.limits.maxConnections ?? automatic, ordering: .relaxed)
        for place in placed.listeners {
            let limit = placed.config.listeners[place].maxConnections
            listenerConnections[place].limit.store(limit ?? Int.max, ordering: .relaxed)
        }
        clients.setLimit(config.limits.maxConnectionsPerClient)
    }

    /// Has control read from here on what workers count.
    public func setStatistics(_ statistics: [WorkerStatistics]) {
        counters.withLock { $0 = statistics }
    }

    /// Connections of clients to the listener at a place that stand now, over all workers.
    public func activeConnections(listener: Int) -> Int {
        listenerConnections[listener].value.load(ordering: .relaxed)
    }
}

/// Counts connections per client address, for `limits.max-connections-per-client`.
final class ClientCounts: Sendable {
    private let limit = Atomic<Int>(Int.max)
    private let counts = Mutex<[IPAddress: Int]>([:])

    /// Whether there is a bound at all.
    var isBounded: Bool { limit.load(ordering: .relaxed) < Int.max }

    /// Bounds each client from now on; `nil` lifts the bound.
    func setLimit(_ limit: Int?) { self.limit.store(limit ?? Int.max, ordering: .relaxed) }

    /// Counts one more, or returns false if the client has as many as it may.
    func enter(_ address: IPAddress) -> Bool {
        let limit = limit.load(ordering: .relaxed)
        return counts.withLock { counts in
            let count = counts[address] ?? 0
            if count >= limit { return false }
            counts[address] = count + 1
            return true
        }
    }

    /// Counts one less.
    func leave(_ address: IPAddress) {
        counts.withLock { counts in
            guard let count = counts[address] else { return }
            counts[address] = count > 1 ? count - 1 : nil
        }
    }
}
