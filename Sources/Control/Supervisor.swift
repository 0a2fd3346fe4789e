import CLinux
import Configuration
import EventLoop
import Proxy

/// Runs services until they are told to end: signals, drain, logs.
public final class Supervisor {
    /// What says how logs are written and when running requests are cut.
    var own: Config
    let logs: LogQueue
    let writer: LogWriter
    private let wake: Int32
    private let signals: Int32
    private let control: Mailbox<ControlMessage>
    private let descriptorLimit: Int
    let loop: ControlLoop
    let inheritance: Inheritance
    /// The path by which the program was started.
    let program: String?
    /// The process that is to follow, while it starts.
    var upgrade: Upgrade?
    /// The last one that failed, whose process may not have ended yet.
    var lastUpgrade: Upgrade?
    /// Whether SIGUSR2 came during a reload, behind which the upgrade begins.
    var isUpgradeWished = false
    /// The number of the process that has followed.
    var successor: Int32?
    private(set) var services: [Service] = []
    var admin: AdminServer?
    private var statsStream: StatsStream?
    /// Who wants to know how the process fares.
    let manager = ServiceManager()
    private var watch: WorkerWatch?
    private let version: String
    private let began = weir_monotonic_ns()
    private let startTime = Double(weir_realtime_ns()) / 1e9
    private(set) var isDraining = false
    /// Whether another process serves now.
    private var isHandedOver = false
    /// What is known of reloads.
    var reloads: ReloadState
    /// Whether a signal has asked for the end.
    private var wasSignalled = false
    /// Whether a second signal has asked for the end at once.
    private var isHurried = false
    /// Whether workers that have been stopped do not end.
    private var isGivenUp = false
    /// Nanoseconds that workers may take to end once they have been stopped.
    private static let patience: Int64 = 2_000_000_000
    /// When the next step towards the end is due by itself.
    private var end: Deadline?

    /// A supervisor whose logs are those of `config`.
    ///
    /// Signals are blocked from here on; make it before any other thread runs.
    ///
    /// `inheritance` is what the process before or the service manager hands over; `read` reads
    /// the file anew for a reload; `nil` where there is none.
    ///
    /// - Throws: ``StartError`` if a log cannot be opened.
    public init(
        _ config: Config,
        version: String,
        inheritance: Inheritance? = nil,
        read: (() -> LoadResult)? = nil
    ) throws(StartError) {
        weir_block_signals()
        self.inheritance = inheritance ?? Inheritance()
        if let secret = inheritance?.secret { StickySecrets.inherit(secret) }
        program = Self.ownProgram
        reloads = ReloadState(read: read, lastSuccess: Self.wallClock)
        self.version = version
        own = config
        descriptorLimit = Int(weir_raise_descriptor_limit())
        do throws(SystemError) {
            wake = try SystemError.check(weir_eventfd(), "eventfd")
            signals = try SystemError.check(weir_signalfd(), "signalfd")
            control = try Mailbox<ControlMessage>()
            loop = try ControlLoop()
            logs = try LogQueue(style: LogStyle(config.log))
            let writer = try LogWriter(config.log, queue: logs)
            self.writer = writer
            _ = try Thread(name: "weir-log") { writer.run() }
        } catch {
            throw StartError(description: "\(error)")
        }
    }

    /// Starts to serve a configuration and returns where it listens.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on.
    public func serve(_ config: Config) throws(StartError) -> [String] {
        let service = Service(
            config,
            logs: logs,
            wake: wake,
            control: control,
            loop: loop,
            descriptorLimit: descriptorLimit,
            inheritance: inheritance
        )
        do throws(StartError) {
            try service.start()
        } catch {
            service.cleanUp()
            admin?.end()
            finishLogs()
            throw error
        }
        services.append(service)
        return service.addresses
    }

    /// Opens the admin API that the configuration asks for, over what is served last, and returns
    /// where it listens; it answers from ``wait(limit:)`` on.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on.
    public func openAdmin(_ config: Config) throws(StartError) -> String? {
        guard let wanted = config.admin else { return nil }
        do throws(StartError) {
            let server = try makeAdmin(wanted, of: config)
            admin = server
            return server.address
        } catch {
            finishLogs()
            throw error
        }
    }

    /// An admin API of a file that does not answer yet, to take the place of the present one.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on, or bad files.
    func makeAdmin(_ admin: AdminConfig, of config: Config) throws(StartError) -> AdminServer {
        let router = AdminRouter(operations: AdminOperations(subject: self).all)
        let passed = inheritance.passed.duplicate(for: admin.address)
        let inherited = passed ?? inheritance.takeAdmin(admin.address)
        do throws(StartError) {
            return try AdminServer(
                admin,
                handshakeTime: Self.handshakeTime(config),
                router: router,
                inherited: inherited,
                isPassed: passed != nil,
                insteadOf: self.admin,
                on: loop,
                logs: logs
            )
        } catch {
            // With a socket of before it fails for its files only, and has not taken it yet.
            if let inherited { weir_close(inherited) }
            throw error
        }
    }

    /// Nanoseconds for a handshake with the admin API, which has a bound in any case.
    static func handshakeTime(_ config: Config) -> Int64 {
        (config.timeouts.handshake ?? .seconds(10)).inNanoseconds
    }

    /// Has the admin API answer, if there is one.
    func startAdmin() {
        statsStream = nil
        services.last?.health?.events.follow = nil
        guard let admin else { return }
        services.last?.health?.events.follow = { [weak self, weak admin] event in
            guard let self else { return }
            admin?.stream(AdminOperations.eventText(event, of: run)) { _ in true }
        }
        admin.start()
        let stream = StatsStream(admin, self, on: loop)
        stream.start()
        statsStream = stream
    }

    /// Says on Weir's own log where it listens.
    public func announce(_ addresses: [String]) {
        for address in addresses { logs.note(level: .info, "listening on \(address)") }
        if let admin { logs.note(level: .info, "admin API on \(admin.address)") }
    }

    /// Waits for the end: a signal, or `limit` having passed.
    ///
    /// Returns once everything has ended.
    public func wait(limit: Duration? = nil) {
        defer { loop.close(signals) }
        _ = loop.watch(signals) { [unowned self] _ in readSignals(signals) }
        _ = loop.watch(wake) { [unowned self] _ in
            weir_eventfd_clear(wake)
            for service in services { service.shareServing() }
        }
        _ = loop.receive(from: control) { [unowned self] in receive($0) }
        startAdmin()
        startWatch()
        takeOver()
        if let limit { end = loop.after(limit.inNanoseconds) { [unowned self] in beginDrain() } }
        while !isGivenUp, !hasEnded { loop.turn() }
        flushSpans()
        admin?.end()
        for descriptor in [wake, control.descriptor] { loop.unwatch(descriptor) }
        for service in services { service.cleanUp() }
        // That of a process that follows is not this one's to remove.
        if !isHandedOver { PIDFile.remove() }
        finishLogs()
        // A worker that hangs would be waited for without an end.
        if isGivenUp { weir_exit(1) }
        for service in services { service.joinWorkers() }
    }

    /// Whether nothing runs any more, here or in a process that was to follow.
    private var hasEnded: Bool {
        services.allSatisfy(\.hasEnded) && lastUpgrade?.isReaped ?? true
    }

    /// Tells the service manager that everything serves, and watches over the workers from now on.
    private func startWatch() {
        let watch = WorkerWatch({ [unowned self] in services }, manager, on: loop, logs: logs)
        self.watch = watch
        watch.start()
        manager.ready(servingStatus)
    }

    /// What is served, in words for the service manager's screen.
    var servingStatus: String {
        let all = services.flatMap(\.addresses)
        let first = all.prefix(3).joined(separator: ", ")
        return "serving at \(first)" + (all.count > 3 ? " and \(all.count - 3) more" : "")
    }

    /// Everything serves: what the process before has left is this one's now, unless it serves on.
    private func takeOver() {
        guard inheritance.tellReady() else {
            let text = "the process before serves on, or was told to end: this one ends"
            logs.note(level: .error, text)
            beginDrain()
            return
        }
        if reloads.read != nil { PIDFile.write() }
        for service in services { service.sockets.takePaths() }
        admin?.takePath()
        inheritance.discardRest()
    }

    private func readSignals(_ signals: Int32) {
        while true {
            let signal = weir_signalfd_read(signals)
            if signal < 0 { return }
            if signal == SIGUSR1 {
                writer.reopen()
            } else if signal == SIGHUP {
                reloadBySignal()
            } else if signal == SIGUSR2 {
                upgradeBySignal()
            } else if wasSignalled {
                isHurried = true
                stop("a second signal came")
            } else {
                // What a request or a time-out has begun is not a signal: one may still come.
                wasSignalled = true
                beginDrain()
            }
        }
    }

    /// Has everything finish what runs, and then end: at once if another process serves, else
    /// behind `drain-delay`, in which nobody is to send more.
    func beginDrain(isHandedOver: Bool = false) {
        guard !isDraining else { return }
        isDraining = true
        self.isHandedOver = isHandedOver
        if !isHandedOver {
            // As long as what runs here may take.
            upgrade?.cancel(
                grace: own.drainDelay.inNanoseconds + own.shutdownTimeout.inNanoseconds
            )
            for service in services { service.shared?.isReady.store(false, ordering: .relaxed) }
        }
        // Who follows is the service, and does not stop.
        if !isHandedOver { manager.stopping("draining") }
        loop.cancel(end)
        let delay = isHandedOver ? 0 : own.drainDelay.inNanoseconds
        guard delay > 0 else {
            drainWorkers()
            return
        }
        let delayText = own.drainDelay.configurationText
        logs.note(level: .info, "not ready any more: draining begins in \(delayText)")
        end = loop.after(delay) { [unowned self] in drainWorkers() }
    }

    private func drainWorkers() {
        end = loop.after(own.shutdownTimeout.inNanoseconds) { [unowned self] in
            stop("shutdown-timeout has passed")
        }
        logs.note(level: .info, "draining: running requests may finish")
        watch?.isDraining = true
        for service in services {
            // Before a successor can listen at the same paths.
            service.cleanUp()
            service.tell(.drain)
        }
    }

    /// Has the last spans sent, for as long as that may take.
    private func flushSpans() {
        loop.cancel(end)
        let exporters = services.map(\.spans)
        for exporter in exporters { exporter.finish() }
        while !isHurried, !exporters.allSatisfy(\.hasEnded) { loop.turn() }
        for exporter in exporters { exporter.giveUp() }
    }

    private func stop(_ reason: String) {
        loop.cancel(end)
        logs.note(level: .warning, "\(reason): running requests are cut")
        for service in services { service.tell(.stop) }
        lastUpgrade?.kill()
        end = loop.after(Self.patience) { [unowned self] in
            logs.note(level: .error, "a worker hangs and does not end: it is left to itself")
            isGivenUp = true
        }
    }

    private func receive(_ message: ControlMessage) {
        for service in services { service.receive(message) }
    }

    /// Has the log thread write what is left; a log that does not take it for two seconds is left.
    private func finishLogs() {
        writer.end()
        guard let poller = try? Poller(capacity: 1) else { return }
        _ = poller.addSource(writer.ended, token: 0)
        _ = poller.wait(milliseconds: 2000)
    }
}

extension Supervisor: AdminSubject {
    var config: Config { services.last?.config ?? own }

    var run: String { String(Int(startTime * 1000), radix: 36) }

    var isServing: Bool { services.last?.isServing ?? false }

    var isFollowed: Bool { upgrade != nil || successor != nil }

    var events: [NumberedEvent] { services.last?.health?.events.recent ?? [] }

    func report() -> ServiceReport { services.last?.report() ?? ServiceReport() }

    func process() -> ProcessReport {
        ProcessReport(
            version: version,
            began: began,
            startTime: startTime,
            isDraining: isDraining,
            reloads: reloads,
            descriptorLimit: descriptorLimit
        )
    }

    func endpoints(pool: Int, named name: String) -> [String] {
        services.last?.health?.endpoints(pool: pool, named: name) ?? []
    }

    func version(pool: String, server: String) -> Int {
        services.last?.health?.version(pool: pool, server: server) ?? 0
    }

    func change(pool: Int, servers: [String], meant: String, _ change: ServerChange) {
        services.last?.health?.change(pool: pool, servers: servers, meant: meant, change)
    }

    func drain() { beginDrain() }

    private static var ownProgram: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let called = CommandLine.arguments.first ?? ""
        guard weir_own_program(called, &buffer, buffer.count) == 0 else { return nil }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
    }

    /// Nanoseconds since 1970.
    static var wallClock: Int64 { weir_realtime_ns() }
}
