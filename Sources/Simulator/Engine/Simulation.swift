import Balancing
import Configuration
import Health
import Synchronization

/// A discrete-event simulation of one pool under one strategy, in virtual time.
///
/// It picks with the very code that serves: one ``PoolBalancer`` for each simulated worker over
/// one ``PoolPlan``, told of each try as the proxy tells it; it ejects, checks and tries again by
/// the code that serves, too. Equal scenarios give equal results on every machine: time is whole
/// nanoseconds, randomness comes from the seed, and of two events at one time a fixed rule says
/// which is the first. Memory grows with the requests under way, not with those that came.
///
/// What a request goes through is in `Simulation+Tries`, what machines do in
/// `Simulation+Machines`, what control does in `Simulation+Control`.
public struct Simulation: ~Copyable {
    /// When it begins, in nanoseconds; far from 0, which stands for "never" in places.
    static let epoch: Int64 = 1_000_000_000_000

    private let box: ScenarioBox
    let usesKeys: Bool
    private let service: ServiceSampler
    private let keys: KeySampler
    private let bytesPerWork: Double
    private let requestLimit: Int
    private let timeLimit: Int64
    private let firstMeasured: Int
    private let measuredFrom: Int64
    private var traffic: SeededRandom
    private var arrivals: ArrivalSampler
    private var nextArrival: Int64

    let plans: WorkerPlans
    let replay: Replay?
    let retries: RetryPolicy
    let budget: RetryBudget?
    let hasFallback: Bool
    let observesResults: Bool
    let asksForReports: Bool
    let probesPerRequest: Double
    /// The way to a machine, in nanoseconds.
    let network: Int64

    var balancers: [PoolBalancer]
    var randoms: [SeededRandom]
    /// By worker: requests of which the budget has not heard.
    var notDeposited: [Int]
    var health: SimulatedHealth
    var checks: SimulatedChecks?
    var breaker: SimulatedBreaker?
    /// Whether those who wait for room may find some.
    var hasRoom = false
    var heap: EventHeap
    var slab: RequestSlab
    var machines: [Machine]
    var probes: ProbeSlab
    var tally: Tally

    /// A simulation at its beginning; takes the time that the strategy's tables need.
    public init(_ scenario: Scenario) { self.init(ScenarioBox(scenario)) }

    /// Takes only what is complete: with parts that were changed before all of them were there,
    /// release builds of Swift 6.3 crashed here.
    private init(_ box: ScenarioBox) {
        self.box = box
        let scenario = box.scenario
        let settings = scenario.settings
        let plans = WorkerPlans(scenario)
        let workers = SimulatedWorkers(plans, settings)
        let retries = RetryPolicy(scenario.pool)
        let checks = SimulatedChecks(scenario)
        var health = SimulatedHealth(scenario, plans)
        if checks?.isInitiallyUp == false { health.setDown(now: Self.epoch) }
        let crew = MachineCrew(
            scenario.machines,
            seed: settings.seed,
            health,
            plans: plans.all.count,
            hasChecks: checks != nil
        )
        let span = MeasuredSpan(scenario)
        replay = scenario.replay
        self.retries = retries
        budget = retries.retries ? scenario.pool.retryBudget.map { RetryBudget($0) } : nil
        hasFallback = scenario.pool.fallback != nil
        breaker = SimulatedBreaker(scenario)
        self.checks = checks
        self.health = health
        self.plans = plans
        usesKeys = workers.usesKeys
        network = settings.network.wholeNanoseconds
        service = ServiceSampler(settings.service)
        keys = KeySampler(count: settings.keys.count, skew: settings.keys.skew)
        let mean = max(1, settings.service.mean.wholeNanoseconds)
        bytesPerWork = Double(settings.size) / Double(mean)
        requestLimit = span.requestLimit
        timeLimit = span.timeLimit
        firstMeasured = span.firstMeasured
        measuredFrom = span.measuredFrom
        traffic = SeededRandom(seed: derivedSeed(settings.seed, 1))
        arrivals = ArrivalSampler(settings.arrivals, rate: scenario.rate)
        nextArrival = 0
        balancers = workers.balancers
        randoms = workers.randoms
        notDeposited = workers.randoms.map { _ in 0 }
        observesResults = workers.observesResults
        asksForReports = scenario.probes && workers.wantsReports
        probesPerRequest = max(0, min(8, scenario.pool.balance.prequal.probes))
        heap = crew.heap
        machines = crew.machines
        slab = RequestSlab()
        probes = ProbeSlab()
        tally = Tally(
            endpoints: scenario.endpoints.count,
            timeline: Timeline(length: MeasuredSpan.length(scenario))
        )
        planArrival()
    }

    /// What is simulated.
    var scenario: Scenario { box.scenario }

    /// How much of it is done, 0 to 1.
    public var progress: Double {
        if requestLimit < Int.max { return Double(tally.arrived) / Double(max(1, requestLimit)) }
        let length = Double(max(1, timeLimit &- Self.epoch))
        return nextArrival == Int64.max ? 1 : Double(nextArrival &- Self.epoch) / length
    }

    /// Requests that came.
    public var arrived: Int { tally.arrived }
    /// Requests that were answered.
    public var answered: Int { tally.answered }
    /// Requests that were not, or with 503.
    public var failed: Int { tally.failed }

    /// Goes on until so many more requests have come or all have ended; tells whether there is
    /// more to do.
    public mutating func advance(requests: Int) -> Bool {
        let (sum, overflow) = tally.arrived.addingReportingOverflow(requests)
        let stop = overflow ? Int.max : sum
        while true {
            if nextArrival < heap.nextTime {
                if tally.arrived >= stop { return true }
                admit()
            } else if nextArrival == Int64.max, slab.count == 0 {
                return false
            } else if let event = heap.pop() {
                handle(event)
            } else {
                return false
            }
        }
    }

    private mutating func handle(_ event: Event) {
        switch event.kind {
        case .served: served(event.index, event.time)
        case .released: release(event.index, event.time)
        case .told, .gaveUp: told(event.index, event.time)
        case .queueDue: queueDue(event.index, event.time)
        case .antagonist:
            if let next = machines[event.index].disturb(event.time) {
                heap.push(Event(next, .antagonist, event.index))
            }
        case .reached: reached(event.index, event.time)
        case .probed: probed(event.index, event.time)
        case .reported: reported(event.index, event.time)
        case .retried: beginTry(event.index, event.time)
        case .waitedOut: waitedOut(event.index, event.time)
        case .roomDue: roomDue(event.index, event.time)
        case .checkBegan, .checkReached, .checkTold, .looked, .compared: control(event)
        }
        if hasRoom { serveQueues(event.time) }
    }

    private mutating func planArrival() {
        guard tally.arrived < requestLimit else {
            nextArrival = Int64.max
            return
        }
        if let replay {
            nextArrival = Self.epoch &+ replay.entries[tally.arrived].arrival
            return
        }
        let (time, overflow) = Self.epoch.addingReportingOverflow(arrivals.next(&traffic))
        nextArrival = overflow || time >= timeLimit ? Int64.max : time
    }

    private mutating func admit() {
        let now = nextArrival
        let number = tally.arrived
        tally.arrived &+= 1
        let work: Double
        let key: UInt64
        if let replay {
            work = replay.entries[number].work
            key = replay.entries[number].key
        } else {
            work = service.draw(&traffic)
            key = KeySampler.hash(keys.draw(&traffic))
        }
        let worker = balancers.count > 1 ? traffic.next(below: balancers.count) : 0
        let place = slab.insert(
            SimulatedRequest(
                begin: now,
                work: work,
                key: key,
                bytes: Int64(min(work * bytesPerWork, 1e15)),
                worker: Int32(truncatingIfNeeded: worker),
                isMeasured: number >= firstMeasured && now >= measuredFrom
            )
        )
        planArrival()
        tally.timeline.came(now)
        if number == firstMeasured || firstMeasured == 0, slab[place].isMeasured {
            health.begin(at: now)
        }
        deposit(worker, now)
        beginTry(place, now)
        if hasRoom { serveQueues(now) }
    }
}
