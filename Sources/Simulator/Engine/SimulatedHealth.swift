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

    /// A try has ended; tells when control is to look, if it is to.
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
        return change.flatMap { note($0, now) }
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

    /// How often control compares endpoints, in nanoseconds; `nil` for never.
    var comparison: Int64? { detectors.first.flatMap { $0.isNeeded ? $0.interval : nil } }

    /// Control looks for ejections that are over.
    mutating func look(plan: Int, now: Int64) {
        for change in pools[plan].tick(now: now) { _ = note(change, now) }
    }

    /// Control compares endpoints; tells when it is to look for ends of ejections.
    mutating func compare(plan: Int, now: Int64) -> [Time] {
        let changes = detectors[plan].tick(
            pools[plan],
            endpoints: members,
            now: now,
            random: random.next()
        )
        return changes.compactMap { note($0, now) }
    }

    /// An active check has ended.
    mutating func checked(
        _ endpoint: EndpointIndex,
        _ result: SimulatedChecks.Result,
        now: Int64
    ) {
        for pool in pools {
            if !result.isGood {
                pool.checkFailed(endpoint)
            } else if let change = pool.checkPassed(endpoint, began: result.began, now: now) {
                _ = note(change, now)
            }
            switch result.change {
            case .unchanged: break
            case .up: pool.setCheckedDown(endpoint, false, now: now)
            case .down: pool.setCheckedDown(endpoint, true, now: now)
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

    private mutating func note(_ change: EjectionChange, _ now: Int64) -> Time? {
        switch change.kind {
        case .refused, .halfOpen: return nil
        case .returned:
            ejections.back(change.endpoint, now)
            return nil
        case .ejected:
            ejections.out(change.endpoint, now)
            // Control looks at fixed times.
            return (now &+ change.duration) / Self.look &* Self.look &+ Self.look
        }
    }
}
