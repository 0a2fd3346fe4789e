import CLinux
import Configuration
import EventLoop
import Proxy
import Synchronization

/// What keeps a service from starting, in words for the operator.
public struct StartError: Error, CustomStringConvertible {
    /// The words.
    public var description: String

    /// An error with these words.
    public init(description: String) { self.description = description }
}

/// One configuration being served: its listening sockets and its workers.
final class Service {
    let logs: LogQueue
    let workers: Int
    private(set) var mailboxes: [Mailbox<WorkerMessage>] = []
    /// By worker: whether it is alive.
    private(set) var pulses: [Pulse] = []
    private let left: Countdown
    private let wake: Int32
    private let control: Mailbox<ControlMessage>
    let loop: ControlLoop
    private let descriptorLimit: Int
    private let inheritance: Inheritance
    /// What has which place.
    var placed: PlacedConfig
    /// What is done for its endpoints; `nil` until it has started.
    private(set) var health: HealthControl?
    private(set) var shared: SharedState?
    private(set) var certificates: CertificateControl?
    let sockets: ListeningSockets
    /// What takes the workers' spans to a collector.
    let spans: SpanExporters
    /// What was counted at places that others have now.
    var past = PastCounts()
    /// The files that somebody still serves by.
    var snapshots = LiveSnapshots()
    /// What is to be cut, later, of listeners and endpoints that went.
    var cuts = PendingCuts()
    /// By place of a retired pool: the names of its endpoints by slot.
    var namesOfRetired: [Int: [String]] = [:]
    /// By pool: the bytes that sign its sticky tokens.
    var secrets: [String: [UInt8]] = [:]

    /// What is served, as it was written.
    var config: Config { placed.written }

    /// Where it listens, as an operator would type it.
    var addresses: [String] {
        let addresses = sockets.addresses(placed)
        return placed.listeners.compactMap { addresses[$0] }
    }

    /// What keeps a worker from starting, in words.
    final class Failure: Sendable {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// Counts workers down and wakes control.
    final class Countdown: Sendable {
        let count: Atomic<Int>
        let wake: Int32
        /// What kept the first of those from starting that could not.
        let failure = AtomicLazyReference<Failure>()

        init(_ count: Int, wake: Int32) {
            self.count = Atomic(count)
            self.wake = wake
        }

        func one() {
            count.subtract(1, ordering: .acquiringAndReleasing)
            weir_eventfd_signal(wake)
        }
    }

    /// A thread, to be waited for.
    private final class WorkerThread {
        private var thread: Thread?

        init(_ thread: consuming Thread) { self.thread = consume thread }

        func join() { thread.take()?.join() }
    }

    /// What a thread begins with, but does not keep as long as it lives.
    private final class Handout: Sendable {
        private let snapshot: Mutex<Snapshot?>

        init(_ snapshot: Snapshot) { self.snapshot = Mutex(snapshot) }

        func take() -> Snapshot? {
            snapshot.withLock { snapshot in
                defer { snapshot = nil }
                return snapshot
            }
        }
    }

    /// Whether no worker has ended.
    var isWhole: Bool { left.count.load(ordering: .acquiring) == workers }

    /// Nanoseconds without a sign of life after which a worker does not serve.
    private static let mostSilence: Int64 = 2_000_000_000

    /// Whether every worker serves: none has ended, and none hangs.
    var isServing: Bool {
        isWhole && pulses.allSatisfy { $0.silence(loop.now) < Self.mostSilence }
    }

    /// Tells workers whether all of them serve.
    func shareServing() { shared?.isWhole.store(isServing, ordering: .relaxed) }

    /// Whether all workers have ended.
    var hasEnded: Bool { left.count.load(ordering: .acquiring) == 0 }

    /// A service that `wake` tells about its end, and whose workers tell `control` the rest.
    ///
    /// Endpoints are found and checked on `loop`. `descriptorLimit`: descriptors that the process
    /// may open; `inheritance`: what the process before hands over.
    init(
        _ config: Config,
        logs: LogQueue,
        wake: Int32,
        control: Mailbox<ControlMessage>,
        loop: ControlLoop,
        descriptorLimit: Int,
        inheritance: Inheritance
    ) {
        self.inheritance = inheritance
        self.control = control
        self.loop = loop
        placed = PlacedConfig(config)
        self.logs = logs
        self.descriptorLimit = descriptorLimit
        workers = config.workers ?? CPUQuota().usable(of: Int(weir_usable_cpus()))
        sockets = ListeningSockets(workers: workers, inheritance: inheritance)
        spans = SpanExporters(on: loop, logs: logs)
        left = Countdown(workers, wake: wake)
        self.wake = wake
    }

    /// By pool: what its file says that signs its sticky tokens.
    static func readSecrets(_ config: Config) throws(StartError) -> [String: [UInt8]] {
        var secrets: [String: [UInt8]] = [:]
        for pool in config.pools {
            guard let file = pool.sticky?.secretFile else { continue }
            switch FileSystem(waitsForPipes: false).read(file) {
            case .success(let bytes): secrets[pool.name] = bytes
            case .failure(let problem):
                throw StartError(description: "cannot read \(file): \(problem.reason)")
            }
        }
        return secrets
    }

    /// Descriptors that are left for what clients bring.
    func descriptors(for config: Config) -> Int {
        descriptorLimit - HealthControl.descriptors(config) - SpanExporter.descriptors(config)
            - (config.admin == nil ? 0 : AdminServer.mostConnections + 1)
    }

    /// Opens the listening sockets and starts the workers; returns once all of them serve.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on, or a worker that cannot
    ///   start.
    func start() throws(StartError) {
        let started = Countdown(workers, wake: wake)
        guard let poller = try? Poller(capacity: 1), poller.addSource(wake, token: 0)
        else { throw StartError(description: "cannot start workers: no descriptor is left") }
        do throws(StartError) { try startWorkers(started) } catch {
            stopWorkers(poller)
            throw error
        }
        while started.count.load(ordering: .acquiring) > 0 {
            _ = poller.wait(milliseconds: -1)
            weir_eventfd_clear(wake)
        }
        guard let failure = started.failure.load() else { return }
        stopWorkers(poller)
        throw StartError(description: "a worker cannot start: \(failure.reason)")
    }

    /// Has those that run end, for a while: the process ends now, and must not under their feet.
    private func stopWorkers(_ poller: borrowing Poller) {
        tell(.stop)
        let mostLeft = workers - threads.count
        for _ in 0..<Self.mostLooks where left.count.load(ordering: .acquiring) > mostLeft {
            _ = poller.wait(milliseconds: 10)
            weir_eventfd_clear(wake)
        }
        if left.count.load(ordering: .acquiring) <= mostLeft { joinWorkers() }
    }

    /// Those of the workers that could be started.
    private var threads: [WorkerThread] = []
    /// How often to look whether workers have ended after a start that failed.
    private static let mostLooks = 100

    private func startWorkers(_ started: Countdown) throws(StartError) {
        let certificates = try CertificateControl(
            placed,
            tickets: inheritance.tickets,
            on: loop,
            logs: logs
        ) { [unowned self] in tell($0) }
        secrets = try Self.readSecrets(config)
        let snapshot = Snapshot(
            placed,
            workers: workers,
            secrets: secrets,
            certificates: certificates.servers,
            clientContexts: certificates.pools.contexts
        )
        snapshots.add(snapshot)
        let health = HealthControl(
            snapshot,
            contexts: certificates.pools,
            on: loop,
            logs: logs
        ) { [unowned self] in tell($0) }
        health.find()
        try spans.begin(config)
        let listeners = try sockets.open(placed, Set(placed.listeners))
        do throws(SystemError) {
            for _ in 0..<workers { mailboxes.append(try Mailbox<WorkerMessage>()) }
        } catch {
            throw StartError(description: "cannot start a worker: \(error)")
        }
        pulses = mailboxes.map { _ in Pulse() }
        let shared = SharedState(
            placed,
            mailboxes: mailboxes,
            control: control,
            descriptorLimit: descriptors(for: config),
            logs: logs,
            spans: spans.queue
        )
        self.shared = shared
        self.health = health
        health.begin()
        health.inherit(inheritance)
        self.certificates = certificates
        certificates.begin()
        let slots = min(descriptorLimit, 1 << 20)
        try runWorkers(snapshot, shared, listeners, slots: slots, started)
    }

    /// Gives each worker a thread of its own; `started` counts those that serve.
    private func runWorkers(
        _ snapshot: Snapshot,
        _ shared: SharedState,
        _ listeners: [[WorkerListener]],
        slots: Int,
        _ started: Countdown
    ) throws(StartError) {
        for index in 0..<workers {
            do throws(SystemError) {
                let mailbox = mailboxes[index]
                let own = listeners[index]
                let left = left
                let first = Handout(snapshot)
                let body = { @Sendable in
                    do throws(SystemError) {
                        guard let snapshot = first.take() else { return }
                        var worker = try Worker(
                            snapshot: consume snapshot,
                            shared: shared,
                            mailbox: mailbox,
                            listeners: own,
                            slots: slots
                        )
                        started.one()
                        worker.run()
                    } catch {
                        _ = started.failure.storeIfNil(Failure("\(error)"))
                        started.one()
                    }
                }
                let thread = try Thread(name: Self.threadName(index), body) { left.one() }
                threads.append(WorkerThread(thread))
            } catch {
                throw StartError(description: "cannot start a worker: \(error)")
            }
        }
    }

    /// Waits for the threads of workers that have ended: what libraries keep for each is freed by
    /// its thread's very end, and must not be while the process ends.
    func joinWorkers() {
        for thread in threads { thread.join() }
        threads = []
    }

    /// The name of a worker's thread.
    static func threadName(_ index: Int) -> String { "weir-worker-\(index)" }

    /// Asks every worker for a sign of life, but those that have not answered yet.
    func askForLife(_ now: Instant) {
        for (mailbox, pulse) in zip(mailboxes, pulses) where pulse.ask(now) {
            mailbox.post(.pulse(pulse))
        }
    }

    /// A worker has told something.
    func receive(_ message: ControlMessage) { health?.receive(message) }

    /// How things stand, summed over the workers.
    func report() -> ServiceReport {
        guard let shared, let health else { return ServiceReport() }
        var report = ServiceReport(placed, shared, addresses: sockets.addresses(placed), past: past)
        health.report(into: &report, shared, past, retired: namesOfRetired)
        report.spans = spans.totals
        report.logLosses = logs.losses
        report.batchBytes = logs.bytes
        report.snapshots = snapshots.count
        return report
    }

    /// Tells every worker.
    func tell(_ message: WorkerMessage) {
        for mailbox in mailboxes { mailbox.post(message) }
    }

    /// Removes what the service leaves behind in the file system.
    func cleanUp() { sockets.unlinkPaths() }
}
