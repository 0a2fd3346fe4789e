import CLinux
import EventLoop
import Proxy

/// Asks all workers for signs of life, feeds the service manager's watchdog while they come, and
/// tells of a worker that hangs.
///
/// Each worker gets a message in its mailbox, so that a request costs nothing more.
final class WorkerWatch {
    /// Nanoseconds between two looks where no watchdog asks for more.
    private static let standardPeriod: Int64 = 2_000_000_000
    private static let leastPeriod: Int64 = 50_000_000

    private let services: () -> [Service]
    private let manager: ServiceManager
    private let logs: LogQueue
    private let loop: ControlLoop
    private let period: Int64
    private var fed: Instant
    /// By pulse: from which silence on it is told of next.
    private var told: [ObjectIdentifier: Int64] = [:]
    /// Whether workers may end, and so be silent for good.
    var isDraining = false

    /// A watch over the workers of these services.
    init(
        _ services: @escaping () -> [Service],
        _ manager: ServiceManager,
        on loop: ControlLoop,
        logs: LogQueue
    ) {
        self.services = services
        self.manager = manager
        self.loop = loop
        self.logs = logs
        fed = loop.now
        // Twice in each of the times at which a sign of life is due.
        let quarter = manager.watchdog.map { max(Self.leastPeriod, $0 / 4) }
        period = min(quarter ?? Self.standardPeriod, Self.standardPeriod)
    }

    /// Begins to ask.
    func start() {
        ask()
        loop.every(period) { [weak self] in self?.look() }
    }

    private func ask() {
        for service in services() { service.askForLife(loop.now) }
    }

    private func look() {
        var isAlive = true
        if !isDraining {
            for service in services() {
                for (index, pulse) in service.pulses.enumerated() {
                    let silence = pulse.silence(loop.now)
                    if silence > 0 { isAlive = false }
                    tell(index, pulse, silence)
                }
                service.shareServing()
            }
            ask()
        }
        guard isAlive, let watchdog = manager.watchdog else { return }
        // At half of the time, which systemd asks for, or as soon as it has passed.
        guard loop.now - fed >= watchdog / 2 - period / 2 else { return }
        fed = loop.now
        manager.feedWatchdog()
    }

    /// Tells of a silence that has begun, has doubled, or is over.
    private func tell(_ index: Int, _ pulse: Pulse, _ silence: Int64) {
        let key = ObjectIdentifier(pulse)
        if silence == 0 {
            guard told.removeValue(forKey: key) != nil else { return }
            logs.note(level: .warning, "worker \(index) turns again")
            return
        }
        guard silence >= told[key] ?? 0 else { return }
        told[key] = 2 * silence
        var state = [CChar](repeating: 0, count: 128)
        weir_thread_state(Service.threadName(index), &state, state.count)
        let words = String(
            decoding: state.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        let tenths = silence / 100_000_000
        logs.note(
            level: .error,
            "worker \(index) has hung for \(tenths / 10).\(tenths % 10) s: \(words)"
        )
    }
}
