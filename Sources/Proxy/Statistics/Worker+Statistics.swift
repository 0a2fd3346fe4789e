import CLinux
import EventLoop

/// What a worker counts, for the admin API.
extension Worker {
    // MARK: Requests

    /// A request is under way from now on, until ``count(_:_:)``.
    mutating func countBegun(_ exchange: UnsafeMutablePointer<Exchange>) {
        trafficRow(exchange).add(TrafficColumn.inFlight)
    }

    /// A request that was under way has ended.
    mutating func count(_ exchange: UnsafeMutablePointer<Exchange>, _ outcome: Outcome) {
        let row = trafficRow(exchange)
        let (bytesIn, bytesOut) = (exchange.pointee.bytesIn, exchange.pointee.bytesOut)
        row.add(TrafficColumn.inFlight, UInt64.max)
        row.add(TrafficColumn.outcomes &+ Int(outcome.rawValue))
        row.add(TrafficColumn.statuses &+ Self.digit(exchange.pointee.status))
        row.add(TrafficColumn.bytesIn, bytesIn)
        row.add(TrafficColumn.bytesOut, bytesOut)
        let duration = max(0, now - exchange.pointee.started)
        row.add(TrafficColumn.duration, UInt64(bitPattern: duration))
        row.add(TrafficColumn.histogram, duration: duration, statistics, mayBeFine: true)
        if exchange.pointee.tries > 1 {
            row.add(TrafficColumn.retries, UInt64(exchange.pointee.tries &- 1))
        }
        let endpoint = Int(exchange.pointee.endpoint)
        guard endpoint >= 0 else { return }
        let own = statistics.endpoints.row(endpoint)
        own.add(EndpointColumn.bytesIn, bytesIn)
        own.add(EndpointColumn.bytesOut, bytesOut)
    }

    /// Something ends that was not forwarded.
    mutating func count(_ entry: LogEntry, of slot: Int32) {
        let row = trafficRow(Int(down[slot].pointee.listener), route: entry.route)
        row.add(TrafficColumn.outcomes &+ Int(entry.outcome.rawValue))
        row.add(TrafficColumn.statuses &+ Self.digit(UInt16(truncatingIfNeeded: entry.status)))
        row.add(TrafficColumn.bytesIn, entry.bytesIn)
        row.add(TrafficColumn.bytesOut, entry.bytesOut)
    }

    /// A connection ends before its first request.
    mutating func countUnanswered(_ entry: LogEntry, of slot: Int32) {
        var entry = entry
        entry.status = 0
        count(entry, of: slot)
    }

    /// An answer is made here, for this reason.
    mutating func countLocalResponse(_ outcome: Outcome) {
        statistics.worker.row(0).add(WorkerColumn.localResponses &+ Int(outcome.rawValue))
    }

    /// Counts in other rows from now on; what is under way is under way there.
    mutating func count(in others: WorkerStatistics) {
        others.takeWorker(from: statistics)
        for slot in 0..<exchanges.usedLimit where exchanges.isInUse(slot) {
            trafficRow(exchanges[slot]).add(TrafficColumn.inFlight, UInt64.max)
        }
        statistics = others
        for slot in 0..<exchanges.usedLimit where exchanges.isInUse(slot) {
            countBegun(exchanges[slot])
        }
    }

    private mutating func trafficRow(_ exchange: UnsafeMutablePointer<Exchange>)
        -> UnsafeMutablePointer<UInt64>
    {
        let listener = Int(down[exchange.pointee.downstream].pointee.listener)
        return trafficRow(listener, route: Int(exchange.pointee.route))
    }

    private mutating func trafficRow(_ listener: Int, route: Int) -> UnsafeMutablePointer<UInt64> {
        let place = route >= 0 ? route : statistics.rowsPerListener &- 1
        return statistics.traffic.row(listener &* statistics.rowsPerListener &+ place)
    }

    /// The first digit of a status; 0 for what is none.
    private static func digit(_ status: UInt16) -> Int {
        let digit = Int(status) / 100
        return digit <= 5 ? digit : 0
    }

    // MARK: Endpoints

    /// A request is sent to an endpoint.
    mutating func countTry(_ endpoint: Int) {
        statistics.endpoints.row(endpoint).add(EndpointColumn.tries)
    }

    /// A connection to an endpoint is begun.
    mutating func countConnect(_ endpoint: Int) {
        statistics.endpoints.row(endpoint).add(EndpointColumn.connects)
    }

    /// An endpoint has answered.
    mutating func countAnswer(_ exchange: UnsafeMutablePointer<Exchange>, status: UInt16) {
        let row = statistics.endpoints.row(Int(exchange.pointee.endpoint))
        row.add(EndpointColumn.statuses &+ Self.digit(status))
        let time = max(0, now - exchange.pointee.tryBegan)
        row.add(EndpointColumn.answerTime, UInt64(bitPattern: time))
        row.add(EndpointColumn.histogram, duration: time, statistics, mayBeFine: false)
    }

    /// A try has failed, and another one follows.
    mutating func countTried(_ exchange: UnsafeMutablePointer<Exchange>, _ failure: TryFailure) {
        switch failure {
        case .status, .callStatus: countAnswer(exchange, status: exchange.pointee.status)
        default: countFailure(Int(exchange.pointee.endpoint), failure.outcome)
        }
    }

    /// A try has ended: in failure, if this outcome is one of the endpoint's.
    mutating func countFailure(_ endpoint: Int, _ outcome: Outcome) {
        let column: Int
        switch outcome {
        case .connectFailed, .untrustedServer: column = EndpointColumn.connectFailures
        case .connectTimeout, .responseTimeout, .streamTimeout: column = EndpointColumn.timeouts
        case .upstreamReset: column = EndpointColumn.resets
        case .badAnswer: column = EndpointColumn.badAnswers
        default: return
        }
        statistics.endpoints.row(endpoint).add(column)
    }

    // MARK: Connections

    /// A client's connection is encrypted from now on.
    mutating func countHandshake(_ downstream: UnsafeMutablePointer<Downstream>) {
        let row = statistics.listeners.row(Int(downstream.pointee.listener))
        row.add(ListenerColumn.handshakes)
        if downstream.pointee.secure.connection?.isResumed == true {
            row.add(ListenerColumn.resumed)
        }
    }

    // MARK: The worker itself

    /// Nanoseconds over which the longest turn is looked for.
    private static var window: Int64 { 10_000_000_000 }

    /// Says at the end of a turn how things stand; `duration` is what it took, in nanoseconds.
    mutating func report(duration: Int64) {
        let row = statistics.worker.row(0)
        row.add(WorkerColumn.turns)
        weir_count_set(row + WorkerColumn.lastTurn, UInt64(bitPattern: now.nanoseconds))
        weir_count_set(row + WorkerColumn.clients, UInt64(truncatingIfNeeded: down.count))
        weir_count_set(row + WorkerColumn.exchanges, UInt64(truncatingIfNeeded: exchanges.count))
        weir_count_set(row + WorkerColumn.servers, UInt64(truncatingIfNeeded: up.count))
        weir_count_set(
            row + WorkerColumn.bufferBytes,
            UInt64(truncatingIfNeeded: buffers.bytesInUse)
        )
        let tables = down.usedBytes &+ up.usedBytes &+ exchanges.usedBytes
        weir_count_set(row + WorkerColumn.tableBytes, UInt64(truncatingIfNeeded: tables))
        weir_count_set(
            row + WorkerColumn.frameBytes,
            UInt64(truncatingIfNeeded: frames.bytesInUse)
        )
        if now.nanoseconds &- Int64(bitPattern: row[WorkerColumn.windowStart]) > Self.window {
            weir_count_set(row + WorkerColumn.windowStart, UInt64(bitPattern: now.nanoseconds))
            weir_count_set(row + WorkerColumn.longestBefore, row[WorkerColumn.longestTurn])
            weir_count_set(row + WorkerColumn.longestTurn, 0)
        }
        if duration > Int64(bitPattern: row[WorkerColumn.longestTurn]) {
            weir_count_set(row + WorkerColumn.longestTurn, UInt64(bitPattern: duration))
        }
        if isLate { row.add(WorkerColumn.lateTurns) }
    }
}
