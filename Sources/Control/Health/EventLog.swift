import Configuration
import EventLoop
import Health
import Proxy

/// Where everything that happens to pools and their endpoints is told.
final class EventLog {
    private let logs: LogQueue
    private let loop: ControlLoop

    /// A place that writes into Weir's own log.
    init(_ logs: LogQueue, on loop: ControlLoop) {
        self.logs = logs
        self.loop = loop
    }

    /// Tells of an event that has just happened.
    func tell(_ event: HealthEvent) {
        logs.note(level: event.kind.level, event, now: loop.now)
    }
}

extension HealthEvent.Kind {
    /// Warnings are what an operator may want to do something about.
    var level: LogConfig.Level {
        switch self {
        case .checkDown, .ejected, .ejectionRefused, .panicBegan, .breakerOpened, .budgetEmpty,
            .resolverFailed, .serversFileBad:
            .warning
        case .checkUp, .halfOpen, .returned, .tierChanged, .panicEnded, .breakerClosed,
            .budgetRefilled, .resolved, .serversChanged:
            .info
        }
    }
}
