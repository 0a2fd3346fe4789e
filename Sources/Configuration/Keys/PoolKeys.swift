/// `pools.<name>` and `pool-defaults`.
enum PoolKeys {
    static let servers = Key(
        "servers",
        .several(.map(ServerKeys.set)),
        note: "required without `servers-file`",
        example: "[10.0.0.1:8080, 10.0.0.2:8080]",
        "Where requests go. Text stands for `{address: …}`."
    )
    static let serversFile = Key(
        "servers-file",
        .file,
        example: "api-servers.yaml",
        "A file with more servers, as a list like `servers`; it is watched, see "
            + "[Files of servers](#files-of-servers)."
    )
    static let balance = Key(
        "balance",
        .map(BalanceKeys.set),
        note: "`round-robin`",
        example: "round-robin",
        "How a server is chosen. Text stands for `{strategy: …}`."
    )
    static let sticky = Key(
        "sticky",
        .map(StickyKeys.set),
        or: ["off"],
        note: "`off`",
        example: "true",
        "Whether a client comes back to its server. `true` stands for `{cookie: weir}`."
    )
    static let health = Key(
        "health",
        .map(HealthKeys.set),
        or: ["off"],
        note: "`off`",
        example: "/healthz",
        "How servers are asked whether they are well. A path stands for `{path: …}`, `tcp` for "
            + "`{kind: tcp}`."
    )
    static let ejection = Key(
        "ejection",
        .map(EjectionKeys.set),
        or: ["off"],
        note: "on",
        example: "{consecutive-failures: 3}",
        "When what becomes of its requests takes a server out of the pool."
    )
    static let breaker = Key(
        "breaker",
        .map(BreakerKeys.set),
        example: "{max-requests: 800}",
        "What the pool takes at once, and how many requests wait beyond."
    )
    static let fallback = Key(
        "fallback",
        .map(FallbackKeys.set),
        or: ["none"],
        note: "`none`",
        example: "spare",
        "What serves when no server is healthy: another pool, or an answer. Text stands for "
            + "`{pool: …}`."
    )
    static let resolver = Key(
        "resolver",
        .map(ResolverKeys.set),
        note: "the top level's",
        example: "{servers: 10.0.0.2}",
        "How names of servers are resolved; laid over the top level's, key by key."
    )
    static let slowStart = Key(
        "slow-start",
        .duration(.zero...Bounds.longest),
        standard: "10s",
        example: "30s",
        "How long a server that comes back takes to its whole weight, from 10 % of it; `0s` is "
            + "at once."
    )
    static let panicThreshold = Key(
        "panic-threshold",
        .share,
        standard: "10%",
        example: "25%",
        "Fewer healthy servers than this, and all get traffic, as if all were healthy."
    )
    static let spillBelow = Key(
        "spill-below",
        .share,
        standard: "70%",
        example: "50%",
        "Fewer healthy servers of a priority than this, and the next priority helps; at least 1%."
    )
    static let tls = Key(
        "tls",
        .map(PoolTLSKeys.set),
        or: ["off"],
        note: "`off`",
        example: "{authority: internal-ca.pem}",
        "TLS to the servers, checks included. `true` stands for `{verify: true}`."
    )
    static let http2 = Key(
        "http2",
        .bool,
        or: ["cleartext"],
        note: "`false`",
        example: "true",
        "HTTP/2 to the servers, many requests on one connection. `true` offers it in TLS, and "
            + "servers that choose HTTP/1.1 get that; `cleartext` speaks it without TLS to servers "
            + "known to. WebSockets take a connection of HTTP/1.1 each."
    )
    static let proxyProtocol = Key(
        "proxy-protocol",
        .word(ProxyProtocolVersion.allCases.map(\.rawValue)),
        or: ["off"],
        standard: "off",
        example: "v2",
        "Tells servers who the client is before the first byte of a connection, by the PROXY "
            + "protocol. No connection is kept."
    )
    static let connections = Key(
        "connections",
        .map(ConnectionKeys.set),
        example: "{max-idle: 16}",
        "Connections to the servers that are kept."
    )
    static let timeouts = Key(
        "timeouts",
        .map(PoolTimeoutKeys.set),
        example: "{connect: 1s}",
        "How long servers are waited for."
    )
    static let retries = Key(
        "retries",
        .map(RetryKeys.set),
        example: "2",
        "When a request is tried again. A number stands for `{attempts: …}`."
    )

    static let set = KeySet(
        "pools.<name>",
        noun: "pool",
        short: .list("servers"),
        "Servers that can stand in for one another. A list stands for `{servers: …}`.",
        keys: [
            servers, serversFile, tls, http2, proxyProtocol, balance, sticky, slowStart,
            panicThreshold, spillBelow, fallback, connections, timeouts, health, ejection, breaker,
            retries,
            resolver,
        ]
    )
}

/// `pools.<name>.servers[]`.
enum ServerKeys {
    static let address = Key(
        "address",
        .serverAddress,
        note: "this or `srv` is required",
        example: "10.0.0.1:8080",
        "Where the server is: `ip:port`, `[v6]:port`, `name:port`, `localhost:port` or "
            + "`unix:/path`. Each address of a name is a server; `localhost` is 127.0.0.1."
    )
    static let service = Key(
        "srv",
        .text,
        example: "_http._tcp.api.internal",
        "Instead of an address, a name whose SRV records list servers with ports, priorities and "
            + "weights."
    )
    static let weight = Key(
        "weight",
        .count(0...1000),
        standard: "1",
        example: "3",
        "Its share of the traffic; 0 gets no new requests."
    )
    static let priority = Key(
        "priority",
        .count(0...1000),
        standard: "0",
        example: "1",
        "0 is asked first; higher ones wait in reserve, see `spill-below`."
    )
    static let maxConnections = Key(
        "max-connections",
        .count(1...1_000_000),
        or: ["none"],
        standard: "none",
        example: "50",
        "Connections to it at once, or to each of its addresses; goes before "
            + "`breaker.per-server`."
    )
    static let state = Key(
        "state",
        .word(ServerState.allCases.map(\.rawValue)),
        standard: "ready",
        example: "drain",
        "`drain` serves only clients that stick to it, `down` nobody."
    )
    static let name = Key(
        "name",
        .text,
        note: "the address",
        example: "blue",
        "Label in logs; consistent hashing and sticky tokens know the server by it."
    )

    static let set = KeySet(
        "pools.<name>.servers[]",
        noun: "server",
        short: .scalar("address"),
        "One server.",
        keys: [address, service, weight, priority, maxConnections, state, name]
    )
}

/// `pools.<name>.connections`.
enum ConnectionKeys {
    static let maxAge = Key(
        "max-age",
        .duration(.seconds(1)...Bounds.longest),
        or: ["none"],
        standard: "1h",
        example: "10m",
        "A connection this old takes no new request; jittered by 10 %."
    )
    static let maxRequests = Key(
        "max-requests",
        .count(1...1_000_000_000),
        or: ["none"],
        standard: "none",
        example: "10000",
        "Requests on one connection."
    )
    static let maxIdle = Key(
        "max-idle",
        .count(0...65535),
        standard: "64",
        example: "16",
        "Idle connections kept for each server and worker; those beyond it for 250 ms."
    )

    static let set = KeySet(
        "pools.<name>.connections",
        noun: "connections",
        "Connections that are kept.",
        keys: [maxAge, maxRequests, maxIdle]
    )
}

/// `pools.<name>.timeouts` and `routes[].timeouts`.
enum PoolTimeoutKeys {
    static let connect = Key(
        "connect",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "3s",
        example: "1s",
        "Until the connection stands; then another server is tried, or 504."
    )
    static let response = Key(
        "response",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "60s",
        example: "10s",
        "From the request sent to the answer's head; 504 beyond."
    )
    static let stream = Key(
        "stream",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "5m",
        example: "1h",
        "Silence inside an answer; the answer is cut beyond."
    )
    static let idle = Key(
        "idle",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "60s",
        example: "30s",
        "A kept connection that no request uses."
    )
    static let total = Key(
        "total",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "none",
        example: "2m",
        "Everything, from the request's head to the answer's end; it shortens the others."
    )

    static let set = KeySet(
        "pools.<name>.timeouts",
        noun: "timeouts",
        "How long servers are waited for.",
        keys: [connect, response, stream, idle, total]
    )
}
