import Balancing

/// `pools.<name>.balance`.
enum BalanceKeys {
    static let strategy = Key(
        "strategy",
        .word(StrategyRegistry.names),
        standard: "round-robin",
        example: "round-robin",
        "The strategy's name."
    )
    static let choices = Key(
        "choices",
        .count(1...1000),
        or: ["all", "auto"],
        standard: "auto",
        example: "2",
        "`least-connections`: how many servers are compared, drawn without repetition; `auto` is "
            + "all of up to 16, else 2."
    )
    static let decay = Key(
        "decay",
        .duration(Bounds.timeout),
        standard: "10s",
        example: "30s",
        "`latency-weighted`: after it a latency weighs 1/e of what it did."
    )
    static let penalty = Key(
        "penalty",
        .duration(Bounds.timeout),
        standard: "5s",
        example: "1s",
        "`latency-weighted`: the latency that a failure counts as, where the answer has no "
            + "`retry-after`."
    )
    static let key = Key(
        "key",
        .several(.either(["client", "host", "path"], KeyChoiceKeys.set)),
        standard: "client",
        example: "[{header: x-user}, client]",
        "`consistent-hash`: what of a request decides; of a list the first that the request has."
    )
    static let table = Key(
        "table",
        .word(BalanceOptions.HashTable.allCases.map(\.rawValue)),
        standard: "maglev",
        example: "ring",
        "`consistent-hash`: how a key finds its server."
    )
    static let tableSize = Key(
        "table-size",
        .count(3...16_777_259),
        or: ["auto"],
        standard: "auto",
        example: "65537",
        "`consistent-hash` by `maglev`: entries of the table, a prime above the number of "
            + "servers; `auto` is a prime above 100 × servers."
    )
    static let boundedLoad = Key(
        "bounded-load",
        .factor(1.01...100),
        or: ["off"],
        standard: "off",
        example: "1.25",
        "`consistent-hash`: the most requests at a server in relation to the mean; the rest "
            + "goes on to the next server."
    )
    static let pool = Key(
        "pool",
        .count(2...64),
        standard: "16",
        example: "32",
        "`prequal`: load reports that are kept."
    )
    static let probes = Key(
        "probes",
        .factor(0...8),
        standard: "3",
        example: "1.5",
        "`prequal`: servers asked for each request; of fractions, chance decides."
    )
    static let age = Key(
        "age",
        .duration(Bounds.timeout),
        standard: "1s",
        example: "500ms",
        "`prequal`: an older report is dropped."
    )
    static let quantile = Key(
        "quantile",
        .factor(0...1),
        standard: "0.84",
        example: "0.6",
        "`prequal`: servers above this quantile of requests in flight count as hot; 0 looks at "
            + "requests in flight only, 1 at latencies only."
    )
    static let probe = Key(
        "probe",
        .map(ProbeKeys.set),
        or: ["off"],
        note: "`off`: Weir's own traffic tells",
        example: "/load",
        "`prequal`: asks servers for their load; those that do not tell are known by Weir's own "
            + "traffic. Text stands for `{path: …}`."
    )

    static let set = KeySet(
        "pools.<name>.balance",
        noun: "balance",
        short: .scalar("strategy"),
        "How a server is chosen. A parameter belongs to the strategy that its effect begins with.",
        keys: [
            strategy, choices, decay, penalty, key, table, tableSize, boundedLoad, pool, probes,
            age, quantile, probe,
        ]
    )

    /// The parameters by the strategy that they belong to.
    static let parameters: [(strategy: String, keys: [Key])] = [
        ("least-connections", [choices]),
        ("latency-weighted", [decay, penalty]),
        ("consistent-hash", [key, table, tableSize, boundedLoad]),
        ("prequal", [pool, probes, age, quantile, probe]),
    ]

    /// What a strategy takes.
    static func parameters(of strategy: String) -> [Key] {
        parameters.first { $0.strategy == strategy }?.keys ?? []
    }
}

/// `pools.<name>.balance.key`, where it is no word.
enum KeyChoiceKeys {
    static let header = Key(
        "header",
        .text,
        example: "x-user",
        "The value of the first field of this name."
    )
    static let cookie = Key(
        "cookie",
        .text,
        example: "session",
        "The value of the cookie of this name."
    )
    static let query = Key(
        "query",
        .text,
        example: "id",
        "The value of the query parameter of this name."
    )

    static let set = KeySet(
        "pools.<name>.balance.key",
        noun: "hash key",
        "One of these.",
        keys: [header, cookie, query]
    )

    /// The most entries of a list.
    static let countMax = 8
}

/// `pools.<name>.balance.probe`.
enum ProbeKeys {
    static let path = Key(
        "path",
        .text,
        required: true,
        example: "/load",
        "What is asked: the answer, 2xx, tells requests in flight in `x-prequal-rif` and, if it "
            + "knows, what a request takes in `x-prequal-latency-us`."
    )
    static let timeout = Key(
        "timeout",
        .duration(Bounds.timeout),
        standard: "1s",
        example: "100ms",
        "How long an answer is waited for, connecting included."
    )

    static let set = KeySet(
        "pools.<name>.balance.probe",
        noun: "probe",
        short: .scalar("path"),
        "How servers are asked for their load, on connections of their own: a worker asks a "
            + "server once at a time, and one that fails to answer after 100 ms at the "
            + "earliest, then after twice as long each time, up to 5 s.",
        keys: [path, timeout]
    )
}
