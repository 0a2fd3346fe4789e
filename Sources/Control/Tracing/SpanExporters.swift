import Configuration
import Proxy

/// The exporter of a service, and those of files before that have something to send yet.
final class SpanExporters {
    private let loop: ControlLoop
    private let logs: LogQueue
    private var config = TracingConfig()
    private var current: SpanExporter?
    private var former: [SpanExporter] = []
    /// What became of the spans of those that have ended.
    private var past = SpanQueue.Totals()

    /// No exporter.
    init(on loop: ControlLoop, logs: LogQueue) {
        self.loop = loop
        self.logs = logs
    }

    /// Where workers put their spans; `nil` where none are exported.
    var queue: SpanQueue? { current?.queue }

    /// What became of spans so far; `nil` where none ever were exported.
    var totals: SpanQueue.Totals? {
        let running = former + [current].compactMap(\.self)
        guard !running.isEmpty || past != SpanQueue.Totals() else { return nil }
        return running.reduce(into: past) { $0.add($1.queue.totals) }
    }

    /// Begins to export as a first file asks for.
    ///
    /// - Throws: ``StartError`` if the system has no authorities to trust for https.
    func begin(_ config: Config) throws(StartError) {
        self.config = config.tracing
        current = try SpanExporter.make(config, on: loop, logs: logs)
        current?.begin()
    }

    /// What a changed file asks for: the present exporter where it asks for the same.
    ///
    /// - Throws: ``StartError`` if the system has no authorities to trust for https.
    func prepare(_ config: Config) throws(StartError) -> SpanExporter? {
        if config.tracing == self.config { return current }
        return try SpanExporter.make(config, on: loop, logs: logs)
    }

    /// Workers put their spans there from now on; the one before sends what it has.
    func follow(_ config: Config, _ next: SpanExporter?) {
        self.config = config.tracing
        guard next !== current else { return }
        if let current {
            current.finish()
            former.append(current)
        }
        for exporter in former where exporter.hasEnded { past.add(exporter.queue.totals) }
        former.removeAll(where: \.hasEnded)
        current = next
        current?.begin()
    }

    /// Sends what is left, and then nothing more.
    func finish() { current?.finish() }

    /// Whether nothing is sent any more.
    var hasEnded: Bool { (current?.hasEnded ?? true) && former.allSatisfy(\.hasEnded) }

    /// Drops what was not sent, and ends.
    func giveUp() {
        for exporter in former { exporter.giveUp() }
        current?.giveUp()
    }
}
