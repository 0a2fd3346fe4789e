import CLinux
import Configuration
import EventLoop
import Proxy
import Routing
import TLS

/// Sends spans to a collector, from the control thread: OTLP over HTTP in JSON.
///
/// Workers hand their spans to a ``SpanQueue`` and never wait for it.
final class SpanExporter {
    /// Nanoseconds for which a name's addresses are believed.
    private static let believed: Int64 = 60_000_000_000
    /// Nanoseconds that a flush at the end may take.
    static let flushTime: Int64 = 3_000_000_000

    private let config: TracingConfig
    private let url: CollectorURL
    private let context: TLSClientContext?
    /// Where workers put their spans.
    let queue: SpanQueue
    private let loop: ControlLoop
    private let logs: LogQueue
    private let room = CheckRoom()
    private var machine = ExportMachine()
    private var delivery: SpanDelivery?
    private var query: DNSQuery?
    private var timer: Deadline?
    /// The request's body, and the spans in it.
    private var batch: (body: [UInt8], spans: Int) = ([], 0)
    private var addresses: [IPAddress] = []
    private var resolvedAt = Instant.never
    private var next = 0
    /// Whether nothing is sent any more.
    private(set) var hasEnded = false

    /// An exporter to this URL; `context` is how TLS is begun, where it is one of https.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses a descriptor.
    init(
        _ config: TracingConfig,
        to url: CollectorURL,
        _ context: TLSClientContext?,
        on loop: ControlLoop,
        logs: LogQueue
    ) throws(SystemError) {
        self.config = config
        self.url = url
        self.context = context
        self.loop = loop
        self.logs = logs
        queue = try SpanQueue()
    }

    /// The exporter that the file asks for; `nil` if it asks for none.
    ///
    /// - Throws: ``StartError`` if the system has no authorities to trust for https.
    static func make(
        _ config: Config,
        on loop: ControlLoop,
        logs: LogQueue
    ) throws(StartError) -> SpanExporter? {
        guard let url = config.tracing.export else { return nil }
        let context = url.isSecure ? try PoolContexts.trustingSystem() : nil
        do throws(SystemError) {
            return try SpanExporter(config.tracing, to: url, context, on: loop, logs: logs)
        } catch {
            throw StartError(description: "cannot export spans: \(error)")
        }
    }

    /// Descriptors that it has open at most: the queue's, a connection's, and those of a question
    /// to name servers.
    static func descriptors(_ config: Config) -> Int { config.tracing.export == nil ? 0 : 6 }

    /// Begins to look at the queue.
    func begin() {
        _ = loop.watch(queue.descriptor) { [unowned self] _ in
            weir_eventfd_clear(queue.descriptor)
            act(machine.spansWait(queue.waiting, now: loop.now))
        }
    }

    /// Sends what waits once more, and then nothing; ``hasEnded`` tells when that is done.
    ///
    /// Workers must have handed over all they have.
    func finish() {
        loop.unwatch(queue.descriptor)
        loop.after(Self.flushTime) { [weak self] in self?.giveUp() }
        act(machine.ends(queue.waiting, now: loop.now))
    }

    /// Drops what was not sent, and ends.
    func giveUp() {
        guard !hasEnded else { return }
        hasEnded = true
        loop.cancel(timer)
        query?.cancel()
        query = nil
        delivery?.cancel()
        delivery = nil
        var lost = batch.spans
        batch = ([], 0)
        while case let batches = queue.take(ExportMachine.mostSpans), !batches.isEmpty {
            for batch in batches {
                lost += batch.spans
                queue.recycle(batch)
            }
        }
        queue.count(exported: 0, refused: lost)
        if lost > 0 { logs.note(level: .warning, "\(lost) spans were dropped at the end") }
    }

    private func act(_ action: ExportMachine.Action) {
        switch action {
        case .nothing: return
        case .wait(let until):
            loop.cancel(timer)
            timer = loop.at(until) { [unowned self] in
                act(machine.timeCame(queue.waiting, now: loop.now))
            }
        case .send:
            fill()
            resolve()
        case .sendAgain: resolve()
        case .end: giveUp()
        }
    }

    private func fill() {
        let batches = queue.take(ExportMachine.mostSpans)
        batch = (OTLP.body(batches, service: config.service), batches.reduce(0) { $0 + $1.spans })
        for batch in batches { queue.recycle(batch) }
    }

    // MARK: Where to

    private func resolve() {
        switch url.address {
        case .ip(let ip, let port): send(to: ip, port)
        case .name(let name, let port):
            let isKnown = resolvedAt != .never && loop.now - resolvedAt < Self.believed
            if isKnown, machine.failures < 2, !addresses.isEmpty {
                send(to: addresses[next % addresses.count], port)
            } else {
                ask(name, port)
            }
        case .unix, .service: failed(.refused, "it has no address")
        }
    }

    private func ask(_ name: String, _ port: UInt16) {
        query = DNSQuery(.addresses, name, config.resolver, on: loop) { [weak self] answer in
            guard let self, !hasEnded else { return }
            query = nil
            switch answer {
            case .addresses(.found(let found, _)) where !found.isEmpty:
                addresses = found
                resolvedAt = loop.now
                send(to: found[next % found.count], port)
            case .addresses(.failed(let why)), .addresses(.empty(let why)):
                failed(.later(after: 0), "\(name): \(why)")
            case .addresses, .services: failed(.later(after: 0), "\(name) has no address")
            }
        }
    }

    // MARK: Sending

    private func send(to address: IPAddress, _ port: UInt16) {
        let delivery = SpanDelivery(batch.body, to: url, context, on: loop, room) {
            [weak self] result in self?.delivered(result)
        }
        self.delivery = delivery
        delivery.begin(address, port: port)
    }

    private func delivered(_ result: SpanDelivery.Result) {
        delivery = nil
        switch result {
        case .taken:
            if machine.failures > 0 {
                logs.note(level: .info, "spans are taken again by \(url.description)")
            }
            queue.count(exported: batch.spans, refused: 0)
            batch = ([], 0)
            act(machine.delivered(queue.waiting, now: loop.now))
        case .failed(let failure, let words): failed(failure, words)
        }
    }

    private func failed(_ failure: ExportMachine.Failure, _ words: String) {
        // The next try goes to another address, if there is one.
        next &+= 1
        if machine.failures == 0 {
            logs.note(
                level: .warning,
                "spans are not taken by \(url.description): \(words); "
                    + "those beyond what can wait are dropped"
            )
        }
        var random: UInt64 = 0
        weir_random(&random, 8)
        let action = machine.failed(failure, random: random, now: loop.now)
        if action != .end, !machine.keepsBatch {
            queue.count(exported: 0, refused: batch.spans)
            batch = ([], 0)
        }
        act(action)
    }
}
