/// `pools.<name>.health`.
enum HealthKeys {
    static let kind = Key(
        "kind",
        .word(["http", "tcp", "grpc"]),
        note: "`http` with a `path`, else `tcp`",
        example: "tcp",
        "`http` sends a request and looks at the answer, by HTTP/2 where the pool does; `grpc` "
            + "asks `grpc.health.v1.Health`; `tcp` only connects; in a pool with `tls` all begin "
            + "with a full handshake."
    )
    static let path = Key(
        "path",
        .text,
        note: "required by `http`",
        example: "/healthz",
        "What is asked: a path, perhaps with a query."
    )
    static let method = Key(
        "method",
        .method,
        standard: "GET",
        example: "HEAD",
        "The request's method."
    )
    static let host = Key(
        "host",
        .text,
        note: "the server's address",
        example: "www.example.com",
        "The request's `host`."
    )
    static let headers = Key(
        "headers",
        .named(.text),
        example: "{x-check: weir}",
        "Further fields of the request."
    )
    static let port = Key(
        "port",
        .count(1...65535),
        note: "the server's",
        example: "9000",
        "Another port that is asked in place of the server's."
    )
    static let service = Key(
        "service",
        .text,
        note: "the server as a whole",
        example: "shop.Orders",
        "The service that `grpc` asks for; at most 255 bytes."
    )
    static let status = Key(
        "status",
        .several(.status),
        standard: "[2xx, 3xx]",
        example: "[200, 204]",
        "Answers that pass."
    )
    static let body = Key(
        "body",
        .text,
        note: "not looked at",
        example: "ready",
        "Text that the first 64 KiB of a passing answer contain; at most 1024 bytes."
    )
    static let every = Key(
        "every",
        .duration(.milliseconds(10)...Bounds.longest),
        standard: "2s",
        example: "10s",
        "From one check to the next, jittered by 10 %."
    )
    static let timeout = Key(
        "timeout",
        .duration(Bounds.timeout),
        note: "`1s`, or the shortest interval if that is less",
        example: "500ms",
        "How long a check may take, connecting included."
    )
    static let everyChanging = Key(
        "every-changing",
        .duration(.milliseconds(10)...Bounds.longest),
        note: "`every`",
        example: "500ms",
        "In place of `every` while the last checks disagree with the server's state."
    )
    static let everyDown = Key(
        "every-down",
        .duration(.milliseconds(10)...Bounds.longest),
        note: "`every`",
        example: "5s",
        "In place of `every` while the server is down."
    )
    static let rise = Key(
        "rise",
        .count(1...100),
        standard: "2",
        example: "3",
        "Passed checks in a row that bring a server back; as many good requests bring one back "
            + "from ejection."
    )
    static let fall = Key(
        "fall",
        .count(1...100),
        standard: "3",
        example: "2",
        "Failed checks in a row that take a server down."
    )
    static let window = Key(
        "window",
        .window,
        example: "3 of 5",
        "In place of `rise` and `fall`: down as soon as so many of the last checks failed, up "
            + "again once fewer have."
    )
    static let initial = Key(
        "initial",
        .word(["up", "down"]),
        standard: "up",
        example: "down",
        "What a server is before its first check, which decides alone."
    )

    static let set = KeySet(
        "pools.<name>.health",
        noun: "health",
        short: .wordOrScalar("kind", "path"),
        "How servers are asked whether they are well. Without it none is asked; what becomes of "
            + "requests still counts, see `ejection`. The same check of the same server in several "
            + "pools runs once.",
        keys: [
            kind, path, service, method, host, headers, port, status, body, every, timeout,
            everyChanging,
            everyDown, rise, fall, window, initial,
        ]
    )

    /// What makes no sense of a connection alone.
    static let ofRequests = [path, method, host, headers, status, body]

    /// Bytes of a text that answers contain.
    static let bodySizeMax = 1024
}

/// `pools.<name>.ejection`.
enum EjectionKeys {
    static let consecutiveFailures = Key(
        "consecutive-failures",
        .count(1...1000),
        or: ["off"],
        standard: "5",
        example: "3",
        "Failures in a row that eject a server; see `on` and `status` for what a failure is."
    )
    static let causes = Key(
        "on",
        .several(.word(["connect-failure", "reset", "timeout"])),
        or: ["off"],
        standard: "[connect-failure, reset, timeout]",
        example: "[connect-failure, timeout]",
        "Failures without an answer that count in a row; a try that was followed by another "
            + "counts too."
    )
    static let status = Key(
        "status",
        .several(.answerStatus),
        or: ["off"],
        standard: "[502, 503, 504]",
        example: "5xx",
        "Answers that count in a row too, also by the status of gRPC, `unavailable` say."
    )
    static let successRate = Key(
        "success-rate",
        .map(SuccessRateKeys.set),
        or: ["off"],
        note: "on",
        example: "{below: 80%}",
        "Ejects a server whose share of good answers is low, and lower than the pool's median; "
            + "every 5xx and every failure is bad."
    )
    static let outlier = Key(
        "outlier",
        .map(OutlierKeys.set),
        or: ["off"],
        note: "on",
        example: "{slow-factor: 3}",
        "Ejects a server that is worse than the others."
    )
    static let baseTime = Key(
        "base-time",
        .duration(Bounds.timeout),
        standard: "10s",
        example: "30s",
        "How long the first ejection lasts; each further one twice as long, jittered by 10 %."
    )
    static let maxTime = Key(
        "max-time",
        .duration(Bounds.timeout),
        standard: "5m",
        example: "1h",
        "The longest ejection."
    )
    static let maxShare = Key(
        "max-share",
        .share,
        standard: "50%",
        example: "30%",
        "Of the pool's servers, how many may be ejected at once; one of two or more always may."
    )

    static let set = KeySet(
        "pools.<name>.ejection",
        noun: "ejection",
        "When what becomes of its requests takes a server out of the pool for a time. Afterwards "
            + "single requests find out whether it is well again.",
        keys: [
            consecutiveFailures, causes, status, successRate, outlier, baseTime, maxTime, maxShare,
        ]
    )
}

/// `pools.<name>.ejection.success-rate`.
enum SuccessRateKeys {
    static let below = Key(
        "below",
        .share,
        standard: "50%",
        example: "80%",
        "The share of good answers below which a server is ejected."
    )
    static let window = Key(
        "window",
        .duration(.seconds(1)...Bounds.longest),
        standard: "10s",
        example: "30s",
        "The time looked at."
    )
    static let minRequests = Key(
        "min-requests",
        .count(1...1_000_000),
        standard: "20",
        example: "100",
        "Fewer requests in it say nothing."
    )

    static let set = KeySet(
        "pools.<name>.ejection.success-rate",
        noun: "success-rate",
        "The share of good answers.",
        keys: [below, window, minRequests]
    )
}

/// `pools.<name>.ejection.outlier`.
enum OutlierKeys {
    static let deviations = Key(
        "deviations",
        .factor(0.1...10),
        or: ["off"],
        standard: "1.9",
        example: "3",
        "A success rate this many standard deviations below the mean ejects; with fewer than five "
            + "servers 1.9 never can."
    )
    static let slowFactor = Key(
        "slow-factor",
        .factor(1.1...1000),
        or: ["off"],
        standard: "off",
        example: "3",
        "A mean latency of so many times the pool's median ejects."
    )
    static let minServers = Key(
        "min-servers",
        .count(2...1000),
        standard: "5",
        example: "10",
        "Fewer servers with enough requests are not compared."
    )
    static let minRequests = Key(
        "min-requests",
        .count(1...1_000_000),
        standard: "100",
        example: "1000",
        "Requests in ten seconds below which a server is not compared."
    )

    static let set = KeySet(
        "pools.<name>.ejection.outlier",
        noun: "outlier",
        "The comparison with the pool's other servers.",
        keys: [deviations, slowFactor, minServers, minRequests]
    )
}
