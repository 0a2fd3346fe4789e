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

    /// Scheme, host and port.
    public var origin: WebOrigin
    /// Begins with a slash; a query may follow.
    public var path: String

    /// Whether it is reached by https.
    public var isSecure: Bool { origin.isSecure }
    /// An address or a name, with its port.
    public var address: ServerAddress { origin.address }
    /// The host as a certificate names it, in lower case.
    public var host: String { origin.host }
    /// `Host` of requests.
    public var authority: String { origin.authority }

    /// As the file would have it.
    public var description: String { origin.description + path }
}
