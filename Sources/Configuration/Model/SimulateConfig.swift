/// `simulate`: what `weir simulate` plays through; serving ignores it.
public struct SimulateConfig: Sendable, Equatable {
    /// Requests in all; `nil` where only the time counts.
    public var requests: Int? = 100_000
    /// How long requests come; `nil` where only their number counts.
    public var duration: Duration?
    /// The share of the requests, or of the time, that is left out of the report; below 1.
    public var warmUp = 0.1
    /// What all randomness is made from.
    public var seed: UInt64 = 1
    /// Workers; each request is of a random one.
    public var workers = 1
    /// The way from Weir to a server, and back again.
    public var network = Duration.zero
    /// When requests come.
    public var arrivals = ArrivalConfig()
    /// How long requests take.
    public var service = ServiceConfig()
    /// Mean bytes of a request.
    public var size = 16 * 1024
    /// The keys that requests have.
    public var keys = KeyPopulation()
    /// What a server is like that `servers` does not name.
    public var endpoint = MachineConfig()
    /// What servers are like; the first entry that fits one counts.
    public var servers: [NamedMachine] = []

    /// The defaults.
    public init() {}

    /// What a server is like.
    public func machine(_ server: ServerConfig) -> MachineConfig {
        servers.first { $0.fits(server) }?.machine ?? endpoint
    }
}

/// `simulate.arrivals`.
public struct ArrivalConfig: Sendable, Equatable {
    /// How requests follow one another.
    public enum Kind: String, Sendable, CaseIterable {
        /// Independently of each other.
        case poisson
        /// One after each equal stretch of time.
        case fixed
        /// As `poisson`, but in bursts only.
        case bursts
    }

    /// How much comes.
    public enum Amount: Sendable, Equatable {
        /// Requests a second.
        case rate(Double)
        /// A share of what the servers can serve.
        case load(Double)
    }

    /// How requests follow one another.
    public var kind = Kind.poisson
    /// How much comes in the mean.
    public var amount = Amount.load(0.7)
    /// How long a burst lasts.
    public var on = Duration.milliseconds(100)
    /// How long the silence between bursts lasts.
    public var off = Duration.milliseconds(400)

    /// The defaults.
    public init() {}
}

/// `simulate.service`: the time that a request takes at a server of speed 1.
public struct ServiceConfig: Sendable, Equatable {
    /// How it is distributed.
    public enum Kind: String, Sendable, CaseIterable {
        case exponential
        case fixed
        case logNormal = "log-normal"
        case pareto
    }

    /// How it is distributed.
    public var kind = Kind.exponential
    /// Its mean.
    public var mean = Duration.milliseconds(10)
    /// The standard deviation of `log-normal`.
    public var deviation = Duration.milliseconds(10)
    /// The exponent of `pareto`, above 1: the lower, the heavier the tail.
    public var shape = 2.0

    /// The defaults.
    public init() {}
}

/// `simulate.keys`: what `consistent-hash` hashes.
public struct KeyPopulation: Sendable, Equatable {
    /// How many different ones there are.
    public var count = 10_000
    /// The exponent of Zipf's law: 0 makes all equally frequent.
    public var skew = 0.0

    /// The defaults.
    public init() {}
}

/// `simulate.endpoint` and `simulate.servers.<name>`.
public struct MachineConfig: Sendable, Equatable {
    /// How fast it is in relation to the others.
    public var speed = 1.0
    /// Requests that it works on at once; `nil` is no bound.
    public var concurrency: Int? = 16
    /// Requests that wait there; a further one is refused with 503.
    public var queue = 1000
    /// When it is slower.
    public var slow: [SlowdownConfig] = []
    /// When it fails.
    public var fail: [FailureConfig] = []
    /// What an active check of kind `http` takes at speed 1, while nothing waits.
    public var check = Duration.milliseconds(1)
    /// Work of others on the same machine; `nil` is none.
    public var antagonist: AntagonistConfig?

    /// The defaults.
    public init() {}
}

/// An entry of `slow`.
public struct SlowdownConfig: Sendable, Equatable {
    /// What its speed is multiplied by.
    public var speed: Double
    /// When it begins.
    public var from = Duration.zero
    /// When it ends; `nil` is never.
    public var to: Duration?

    /// A slowdown from beginning to end.
    public init(speed: Double) { self.speed = speed }
}

/// An entry of `fail`.
public struct FailureConfig: Sendable, Equatable {
    /// How it fails.
    public enum Kind: String, Sendable, CaseIterable {
        /// It answers with an error at once.
        case fast
        /// It takes requests and never answers.
        case slow
        /// It refuses connections.
        case down
        /// It takes requests and ends the connection without an answer.
        case reset
    }

    /// How it fails.
    public var kind = Kind.fast
    /// The share of the requests that fails.
    public var share = 1.0
    /// What a `fast` failure answers.
    public var status = 503
    /// How long a `fast` or `reset` failure takes to show.
    public var after = Duration.milliseconds(1)
    /// When it begins.
    public var from = Duration.zero
    /// When it ends; `nil` is never.
    public var to: Duration?

    /// A failure from beginning to end.
    public init(kind: Kind) { self.kind = kind }
}

/// `antagonist`: work of others, which comes and goes at random.
public struct AntagonistConfig: Sendable, Equatable {
    /// What the machine's speed is multiplied by while it works.
    public var speed = 0.5
    /// How long it works, in the mean.
    public var on = Duration.seconds(2)
    /// How long it rests, in the mean.
    public var off = Duration.seconds(8)

    /// The defaults.
    public init() {}
}

/// An entry of `simulate.servers`.
public struct NamedMachine: Sendable, Equatable {
    /// A server's name or address, or the beginning of one with `*` behind it.
    public var pattern: String
    /// What such a server is like.
    public var machine: MachineConfig

    /// An entry.
    public init(pattern: String, machine: MachineConfig) {
        self.pattern = pattern
        self.machine = machine
    }

    /// Whether the server is meant.
    public func fits(_ server: ServerConfig) -> Bool {
        let names = [server.name, server.address.description]
        guard pattern.hasSuffix("*") else { return names.contains(pattern) }
        return names.contains { $0.hasPrefix(pattern.dropLast()) }
    }
}
