import CLinux
import Configuration
import EventLoop
import HTTP
import Routing

/// What the access log says of a request that was not forwarded.
struct LogEntry {
    var outcome: Outcome
    var status: Int
    var id: RequestID
    var client = weir_address()
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    /// The route's index, -1 for none.
    var route = -1
    /// The id that the answer names, where it is not `id`.
    var loggedID: WrittenID?
    /// The request, where a head could be read.
    var request: ReceivedRequest?
    /// Why, where the outcome alone does not say it.
    var reason: String?
    /// How a call of gRPC ended.
    var callStatus: GRPCStatus?
    /// Whether it goes into the access log, where no route says so.
    var isLogged = true
    /// The request's place in its trace.
    var trace = TraceContext()

    init(outcome: Outcome, status: Int, id: RequestID) {
        self.outcome = outcome
        self.status = status
        self.id = id
    }
}

/// Bytes of a line's parts, `nil` where a part is missing.
struct LogLine: BitwiseCopyable {
    var client: weir_address
    var method: UnsafeRawBufferPointer?
    var host: UnsafeRawBufferPointer?
    var target: UnsafeRawBufferPointer?
    var route: UnsafeRawBufferPointer?
    var endpoint: UnsafeRawBufferPointer?
    var foreignID: UnsafeRawBufferPointer?
    /// Only for the combined format.
    var referer: UnsafeRawBufferPointer?
    /// Only for the combined format.
    var userAgent: UnsafeRawBufferPointer?
    var minorVersion: UInt8 = 1
    var isHTTP2 = false
    var id: RequestID
    /// The trace's id; only for JSON.
    var trace: RequestID?
    var status: Int
    var bytesIn: UInt64
    var bytesOut: UInt64
    /// Nanoseconds.
    var duration: Int64
    /// Nanoseconds from the head to the answer's first byte; `nil` if none came.
    var firstByte: Int64?
    var tries: Int
    var outcome: Outcome
    /// Why, where the outcome alone does not say it; only for JSON.
    var reason: UnsafeRawBufferPointer?
    /// How a call of gRPC ended; only for JSON.
    var callStatus: GRPCStatus?
}

/// A worker's access log lines until they go to the log thread: when the buffer is full, or at
/// most 100 ms after the first line.
struct AccessLogBuffer: ~Copyable {
    private let config: AccessLogConfig?
    private let queue: LogQueue
    private var writer: ByteWriter?
    private var lines = 0
    private var since = Instant.never
    /// The time as text, kept up to date by whoever writes lines.
    var dates = DateText()

    /// A buffer that writes lines in the form that the file asks for; nothing without `config`.
    init(_ config: AccessLogConfig?, queue: LogQueue) {
        self.config = config
        self.queue = queue
    }

    deinit { writer?.start.deallocate() }

    /// Whether requests are logged at all.
    var isOn: Bool { config != nil }

    /// Whether lines name referer and user agent.
    var namesAgents: Bool { config?.format == .combined }

    /// Whether lines wait to be handed over.
    var isWaiting: Bool { lines > 0 }

    /// Whether a request of this outcome goes into the log.
    func wants(_ outcome: Outcome, status: Int, random: () -> Double) -> Bool {
        guard let config else { return false }
        if outcome != .ok || status >= 500 { return true }
        if config.onlyErrors { return false }
        return config.sample >= 1 || random() < config.sample
    }

    /// Appends a line.
    mutating func append(_ line: consuming LogLine, now: Instant) {
        guard let config else { return }
        dates.update(now)
        for _ in 0..<3 {
            var writer =
                self.writer ?? ByteWriter(queue.memory.take(), capacity: BatchMemory.size)
            self.writer = writer
            switch config.format {
            case .json: writer.appendJSON(line, dates, masked: config.masksClient)
            case .combined: writer.appendCombined(line, dates, masked: config.masksClient)
            }
            if !writer.overflowed {
                self.writer = writer
                lines &+= 1
                if since == .never { since = now }
                return
            }
            // The line did not fit behind the others: it gets a buffer of its own.
            if lines > 0 {
                flush()
            } else if line.target != nil {
                // Longer than a whole buffer, escaped: better a line without its target than none.
                line.target = nil
            } else {
                queue.countDropped()
                return
            }
        }
    }

    /// Hands lines over if the first of them has waited 100 ms.
    mutating func flushIfOld(_ now: Instant) {
        if lines > 0, now - since >= 100_000_000 { flush() }
    }

    /// Hands over what there is.
    mutating func flush() {
        guard lines > 0, let writer else { return }
        queue.submit(
            LogBatch(target: .access, memory: writer.start, count: writer.count),
            lines: lines
        )
        self.writer = nil
        lines = 0
        since = .never
    }
}

extension Worker {
    /// Logs a forwarded request.
    mutating func log(_ exchange: UnsafeMutablePointer<Exchange>) {
        let status = Int(exchange.pointee.status)
        guard wantsLog(exchange.pointee.outcome, status) else { return }
        let request = exchange.pointee.request
        let isBegun = exchange.pointee.firstByte != .never
        let endpoint = Int(exchange.pointee.endpoint)
        let foreign = exchange.pointee.idRange
        var line = LogLine(
            client: exchange.pointee.client,
            method: request.bytes(exchange.pointee.methodRange),
            host: request.bytes(exchange.pointee.hostRange),
            target: request.bytes(exchange.pointee.targetRange),
            route: snapshot.routeNames[Int(exchange.pointee.route)],
            endpoint: endpoint >= 0 ? endpoints[endpoint].name : nil,
            foreignID: foreign.isEmpty ? nil : request.bytes(foreign),
            id: exchange.pointee.requestID,
            status: status,
            bytesIn: exchange.pointee.bytesIn,
            bytesOut: exchange.pointee.bytesOut,
            duration: now - exchange.pointee.started,
            firstByte: isBegun ? exchange.pointee.firstByte - exchange.pointee.started : nil,
            tries: Int(exchange.pointee.tries),
            outcome: exchange.pointee.outcome
        )
        line.minorVersion = exchange.pointee.flags.contains(.http10) ? 0 : 1
        line.isHTTP2 = down[exchange.pointee.downstream].isOfStream
        line.callStatus = exchange.pointee.callStatus
        line.trace = exchange.pointee.trace.id
        if accessLog.namesAgents { nameAgents(&line, request, end: exchange.pointee.headEnd) }
        accessLog.append(line, now: now)
    }

    /// Finds referer and user agent in the head that was sent upstream.
    private mutating func nameAgents(_ line: inout LogLine, _ request: Buffer, end: UInt32) {
        guard let bytes = request.head else { return }
        var parser = RequestParser()
        let span = RawSpan(_unsafeStart: bytes, byteCount: Int(end &- request.start))
        // Weir's own fields count too now, so the bounds are wider than for what came.
        let limits = HeadLimits(headSize: 1 << 20, fields: Int.max, targetSize: 1 << 20)
        guard (try? parser.parse(span, into: &fields, limits: limits)) != nil else { return }
        if let index = fields.first(.referer) {
            line.referer = UnsafeRawPointer(bytes).slice(fields[index].value)
        }
        if let index = fields.first(.userAgent) {
            line.userAgent = UnsafeRawPointer(bytes).slice(fields[index].value)
        }
    }

    /// Logs a request that Weir answered itself.
    mutating func log(_ entry: LogEntry) {
        guard wantsLog(entry.outcome, entry.status) else { return }
        var line = LogLine(
            client: entry.client,
            id: entry.id,
            status: entry.status,
            bytesIn: entry.bytesIn,
            bytesOut: entry.bytesOut,
            duration: 0,
            firstByte: 0,
            tries: 0,
            outcome: entry.outcome
        )
        if case .received(let bytes, let count) = entry.loggedID {
            line.foreignID = UnsafeRawBufferPointer(start: bytes, count: count)
        }
        line.callStatus = entry.callStatus
        line.trace = entry.trace.id
        if entry.route >= 0 { line.route = snapshot.routeNames[entry.route] }
        if let request = entry.request {
            let bytes = UnsafeRawPointer(request.bytes)
            line.method = bytes.slice(request.head.methodName)
            line.host = bytes.slice(request.head.authority)
            line.target = bytes.slice(request.head.target)
            line.minorVersion = request.head.minorVersion
            if accessLog.namesAgents {
                if let index = fields.first(.referer) {
                    line.referer = bytes.slice(fields[index].value)
                }
                if let index = fields.first(.userAgent) {
                    line.userAgent = bytes.slice(fields[index].value)
                }
            }
        }
        if var reason = entry.reason {
            reason.withUTF8 {
                line.reason = UnsafeRawBufferPointer($0)
                accessLog.append(line, now: now)
            }
        } else {
            accessLog.append(line, now: now)
        }
    }

    private mutating func wantsLog(_ outcome: Outcome, _ status: Int) -> Bool {
        let draw = random.next()
        return accessLog.wants(outcome, status: status) { Double(draw >> 11) * 0x1p-53 }
    }
}

extension UnsafeRawPointer {
    /// The bytes of a range.
    func slice(_ range: ByteRange) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self + range.start, count: Int(range.count))
    }
}

extension Buffer {
    /// The bytes of a range that is counted from the buffer's memory; `nil` without memory.
    func bytes(_ range: ByteRange) -> UnsafeRawBufferPointer? {
        base.map { UnsafeRawPointer($0).slice(range) }
    }
}
