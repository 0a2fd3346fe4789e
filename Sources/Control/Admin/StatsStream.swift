import CLinux

/// Sends statistics to those who follow `/events?stats`, once a second.
final class StatsStream {
    /// From one look to the next, in nanoseconds.
    private static let interval: Int64 = 1_000_000_000

    private let server: AdminServer
    private unowned let subject: any AdminSubject
    private let loop: ControlLoop
    /// The last report, and when it was made; `nil` while nobody follows.
    private var last: (report: ServiceReport, time: Int64)?

    /// Nothing is sent yet.
    init(_ server: AdminServer, _ subject: any AdminSubject, on loop: ControlLoop) {
        self.server = server
        self.subject = subject
        self.loop = loop
    }

    /// Begins to look whether anybody follows.
    func start() {
        loop.after(Self.interval) { [weak self] in
            self?.tick()
            self?.start()
        }
    }

    /// Whether a query asks for statistics.
    static func isWanted(_ query: String) -> Bool {
        query.split(separator: "&").contains { $0 == "stats" || $0.hasPrefix("stats=") }
    }

    private func tick() {
        guard server.hasStream(where: Self.isWanted) else {
            last = nil
            return
        }
        let now = weir_monotonic_ns()
        let report = subject.report()
        var stats = StatsJSON(report: report, process: subject.process())
        if let last {
            stats.earlier = (last.report, Double(now - last.time) / 1e9)
            let text = "event: stats\ndata: \(stats.document.compact)\n\n"
            server.stream(text, where: Self.isWanted)
        }
        last = (report, now)
    }
}
