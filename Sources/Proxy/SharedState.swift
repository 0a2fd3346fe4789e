import CLinux
import Configuration
import EventLoop
import Health
import Routing
import Synchronization

/// A count that all workers share.
final class SharedCount: Sendable {
    let value = Atomic<Int>(0)
}

/// What a worker tells control.
public enum ControlMessage: Sendable {
    /// Something changed in a pool.
    case event(HealthEvent)
    /// What an endpoint of a pool did has changed whether it gets traffic.
    case ejection(pool: Int, EjectionChange)
    /// A pool's retry budget was used up.
    case budgetEmpty(pool: Int)
    /// A bound of a pool's breaker was reached: requests wait, or are refused.
    case breakerOpened(pool: Int)
}

/// What the workers of a process share: counts that change once per connection, never per request.
public final class SharedState: Sendable {
    /// Downstream connections in the process.
    let connections = SharedCount()
    /// The most there may be.
    let maxConnections: Int
    /// Connections per listener, by its index.
    let listenerConnections: [SharedCount]
    /// The bound of each listener, `Int.max` for none.
    let listenerLimits: [Int]
    /// Connections per client address.
    let clients: ClientCounts?
    /// Where logs go.
    public let logs: LogQueue
    /// Where spans go; `nil` where none are exported.
    public let spans: SpanQueue?
    /// Where workers tell control what has happened.
    public let control: Mailbox<ControlMessage>
    /// Every worker's mailbox.
    let mailboxes: [Mailbox<WorkerMessage>]
    /// What every worker counts.
    public let statistics: [WorkerStatistics]

    /// The shared state of the workers that read these mailboxes.
    ///
    /// `descriptorLimit`: descriptors that the process may open.
    public init(
        _ config: Config,
        mailboxes: [Mailbox<WorkerMessage>],
        control: Mailbox<ControlMessage>,
        descriptorLimit: Int,
        logs: LogQueue,
        spans: SpanQueue? = nil
    ) {
        // An accepted request must always be able to connect: half of what control and probes
        // leave.
        let probed = config.pools.filter { $0.prequalProbe != nil }
        let probes = mailboxes.count * probed.reduce(0) { $0 + $1.servers.count }
        let automatic = max(1, (descriptorLimit - 32 - probes) / 2)
        maxConnections = config.limits.maxConnections ?? automatic
        listenerConnections = config.listeners.map { _ in SharedCount() }
        listenerLimits = config.listeners.map { $0.maxConnections ?? Int.max }
        clients = config.limits.maxConnectionsPerClient.map { ClientCounts(limit: $0) }
        self.mailboxes = mailboxes
        statistics = mailboxes.map { _ in
            WorkerStatistics(
                listeners: config.listeners.count,
                routes: config.routes.count,
                endpoints: config.pools.reduce(0) { $0 + $1.endpointCapacity }
            )
        }
        self.control = control
        self.logs = logs
        self.spans = spans
    }

    /// Connections of clients to a listener that stand now, over all workers.
    public func activeConnections(listener: Int) -> Int {
        listenerConnections[listener].value.load(ordering: .relaxed)
    }
}

/// Counts connections per client address, for `limits.max-connections-per-client`.
final class ClientCounts: Sendable {
    private let limit: Int
    private let counts = Mutex<[IPAddress: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// Counts one more, or returns false if the client has as many as it may.
    func enter(_ address: IPAddress) -> Bool {
        counts.withLock { counts in
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
