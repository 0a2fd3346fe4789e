import Routing

/// `tracing`.
public struct TracingConfig: Sendable, Equatable {
    /// Whether servers are told of traces: `traceparent` is passed on, or begun.
    public var propagates = true
    /// Where spans are sent; `nil` where none are.
    public var export: CollectorURL?
    /// The share of traces beginning here that is recorded, 0 to 1.
    public var sample = 0.01
    /// What spans call Weir.
    public var service = "weir"
    /// How the collector's name is resolved.
    public var resolver = ResolverConfig()

    /// The defaults.
    public init() {}
}

/// Where a collector takes spans: `http://HOST:PORT/PATH`.
public struct CollectorURL: Sendable, Equatable {
    /// The path that collectors expect spans at, where the file names none.
    public static let usualPath = "/v1/traces"

    /// Whether it is reached by https.
    public var isSecure: Bool
    /// An address or a name, with its port.
    public var address: ServerAddress
    /// The host as a certificate names it, and `Host` of requests without its port.
    public var host: String
    /// Begins with a slash; a query may follow.
    public var path: String

    /// As the file would have it.
    public var description: String {
        (isSecure ? "https://" : "http://") + authority + path
    }

    /// `Host` of requests.
    public var authority: String {
        switch address {
        case .ip(let ip, let port): ip.text(port: port)
        case .name(let name, let port): "\(name):\(port)"
        case .unix, .service: host
        }
    }
}
