import CLinux

/// Sends statistics to those who follow `/events?stats`, twice a second; what is recent in them is
/// the last second.
///
/// A fault that begins within one second fills the next one: with a look at the end of each it
/// could take over two to be seen.
final class StatsStream {
    /// From one look to the next, in nanoseconds.
    private static let interval: Int64 = 500_000_000
    /// How many looks are a second.
    private static let recent = 2

    private let server: AdminServer
    private unowned let subject: any AdminSubject
    private let loop: ControlLoop
    /// The reports of the last second and when they were made, the oldest first; none while nobody
    /// follows.
    private var past: [(report: ServiceReport, time: Int64)] = []

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
            past = []
            return
        }
        let now = weir_monotonic_ns()
        let report = subject.report()
        var stats = StatsJSON(report: report, process: subject.process())
        if let first = past.first {
            stats.earlier = (first.report, Double(now - first.time) / 1e9)
            let text = "event: stats\ndata: \(stats.document.compact)\n\n"
            server.stream(text, where: Self.isWanted)
        }
        if past.count == Self.recent { past.removeFirst() }
        past.append((report, now))
    }
}
