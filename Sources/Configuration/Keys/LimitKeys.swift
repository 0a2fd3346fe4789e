/// `limits`.
enum LimitKeys {
    static let maxConnections = Key(
        "max-connections",
        .count(1...10_000_000),
        or: ["auto"],
        standard: "auto",
        example: "20000",
        "Client connections at once; `auto` is half of what the descriptor limit leaves after "
            + "32, 128 where a pool has `health`, 65 with `admin`, 6 with `tracing.export`, and "
            + "one for each worker and server of pools whose `prequal` probes. Accepting pauses "
            + "beyond."
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
    static let http2 = Key(
        "http2",
        .map(HTTP2LimitKeys.set),
        example: "{streams: 64}",
        "What a client may do on one HTTP/2 connection."
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
        "Bytes in buffers and waiting frames of all connections; beyond, new requests get 503."
    )

    static let set = KeySet(
        "limits",
        noun: "limits",
        "What clients may send and hold.",
        keys: [
            maxConnections, maxConnectionsPerClient, requestsPerConnection, headSize, fields,
            targetSize, bodySize, http2, loopLag, memory,
        ]
    )
}

/// `limits.http2`.
enum HTTP2LimitKeys {
    static let streams = Key(
        "streams",
        .count(1...10_000),
        standard: "128",
        example: "64",
        "Streams at once on one connection; further ones are refused."
    )
    static let budget = Key(
        "budget",
        .rate,
        standard: "200/s",
        example: "50/s",
        "Resets, pings, settings, priorities, GOAWAYs, empty frames and needless window "
            + "updates that a client may send; the connection ends beyond."
    )

    static let set = KeySet(
        "limits.http2",
        noun: "http2",
        "What a client may do on one HTTP/2 connection.",
        keys: [streams, budget]
    )
}

/// Bounds that several keys share.
enum Bounds {
    /// No duration of the file is longer than a year.
    static let longest = Duration.seconds(365 * 86_400)
    /// What browsers are told to remember: ten years.
    static let longestHSTS = Duration.seconds(3650 * 86_400)
    /// A time-out: a millisecond to a year.
    static let timeout = Duration.milliseconds(1)...longest
}

/// `timeouts`, the client's side.
enum TimeoutKeys {
    static let handshake = Key(
        "handshake",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "10s",
        example: "5s",
        "A whole TLS handshake; the connection is closed beyond."
    )
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
        keys: [handshake, head, keepAlive, body, send, tunnel]
    )
}
