import Balancing
import Health
import Routing

/// One entry of `pools`.
public struct PoolConfig: Sendable, Equatable {
    /// The pool's name.
    public var name: String
    /// In the order of the file; empty only where there is a ``serversFile``.
    public var servers: [ServerConfig]
    /// TLS to the servers; `nil` is none.
    public var tls: PoolTLSConfig?
    /// Whether servers are spoken to by HTTP/2.
    public var http2 = HTTP2Use.off
    /// How servers are told who the client is before the first byte; `nil` is not at all.
    public var proxyProtocol: ProxyProtocolVersion?
    /// How a server is chosen.
    public var balance = BalanceOptions()
    /// What `consistent-hash` hashes: the first one that the request has.
    public var hashKey: [KeyChoice] = [.client]
    /// How `prequal` asks servers for their load; `nil` is not at all.
    public var prequalProbe: ProbeConfig?
    /// How a client comes back to its server; `nil` is not at all.
    public var sticky: StickyConfig?
    /// How long a returning server takes to its whole weight; 0 is at once.
    public var slowStart: Duration = .seconds(10)
    /// Below this healthy share, 0 to 1, checks are ignored.
    public var panicThreshold = 0.1
    /// Below this healthy share, 0 to 1, the next priority helps.
    public var spillBelow = 0.7
    /// Kept connections.
    public var connections = ConnectionsConfig()
    /// Time-outs on the servers' side.
    public var timeouts = PoolTimeouts()
    /// When a request is tried again.
    public var retries = RetryOptions()
    /// How many tries may be repeated; `nil` is without bound.
    public var retryBudget: BudgetOptions? = BudgetOptions()
    /// How servers are asked whether they are well; `nil` is not at all.
    public var checks: CheckOptions?
    /// When a server's own traffic takes it out of the pool; `nil` is never.
    public var ejection: EjectionOptions? = EjectionOptions()
    /// What the pool takes at once.
    public var breaker = BreakerOptions()
    /// What serves when no server is healthy; `nil` is nothing.
    public var fallback: FallbackConfig?
    /// How the names of its servers are resolved.
    public var resolver = ResolverConfig()
    /// Absolute path of a file whose servers join those of the list.
    public var serversFile: String?

    /// A pool with defaults.
    public init(name: String, servers: [ServerConfig]) {
        self.name = name
        self.servers = servers
    }
}

/// A version of the PROXY protocol.
public enum ProxyProtocolVersion: String, Sendable, CaseIterable {
    /// A line of text.
    case v1
    /// Binary.
    case v2
}

/// `balance.probe` of a pool.
public struct ProbeConfig: Sendable, Equatable {
    /// What is asked: an absolute path, perhaps with a query.
    public var path: String
    /// How long an answer is waited for: as long as a report may be old by default.
    public var timeout = Duration.seconds(1)

    /// A probe with defaults.
    public init(path: String) { self.path = path }
}

/// Whether a server takes part: `state` of a server.
public enum ServerState: String, Sendable, CaseIterable {
    /// It does.
    case ready
    /// Only for clients who stick to it.
    case drain
    /// Not at all.
    case down
}

/// `sticky` of a pool.
public struct StickyConfig: Sendable, Equatable {
    /// Where the token travels.
    public enum Carrier: Sendable, Equatable {
        /// In this cookie.
        case cookie(String)
        /// In this field (lower case), in both directions.
        case header(String)
    }

    /// The cookie's `SameSite`.
    public enum SameSite: String, Sendable, CaseIterable {
        /// Sent when a link from elsewhere is followed.
        case lax
        /// Sent from the same site only.
        case strict
        /// Sent from everywhere; browsers ask for https then.
        case none
    }

    /// Where the token travels.
    public var carrier = Carrier.cookie("weir")
    /// Absolute path of the file whose bytes sign the tokens; `nil` is a secret of this process.
    public var secretFile: String?
    /// The cookie's age; `nil` is until the browser ends.
    public var maxAge: Duration?
    /// The cookie's `SameSite`.
    public var sameSite = SameSite.lax

    /// The defaults.
    public init() {}
}

/// Where a server is reached.
public enum ServerAddress: Hashable, Sendable {
    /// An address and a port; `localhost` is 127.0.0.1.
    case ip(IPAddress, port: UInt16)
    /// A unix socket at this absolute path.
    case unix(path: String)
    /// Every address of a host name, at this port.
    case name(String, port: UInt16)
    /// Every server that the SRV records of a name list.
    case service(String)
}

/// What serves when no server of a pool is healthy: `fallback` of a pool or a route.
public enum FallbackConfig: Sendable, Equatable {
    /// The pool with this index in ``Config/pools``.
    case pool(Int)
    /// An answer made here.
    case respond(FixedAnswer)
}

/// `resolver`, at the top or of a pool.
public struct ResolverConfig: Sendable, Hashable {
    /// A name server.
    public struct Server: Sendable, Hashable {
        /// Where it is.
        public var address: IPAddress
        /// 53 unless the file says otherwise.
        public var port: UInt16

        /// A name server.
        public init(address: IPAddress, port: UInt16 = 53) {
            self.address = address
            self.port = port
        }
    }

    /// Which addresses of a name are used.
    public enum Family: String, Sendable, CaseIterable {
        /// IPv4, and IPv6 only where there is no IPv4.
        case auto
        /// IPv4 only.
        case ipv4
        /// IPv6 only.
        case ipv6
        /// All of them.
        case both
    }

    /// Who is asked; empty is whom the system asks.
    public var servers: [Server] = []
    /// What is known of a name is kept at least this long.
    public var minTTL = Duration.seconds(1)
    /// What is known of a name is asked again at the latest after this long.
    public var maxTTL = Duration.seconds(300)
    /// How long an answer is waited for.
    public var timeout = Duration.seconds(2)
    /// Which addresses are used.
    public var family = Family.auto

    /// The defaults.
    public init() {}
}

/// One entry of a pool's `servers`.
public struct ServerConfig: Sendable, Equatable {
    /// The label in logs: the file's `name`, else the address as written.
    public var name: String
    /// Where it is reached.
    public var address: ServerAddress
    /// Its share of the traffic, 0 (no new requests) to 1000.
    public var weight: Int = 1
    /// 0 is asked first; higher ones wait in reserve.
    public var priority: Int = 0
    /// Whether it takes part.
    public var state = ServerState.ready
    /// The most connections to it, or to each of its addresses; `nil` is the pool's bound.
    public var maxConnections: Int?
    /// The host name by which it was found; `nil` where the file gives its address.
    public var hostName: String?
    /// What the file calls the server that it was found for; `nil` where the file gives its
    /// address.
    public var label: String?

    /// A server of weight 1.
    public init(name: String, address: ServerAddress) {
        self.name = name
        self.address = address
    }
}

/// `connections` of a pool.
public struct ConnectionsConfig: Sendable, Equatable {
    /// A kept connection's age, jittered by 10 %, after which it takes no new request.
    public var maxAge: Duration? = .seconds(3600)
    /// Requests on one connection; `nil` is none.
    public var maxRequests: Int?
    /// Idle connections kept per server and worker.
    public var maxIdle = 64

    /// The defaults.
    public init() {}
}

/// `timeouts` of a pool or a route.
public struct PoolTimeouts: Sendable, Equatable {
    /// Until the connection stands.
    public var connect: Duration? = .seconds(3)
    /// From the request sent to the answer's head.
    public var response: Duration? = .seconds(60)
    /// Silence inside an answer.
    public var stream: Duration? = .seconds(300)
    /// An unused kept connection.
    public var idle: Duration? = .seconds(60)
    /// Everything from the request's head to the answer's end.
    public var total: Duration?

    /// The defaults.
    public init() {}
}
