/// `simulate`.
enum SimulateKeys {
    static let requests = Key(
        "requests",
        .count(1...1_000_000_000),
        note: "100000; with `duration` no bound",
        example: "1000000",
        "Requests in all; with `duration` too, what comes first ends it."
    )
    static let duration = Key(
        "duration",
        .duration(Bounds.timeout),
        note: "no bound",
        example: "60s",
        "How long requests come."
    )
    static let warmUp = Key(
        "warm-up",
        .share,
        standard: "10%",
        example: "20%",
        "The share of the requests, without `requests` of the time, that the report leaves out; "
            + "at most 90%."
    )
    static let seed = Key(
        "seed",
        .count(0...9_007_199_254_740_991),
        standard: "1",
        example: "42",
        "What all randomness is made from; equal seeds give equal reports."
    )
    static let workers = Key(
        "workers",
        .count(1...256),
        standard: "1",
        example: "8",
        "Workers, each with a balancer of its own; a request comes to one at random."
    )
    static let network = Key(
        "network",
        .duration(.zero...Bounds.longest),
        standard: "0s",
        example: "0.5ms",
        "The way from Weir to a server; the way back takes as long."
    )
    static let arrivals = Key(
        "arrivals",
        .map(ArrivalKeys.set),
        note: "`poisson` at 70 % load",
        example: "{rate: 2000/s}",
        "When requests come."
    )
    static let service = Key(
        "service",
        .map(ServiceKeys.set),
        note: "`exponential`, 10 ms",
        example: "{kind: log-normal, mean: 10ms, deviation: 8ms}",
        "How long a request takes at a server of speed 1. A duration stands for `{mean: …}`."
    )
    static let size = Key(
        "size",
        .size(0...(1 << 40)),
        standard: "16KiB",
        example: "1MiB",
        "Mean bytes of a request, for `least-bytes`; a request's own are in proportion to its "
            + "service time."
    )
    static let keys = Key(
        "keys",
        .map(PopulationKeys.set),
        note: "10,000, equally frequent",
        example: "{count: 100000, skew: 1}",
        "The keys that requests have, for `consistent-hash`. A number stands for `{count: …}`."
    )
    static let endpoint = Key(
        "endpoint",
        .map(MachineKeys.set),
        example: "{concurrency: 16, queue: 1000}",
        "What servers are like."
    )
    static let servers = Key(
        "servers",
        .named(.map(MachineKeys.set)),
        example: "{\"10.0.0.3:80\": {speed: 0.1}}",
        "What single servers are like, over `endpoint`: by name or address, or the beginning of "
            + "one with `*` behind it. The first entry that fits counts."
    )

    static let set = KeySet(
        "simulate",
        noun: "simulate",
        "What `weir simulate` plays through a pool; serving ignores it.",
        keys: [
            requests, duration, warmUp, seed, workers, network, arrivals, service, size, keys,
            endpoint, servers,
        ]
    )
}

/// `simulate.arrivals`.
enum ArrivalKeys {
    static let kind = Key(
        "kind",
        .word(ArrivalConfig.Kind.allCases.map(\.rawValue)),
        standard: "poisson",
        example: "bursts",
        "How requests follow one another: independently (`poisson`), in equal steps (`fixed`), or "
            + "independently in bursts with nothing between them."
    )
    static let rate = Key(
        "rate",
        .rate,
        note: "by `load`",
        example: "2000/s",
        "Requests in the mean."
    )
    static let load = Key(
        "load",
        .factor(0.001...100),
        note: "0.7",
        example: "0.9",
        "In place of `rate`: the share of what the servers with weight can serve at their `speed`, "
            + "above 1 for overload."
    )
    static let on = Key(
        "on",
        .duration(Bounds.timeout),
        standard: "100ms",
        example: "1s",
        "`bursts`: how long a burst lasts."
    )
    static let off = Key(
        "off",
        .duration(Bounds.timeout),
        standard: "400ms",
        example: "9s",
        "`bursts`: how long nothing comes."
    )

    static let set = KeySet(
        "simulate.arrivals",
        noun: "arrivals",
        "When requests come.",
        keys: [kind, rate, load, on, off]
    )
}

/// `simulate.service`.
enum ServiceKeys {
    static let kind = Key(
        "kind",
        .word(ServiceConfig.Kind.allCases.map(\.rawValue)),
        standard: "exponential",
        example: "log-normal",
        "How it is distributed."
    )
    static let mean = Key(
        "mean",
        .duration(.microseconds(1)...Bounds.longest),
        standard: "10ms",
        example: "25ms",
        "Its mean."
    )
    static let deviation = Key(
        "deviation",
        .duration(.zero...Bounds.longest),
        note: "the mean",
        example: "8ms",
        "`log-normal`: the standard deviation."
    )
    static let shape = Key(
        "shape",
        .factor(1.01...100),
        standard: "2",
        example: "1.5",
        "`pareto`: the exponent; the lower, the heavier the tail, without a variance up to 2."
    )

    static let set = KeySet(
        "simulate.service",
        noun: "service",
        short: .scalar("mean"),
        "How long a request takes at a server of speed 1.",
        keys: [kind, mean, deviation, shape]
    )
}

/// `simulate.keys`.
enum PopulationKeys {
    static let count = Key(
        "count",
        .count(1...10_000_000),
        standard: "10000",
        example: "500",
        "How many different keys there are."
    )
    static let skew = Key(
        "skew",
        .factor(0...10),
        standard: "0",
        example: "1.1",
        "The exponent of Zipf's law; 0 makes all keys equally frequent."
    )

    static let set = KeySet(
        "simulate.keys",
        noun: "keys",
        short: .scalar("count"),
        "The keys that requests have.",
        keys: [count, skew]
    )
}
