/// `listeners[]`.
enum ListenerKeys {
    static let address = Key(
        "address",
        .several(.listenAddress),
        required: true,
        example: "\":8080\"",
        "Where to listen; `:80` means IPv4 and IPv6, port 0 any free port."
    )
    static let name = Key(
        "name",
        .text,
        note: "the address",
        example: "public",
        "Label in logs and metrics; all addresses of the entry share it."
    )
    static let maxConnections = Key(
        "max-connections",
        .count(1...10_000_000),
        or: ["none"],
        standard: "none",
        example: "10000",
        "Connections at once on each address of this listener; accepting pauses beyond."
    )
    static let backlog = Key(
        "backlog",
        .count(1...65535),
        standard: "4096",
        example: "1024",
        "The kernel's queue of connections that wait to be accepted."
    )
    static let socketMode = Key(
        "socket-mode",
        .octal,
        standard: "0660",
        example: "0600",
        "Rights of a `unix:` socket, in octal."
    )

    static let set = KeySet(
        "listeners[]",
        noun: "listener",
        short: .scalar("address"),
        "One entry for each place where clients connect. Text stands for `{address: …}`.",
        keys: [address, name, maxConnections, backlog, socketMode]
    )
}

/// `limits`.
enum LimitKeys {
    static let maxConnections = Key(
        "max-connections",
        .count(1...10_000_000),
        or: ["auto"],
        standard: "auto",
        example: "20000",
        "Client connections at once; `auto` is half of the descriptor limit less 32. "
            + "Accepting pauses beyond."
    )
    static let maxConnectionsPerClient = Key(
        "max-connections-per-client",
        .count(1...10_000_000),
        or: ["none"],
        standard: "none",
        example: "100",
        "Connections at once from one peer address; `trusted-proxies` are exempt."
    )
    static let requestsPerConnection = Key(
        "requests-per-connection",
        .count(1...1_000_000_000),
        or: ["none"],
        standard: "none",
        example: "1000",
        "Requests on one connection, then it is closed politely."
    )
    static let headSize = Key(
        "head-size",
        .size(1024...65536),
        standard: "16KiB",
        example: "32KiB",
        "Bytes of a request's head (431 beyond) or an answer's (502 beyond)."
    )
    static let fields = Key(
        "fields",
        .count(1...1000),
        standard: "100",
        example: "200",
        "Fields in a head; 431 beyond, 502 for an answer."
    )
    static let targetSize = Key(
        "target-size",
        .size(64...65536),
        standard: "8KiB",
        example: "4KiB",
        "Bytes of a request's target, path and query together; 414 beyond."
    )
    static let bodySize = Key(
        "body-size",
        .size(0...(1 << 50)),
        or: ["none"],
        standard: "none",
        example: "10MiB",
        "Bytes of a request's body; 413 beyond."
    )
    static let loopLag = Key(
        "loop-lag",
        .duration(.milliseconds(1)...Bounds.longest),
        or: ["none"],
        standard: "500ms",
        example: "250ms",
        "How late a worker's loop may be; beyond, new requests get 503 at once."
    )
    static let memory = Key(
        "memory",
        .size((1 << 20)...(1 << 50)),
        or: ["none"],
        standard: "none",
        example: "512MiB",
        "Bytes in the buffers of all connections; beyond, new requests get 503 at once."
    )

    static let set = KeySet(
        "limits",
        noun: "limits",
        "What clients may send and hold.",
        keys: [
            maxConnections, maxConnectionsPerClient, requestsPerConnection, headSize, fields,
            targetSize, bodySize, loopLag, memory,
        ]
    )
}

/// Bounds that several keys share.
enum Bounds {
    /// No duration of the file is longer than a year.
    static let longest = Duration.seconds(365 * 86_400)
    /// A time-out: a millisecond to a year.
    static let timeout = Duration.milliseconds(1)...longest
}

/// `timeouts`, the client's side.
enum TimeoutKeys {
    static let head = Key(
        "head",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "10s",
        example: "5s",
        "A request's whole head, from its first byte; 408 beyond."
    )
    static let keepAlive = Key(
        "keep-alive",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "75s",
        example: "30s",
        "A connection that is idle between requests."
    )
    static let body = Key(
        "body",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "30s",
        example: "1m",
        "A client that owes a body and is silent; once 30 s old it must send 240 B/s. 408."
    )
    static let send = Key(
        "send",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "30s",
        example: "1m",
        "A client that does not read its answer; once 30 s old it must take 240 B/s."
    )
    static let tunnel = Key(
        "tunnel",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "1h",
        example: "10m",
        "Both sides silent after an upgrade to a websocket."
    )

    static let set = KeySet(
        "timeouts",
        noun: "timeouts",
        "How long clients are waited for. `body` holds until the answer's head has come; "
            + "afterwards the pool's `stream` does.",
        keys: [head, keepAlive, body, send, tunnel]
    )
}

/// `forwarding`.
enum ForwardingKeys {
    static let xForwarded = Key(
        "x-forwarded",
        .bool,
        standard: "true",
        example: "false",
        "Send `X-Forwarded-For`, `-Proto` and `-Host`."
    )
    static let via = Key(
        "via",
        .bool,
        standard: "true",
        example: "false",
        "Add to `Via`."
    )
    static let requestID = Key(
        "request-id",
        .bool,
        standard: "true",
        example: "false",
        "Send `X-Request-Id`."
    )
    static let forwarded = Key(
        "forwarded",
        .bool,
        standard: "false",
        example: "true",
        "Send `Forwarded` (RFC 7239)."
    )

    static let set = KeySet(
        "forwarding",
        noun: "forwarding",
        "Which fields about the client are sent on. What a client that is no trusted proxy "
            + "says in them is replaced.",
        keys: [xForwarded, via, requestID, forwarded]
    )
}

/// `log` and `log.access`.
enum LogKeys {
    static let level = Key(
        "level",
        .word(LogConfig.Level.allCases.map(\.rawValue)),
        standard: "info",
        example: "warning",
        "The least level that Weir's own log writes."
    )
    static let target = Key(
        "to",
        .logTarget,
        standard: "stderr",
        example: "/var/log/weir/weir.log",
        "Where Weir's own log goes; a file is opened again on SIGUSR1."
    )
    static let format = Key(
        "format",
        .word(["text", "json"]),
        standard: "text",
        example: "json",
        "The form of Weir's own log."
    )
    static let access = Key(
        "access",
        .map(accessSet),
        or: ["off"],
        standard: "off",
        example: "stdout",
        "The access log; none unless asked for. Text stands for `{to: …}`."
    )

    static let accessTarget = Key(
        "to",
        .logTarget,
        required: true,
        example: "/var/log/weir/access.json",
        "Where lines go; a file is opened again on SIGUSR1."
    )
    static let accessFormat = Key(
        "format",
        .word(AccessLogConfig.Format.allCases.map(\.rawValue)),
        standard: "json",
        example: "combined",
        "JSON lines, or the combined format of web servers."
    )
    static let client = Key(
        "client",
        .word(["full", "masked"]),
        standard: "full",
        example: "masked",
        "`masked` leaves out the last 8 bits of an IPv4 and the last 80 of an IPv6 address."
    )
    static let sample = Key(
        "sample",
        .share,
        standard: "100%",
        example: "1%",
        "The share of requests that is logged; errors always are."
    )
    static let only = Key(
        "only",
        .word(["all", "errors"]),
        standard: "all",
        example: "errors",
        "`errors` logs only outcomes other than `ok` and statuses of 500 and above."
    )

    static let accessSet = KeySet(
        "log.access",
        noun: "access log",
        short: .scalar("to"),
        "The access log: a line for each request.",
        keys: [accessTarget, accessFormat, client, sample, only]
    )
    static let set = KeySet(
        "log",
        noun: "log",
        "What is written down.",
        keys: [level, target, format, access]
    )
}
