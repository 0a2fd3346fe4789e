import CLinux
import Configuration
import EventLoop
import Proxy

/// Runs services until they are told to end: signals, drain, logs.
public final class Supervisor {
    private let config: Config
    private let logs: LogQueue
    private let writer: LogWriter
    private let wake: Int32
    private let control: Mailbox<ControlMessage>
    private let descriptorLimit: Int
    private let loop: ControlLoop
    private var services: [Service] = []
    private var isDraining = false
    /// When the next step towards the end is due by itself.
    private var end: Deadline?

    /// A supervisor whose logs are those of `config`.
    ///
    /// Signals are blocked from here on; make it before any other thread runs.
    ///
    /// - Throws: ``StartError`` if a log cannot be opened.
    public init(_ config: Config) throws(StartError) {
        weir_block_signals()
        self.config = config
        descriptorLimit = Int(weir_raise_descriptor_limit())
        do throws(SystemError) {
            wake = try SystemError.check(weir_eventfd(), "eventfd")
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
        let service = Service(config, logs: logs, wake: wake, control: control, loop: loop)
        do throws(StartError) {
            try service.start(descriptorLimit: descriptorLimit)
        } catch {
            service.cleanUp()
            finishLogs()
            throw error
        }
        services.append(service)
        return service.addresses
    }

    /// Says on Weir's own log where it listens.
    public func announce(_ addresses: [String]) {
        for address in addresses { logs.note(level: .info, "listening on \(address)") }
    }

    /// Waits for the end: a signal, or `limit` having passed.
    ///
    /// Returns once everything has ended.
    public func wait(limit: Duration? = nil) {
        let signals = weir_signalfd()
        guard signals >= 0 else { return }
        defer { loop.close(signals) }
        _ = loop.watch(signals) { [unowned self] _ in readSignals(signals) }
        _ = loop.watch(wake) { [unowned self] _ in weir_eventfd_clear(wake) }
        _ = loop.receive(from: control) { [unowned self] in receive($0) }
        if let limit { end = loop.after(limit.inNanoseconds) { [unowned self] in beginDrain() } }
        while !services.allSatisfy(\.hasEnded) { loop.turn() }
        for descriptor in [wake, control.descriptor] { loop.unwatch(descriptor) }
        for service in services { service.cleanUp() }
        finishLogs()
    }

    private func readSignals(_ signals: Int32) {
        while true {
            let signal = weir_signalfd_read(signals)
            if signal < 0 { return }
            if signal == SIGUSR1 {
                writer.reopen()
            } else if isDraining {
                stop("a second signal came")
            } else {
                beginDrain()
            }
        }
    }

    private func beginDrain() {
        guard !isDraining else { return }
        isDraining = true
        loop.cancel(end)
        end = loop.after(config.shutdownTimeout.inNanoseconds) { [unowned self] in
            stop("shutdown-timeout has passed")
        }
        logs.note(level: .info, "draining: running requests may finish")
        for service in services {
            // Before a successor can listen at the same paths.
            service.cleanUp()
            service.tell(.drain)
        }
    }

    private func stop(_ reason: String) {
        loop.cancel(end)
        logs.note(level: .warning, "\(reason): running requests are cut")
        for service in services { service.tell(.stop) }
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
