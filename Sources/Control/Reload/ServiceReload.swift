import Configuration
import EventLoop
import Proxy

/// A service on its way to a changed configuration: one step after the other, between which the
/// control loop goes on.
///
/// Until workers are told nothing has changed for anybody, and everything that can fail has been
/// tried.
final class ServiceReload {
    /// From one look at what workers have done to the next, in nanoseconds.
    private static let interval: Int64 = 2_000_000
    /// Nanoseconds after which a worker that has not gone over is told of.
    private static let patience: Int64 = 30_000_000_000

    private let service: Service
    private let health: HealthControl
    private let shared: SharedState
    private let certificates: CertificateControl
    private let config: Config
    private let finished: (Outcome) -> Void
    private var loop: ControlLoop { service.loop }

    /// What came of it.
    enum Outcome {
        /// Nothing has changed, and why.
        case failed(StartError)
        /// The file is served, but for so many workers that have not gone over in time; they do
        /// when they turn again.
        case taken(missing: Int)
    }

    /// What is known once everything that can fail has been done.
    private struct Prepared {
        var placed: PlacedConfig
        var secrets: [String: [UInt8]]
        var material: CertificateControl.Material
        var opened: [[WorkerListener]]
        var spans: SpanExporter?
    }

    /// A reload that has not begun; `nil` for a service that has not started.
    ///
    /// `finished` is called once.
    init?(_ service: Service, _ config: Config, finished: @escaping (Outcome) -> Void) {
        guard let health = service.health, let shared = service.shared,
            let certificates = service.certificates
        else { return nil }
        self.service = service
        self.health = health
        self.shared = shared
        self.certificates = certificates
        self.config = config
        self.finished = finished
    }

    /// Begins.
    func start() {
        guard service.placed.hasRetired else {
            prepare()
            return
        }
        // What is not used any more makes room.
        let query = UseQuery(workers: service.workers)
        service.tell(.uses(query))
        let limit = loop.now + Self.patience
        let next: (Bool) -> Void = { [self] _ in
            if let uses = query.answer { service.release(uses) }
            prepare()
        }
        wait(until: limit, for: { query.answer != nil }, then: next)
    }

    private func wait(
        until limit: Instant,
        for isDone: @escaping () -> Bool,
        then next: @escaping (Bool) -> Void
    ) {
        if isDone() || loop.now >= limit {
            next(isDone())
            return
        }
        loop.after(Self.interval) { [self] in wait(until: limit, for: isDone, then: next) }
    }

    // MARK: What can fail

    private func prepare() {
        do throws(StartError) {
            let secrets = try Service.readSecrets(config)
            let placed = PlacedConfig(config, following: service.placed) { place, pool in
                secrets[pool.name] == service.secrets[pool.name] && health.hasRoom(place, pool)
            }
            guard shared.hasRoom(for: placed) else {
                throw StartError(description: "too many listeners came since the start")
            }
            let material = try certificates.read(placed)
            let spans = try service.spans.prepare(config)
            let opened = try service.sockets.open(placed, placed.newListeners)
            follow(
                Prepared(
                    placed: placed,
                    secrets: secrets,
                    material: material,
                    opened: opened,
                    spans: spans
                )
            )
        } catch {
            finished(.failed(error))
        }
    }

    // MARK: What cannot

    private func follow(_ prepared: Prepared) {
        let before = service.placed
        let snapshot = Snapshot(
            prepared.placed,
            following: health.snapshot,
            workers: service.workers,
            secrets: prepared.secrets,
            certificates: prepared.material.servers,
            clientContexts: prepared.material.pools.contexts
        )
        service.snapshots.add(snapshot)
        for place in before.pools where !prepared.placed.pools.contains(place) {
            service.namesOfRetired[place] = health.names(ofPool: place)
        }
        // Workers that still have the one before may read it.
        let previous = health.snapshot
        health.follow(snapshot, contexts: prepared.material.pools)
        service.placed = prepared.placed
        service.secrets = prepared.secrets
        let limit = loop.now + health.patience
        let next: (Bool) -> Void = { [self] _ in tell(prepared, before, snapshot, previous) }
        wait(until: limit, for: { [health] in health.hasFound }, then: next)
    }

    private func tell(
        _ prepared: Prepared,
        _ before: PlacedConfig,
        _ snapshot: Snapshot,
        _ previous: Snapshot
    ) {
        let placed = prepared.placed
        let closed = Set(before.listeners).subtracting(placed.listeners)
        var statistics: [WorkerStatistics] = []
        if !(shared.statistics.first?.hasRoom(for: placed) ?? true) {
            statistics = shared.statistics.map { _ in WorkerStatistics(placed) }
        }
        let (updates, fates) = health.finishFollowing()
        let change = SnapshotChange(
            snapshot,
            updates: updates,
            retiredPools: Set(before.pools).subtracting(placed.pools),
            closedListeners: closed,
            opened: prepared.opened,
            statistics: statistics,
            spans: prepared.spans?.queue
        )
        shared.setBounds(placed, descriptorLimit: service.descriptors(for: config))
        service.tell(.change(change))
        // At once: what was followed before would tell workers of files that are used no longer.
        certificates.follow(prepared.material)
        let next: (Bool) -> Void = { [self] isDone in
            if !statistics.isEmpty { service.replaceStatistics(statistics, before) }
            service.spans.follow(config, prepared.spans)
            health.leave(fates.gone, staying: fates.stay)
            close(closed, after: change)
            finish(prepared, before, missing: isDone ? 0 : change.missing)
            withExtendedLifetime(previous) { cutLater(closed, fates) }
        }
        wait(until: loop.now + Self.patience, for: { change.isAcknowledged }, then: next)
    }

    /// Workers have gone over, or `missing` of them have not in time.
    private func finish(_ prepared: Prepared, _ before: PlacedConfig, missing: Int) {
        let placed = prepared.placed
        for place in placed.listeners where !placed.newListeners.contains(place) {
            let backlog = placed.config.listeners[place].backlog
            if backlog != before.config.listeners[place].backlog {
                service.sockets.setBacklog(backlog, at: place)
            }
            let mode = placed.config.listeners[place].socketMode
            if mode != before.config.listeners[place].socketMode {
                service.sockets.setMode(mode, at: place)
            }
        }
        // Who has not gone over counts by the names before.
        if missing == 0 { service.past.keepOnly(config) }
        finished(.taken(missing: missing))
    }

    /// Lets go of the sockets of these listeners, not before every worker has.
    private func close(_ listeners: Set<Int>, after change: SnapshotChange) {
        guard !change.isAcknowledged else {
            service.sockets.close(listeners)
            return
        }
        loop.after(50 * Self.interval) { [self] in close(listeners, after: change) }
    }

    /// What still runs on listeners and at servers that went is cut when its time is over.
    private func cutLater(_ listeners: Set<Int>, _ fates: HealthControl.Fates) {
        let service = service
        service.cuts.forget(listeners: [], endpoints: fates.stay)
        guard let number = service.cuts.add(listeners: listeners, endpoints: fates.gone) else {
            return
        }
        loop.after(config.shutdownTimeout.inNanoseconds) { [weak service, weak health] in
            guard let service else { return }
            let due = service.cuts.take(number)
            health?.leave(due.endpoints, staying: nil)
            service.tell(.cut(listeners: due.listeners, endpoints: due.endpoints))
        }
    }
}
