import Balancing
import Configuration

/// What is simulated: one pool under one traffic.
public struct Scenario: Sendable {
    /// The pool, as the file has it.
    public var pool: PoolConfig
    /// Its servers as the balancing sees them.
    public let endpoints: [PlannedEndpoint]
    /// Whether reports are asked for by probes.
    public var probes: Bool
    /// The traffic and the machines.
    public var settings: SimulateConfig
    /// By endpoint: what the server is like.
    public var machines: [MachineConfig]
    /// Whether the workers share what they know of endpoints, as they do when Weir serves; without,
    /// it shows what that is worth.
    public var sharesLoads = true
    /// A recorded traffic in place of a drawn one.
    public var replay: Replay?

    /// The pool of a checked file under a traffic.
    public init(pool: PoolConfig, settings: SimulateConfig, replay: Replay? = nil) {
        self.pool = pool
        endpoints = pool.servers.map(PlannedEndpoint.init)
        probes = pool.prequalProbe != nil
        self.settings = settings
        self.replay = replay
        machines = pool.servers.map { server in
            var machine = settings.machine(server)
            // Recorded latencies have the waiting in them already.
            if replay != nil { machine.concurrency = nil }
            return machine
        }
    }

    /// Requests a second in the mean.
    ///
    /// A share of the load is one of what all servers with weight can serve, slowdowns left out;
    /// one without a bound on its concurrency counts as one with the default.
    public var rate: Double {
        switch settings.arrivals.amount {
        case .rate(let rate): return rate
        case .load(let share):
            var slots = 0.0
            for (endpoint, machine) in zip(endpoints, machines)
            where endpoint.weight > 0 && endpoint.availability == .up {
                let concurrency = machine.concurrency ?? MachineConfig().concurrency ?? 1
                slots += Double(concurrency) * machine.speed
            }
            let mean = Double(max(1, settings.service.mean.wholeNanoseconds)) / 1e9
            return max(share * slots / mean, 1e-6)
        }
    }
}

extension Duration {
    /// Nanoseconds, at most a quarter of what 64 bits hold, so that sums of them fit.
    var wholeNanoseconds: Int64 { min(inNanoseconds, Int64.max / 4) }
}
