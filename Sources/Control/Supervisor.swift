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
    private var services: [Service] = []

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
        let service = Service(config, logs: logs, wake: wake, control: control)
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
        guard signals >= 0, let poller = try? Poller(capacity: 4) else { return }
        defer { weir_close(signals) }
        _ = poller.addSource(signals, token: 0)
        _ = poller.addSource(wake, token: 1)
        _ = poller.addSource(control.descriptor, token: 2)
        var end = limit.map { clock() + $0.inNanoseconds } ?? .never
        var isDraining = false
        while !services.allSatisfy(\.hasEnded) {
            _ = poller.wait(milliseconds: milliseconds(until: end))
            weir_eventfd_clear(wake)
            for message in control.drain() { receive(message) }
            var isTold = clock() >= end
            let isOver = isTold && isDraining
            while true {
                let signal = weir_signalfd_read(signals)
                if signal < 0 { break }
                if signal == SIGUSR1 { writer.reopen() } else { isTold = true }
            }
            guard isTold else { continue }
            if isDraining {
                stop(isOver)
                end = .never
            } else {
                isDraining = true
                end = clock() + config.shutdownTimeout.inNanoseconds
                logs.note(level: .info, "draining: running requests may finish")
                for service in services {
                    // Before a successor can listen at the same paths.
                    service.cleanUp()
                    service.tell(.drain)
                }
            }
        }
        for service in services { service.cleanUp() }
        finishLogs()
    }

    private func receive(_ message: ControlMessage) {
        switch message {
        case .event(let event):
            logs.note(level: .info, "\(event.kind.rawValue) \(event.pool) \(event.reason)")
        case .ejection, .budgetEmpty, .breakerOpened: break
        }
    }

    private func stop(_ isOver: Bool) {
        let reason = isOver ? "shutdown-timeout has passed" : "a second signal came"
        logs.note(level: .warning, "\(reason): running requests are cut")
        for service in services { service.tell(.stop) }
    }

    /// Has the log thread write what is left; a log that does not take it for two seconds is left.
    private func finishLogs() {
        writer.end()
        guard let poller = try? Poller(capacity: 1) else { return }
        _ = poller.addSource(writer.ended, token: 0)
        _ = poller.wait(milliseconds: 2000)
    }

    private func clock() -> Instant { Instant(nanoseconds: weir_monotonic_ns()) }

    private func milliseconds(until end: Instant) -> Int32 {
        guard end != .never else { return -1 }
        let left = (end - clock() + 999_999) / 1_000_000
        return Int32(clamping: max(0, left))
    }
}
