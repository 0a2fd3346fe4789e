/// `pools.<name>.retries` and `routes[].retries`.
enum RetryKeys {
    static let attempts = Key(
        "attempts",
        .count(1...8),
        standard: "3",
        example: "2",
        nothing: "1: one try, and no retry",
        "Tries in all, each at another server while there is one; 1 is no retry."
    )
    static let causes = Key(
        "on",
        .several(.word(["connect-failure", "reset-before-answer", "timeout"])),
        or: ["off"],
        standard: "[connect-failure, reset-before-answer]",
        example: "connect-failure",
        "What is tried again. What a server may have processed is sent again only where the "
            + "method is idempotent."
    )
    static let status = Key(
        "status",
        .several(.answerStatus),
        or: ["off"],
        standard: "off",
        example: "[502, 503]",
        "Answers after which a request with an idempotent method is tried again; an answer's "
            + "`retry-after` is heeded. A status of gRPC, `unavailable` say, has calls tried again "
            + "that end with it before a message, whatever their method."
    )
    static let tryTimeout = Key(
        "try-timeout",
        .duration(Bounds.timeout),
        or: ["response"],
        standard: "response",
        example: "2s",
        "How long one try may take until its answer's head; `response` is `timeouts.response`."
    )
    static let timeout = Key(
        "timeout",
        .duration(Bounds.timeout),
        or: ["none"],
        standard: "none",
        example: "10s",
        "How long all tries and the waits between them may take until an answer's head, once "
            + "the whole request is there."
    )
    static let backoff = Key(
        "backoff",
        .map(BackoffKeys.set),
        example: "{base: 100ms, max: 1s}",
        "How long is waited between tries; after a failed connect not at all."
    )
    static let budget = Key(
        "budget",
        .map(BudgetKeys.set),
        or: ["none"],
        example: "10%",
        "In pools only: how many tries may be repeated, all workers together. A share stands for "
            + "`{share: …}`."
    )
    static let buffer = Key(
        "buffer",
        .size(0...(16 << 20)),
        standard: "64KiB",
        example: "1MiB",
        "Bytes of a request that are kept to be sent again; a longer one has one try."
    )
    static let idempotencyKey = Key(
        "idempotency-key",
        .bool,
        standard: "false",
        example: "true",
        "Whether a request with the field `idempotency-key` counts as idempotent, whatever its "
            + "method."
    )

    static let set = KeySet(
        "pools.<name>.retries",
        noun: "retries",
        short: .scalar("attempts"),
        "When a request is tried again.",
        keys: [
            attempts, causes, status, tryTimeout, timeout, backoff, budget, buffer, idempotencyKey,
        ]
    )
}

/// `pools.<name>.retries.backoff`.
enum BackoffKeys {
    static let base = Key(
        "base",
        .duration(Bounds.timeout),
        standard: "25ms",
        example: "100ms",
        "The longest wait before the second try; twice as long before each further one. Chance "
            + "takes between nothing and that."
    )
    static let max = Key(
        "max",
        .duration(Bounds.timeout),
        standard: "250ms",
        example: "1s",
        "The longest wait of all."
    )

    static let set = KeySet(
        "pools.<name>.retries.backoff",
        noun: "backoff",
        "The waits between tries.",
        keys: [base, max]
    )
}

/// `pools.<name>.retries.budget`.
enum BudgetKeys {
    static let share = Key(
        "share",
        .share,
        standard: "20%",
        example: "10%",
        "Of the pool's requests of the last ten seconds."
    )
    static let min = Key(
        "min",
        .rate,
        or: ["off"],
        standard: "10/s",
        example: "1/s",
        "What is added to it, however few requests there are."
    )

    static let set = KeySet(
        "pools.<name>.retries.budget",
        noun: "budget",
        short: .scalar("share"),
        "How many tries may be repeated; beyond, failures are passed on.",
        keys: [share, min]
    )
}

/// `pools.<name>.breaker` and what of it there is for each server.
enum BreakerKeys {
    static let maxConnections = Key(
        "max-connections",
        .count(1...1_000_000),
        or: ["none"],
        standard: "none",
        example: "200",
        "Connections to servers at once, unused ones included."
    )
    static let maxRequests = Key(
        "max-requests",
        .count(1...1_000_000),
        or: ["none"],
        standard: "none",
        example: "800",
        "Requests at once."
    )
    static let maxPending = Key(
        "max-pending",
        .count(0...1_000_000),
        standard: "1024",
        example: "100",
        "Requests that wait, first come first served, where a bound is reached; 503 beyond."
    )
    static let queueTimeout = Key(
        "queue-timeout",
        .duration(Bounds.timeout),
        standard: "5s",
        example: "1s",
        "How long a request waits; then 503."
    )
    static let perServer = Key(
        "per-server",
        .map(ServerBreakerKeys.set),
        example: "{max-requests: 100}",
        "The same for each server."
    )

    static let set = KeySet(
        "pools.<name>.breaker",
        noun: "breaker",
        "What the pool takes at once; all workers together.",
        keys: [maxConnections, maxRequests, maxPending, queueTimeout, perServer]
    )
}

/// `pools.<name>.breaker.per-server`.
enum ServerBreakerKeys {
    static let maxConnections = Key(
        "max-connections",
        .count(1...1_000_000),
        or: ["none"],
        standard: "none",
        example: "50",
        "Connections to a server at once; a server's own `max-connections` goes before."
    )
    static let maxRequests = Key(
        "max-requests",
        .count(1...1_000_000),
        or: ["none"],
        standard: "none",
        example: "100",
        "Requests at a server at once."
    )
    static let maxPending = Key(
        "max-pending",
        .count(0...1_000_000),
        or: ["none"],
        standard: "none",
        example: "20",
        "Of the requests that wait, how many may wait for one server that they have to go to; "
            + "503 beyond."
    )
    static let queueTimeout = Key(
        "queue-timeout",
        .duration(Bounds.timeout),
        note: "the pool's",
        example: "500ms",
        "How long they wait; then 503."
    )

    static let set = KeySet(
        "pools.<name>.breaker.per-server",
        noun: "per-server",
        "What each server takes at once.",
        keys: [maxConnections, maxRequests, maxPending, queueTimeout]
    )
}
