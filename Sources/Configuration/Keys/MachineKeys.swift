/// `simulate.endpoint` and `simulate.servers.<name>`.
enum MachineKeys {
    static let speed = Key(
        "speed",
        .factor(0.001...1000),
        standard: "1",
        example: "0.5",
        "How fast it is: a service time is divided by it."
    )
    static let concurrency = Key(
        "concurrency",
        .count(1...1_000_000),
        or: ["none"],
        standard: "16",
        example: "4",
        "Requests that it works on at once, each as fast as one alone."
    )
    static let queue = Key(
        "queue",
        .count(0...1_000_000),
        standard: "1000",
        example: "0",
        "Requests that wait there in order; a further one is answered 503 at once."
    )
    static let slow = Key(
        "slow",
        .several(.map(SlowKeys.set)),
        note: "never",
        example: "{speed: 0.1, from: 10s, to: 40s}",
        "When it is slower. What begins then takes longer to its end."
    )
    static let fail = Key(
        "fail",
        .several(.map(FailKeys.set)),
        note: "never",
        example: "{kind: fast, from: 10s}",
        "When it fails. A word stands for `{kind: …}`."
    )
    static let check = Key(
        "check",
        .duration(.zero...Bounds.longest),
        standard: "1ms",
        example: "20ms",
        "What an active check by HTTP takes there at speed 1. It waits behind the requests that "
            + "wait, and takes no one's place."
    )
    static let antagonist = Key(
        "antagonist",
        .map(AntagonistKeys.set),
        or: ["off"],
        note: "`off`",
        example: "{speed: 0.4, on: 1s, off: 9s}",
        "Work of others on the same machine, which comes and goes at random."
    )

    static let set = KeySet(
        "simulate.endpoint",
        noun: "endpoint",
        "What a server is like; the same keys stand under `simulate.servers.<name>`.",
        keys: [speed, concurrency, queue, slow, fail, check, antagonist]
    )
}

/// `simulate.endpoint.slow[]`.
enum SlowKeys {
    static let speed = Key(
        "speed",
        .factor(0.001...1000),
        required: true,
        example: "0.1",
        "What the server's speed is multiplied by."
    )
    static let from = Key(
        "from",
        .duration(.zero...Bounds.longest),
        standard: "0s",
        example: "10s",
        "When it begins."
    )
    static let to = Key(
        "to",
        .duration(Bounds.timeout),
        note: "never",
        example: "40s",
        "When it ends."
    )

    static let set = KeySet(
        "simulate.endpoint.slow[]",
        noun: "slow",
        "When a server is slower.",
        keys: [speed, from, to]
    )
}

/// `simulate.endpoint.fail[]`.
enum FailKeys {
    static let kind = Key(
        "kind",
        .word(FailureConfig.Kind.allCases.map(\.rawValue)),
        required: true,
        example: "fast",
        "`fast` answers `status`, `slow` takes requests and never answers, `down` refuses "
            + "connections, `reset` takes requests and ends the connection without an answer."
    )
    static let share = Key(
        "share",
        .share,
        standard: "100%",
        example: "5%",
        "The share of its requests that fails."
    )
    static let after = Key(
        "after",
        .duration(.zero...Bounds.longest),
        standard: "1ms",
        example: "5ms",
        "`fast` and `reset`: how long that takes."
    )
    static let status = Key(
        "status",
        .count(400...599),
        standard: "503",
        example: "500",
        "`fast`: what it answers."
    )
    static let set = KeySet(
        "simulate.endpoint.fail[]",
        noun: "fail",
        short: .scalar("kind"),
        "When a server fails.",
        keys: [kind, share, status, after, SlowKeys.from, SlowKeys.to]
    )
}

/// `simulate.endpoint.antagonist`.
enum AntagonistKeys {
    static let speed = Key(
        "speed",
        .factor(0.001...1000),
        standard: "0.5",
        example: "0.4",
        "What the server's speed is multiplied by while they work."
    )
    static let on = Key(
        "on",
        .duration(Bounds.timeout),
        standard: "2s",
        example: "1s",
        "How long they work, in the mean; exponentially distributed."
    )
    static let off = Key(
        "off",
        .duration(Bounds.timeout),
        standard: "8s",
        example: "9s",
        "How long they rest, in the mean; exponentially distributed."
    )

    static let set = KeySet(
        "simulate.endpoint.antagonist",
        noun: "antagonist",
        "Work of others on the same machine.",
        keys: [speed, on, off]
    )
}
