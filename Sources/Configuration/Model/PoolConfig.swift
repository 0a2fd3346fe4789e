import Balancing
import Routing

/// One entry of `pools`.
public struct PoolConfig: Sendable, Equatable {
    /// The pool's name.
    public var name: String
    /// In the order of the file, never empty.
    public var servers: [ServerConfig]
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
    public var retries = RetryConfig()

    /// A pool with defaults.
    public init(name: String, servers: [ServerConfig]) {
        self.name = name
        self.servers = servers
    }
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

/// `retries` of a pool or a route.
public struct RetryConfig: Sendable, Equatable {
    /// Tries in all; 1 is no retry.
    public var attempts = 3
    /// Whether a failed connect is followed by another try.
    public var onConnectFailure = true
    /// Whether an idempotent request is sent again after the connection ended before an answer.
    public var onResetBeforeAnswer = true
    /// Bytes of a request kept so that it can be sent again.
    public var buffer = 64 * 1024

    /// The defaults.
    public init() {}
}
