import Balancing
import CLinux
import Configuration
import EventLoop
import Health
import Proxy

/// What control does for the endpoints of a configuration that is served: finds them, checks them,
/// watches over ejections, and tells of everything that changes.
final class HealthControl {
    /// From one look at the pools to the next, in nanoseconds.
    private static let interval: Int64 = 100_000_000
    /// The longest that the start waits for names, in nanoseconds.
    private static let longestWait: Int64 = 5_000_000_000

    var snapshot: Snapshot
    let loop: ControlLoop
    /// What has happened.
    let events: EventLog
    var changes = ServerChanges()
    var contexts: PoolContexts {
        didSet { checks?.contexts = contexts }
    }
    private let tellWorkers: (WorkerMessage) -> Void
    /// By place of a pool.
    var monitors: [Int: PoolMonitor] = [:]
    /// See ``monitors``.
    var discoveries: [Int: PoolDiscovery] = [:]
    private(set) var checks: CheckRunner?
    private let resolver: Resolver
    private var random: SeededRandom
    /// Updates that go to workers with the rest of a changed file; `nil` outside of such a change.
    var collected: [PoolUpdate]?
    /// Who was where before such a change.
    var leaving: [(place: Int, members: [ServerConfig?])] = []
    /// By place of a retired pool that may still be used: who was where at its end.
    var retired: [Int: [ServerConfig?]] = [:]

    /// What has which place.
    var placed: PlacedConfig { snapshot.placed }

    /// What is done for this configuration; nothing is, yet.
    init(
        _ snapshot: Snapshot,
        contexts: PoolContexts,
        on loop: ControlLoop,
        logs: LogQueue,
        tellWorkers: @escaping (WorkerMessage) -> Void
    ) {
        self.snapshot = snapshot
        self.contexts = contexts
        self.loop = loop
        self.tellWorkers = tellWorkers
        events = EventLog(logs, on: loop)
        var seed: UInt64 = 0
        withUnsafeMutableBytes(of: &seed) { bytes in
            if let base = bytes.baseAddress { weir_random(base, bytes.count) }
        }
        random = SeededRandom(seed: seed)
        resolver = Resolver(on: loop, seed: random.next())
        for place in placed.pools { add(pool: place) }
    }

    /// How many descriptors checks and name servers take at most.
    static func descriptors(_ config: Config) -> Int {
        let isChecked = config.pools.contains { $0.checks != nil }
        return isChecked ? CheckRunner.mostUnderWay : 0
    }

    /// The pool at a place.
    func config(ofPool place: Int) -> PoolConfig { placed.config.pools[place] }

    /// Begins to look after a pool that is new at its place.
    func add(pool place: Int) {
        let pool = config(ofPool: place)
        monitors[place] = PoolMonitor(place, pool, snapshot)
        discoveries[place] = PoolDiscovery(
            place,
            pool,
            snapshot,
            resolver,
            on: loop,
            tell: { [events] in events.tell($0) },
            changed: { [unowned self] in changes.applied(to: $0, pool: pool.name) },
            publish: { [unowned self] in publish($0, $1) }
        )
    }

    // MARK: The start

    /// Finds the endpoints that have names, so that the first requests have where to go; to be
    /// called before workers run.
    ///
    /// Waits for name servers as long as the pools' time-outs say, at most five seconds; what is
    /// found later joins then.
    func find() {
        let finding = placed.pools.filter { config(ofPool: $0).findsEndpoints }
            .compactMap { discoveries[$0] }
        guard !finding.isEmpty else { return }
        for discovery in finding { discovery.start() }
        let end = loop.now + patience
        while !finding.allSatisfy(\.hasOutcome), loop.now < end { loop.turn(until: end) }
    }

    /// How long to wait for the name servers of the file, in nanoseconds.
    var patience: Int64 {
        // A service is asked for first, and then its targets.
        let timeout =
            placed.written.pools.map { $0.resolver.timeout.inNanoseconds }.max() ?? 0
        return min(Self.longestWait, 2 * min(timeout, Self.longestWait))
    }

    /// Begins everything; to be called when workers can be told, before they run.
    func begin() {
        for place in placed.pools {
            check(place, snapshot.members(ofPool: place), hostNames: [:])
            discoveries[place]?.begin()
        }
        loop.every(Self.interval) { [weak self] in self?.tick() }
    }

    private func publish(_ update: PoolUpdate, _ hostNames: [Int: String]) {
        let pool = config(ofPool: update.pool).name
        let left = Set(monitors[update.pool]?.members.compactMap { $0?.name } ?? [])
            .subtracting(update.members.compactMap { $0?.name })
        for name in left { events.forget(pool: pool, endpoint: name) }
        monitors[update.pool]?.update(update)
        check(update.pool, update.members, hostNames: hostNames)
        if collected == nil { tellWorkers(.pool(update)) } else { collected?.append(update) }
    }

    /// Has a pool's endpoints checked, if its file says so.
    func check(
        _ place: Int,
        _ members: [ServerConfig?],
        hostNames: [Int: String]
    ) {
        let pool = config(ofPool: place)
        guard let options = pool.checks else { return }
        let (health, shared) = (snapshot.health(ofPool: place), snapshot.plan(ofPool: place).shared)
        let down = checkRunner().set(
            pool: place,
            options,
            tls: pool.tls,
            members: members,
            hostNames: hostNames,
            proxyProtocol: pool.proxyProtocol,
            http2: pool.http2,
            wasDown: { shared.health($0).isCheckedDown }
        )
        for (slot, server) in members.enumerated() where server != nil {
            let isDown = down.contains(slot)
            guard isDown != shared.health(slot).isCheckedDown else { continue }
            health.setCheckedDown(slot, isDown, now: loop.now.nanoseconds)
        }
    }

    private func checkRunner() -> CheckRunner {
        if let checks { return checks }
        let runner = CheckRunner(on: loop, seed: random.next(), contexts: contexts) {
            [unowned self] in take($0)
        }
        checks = runner
        return runner
    }

    // MARK: What happens

    /// A worker has told something.
    func receive(_ message: ControlMessage) {
        switch message {
        case .ejection(let pool, let change): tell(pool, change)
        case .budgetEmpty(let pool):
            events.tell(
                HealthEvent(
                    .budgetEmpty,
                    pool: config(ofPool: pool).name,
                    reason: "retries.budget is used up: failed tries are not repeated"
                )
            )
        case .breakerOpened(let pool):
            events.tell(
                HealthEvent(
                    .breakerOpened,
                    pool: config(ofPool: pool).name,
                    reason: "a bound of breaker is reached: requests wait"
                )
            )
        }
    }

    private func tell(_ pool: Int, _ change: EjectionChange) {
        // Of a pool that is served no longer nobody asks.
        guard let name = monitors[pool]?.name(change.endpoint) else { return }
        events.tell(change.event(pool: config(ofPool: pool).name, endpoint: name))
    }

    private func take(_ report: CheckRunner.Report) {
        let (pool, slot) = (report.endpoint.pool, report.endpoint.slot)
        // Of a pool that is served no longer nobody asks.
        guard monitors[pool] != nil else { return }
        let health = snapshot.health(ofPool: pool)
        let now = loop.now.nanoseconds
        if report.change != .unchanged {
            health.setCheckedDown(slot, report.change == .down, now: now)
            events.tell(
                HealthEvent(
                    report.change == .down ? .checkDown : .checkUp,
                    pool: config(ofPool: pool).name,
                    endpoint: monitors[pool]?.name(slot) ?? "",
                    reason: report.reason
                )
            )
        }
        if !report.isGood {
            health.checkFailed(slot)
        } else if let change = health.checkPassed(slot, began: report.began, now: now) {
            tell(pool, change)
        }
    }

    private func tick() {
        for place in placed.pools {
            monitors[place]?.tick(now: loop.now.nanoseconds, random: random.next()) {
                events.tell($0)
            }
        }
    }
}
