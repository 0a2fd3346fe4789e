/// `fallback` of a pool or a route.
enum FallbackKeys {
    static let pool = Key(
        "pool",
        .pool,
        example: "spare",
        "Another pool serves, by its own rules."
    )
    static let respond = Key(
        "respond",
        .map(RespondKeys.set),
        example: "{status: 503, file: sorry.html}",
        "Weir answers. A number stands for `{status: …}`."
    )

    static let set = KeySet(
        "pools.<name>.fallback",
        noun: "fallback",
        short: .scalar("pool"),
        "What serves when no server of the pool is healthy, in place of panic. One of these.",
        keys: [pool, respond]
    )
}

/// `resolver`, at the top or of a pool.
enum ResolverKeys {
    static let servers = Key(
        "servers",
        .several(.nameServer),
        or: ["system"],
        standard: "system",
        example: "[10.0.0.2, \"10.0.0.3:5353\"]",
        "Name servers, with port 53 unless one is written; `system` is those of "
            + "`/etc/resolv.conf`."
    )
    static let minTTL = Key(
        "min-ttl",
        .duration(.seconds(1)...Bounds.longest),
        standard: "1s",
        example: "5s",
        "What is known of a name is kept at least this long."
    )
    static let maxTTL = Key(
        "max-ttl",
        .duration(.seconds(1)...Bounds.longest),
        standard: "5m",
        example: "1m",
        "A name is asked for again after this long at the latest."
    )
    static let timeout = Key(
        "timeout",
        .duration(Bounds.timeout),
        standard: "2s",
        example: "500ms",
        "How long an answer is waited for."
    )
    static let family = Key(
        "family",
        .word(ResolverConfig.Family.allCases.map(\.rawValue)),
        standard: "auto",
        example: "both",
        "Which addresses of a name are used; `auto` is IPv4, and IPv6 where there is no IPv4."
    )

    static let set = KeySet(
        "pools.<name>.resolver",
        noun: "resolver",
        "How names of servers are resolved. What is not answered, or answered empty, leaves the "
            + "servers as they were.",
        keys: [servers, minTTL, maxTTL, timeout, family]
    )

    /// The most name servers.
    static let serverCountMax = 8
}
