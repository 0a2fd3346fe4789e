import Balancing
import Configuration

/// A scenario in a place of its own.
final class ScenarioBox: Sendable {
    let scenario: Scenario

    init(_ scenario: Scenario) { self.scenario = scenario }
}

/// What the workers share, or would have to do without.
struct WorkerPlans {
    /// The plans: one for all workers, or one for each.
    let all: [PoolPlan]

    init(_ scenario: Scenario) {
        let count = scenario.sharesLoads ? 1 : scenario.settings.workers
        all = (0..<count).map { _ in scenario.pool.plan(of: scenario.pool.servers) }
    }

    /// Which plan is a worker's.
    @inline(__always)
    func index(of worker: Int) -> Int { all.count == 1 ? 0 : worker }

    /// The plan in whose blocks a worker counts.
    func plan(of worker: Int) -> PoolPlan { all[index(of: worker)] }
}

/// The workers at the beginning.
struct SimulatedWorkers {
    private(set) var balancers: [PoolBalancer] = []
    private(set) var randoms: [SeededRandom] = []

    init(_ plans: WorkerPlans, _ settings: SimulateConfig) {
        for worker in 0..<settings.workers {
            var random = SeededRandom(seed: derivedSeed(settings.seed, 2, worker))
            let plan = plans.plan(of: worker)
            balancers.append(PoolBalancer(plan, now: Simulation.epoch, random: &random))
            randoms.append(random)
        }
    }

    /// Whether a balancer wants to hear of results.
    var observesResults: Bool { balancers.contains { $0.observesResults } }

    /// Whether a balancer picks by key.
    var usesKeys: Bool { balancers.contains { $0.usesKeys } }

    /// Whether a balancer wants to hear of probes.
    var wantsReports: Bool { balancers.contains { $0.wantsReports } }
}

/// The machines at the beginning, with what will happen to them and what control will do.
struct MachineCrew {
    private(set) var machines: [Machine] = []
    private(set) var heap = EventHeap()

    init(
        _ configs: [MachineConfig],
        seed: UInt64,
        _ health: SimulatedHealth,
        plans: Int,
        hasChecks: Bool
    ) {
        for (index, config) in configs.enumerated() {
            let random = SeededRandom(seed: derivedSeed(seed, 3, index))
            var machine = Machine(config, epoch: Simulation.epoch, random: random)
            if let time = machine.firstDisturbance(Simulation.epoch) {
                heap.push(Event(time, .antagonist, index))
            }
            machines.append(machine)
            if hasChecks { heap.push(Event(Simulation.epoch, .checkBegan, index)) }
        }
        guard let interval = health.comparison else { return }
        for plan in 0..<plans {
            heap.push(Event(Simulation.epoch &+ interval, .compared, plan))
        }
    }
}

/// How long requests come, and from when on they count.
struct MeasuredSpan {
    let requestLimit: Int
    let timeLimit: Int64
    let firstMeasured: Int
    let measuredFrom: Int64

    init(_ scenario: Scenario) {
        let settings = scenario.settings
        requestLimit = scenario.replay?.entries.count ?? settings.requests ?? Int.max
        let end = scenario.replay == nil ? settings.duration : nil
        timeLimit = end.map { Simulation.epoch &+ $0.wholeNanoseconds } ?? Int64.max
        if requestLimit < Int.max {
            firstMeasured = Int(Double(requestLimit) * settings.warmUp)
            measuredFrom = 0
        } else {
            firstMeasured = 0
            let length = Double(timeLimit &- Simulation.epoch)
            measuredFrom = Simulation.epoch &+ Int64(length * settings.warmUp)
        }
    }

    /// About how long requests come, in nanoseconds.
    static func length(_ scenario: Scenario) -> Int64 {
        if let last = scenario.replay?.entries.last { return last.arrival }
        let settings = scenario.settings
        let time = settings.duration?.wholeNanoseconds ?? Int64.max
        guard let requests = settings.requests else { return time }
        return min(time, Int64(min(Double(requests) / scenario.rate * 1e9, 1e18)))
    }
}
