import Balancing
import CLinux
import Configuration
import EventLoop
import Health
import Proxy

/// Looks at one pool about ten times a second: ejections that end, outliers, bounds that are free
/// again, and which priorities serve.
struct PoolMonitor {
    private var pool: PoolConfig
    private let health: PoolHealth
    private let budget: RetryBudget?
    private let gate: PoolGate?
    private var detector: OutlierDetector?
    private var plan: PoolPlan
    /// By slot; of those that went, the last that was there.
    private(set) var names: [String]
    /// By slot: who is there.
    private(set) var members: [ServerConfig?]
    private var inUse: [EndpointIndex]
    private var condition: PoolCondition
    private var version: UInt32
    private var hasOtherMembers = false

    /// A monitor of the pool with this index.
    init(_ index: Int, _ pool: PoolConfig, _ snapshot: Snapshot) {
        self.pool = pool
        health = snapshot.health(ofPool: index)
        budget = snapshot.budget(ofPool: index)
        gate = snapshot.gate(ofPool: index)
        detector = pool.ejection.map {
            OutlierDetector($0, capacity: snapshot.capacity(ofPool: index))
        }
        plan = snapshot.plan(ofPool: index)
        let members = snapshot.members(ofPool: index)
        self.members = members
        names = members.map(\.name)
        inUse = Array(members.indices)
        version = plan.shared.changes
        condition = PoolCondition(plan)
    }

    /// The name of an endpoint, for events.
    func name(_ slot: EndpointIndex) -> String {
        names.indices.contains(slot) ? names[slot] : ""
    }

    /// Goes over to a changed file, in which the pool has other servers at most.
    mutating func follow(_ pool: PoolConfig) { self.pool = pool }

    /// The pool has other endpoints now.
    mutating func update(_ update: PoolUpdate) {
        plan = update.plan
        members = update.members
        inUse = update.members.indices.filter { update.members[$0] != nil }
        names += Array(repeating: "", count: max(0, update.members.count - names.count))
        for slot in inUse { names[slot] = update.members[slot]?.name ?? "" }
        hasOtherMembers = true
    }

    /// How its endpoints are and what waits, with nothing counted yet.
    func report(into report: inout ServiceReport.Pool, now: Int64, events: EventLog) {
        report.healthyWeight = condition.healthyWeight
        report.weight = condition.weight
        report.isInPanic = condition.isInPanic
        report.queue = gate?.waiting ?? 0
        for slot in inUse {
            guard members.indices.contains(slot), let server = members[slot] else { continue }
            let known = plan.shared.health(slot)
            let event = events.latest(pool: pool.name, endpoint: server.name)
            var endpoint = ServiceReport.Endpoint(
                name: server.name,
                state: known.word,
                reason: event?.event.reason,
                since: event.map { Double($0.time) / 1e9 },
                weight: server.weight,
                priority: server.priority,
                inFlight: Int(max(0, plan.shared.inFlight(slot)))
            )
            endpoint.slot = slot
            endpoint.ejections = events.ejections(pool: pool.name, endpoint: server.name)
            endpoint.weighedLatency = plan.weighedLatency(slot, now: now)
            if known.ejection == .ejected {
                let left = Double(max(0, known.until &- now)) / 1e9
                endpoint.until = Double(weir_realtime_ns()) / 1e9 + left
            }
            report.endpoints.append(endpoint)
        }
    }

    /// Looks at the pool; tells what has changed.
    mutating func tick(now: Int64, random: UInt64, tell: (HealthEvent) -> Void) {
        var changes = health.tick(now: now)
        changes +=
            detector?.tick(health, endpoints: inUse, now: now, random: random) ?? []
        for change in changes {
            tell(change.event(pool: pool.name, endpoint: name(change.endpoint)))
        }
        if budget?.becameAvailable(now: now) == true {
            tell(
                HealthEvent(
                    .budgetRefilled,
                    pool: pool.name,
                    reason: "failed tries are repeated again"
                )
            )
        }
        if gate?.noteEmpty() == true {
            tell(
                HealthEvent(.breakerClosed, pool: pool.name, reason: "no request waits any more")
            )
        }
        compare(tell)
    }

    /// Tells of priorities and panic, if something has changed.
    private mutating func compare(_ tell: (HealthEvent) -> Void) {
        let newest = plan.shared.changes
        guard newest != version || hasOtherMembers else { return }
        version = newest
        hasOtherMembers = false
        let before = condition
        condition = PoolCondition(plan)
        if condition.isInPanic != before.isInPanic { tell(panicEvent) }
        let (old, new) = (before.parts, condition.parts)
        guard old.map(\.priority) != new.map(\.priority), !new.isEmpty,
            condition.priorities.count > 1
        else { return }
        let shares = new.map { part in
            let percent = Int((part.share * 100).rounded())
            return "priority \(part.priority) takes \(max(1, percent)) %"
        }
        tell(
            HealthEvent(
                .tierChanged,
                pool: pool.name,
                reason: shares.joined(separator: ", ") + " of the traffic"
            )
        )
    }

    private var panicEvent: HealthEvent {
        let share = "\(condition.healthyWeight) of a weight of \(condition.weight) is healthy"
        guard condition.isInPanic else {
            return HealthEvent(
                .panicEnded,
                pool: pool.name,
                reason: "\(share): health counts again"
            )
        }
        let what =
            pool.fallback != nil && condition.healthyWeight == 0
            ? "the fallback serves" : "health is ignored"
        return HealthEvent(.panicBegan, pool: pool.name, reason: "\(share): \(what)")
    }
}

extension EndpointHealth {
    /// The word for the state of an endpoint.
    var word: String {
        switch operatorState {
        case .down: return "down"
        case .draining: return "drain"
        case .up, .unhealthy: break
        }
        if isCheckedDown { return "unhealthy" }
        return switch ejection {
        case .none: "up"
        case .ejected: "ejected"
        case .halfOpen, .probing: "half-open"
        }
    }
}
