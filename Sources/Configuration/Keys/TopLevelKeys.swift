/// The keys of the file itself.
enum TopLevelKeys {
    static let listen = Key(
        "listen",
        .several(.listenAddress),
        example: "\":8080\"",
        "Short form: a listener at each of these addresses."
    )
    static let servers = Key(
        "servers",
        .several(.map(ServerKeys.set)),
        example: "[127.0.0.1:9001]",
        "Short form: the servers of a pool named `main`."
    )
    static let poolDefaults = Key(
        "pool-defaults",
        .map(PoolKeys.set),
        example: "{timeouts: {connect: 1s}}",
        "What each pool starts from; maps merge, lists are replaced."
    )
    static let include = Key(
        "include",
        .several(.file),
        example: "pools.d/*.yaml",
        "Files with more of everything but routes; globs are sorted by name."
    )
    static let trustedProxies = Key(
        "trusted-proxies",
        .several(.network),
        example: "[private, 203.0.113.0/24]",
        "Peers whose forwarding fields are believed."
    )
    static let networks = Key(
        "networks",
        .named(.several(.network)),
        example: "{office: 203.0.113.0/24}",
        "Addresses with a name; `private`, `loopback` and `any` are there already."
    )
    static let forwarding = Key(
        "forwarding",
        .map(ForwardingKeys.set),
        example: "{via: false}",
        "Which fields about the client are sent on."
    )
    static let listeners = Key(
        "listeners",
        .several(.map(ListenerKeys.set)),
        example: "[{address: \":8080\"}]",
        "Where clients connect."
    )
    static let routes = Key(
        "routes",
        .several(.map(RouteKeys.set)),
        note: "a single pool takes everything",
        example: "[{match: /api/, pool: api}, {pool: main}]",
        "What happens to which request; the first that matches is taken."
    )
    static let pools = Key(
        "pools",
        .named(.map(PoolKeys.set)),
        example: "{main: [10.0.0.1:8080]}",
        "Servers, by the pool's name."
    )
    static let limits = Key(
        "limits",
        .map(LimitKeys.set),
        example: "{body-size: 10MiB}",
        "What clients may send and hold."
    )
    static let timeouts = Key(
        "timeouts",
        .map(TimeoutKeys.set),
        example: "{keep-alive: 30s}",
        "How long clients are waited for."
    )
    static let workers = Key(
        "workers",
        .count(1...256),
        or: ["auto"],
        standard: "auto",
        example: "2",
        "Worker threads; `auto` is one for each CPU that the process may use."
    )
    static let user = Key(
        "user",
        .text,
        example: "weir",
        "Who Weir becomes when root starts it; it keeps the right to open ports below 1024."
    )
    static let group = Key(
        "group",
        .text,
        note: "the user's own",
        example: "www-data",
        "The group beside `user`."
    )
    static let drainDelay = Key(
        "drain-delay",
        .duration(.zero...Bounds.longest),
        standard: "0s",
        example: "5s",
        "How long Weir serves on after SIGTERM while it says that it is not ready, so that the "
            + "balancer in front sends no more; then it drains."
    )
    static let shutdownTimeout = Key(
        "shutdown-timeout",
        .duration(.zero...Bounds.longest),
        standard: "25s",
        example: "1m",
        "How long running requests may take to finish after SIGTERM."
    )
    static let resolver = Key(
        "resolver",
        .map(ResolverKeys.set),
        example: "{servers: 10.0.0.2}",
        "How names of servers are resolved, for all pools."
    )
    static let log = Key(
        "log",
        .map(LogKeys.set),
        example: "{access: stdout}",
        "What is written down."
    )
    static let tracing = Key(
        "tracing",
        .map(TracingKeys.set),
        example: "{export: \"http://127.0.0.1:4318\"}",
        "Traces: what servers are told, and where spans go."
    )
    static let admin = Key(
        "admin",
        .map(AdminKeys.set),
        or: ["off"],
        note: "`off`",
        example: "127.0.0.1:9900",
        "The admin API; text stands for `{address: …}`."
    )
    static let simulate = Key(
        "simulate",
        .map(SimulateKeys.set),
        example: "{arrivals: {rate: 2000/s}}",
        "What `weir simulate` plays through a pool; serving ignores it."
    )

    static let set = KeySet(
        "Top level",
        noun: "the file",
        "The keys of the file itself.",
        keys: [
            listen, servers, listeners, routes, pools, poolDefaults, include, limits, timeouts,
            trustedProxies, networks, forwarding, workers, user, group, drainDelay,
            shutdownTimeout, resolver, admin, log, tracing,
            simulate,
        ]
    )
}
