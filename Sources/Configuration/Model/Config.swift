import Routing

/// A checked configuration: every name resolved, every default filled in.
///
/// Only ``load(path:files:environment:options:)`` makes one. Times are `Duration`s above zero,
/// `nil` where a bound is lifted with `none`.
public struct Config: Sendable, Equatable {
    /// Worker threads; `nil` is `auto`: one per usable CPU.
    public var workers: Int?
    /// Who Weir becomes when root starts it; `nil` stays who it is.
    public var user: String?
    /// The group beside ``user``; `nil` is the user's own.
    public var group: String?
    /// How long Weir serves on after SIGTERM, not ready, before it drains.
    public var drainDelay: Duration = .zero
    /// How long running requests may take to finish after SIGTERM.
    public var shutdownTimeout: Duration = .seconds(25)
    /// Listening addresses, in the order of the file.
    public var listeners: [ListenerConfig] = []
    /// Routes in the order of the file; the first match wins.
    public var routes: [RouteConfig] = []
    /// Pools in the order of the file.
    public var pools: [PoolConfig] = []
    /// Bounds on what clients may send and hold.
    public var limits = LimitsConfig()
    /// Time-outs on the client's side.
    public var timeouts = ClientTimeouts()
    /// Which headers about the client are sent on.
    public var forwarding = ForwardingConfig()
    /// Peers whose forwarding headers are believed.
    public var trustedProxies: [Network] = []
    /// The admin API; `nil` where the file asks for none.
    public var admin: AdminConfig?
    /// Weir's own log and the access log.
    public var log = LogConfig()
    /// Traces.
    public var tracing = TracingConfig()
    /// What `weir simulate` plays through; `nil` where the file does not say.
    public var simulate: SimulateConfig?
    /// How the file wrote what came from the environment.
    var written = WrittenTexts()

    /// A configuration with nothing but defaults.
    public init() {}
}

/// Where a listener listens.
public enum ListenAddress: Hashable, Sendable {
    /// `:port`: every IPv4 and IPv6 address of the machine.
    case any(port: UInt16)
    /// One address.
    case ip(IPAddress, port: UInt16)
    /// A unix socket at this absolute path.
    case unix(path: String)
}

/// One entry of `listeners`: one address (a list of addresses gives several of these).
public struct ListenerConfig: Sendable, Equatable {
    /// The label in metrics; the address as written unless the file names it.
    public var name: String
    /// Where it listens.
    public var address: ListenAddress
    /// TLS; `nil` is plain HTTP.
    public var tls: ListenerTLSConfig?
    /// Whether clients may speak HTTP/2.
    public var http2 = HTTP2Use.off
    /// Peers that say who the client is; `nil` is nobody, as at every unix socket.
    public var proxyProtocol: ProxyProtocolConfig?
    /// The port of https that every request is sent to with 308; `nil` sends none.
    public var httpsRedirect: UInt16?
    /// The path at which Weir says whether it wants new traffic; `nil` is none.
    public var readyPath: String?
    /// Connections at once on this listener over all workers; `nil` is no bound of its own.
    public var maxConnections: Int?
    /// The kernel's accept queue.
    public var backlog: Int = 4096
    /// Rights of a unix socket.
    public var socketMode: UInt32 = 0o660

    /// A listener with default bounds.
    public init(name: String, address: ListenAddress) {
        self.name = name
        self.address = address
    }
}

/// `proxy-protocol` of a listener.
public struct ProxyProtocolConfig: Sendable, Equatable {
    /// Who may say who the client is.
    public var from: [Network]
    /// Whether these peers have to.
    public var isRequired = true

    /// These peers have to.
    public init(from: [Network]) { self.from = from }
}

/// `limits`: what clients may send and hold.
public struct LimitsConfig: Sendable, Equatable {
    /// Downstream connections at once in the process; `nil` is `auto`: half of what the
    /// descriptor limit leaves after 32.
    public var maxConnections: Int?
    /// Connections at once from one peer address that is no trusted proxy; `nil` is none.
    public var maxConnectionsPerClient: Int?
    /// Requests on one connection before it is closed politely; `nil` is none.
    public var requestsPerConnection: Int?
    /// Bytes of a head, request or answer.
    public var headSize = 16 * 1024
    /// Fields in a head.
    public var fields = 100
    /// Bytes of a request target.
    public var targetSize = 8 * 1024
    /// Bytes of a request body; `nil` is none.
    public var bodySize: Int?
    /// What a client may do on one HTTP/2 connection.
    public var http2 = HTTP2Limits()
    /// A loop that is this late answers new requests with 503; `nil` is none.
    public var loopLag: Duration? = .milliseconds(500)
    /// Bytes in connection buffers over all workers, beyond which new requests get 503;
    /// `nil` is none.
    public var memory: Int?

    /// The defaults.
    public init() {}
}

/// `limits.http2`.
public struct HTTP2Limits: Sendable, Equatable {
    /// Streams at once on one connection.
    public var streams = 128
    /// Resets, pings, settings, priorities, GOAWAYs, empty frames and needless window updates in a
    /// second.
    public var budget: Double = 200

    /// The defaults.
    public init() {}
}

/// `timeouts`: the client's side.
public struct ClientTimeouts: Sendable, Equatable {
    /// A whole TLS handshake.
    public var handshake: Duration? = .seconds(10)
    /// A whole head, from its first byte.
    public var head: Duration? = .seconds(10)
    /// Idle between requests.
    public var keepAlive: Duration? = .seconds(75)
    /// A client silent while it owes a body.
    public var body: Duration? = .seconds(30)
    /// A client that does not read.
    public var send: Duration? = .seconds(30)
    /// Both sides silent after an upgrade.
    public var tunnel: Duration? = .seconds(3600)

    /// The defaults.
    public init() {}
}

/// `forwarding`: which headers about the client and the request are sent on.
public struct ForwardingConfig: Sendable, Equatable {
    /// `X-Forwarded-For`, `-Proto` and `-Host`.
    public var xForwarded = true
    /// `Via`.
    public var via = true
    /// `X-Request-Id`.
    public var requestID = true
    /// `Forwarded` (RFC 7239).
    public var forwarded = false

    /// The defaults.
    public init() {}
}
