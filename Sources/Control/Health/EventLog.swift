import CLinux
import Configuration
import EventLoop
import Health
import Proxy

/// An event with its number and its time.
struct NumberedEvent {
    /// 1 for the first since the start.
    var number: UInt64
    /// Nanoseconds since 1970.
    var time: Int64
    var event: HealthEvent
}

/// Where everything that happens to pools and their endpoints is told.
final class EventLog {
    /// How many events are kept for those who come later.
    static let kept = 1000

    private let logs: LogQueue
    private let loop: ControlLoop
    /// The newest events, oldest first.
    private(set) var recent: [NumberedEvent] = []
    /// What brought each endpoint of each pool into its present state.
    private var latest: [String: [String: NumberedEvent]] = [:]
    /// By pool and endpoint: how often it was ejected.
    private var ejections: [String: [String: UInt64]] = [:]
    private var count: UInt64 = 0
    /// Called with each event as it happens.
    var follow: ((NumberedEvent) -> Void)?

    /// A place that writes into Weir's own log.
    init(_ logs: LogQueue, on loop: ControlLoop) {
        self.logs = logs
        self.loop = loop
    }

    /// Tells of an event that has just happened.
    func tell(_ event: HealthEvent) {
        logs.note(level: event.kind.level, event, now: loop.now)
        count += 1
        let numbered = NumberedEvent(number: count, time: weir_realtime_ns(), event: event)
        if event.kind == .ejected {
            ejections[event.pool, default: [:]][event.endpoint, default: 0] += 1
        }
        if recent.count >= Self.kept { recent.removeFirst(Self.kept / 4) }
        recent.append(numbered)
        if !event.endpoint.isEmpty, event.kind != .ejectionRefused, !event.isAside {
            latest[event.pool, default: [:]][event.endpoint] = numbered
        }
        follow?(numbered)
    }

    /// An endpoint is gone: what happened to it does not concern whoever has its name next.
    func forget(pool: String, endpoint: String) {
        latest[pool]?[endpoint] = nil
        if latest[pool]?.isEmpty == true { latest[pool] = nil }
        ejections[pool]?[endpoint] = nil
        if ejections[pool]?.isEmpty == true { ejections[pool] = nil }
    }

    /// How often an endpoint was ejected since it came.
    func ejections(pool: String, endpoint: String) -> UInt64 { ejections[pool]?[endpoint] ?? 0 }

    /// What happened last to an endpoint; `nil` if nothing has.
    func latest(pool: String, endpoint: String) -> NumberedEvent? { latest[pool]?[endpoint] }
}

extension HealthEvent.Kind {
    /// Warnings are what an operator may want to do something about.
    var level: LogConfig.Level {
        switch self {
        case .checkDown, .ejected, .ejectionRefused, .panicBegan, .breakerOpened, .budgetEmpty,
            .resolverFailed, .serversFileBad:
            .warning
        case .checkUp, .halfOpen, .returned, .tierChanged, .panicEnded, .breakerClosed,
            .budgetRefilled, .resolved, .serversChanged, .changed:
            .info
        }
    }
}
