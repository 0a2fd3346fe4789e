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
    let config: Config
    private let logs: LogQueue
    private let workers: Int
    private var mailboxes: [Mailbox<WorkerMessage>] = []
    private let left: Countdown
    private let wake: Int32
    private let control: Mailbox<ControlMessage>
    private let loop: ControlLoop
    /// What is done for its endpoints; `nil` until it has started.
    private(set) var health: HealthControl?
    private var shared: SharedState?
    private var certificates: CertificateControl?
    /// What takes the workers' spans to a collector; `nil` where the file asks for none.
    private(set) var spans: SpanExporter?
    private var unixPaths: [String] = []
    /// Where it listens, as an operator would type it.
    private(set) var addresses: [String] = []

    /// Counts workers down and wakes control at the last one.
    final class Countdown: Sendable {
        let count: Atomic<Int>
        let wake: Int32

        init(_ count: Int, wake: Int32) {
            self.count = Atomic(count)
            self.wake = wake
        }

        func one() {
            if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                weir_eventfd_signal(wake)
            }
        }
    }

    /// Whether no worker has ended.
    var isWhole: Bool { left.count.load(ordering: .acquiring) == workers }

    /// Whether all workers have ended.
    var hasEnded: Bool { left.count.load(ordering: .acquiring) == 0 }

    /// A service that `wake` tells about its end, and whose workers tell `control` the rest.
    ///
    /// Endpoints are found and checked on `loop`.
    init(
        _ config: Config,
        logs: LogQueue,
        wake: Int32,
        control: Mailbox<ControlMessage>,
        loop: ControlLoop
    ) {
        self.control = control
        self.loop = loop
        self.config = config
        self.logs = logs
        workers = config.workers ?? Self.usableCPUs()
        left = Countdown(workers, wake: wake)
        self.wake = wake
    }

    /// CPUs by affinity mask and cgroup quota, rounded up.
    private static func usableCPUs() -> Int {
        let mask = Int(weir_usable_cpus())
        guard case .success(let bytes) = FileSystem().read("/sys/fs/cgroup/cpu.max") else {
            return mask
        }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), period > 0
        else { return mask }
        return max(1, min(mask, (quota + period - 1) / period))
    }

    /// By pool: what its file says that signs its sticky tokens.
    private func readSecrets() throws(StartError) -> [String: [UInt8]] {
        var secrets: [String: [UInt8]] = [:]
        for pool in config.pools {
            guard let file = pool.sticky?.secretFile else { continue }
            switch FileSystem().read(file) {
            case .success(let bytes): secrets[pool.name] = bytes
            case .failure(let problem):
                throw StartError(description: "cannot read \(file): \(problem.reason)")
            }
        }
        return secrets
    }

    /// Opens the listening sockets and starts the workers; returns once all of them serve.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on.
    func start(descriptorLimit: Int) throws(StartError) {
        let started = Countdown(workers, wake: wake)
        try startWorkers(descriptorLimit, started)
        guard let poller = try? Poller(capacity: 1), poller.addSource(wake, token: 0)
        else { return }
        while started.count.load(ordering: .acquiring) > 0 { _ = poller.wait(milliseconds: -1) }
    }

    private func startWorkers(
        _ descriptorLimit: Int,
        _ started: Countdown
    ) throws(StartError) {
        let certificates = CertificateControl(config, on: loop, logs: logs) { [unowned self] in
            tell($0)
        }
        let snapshot = Snapshot(
            config,
            workers: workers,
            secrets: try readSecrets(),
            certificates: try certificates.read(),
            clientContexts: try certificates.pools.read()
        )
        let health = HealthControl(
            config,
            snapshot,
            contexts: certificates.pools,
            on: loop,
            logs: logs
        ) { [unowned self] in tell($0) }
        health.find()
        let spans = try SpanExporter.make(config, on: loop, logs: logs)
        self.spans = spans
        let listeners = try openListeners()
        do throws(SystemError) {
            for _ in 0..<workers { mailboxes.append(try Mailbox<WorkerMessage>()) }
        } catch {
            throw StartError(description: "cannot start a worker: \(error)")
        }
        let shared = SharedState(
            config,
            mailboxes: mailboxes,
            control: control,
            descriptorLimit: descriptorLimit - HealthControl.descriptors(config)
                - SpanExporter.descriptors(config)
                - (config.admin == nil ? 0 : AdminServer.mostConnections + 1),
            logs: logs,
            spans: spans?.queue
        )
        self.shared = shared
        self.health = health
        spans?.begin()
        health.begin()
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
                let logs = logs
                let body = { @Sendable in
                    do throws(SystemError) {
                        var worker = try Worker(
                            snapshot: snapshot,
                            shared: shared,
                            mailbox: mailbox,
                            listeners: own,
                            slots: slots
                        )
                        started.one()
                        worker.run()
                    } catch {
                        logs.note(level: .error, "a worker cannot start: \(error)")
                        started.one()
                        // Clients that the kernel hands to nobody would wait for ever.
                        for listener in own where !listener.isShared {
                            weir_close(listener.descriptor)
                        }
                    }
                }
                _ = try Thread(name: "weir-worker-\(index)", body) { left.one() }
            } catch {
                throw StartError(description: "cannot start a worker: \(error)")
            }
        }
    }

    /// A worker has told something.
    func receive(_ message: ControlMessage) { health?.receive(message) }

    /// How things stand, summed over the workers.
    func report() -> ServiceReport {
        guard let shared, let health else { return ServiceReport() }
        var report = ServiceReport(config, shared, addresses: addresses)
        health.report(into: &report, shared)
        report.spans = spans?.queue.totals
        return report
    }

    /// Tells every worker.
    func tell(_ message: WorkerMessage) {
        for mailbox in mailboxes { mailbox.post(message) }
    }

    /// Removes what the service leaves behind in the file system.
    func cleanUp() {
        for path in unixPaths { _ = weir_unlink(path) }
        unixPaths = []
    }

    // MARK: Listening

    /// The listening sockets of each worker.
    private func openListeners() throws(StartError) -> [[WorkerListener]] {
        var perWorker: [[WorkerListener]] = .init(repeating: [], count: workers)
        for (index, listener) in config.listeners.enumerated() {
            do throws(SystemError) {
                try open(listener, index, into: &perWorker)
            } catch {
                throw StartError.listening(listener.address, error)
            }
        }
        return perWorker
    }

    private func open(
        _ listener: ListenerConfig,
        _ index: Int,
        into perWorker: inout [[WorkerListener]]
    ) throws(SystemError) {
        var address = ListeningAddress(listener.address, mode: listener.socketMode)
        let isShared: Bool
        if case .unix = address {
            isShared = true
        } else {
            isShared = false
        }
        if !isShared { try Self.refuseTaken(address) }
        var port: UInt16 = 0
        for worker in 0..<workers {
            if isShared, worker > 0 {
                let descriptor = perWorker[0][perWorker[0].count - 1].descriptor
                perWorker[worker].append(
                    WorkerListener(index: index, descriptor: descriptor, isShared: true)
                )
                continue
            }
            let socket = try Socket.listening(
                at: address,
                backlog: listener.backlog,
                sharesPort: true,
                userTimeout: 30_000
            )
            if case .unix(let path, _) = address { unixPaths.append(path) }
            port = socket.localPort
            address = address.with(port: port)
            perWorker[worker].append(
                WorkerListener(index: index, descriptor: socket.release(), isShared: isShared)
            )
        }
        let scheme = listener.tls == nil ? "http" : "https"
        addresses.append(listener.address.display(scheme: scheme, port: port))
    }

    /// `SO_REUSEPORT` would let a second Weir listen beside this one and take half of its
    /// clients: a socket without it finds out whether somebody listens already.
    private static func refuseTaken(_ address: ListeningAddress) throws(SystemError) {
        _ = try Socket.listening(at: address, backlog: 1, sharesPort: false, userTimeout: 30_000)
    }
}
