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

    private let config: Config
    private let snapshot: Snapshot
    private let contexts: PoolContexts
    private let loop: ControlLoop
    /// What has happened.
    let events: EventLog
    private var changes = ServerChanges()
    private let tellWorkers: (WorkerMessage) -> Void
    private var monitors: [PoolMonitor]
    private var discoveries: [PoolDiscovery] = []
    private var checks: CheckRunner?
    private var random: SeededRandom

    /// What is done for this configuration; nothing is, yet.
    init(
        _ config: Config,
        _ snapshot: Snapshot,
        contexts: PoolContexts,
        on loop: ControlLoop,
        logs: LogQueue,
        tellWorkers: @escaping (WorkerMessage) -> Void
    ) {
        self.config = config
        self.snapshot = snapshot
        self.contexts = contexts
        self.loop = loop
        self.tellWorkers = tellWorkers
        events = EventLog(logs, on: loop)
        monitors = config.pools.enumerated().map { PoolMonitor($0, $1, snapshot) }
        var seed: UInt64 = 0
        withUnsafeMutableBytes(of: &seed) { bytes in
            if let base = bytes.baseAddress { weir_random(base, bytes.count) }
        }
        random = SeededRandom(seed: seed)
    }

    /// How many descriptors checks and name servers take at most.
    static func descriptors(_ config: Config) -> Int {
        let isChecked = config.pools.contains { $0.checks != nil }
        return isChecked ? CheckRunner.mostUnderWay : 0
    }

    // MARK: The start

    /// Finds the endpoints that have names, so that the first requests have where to go; to be
    /// called before workers run.
    ///
    /// Waits for name servers as long as the pools' time-outs say, at most five seconds; what is
    /// found later joins then.
    func find() {
        let resolver = Resolver(on: loop, seed: random.next())
        for (index, pool) in config.pools.enumerated() where pool.findsEndpoints {
            discoveries.append(
                PoolDiscovery(
                    index,
                    pool,
                    snapshot,
                    resolver,
                    on: loop,
                    tell: { [events] in events.tell($0) },
                    changed: { [unowned self] in changes.applied(to: $0, pool: pool.name) },
                    publish: { [unowned self] in publish($0, $1) }
                )
            )
        }
        guard !discoveries.isEmpty else { return }
        for discovery in discoveries { discovery.start() }
        // A service is asked for first, and then its targets.
        let timeout = config.pools.map { $0.resolver.timeout.inNanoseconds }.max() ?? 0
        let end = loop.now + min(Self.longestWait, 2 * min(timeout, Self.longestWait))
        while !discoveries.allSatisfy(\.hasOutcome), loop.now < end { loop.turn(until: end) }
    }

    /// Begins everything; to be called when workers can be told, before they run.
    func begin() {
        if config.pools.contains(where: { $0.checks != nil }) {
            checks = CheckRunner(on: loop, seed: random.next(), contexts: contexts) {
                [unowned self] in take($0)
            }
        }
        for index in config.pools.indices {
            check(index, snapshot.members(ofPool: index), hostNames: [:])
        }
        for discovery in discoveries { discovery.begin() }
        loop.every(Self.interval) { [unowned self] in tick() }
    }

    private func publish(_ update: PoolUpdate, _ hostNames: [Int: String]) {
        let left = Set(monitors[update.pool].members.compactMap { $0?.name })
            .subtracting(update.members.compactMap { $0?.name })
        for name in left { events.forget(pool: config.pools[update.pool].name, endpoint: name) }
        monitors[update.pool].update(update)
        check(update.pool, update.members, hostNames: hostNames)
        tellWorkers(.pool(update))
    }

    private func check(
        _ pool: Int,
        _ members: [ServerConfig?],
        hostNames: [Int: String]
    ) {
        guard let checks, let options = config.pools[pool].checks else { return }
        let down = checks.set(
            pool: pool,
            options,
            tls: config.pools[pool].tls,
            members: members,
            hostNames: hostNames,
            proxyProtocol: config.pools[pool].proxyProtocol,
            http2: config.pools[pool].http2
        )
        let health = snapshot.health(ofPool: pool)
        for slot in down { health.setCheckedDown(slot, true, now: loop.now.nanoseconds) }
    }

    // MARK: What happens

    /// A worker has told something.
    func receive(_ message: ControlMessage) {
        switch message {
        case .event(let event): events.tell(event)
        case .ejection(let pool, let change): tell(pool, change)
        case .budgetEmpty(let pool):
            events.tell(
                HealthEvent(
                    .budgetEmpty,
                    pool: config.pools[pool].name,
                    reason: "retries.budget is used up: failed tries are not repeated"
                )
            )
        case .breakerOpened(let pool):
            events.tell(
                HealthEvent(
                    .breakerOpened,
                    pool: config.pools[pool].name,
                    reason: "a bound of breaker is reached: requests wait"
                )
            )
        }
    }

    private func tell(_ pool: Int, _ change: EjectionChange) {
        let name = monitors[pool].name(change.endpoint)
        events.tell(change.event(pool: config.pools[pool].name, endpoint: name))
    }

    private func take(_ report: CheckRunner.Report) {
        let (pool, slot) = (report.endpoint.pool, report.endpoint.slot)
        let health = snapshot.health(ofPool: pool)
        let now = loop.now.nanoseconds
        if report.change != .unchanged {
            health.setCheckedDown(slot, report.change == .down, now: now)
            events.tell(
                HealthEvent(
                    report.change == .down ? .checkDown : .checkUp,
                    pool: config.pools[pool].name,
                    endpoint: monitors[pool].name(slot),
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
        for index in monitors.indices {
            monitors[index].tick(now: loop.now.nanoseconds, random: random.next()) {
                events.tell($0)
            }
        }
    }
}

// MARK: - The operator

extension HealthControl {
    /// Adds to a report how each pool's endpoints are.
    func report(into report: inout ServiceReport, _ shared: SharedState) {
        for index in monitors.indices {
            monitors[index].report(
                into: &report.pools[index],
                now: loop.now.nanoseconds,
                events: events
            )
            let first = snapshot.firstEndpoint(ofPool: index)
            let name = report.pools[index].name
            for place in report.pools[index].endpoints.indices {
                let endpoint = report.pools[index].endpoints[place]
                var totals = EndpointTotals()
                for statistics in shared.statistics {
                    statistics.add(endpoint: first + endpoint.slot, to: &totals)
                }
                report.pools[index].endpoints[place].totals = totals
                report.pools[index].endpoints[place].isChanged =
                    changes.version(pool: name, server: endpoint.name) > 0
            }
        }
    }

    /// How often an operator has changed a server.
    func version(pool: String, server: String) -> Int {
        changes.version(pool: pool, server: server)
    }

    /// The names of the endpoints that a name in the admin API means: an address, or a server's
    /// name, which has all its addresses.
    func endpoints(pool: Int, named name: String) -> [String] {
        monitors[pool].members.compactMap { server in
            guard let server else { return nil }
            let isMeant =
                server.name == name || server.address.description == name
                || server.hostName == name || server.label == name
            return isMeant ? server.name : nil
        }
    }

    /// Changes what the file says of servers, until the end of the process.
    ///
    /// `meant` is the name by which they were meant: addresses that are found for it later are
    /// changed likewise.
    func change(pool: Int, servers: [String], meant: String, _ change: ServerChange) {
        let name = config.pools[pool].name
        if !servers.contains(meant) { changes.change(pool: name, server: meant, change) }
        for server in servers {
            changes.change(pool: name, server: server, change)
            let words = [
                change.state.map { "state \($0.rawValue)" }, change.weight.map { "weight \($0)" },
            ]
            var event = HealthEvent(
                .changed,
                pool: name,
                endpoint: server,
                reason: words.compactMap(\.self).joined(separator: ", ") + " by the operator"
            )
            event.isAside = change.state == nil
            events.tell(event)
        }
        if let discovery = discoveries.first(where: { $0.index == pool }) {
            discovery.publishAgain()
        } else {
            let members = changes.applied(to: snapshot.members(ofPool: pool), pool: name)
            publish(snapshot.update(pool: pool, members: members), [:])
        }
        // What workers share changes last: a worker that sees the state knows the weight.
        let shared = snapshot.plan(ofPool: pool).shared
        for (slot, server) in monitors[pool].members.enumerated() {
            guard let server, servers.contains(server.name), let state = change.state else {
                continue
            }
            shared.change(slot, now: loop.now.nanoseconds) { health in
                health.operatorState = Availability(state)
                return true
            }
        }
        let health = snapshot.health(ofPool: pool)
        health.setSize(monitors[pool].members.count { ($0?.weight ?? 0) > 0 })
    }
}
