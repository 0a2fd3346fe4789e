import Balancing
import Configuration
import Synchronization

/// A pool's endpoints from now on, as control found them: what each worker takes over.
///
/// An endpoint's place in the list is its slot for as long as it is there; one that went leaves
/// `nil`. Made by ``Snapshot/update(pool:members:)``.
public final class PoolUpdate: @unchecked Sendable {
    /// The pool's index in the configuration.
    public let pool: Int
    /// By slot: the servers, each with an address of its own.
    public let members: [ServerConfig?]
    /// How they are balanced.
    public let plan: PoolPlan
    /// By slot: what the hot path needs; `nil` where nobody is.
    let entries: [EndpointEntry?]
    /// By slot: the bytes of a load probe; empty where there are none.
    let probeRequests: [UnsafeRawBufferPointer]
    /// How clients come back to their endpoint.
    let sticky: StickyTokens?
    private let waiting: Atomic<Int>

    /// Whether every worker has taken it over: nobody begins to use what is not in it.
    public var isAcknowledged: Bool { waiting.load(ordering: .acquiring) <= 0 }

    /// An update for so many workers.
    init(
        pool: Int,
        members: [ServerConfig?],
        plan: PoolPlan,
        entries: [EndpointEntry?],
        probeRequests: [UnsafeRawBufferPointer],
        sticky: StickyTokens?,
        workers: Int
    ) {
        self.pool = pool
        self.members = members
        self.plan = plan
        self.entries = entries
        self.probeRequests = probeRequests
        self.sticky = sticky
        waiting = Atomic(workers)
    }

    /// A worker has taken it over.
    func acknowledge() { waiting.subtract(1, ordering: .acquiringAndReleasing) }
}
