import Balancing
import EventLoop
import HTTP
import Health
import TLS

/// What one worker keeps of an endpoint.
struct EndpointState {
    /// What all workers share of it.
    let block: UnsafeMutablePointer<EndpointBlock>
    /// The idle connection used last, and the one used longest ago.
    var newestIdle: Int32 = -1
    var oldestIdle: Int32 = -1
    var idleCount = 0
    /// The first carrier that takes streams.
    var carriers: Int32 = -1
    /// How many streams the newest carrier takes at once, as far as is known.
    var streamLimit: Int32 = 100
    /// Whether a server that was offered HTTP/2 chose HTTP/1.1.
    var prefersHTTP1 = false
    /// Whether nobody is there any more: connections are not kept.
    var isGone = false

    init(_ block: UnsafeMutablePointer<EndpointBlock>) { self.block = block }
}

/// What one worker keeps of a pool.
struct PoolState {
    var balancer: PoolBalancer
    /// Whether the strategy wants to know how tries end.
    var observesResults: Bool
    /// Whether the strategy looks at bytes in transfer.
    var countsBytes: Bool
    /// How endpoints are asked for their load; `nil` where they are not.
    var probes: ProbePlan?
    /// By what requests are balanced; empty if the strategy does not ask.
    var keys: [CompiledKey]
    /// How clients come back to their endpoint.
    var sticky: StickyTokens?
    /// What its own traffic says of its endpoints; the snapshot keeps it, so that no request
    /// counts references that all workers share.
    let health: Unmanaged<PoolHealth>
    /// How many tries may be repeated; `nil` is without bound.
    let budget: RetryBudget?
    /// Requests that the budget does not know of yet.
    var notDeposited: UInt32 = 0
    /// What the pool takes at once; `nil` is without bound.
    let gate: PoolGate?
    /// How TLS to its endpoints is begun; `nil` is in the clear.
    var tls: TLSClientContext?
    /// Whether its endpoints are spoken to by HTTP/2.
    let speaksHTTP2: Bool
    /// How its endpoints are told who the client is; `nil` where they are not.
    let proxyProtocol: ProxyHeader.Version?
    /// Exchanges of this worker that wait for room.
    var queue = PendingQueue()
    /// Whether room may have come since the queue was looked at.
    var hasNewRoom = false
    /// When other workers may be asked again for connections.
    var askedForConnections = Instant(nanoseconds: 0)
    /// Answers that count as failures in a row.
    var countedStatuses: StatusBits
    /// What serves when no endpoint is well: as ``RouteEntry/fallback``.
    var fallback: Int32
    var firstEndpoint: Int
    var maxAge: Int64
    var maxRequests: UInt32
    var maxIdle: Int
    var idle: Int64
}
