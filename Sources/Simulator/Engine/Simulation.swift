import Balancing
import Configuration
import Synchronization

/// A discrete-event simulation of one pool under one strategy, in virtual time.
///
/// It picks with the very code that serves: one ``PoolBalancer`` for each simulated worker over
/// one ``PoolPlan``, told of each try as the proxy tells it. Equal scenarios give equal results on
/// every machine: time is whole nanoseconds, randomness comes from the seed, and of two events at
/// one time a fixed rule says which is the first. Memory grows with the requests under way, not
/// with those that came.
public struct Simulation: ~Copyable {
    /// When it begins, in nanoseconds; far from 0, which stands for "never" in places.
    static let epoch: Int64 = 1_000_000_000_000

    private let box: ScenarioBox
    private let plans: WorkerPlans
    private let replay: Replay?
    private let usesKeys: Bool
    private let attempts: Int
    private let retriesRefused: Bool
    private let timeout: Int64
    private let observesResults: Bool
    private let asksForReports: Bool
    private let network: Int64
    private let service: ServiceSampler
    private let keys: KeySampler
    private let bytesPerWork: Double
    private let requestLimit: Int
    private let timeLimit: Int64
    private let firstMeasured: Int
    private let measuredFrom: Int64

    private var balancers: [PoolBalancer]
    private var randoms: [SeededRandom]
    private var traffic: SeededRandom
    private var arrivals: ArrivalSampler
    private var nextArrival: Int64
    private var heap: EventHeap
    private var slab: RequestSlab
    private var machines: [Machine]
    private let probesPerRequest: Double
    private var probes: ProbeSlab
    private(set) var tally: Tally

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
        let crew = MachineCrew(scenario.machines, seed: settings.seed)
        let span = MeasuredSpan(scenario)
        replay = scenario.replay
        attempts = scenario.attempts
        retriesRefused = scenario.retriesRefused
        timeout = scenario.timeout
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
        observesResults = workers.observesResults
        asksForReports = scenario.probes && workers.wantsReports
        probesPerRequest = max(0, min(8, scenario.pool.balance.prequal.probes))
        heap = crew.heap
        machines = crew.machines
        slab = RequestSlab()
        probes = ProbeSlab()
        tally = Tally(endpoints: scenario.endpoints.count)
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
        }
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
        beginTry(place, now)
    }

    private mutating func beginTry(_ place: Int, _ now: Int64) {
        let worker = Int(slab[place].worker)
        let tried = slab[place].tried
        let request =
            usesKeys
            ? PickRequest(now: now, key: slab[place].key, tried: tried)
            : PickRequest(now: now, tried: tried)
        guard let endpoint = balancers[worker].pick(request, random: &randoms[worker]) else {
            finish(place, now, answered: false)
            return
        }
        if asksForReports, slab[place].tries == 0 { sendProbes(worker, now) }
        let block = unsafe plans.plan(of: worker).shared.block(endpoint)
        let before = unsafe block.pointee.inFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        unsafe block.pointee.bytesInTransfer.wrappingAdd(slab[place].bytes, ordering: .relaxed)
        slab[place].tryBegin = now
        slab[place].inFlight = before
        slab[place].endpoint = Int32(truncatingIfNeeded: endpoint)
        slab[place].tries &+= 1
        if slab[place].isMeasured { tally.tries[endpoint] &+= 1 }
        if network > 0 {
            heap.push(Event(now &+ network, .reached, place))
        } else {
            reached(place, now)
        }
    }

    private mutating func told(_ place: Int, _ now: Int64) {
        let request = slab[place]
        let endpoint = Int(request.endpoint)
        if observesResults {
            let result = TryResult(
                now: now,
                latency: now &- request.tryBegin,
                inFlight: request.inFlight,
                kind: request.outcome == .answered ? .answered : .failed
            )
            let worker = Int(request.worker)
            balancers[worker].answered(endpoint, result, random: &randoms[worker])
        }
        let block = unsafe plans.plan(of: Int(request.worker)).shared.block(endpoint)
        unsafe block.pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
        unsafe block.pointee.bytesInTransfer.wrappingSubtract(request.bytes, ordering: .relaxed)
        if request.outcome == .unreachable, retriesRefused,
            request.tries < attempts
        {
            slab[place].tried.insert(endpoint)
            beginTry(place, now)
        } else {
            finish(place, now, answered: request.outcome == .answered)
        }
    }

    private mutating func finish(_ place: Int, _ now: Int64, answered: Bool) {
        let isMeasured = slab[place].isMeasured
        if answered {
            tally.answered &+= 1
            if isMeasured { tally.latencies.record(now &- slab[place].begin) }
        } else {
            tally.failed &+= 1
            if isMeasured { tally.errors &+= 1 }
        }
        slab.remove(place)
    }

    private mutating func sendProbes(_ worker: Int, _ now: Int64) {
        var count = Int(probesPerRequest)
        let fraction = probesPerRequest - Double(count)
        if fraction > 0, randoms[worker].unit() <= fraction { count &+= 1 }
        for _ in 0..<count {
            guard let endpoint = balancers[worker].probeTarget(random: &randoms[worker]) else {
                return
            }
            let probe = Probe(endpoint: endpoint, worker: worker)
            heap.push(Event(now &+ network, .probed, probes.insert(probe)))
        }
    }

    /// A server that fails requests fails probes.
    private mutating func probed(_ place: Int, _ now: Int64) {
        let endpoint = probes[place].endpoint
        if machines[endpoint].failure(at: now) != nil {
            probes.remove(place)
            return
        }
        probes[place].inFlight = machines[endpoint].busy &+ machines[endpoint].queued
        probes[place].latency = Int64(machines[endpoint].recent)
        heap.push(Event(now &+ network, .reported, place))
    }

    private mutating func reported(_ place: Int, _ now: Int64) {
        let probe = probes[place]
        probes.remove(place)
        let inFlight = Int32(clamping: probe.inFlight)
        let report = LoadReport(now: now, inFlight: inFlight, latency: probe.latency)
        balancers[probe.worker].reported(
            probe.endpoint,
            report,
            random: &randoms[probe.worker]
        )
    }

    private mutating func reached(_ place: Int, _ now: Int64) {
        let endpoint = Int(slab[place].endpoint)
        if let failure = machines[endpoint].failure(at: now) {
            switch failure.kind {
            case .fast: answer(place, now &+ failure.after, .refused)
            case .down: answer(place, now, .unreachable)
            case .slow: giveUp(place)
            }
            return
        }
        let time = now &- Self.epoch
        if let replay, machines[endpoint].draws(replay.failureShare(endpoint, time)) {
            answer(place, now &+ replay.failureTime(endpoint, time), .refused)
            return
        }
        if machines[endpoint].busy < machines[endpoint].concurrency {
            start(place, now)
        } else if machines[endpoint].queued < machines[endpoint].queueLimit {
            enqueue(place, endpoint)
        } else {
            answer(place, now, .refused)
        }
    }

    private mutating func start(_ place: Int, _ now: Int64) {
        let endpoint = Int(slab[place].endpoint)
        machines[endpoint].busy &+= 1
        var speed = machines[endpoint].speed(at: now)
        if let replay { speed *= replay.speed(endpoint, now &- Self.epoch) }
        let time = Int64(min(slab[place].work / speed, 1e17))
        let end = now &+ time
        if end &+ network &- slab[place].tryBegin > timeout {
            giveUp(place)
            heap.push(Event(end, .released, endpoint))
        } else {
            heap.push(Event(end, .served, place))
        }
    }

    private mutating func served(_ place: Int, _ now: Int64) {
        let endpoint = Int(slab[place].endpoint)
        machines[endpoint].note(now &- slab[place].tryBegin &- network)
        release(endpoint, now)
        answer(place, now, .answered)
    }

    private mutating func release(_ endpoint: Int, _ now: Int64) {
        machines[endpoint].busy &-= 1
        if let place = dequeue(endpoint) { start(place, now) }
    }

    /// Tells the worker, after the way back.
    private mutating func answer(
        _ place: Int,
        _ now: Int64,
        _ outcome: SimulatedRequest.Outcome
    ) {
        slab[place].outcome = outcome
        let time = now &+ network
        if outcome == .answered, network == 0 {
            told(place, time)
        } else {
            heap.push(Event(time, .told, place))
        }
    }

    private mutating func giveUp(_ place: Int) {
        slab[place].outcome = .timedOut
        heap.push(Event(slab[place].tryBegin &+ timeout, .gaveUp, place))
    }

    private mutating func enqueue(_ place: Int, _ endpoint: Int) {
        let tail = machines[endpoint].tail
        slab[place].next = -1
        if tail >= 0 {
            slab[Int(tail)].next = Int32(truncatingIfNeeded: place)
        } else {
            machines[endpoint].head = Int32(truncatingIfNeeded: place)
        }
        machines[endpoint].tail = Int32(truncatingIfNeeded: place)
        machines[endpoint].queued &+= 1
        watchQueue(endpoint)
    }

    private mutating func dequeue(_ endpoint: Int) -> Int? {
        let place = Int(machines[endpoint].head)
        guard place >= 0 else { return nil }
        machines[endpoint].head = slab[place].next
        if slab[place].next < 0 { machines[endpoint].tail = -1 }
        machines[endpoint].queued &-= 1
        return place
    }

    /// Sees to it that the first one in the queue does not wait beyond its time-out.
    private mutating func watchQueue(_ endpoint: Int) {
        let place = Int(machines[endpoint].head)
        guard place >= 0, !machines[endpoint].watchesQueue else { return }
        machines[endpoint].watchesQueue = true
        heap.push(Event(slab[place].tryBegin &+ timeout, .queueDue, endpoint))
    }

    private mutating func queueDue(_ endpoint: Int, _ now: Int64) {
        machines[endpoint].watchesQueue = false
        while true {
            let place = Int(machines[endpoint].head)
            guard place >= 0, slab[place].tryBegin &+ timeout <= now else { break }
            _ = dequeue(endpoint)
            slab[place].outcome = .timedOut
            told(place, now)
        }
        watchQueue(endpoint)
    }
}
