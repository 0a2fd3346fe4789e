import Balancing
import Configuration
import Health

/// Ejection as the workers and control have it: ``PoolHealth`` and ``OutlierDetector`` in virtual
/// time.
struct SimulatedHealth {
    /// How often control looks for ejections that are over, in nanoseconds.
    private static let look: Int64 = 100_000_000

    /// Something that is to happen: when, in nanoseconds.
    typealias Time = Int64

    /// By plan.
    private let pools: [PoolHealth]
    private var detectors: [OutlierDetector]
    private let members: [EndpointIndex]
    private var random: SeededRandom
    /// By plan: whether control's next look is among the events.
    private var isWatched: [Bool]
    /// Whether anything ejects.
    let isOn: Bool
    /// When and how long endpoints were ejected.
    private(set) var ejections: OutageLedger
    /// When and how long checks had endpoints down.
    private(set) var downs: OutageLedger

    /// The health of all plans, of which nothing is known yet.
    init(_ scenario: Scenario, _ plans: WorkerPlans) {
        let pool = scenario.pool
        let pools = plans.all.map { plan in
            PoolHealth(
                pool.ejection,
                rise: pool.checks?.rise ?? CheckOptions().rise,
                shared: plan.shared,
                size: plan.endpoints.count { $0.weight > 0 }
            )
        }
        self.pools = pools
        isWatched = pools.map { _ in false }
        isOn = pool.ejection != nil
        let count = scenario.endpoints.count
        detectors =
            pool.ejection.map { options in
                pools.map { _ in OutlierDetector(options, capacity: count) }
            } ?? []
        members = Array(0..<count)
        random = SeededRandom(seed: derivedSeed(scenario.settings.seed, 5))
        ejections = OutageLedger(endpoints: count)
        downs = OutageLedger(endpoints: count)
    }

    /// Requests count from now on.
    mutating func begin(at now: Int64) {
        ejections.begin(at: now)
        downs.begin(at: now)
    }

    // MARK: Workers

    /// The verdict on an answer.
    func verdict(status: UInt16) -> TryVerdict { pools[0].verdict(status: Int(status)) }

    /// A try has ended; tells when control is to look, unless that was told before.
    mutating func tryEnded(
        _ request: SimulatedRequest,
        _ verdict: TryVerdict,
        plan: Int,
        now: Int64
    ) -> Time? {
        let change = pools[plan].tryEnded(
            Int(request.endpoint),
            verdict,
            wasProbe: request.isProbing,
            latency: now &- request.tryBegin,
            now: now,
            random: verdict == .good ? 0 : random.next()
        )
        guard let change else { return nil }
        note(change, now)
        return nextLook(plan: plan, now: now)
    }

    /// Whether an ejected endpoint waits for a request to find out if it is well.
    @inline(__always)
    func hasHalfOpen(plan: Int) -> Bool {
        pools[plan].shared.halfOpen.load(ordering: .relaxed) > 0
    }

    /// An ejected endpoint about which this request is to find out.
    func claimProbe(
        excluding tried: TriedEndpoints,
        _ balancer: PoolBalancer,
        plan: Int,
        now: Int64
    ) -> EndpointIndex? {
        pools[plan].claimProbe(excluding: tried, now: now, where: balancer.isWeighted)
    }

    /// The request's try ended without saying anything of the endpoint.
    func probeAbandoned(_ endpoint: EndpointIndex, plan: Int, now: Int64) {
        pools[plan].probeAbandoned(endpoint, now: now)
    }

    // MARK: Control

    /// How often control has endpoints compared, in nanoseconds; `nil` for never.
    ///
    /// It does so whenever it looks; detectors do nothing in between their own steps.
    var comparison: Int64? {
        guard let detector = detectors.first, detector.isNeeded else { return nil }
        return detector.interval % Self.look == 0 ? detector.interval : Self.look
    }

    /// Control looks for ejections that are over; tells when it is to look again, if it is to.
    mutating func look(plan: Int, now: Int64) -> Time? {
        for change in pools[plan].tick(now: now) { note(change, now) }
        isWatched[plan] = false
        return nextLook(plan: plan, now: now)
    }

    /// Control compares endpoints; tells when it is to look, unless that was told before.
    mutating func compare(plan: Int, now: Int64) -> Time? {
        let changes = detectors[plan].tick(
            pools[plan],
            endpoints: members,
            now: now,
            random: random.next()
        )
        for change in changes { note(change, now) }
        return changes.isEmpty ? nil : nextLook(plan: plan, now: now)
    }

    /// Control looks at fixed times, which matters only while somebody is ejected.
    private mutating func nextLook(plan: Int, now: Int64) -> Time? {
        guard !isWatched[plan], pools[plan].shared.ejected.load(ordering: .relaxed) > 0 else {
            return nil
        }
        isWatched[plan] = true
        return now / Self.look &* Self.look &+ Self.look
    }

    /// An active check has ended.
    mutating func checked(
        _ endpoint: EndpointIndex,
        _ result: SimulatedChecks.Result,
        now: Int64
    ) {
        for pool in pools {
            if result.change != .unchanged {
                pool.setCheckedDown(endpoint, result.change == .down, now: now)
            }
            if !result.isGood {
                pool.checkFailed(endpoint)
            } else if let change = pool.checkPassed(endpoint, began: result.began, now: now) {
                note(change, now)
            }
        }
        if result.change == .down { downs.out(endpoint, now) }
        if result.change == .up { downs.back(endpoint, now) }
    }

    /// Endpoints count as down until their first check.
    mutating func setDown(now: Int64) {
        for endpoint in members {
            for pool in pools { pool.setCheckedDown(endpoint, true, now: now) }
            downs.out(endpoint, now)
        }
    }

    private mutating func note(_ change: EjectionChange, _ now: Int64) {
        switch change.kind {
        case .refused, .halfOpen: break
        case .ejected: ejections.out(change.endpoint, now)
        case .returned: ejections.back(change.endpoint, now)
        }
    }
}
