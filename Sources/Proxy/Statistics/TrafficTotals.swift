import CLinux

/// What was counted of some requests, over all workers.
public struct TrafficTotals {
    /// By outcome.
    public var outcomes = [UInt64](repeating: 0, count: Outcome.allCases.count)
    /// By the first digit of the answer's status; the first one counts those without.
    public var statuses = [UInt64](repeating: 0, count: 6)
    /// Bytes received from clients.
    public var bytesIn: UInt64 = 0
    /// Bytes sent to them.
    public var bytesOut: UInt64 = 0
    /// Nanoseconds that they took, together.
    public var duration: UInt64 = 0
    /// Tries behind the first.
    public var retries: UInt64 = 0
    /// How many are under way; counters are read one by one, so it may be off for a moment.
    public var inFlight = 0
    /// What they took, one by one; of those that were forwarded.
    public var durations = DurationHistogram()

    /// How many ended.
    public var requests: UInt64 { outcomes.reduce(0, &+) }

    /// A count of nothing.
    public init() {}

    /// Adds what was counted elsewhere.
    public mutating func add(_ other: TrafficTotals) {
        for index in outcomes.indices { outcomes[index] &+= other.outcomes[index] }
        for index in statuses.indices { statuses[index] &+= other.statuses[index] }
        bytesIn &+= other.bytesIn
        bytesOut &+= other.bytesOut
        duration &+= other.duration
        retries &+= other.retries
        inFlight &+= other.inFlight
        durations.add(other.durations)
    }
}

/// What was counted of one endpoint, over all workers.
public struct EndpointTotals {
    /// Requests sent there, each try for itself.
    public var tries: UInt64 = 0
    /// Connections begun.
    public var connects: UInt64 = 0
    /// By the first digit of its answers' statuses.
    public var statuses = [UInt64](repeating: 0, count: 6)
    /// Tries for which no connection was had.
    public var connectFailures: UInt64 = 0
    /// Tries that took too long.
    public var timeouts: UInt64 = 0
    /// Tries whose connection broke.
    public var resets: UInt64 = 0
    /// Tries whose answer was no valid one.
    public var badAnswers: UInt64 = 0
    /// Bytes received from clients.
    public var bytesIn: UInt64 = 0
    /// Bytes sent to them.
    public var bytesOut: UInt64 = 0
    /// Nanoseconds from tries to the heads of their answers, together.
    public var answerTime: UInt64 = 0
    /// The same one by one.
    public var answerTimes = DurationHistogram()

    /// Tries that failed without an answer, by kind.
    public var failures: [(kind: String, count: UInt64)] {
        [
            ("connect-failure", connectFailures), ("timeout", timeouts), ("reset", resets),
            ("bad-answer", badAnswers),
        ]
    }

    /// How many answers came.
    public var answers: UInt64 { statuses.reduce(0, &+) }

    /// A count of nothing.
    public init() {}

    /// Adds what was counted elsewhere.
    public mutating func add(_ other: EndpointTotals) {
        tries &+= other.tries
        connects &+= other.connects
        for index in statuses.indices { statuses[index] &+= other.statuses[index] }
        connectFailures &+= other.connectFailures
        timeouts &+= other.timeouts
        resets &+= other.resets
        badAnswers &+= other.badAnswers
        bytesIn &+= other.bytesIn
        bytesOut &+= other.bytesOut
        answerTime &+= other.answerTime
        answerTimes.add(other.answerTimes)
    }
}

/// What was counted of one listener besides its requests, over all workers.
public struct ListenerTotals: Sendable {
    /// Connections accepted.
    public var connections: UInt64 = 0
    /// TLS handshakes done, and those of them that resumed a session.
    public var handshakes: UInt64 = 0
    /// See ``handshakes``.
    public var resumed: UInt64 = 0
    /// Handshakes that failed or took too long.
    public var handshakeFailures: UInt64 = 0
    /// Connections that speak HTTP/2.
    public var http2: UInt64 = 0
    /// Connections closed at once, as their client had `limits.max-connections-per-client`.
    public var refused: UInt64 = 0
    /// Times that a worker paused accepting for want of room: connections or descriptors.
    public var pauses: UInt64 = 0
    /// Times that a worker paused accepting, as there were as many handshakes as there may be.
    public var handshakePauses: UInt64 = 0
    /// Connections that stand now.
    public var active = 0

    /// A count of nothing.
    public init() {}

    /// Adds what was counted elsewhere.
    public mutating func add(_ other: ListenerTotals) {
        connections &+= other.connections
        handshakes &+= other.handshakes
        resumed &+= other.resumed
        handshakeFailures &+= other.handshakeFailures
        http2 &+= other.http2
        refused &+= other.refused
        pauses &+= other.pauses
        handshakePauses &+= other.handshakePauses
        active += other.active
    }
}

/// What one worker said of itself at the end of its last turn.
public struct WorkerReport: Sendable {
    /// Turns of its loop.
    public var turns: UInt64
    /// When the last one began, in nanoseconds of the monotonic clock.
    public var lastTurn: Int64
    /// Connections of clients, and streams of HTTP/2.
    public var clients: Int
    /// Requests under way.
    public var exchanges: Int
    /// Connections to servers, idle ones included.
    public var servers: Int
    /// Bytes in buffers that connections hold.
    public var bufferBytes: Int
    /// Bytes of blocks in which frames of HTTP/2 wait to be sent.
    public var frameBytes: Int
    /// Bytes of the places that connections and requests have had so far.
    public var tableBytes: Int
    /// Bytes of its histograms.
    public var histogramBytes: Int
    /// Nanoseconds that the longest turn of the last ten to twenty seconds took.
    public var longestTurn: Int64
    /// Turns longer than `limits.loop-lag`.
    public var lateTurns: UInt64
    /// By outcome: the answers that it made itself.
    public var localResponses: [UInt64]
}

extension WorkerStatistics {
    /// Adds what was counted of a listener and a route, `nil` for what no route took.
    ///
    /// `withDurations`: whether its histogram too, which takes longer.
    public func add(
        listener: Int,
        route: Int?,
        withDurations: Bool,
        to totals: inout TrafficTotals
    ) {
        let row = traffic.row(listener * rowsPerListener + (route ?? rowsPerListener - 1))
        func read(_ column: Int) -> UInt64 { weir_count_read(row + column) }
        for index in totals.outcomes.indices {
            totals.outcomes[index] &+= read(TrafficColumn.outcomes + index)
        }
        for index in totals.statuses.indices {
            totals.statuses[index] &+= read(TrafficColumn.statuses + index)
        }
        totals.bytesIn &+= read(TrafficColumn.bytesIn)
        totals.bytesOut &+= read(TrafficColumn.bytesOut)
        totals.duration &+= read(TrafficColumn.duration)
        totals.retries &+= read(TrafficColumn.retries)
        totals.inFlight &+= Int(truncatingIfNeeded: read(TrafficColumn.inFlight))
        if withDurations { Self.read(row + TrafficColumn.histogram, into: &totals.durations) }
    }

    /// Adds what was counted of an endpoint, given by its place among those of all pools.
    public func add(endpoint: Int, to totals: inout EndpointTotals) {
        let row = endpoints.row(endpoint)
        func read(_ column: Int) -> UInt64 { weir_count_read(row + column) }
        totals.tries &+= read(EndpointColumn.tries)
        totals.connects &+= read(EndpointColumn.connects)
        for index in totals.statuses.indices {
            totals.statuses[index] &+= read(EndpointColumn.statuses + index)
        }
        totals.connectFailures &+= read(EndpointColumn.connectFailures)
        totals.timeouts &+= read(EndpointColumn.timeouts)
        totals.resets &+= read(EndpointColumn.resets)
        totals.badAnswers &+= read(EndpointColumn.badAnswers)
        totals.bytesIn &+= read(EndpointColumn.bytesIn)
        totals.bytesOut &+= read(EndpointColumn.bytesOut)
        totals.answerTime &+= read(EndpointColumn.answerTime)
        Self.read(row + EndpointColumn.histogram, into: &totals.answerTimes)
    }

    /// Adds what was counted of a listener besides its requests.
    public func add(listener: Int, to totals: inout ListenerTotals) {
        let row = listeners.row(listener)
        totals.connections &+= weir_count_read(row + ListenerColumn.connections)
        totals.handshakes &+= weir_count_read(row + ListenerColumn.handshakes)
        totals.resumed &+= weir_count_read(row + ListenerColumn.resumed)
        totals.handshakeFailures &+= weir_count_read(row + ListenerColumn.handshakeFailures)
        totals.http2 &+= weir_count_read(row + ListenerColumn.http2)
        totals.refused &+= weir_count_read(row + ListenerColumn.refused)
        totals.pauses &+= weir_count_read(row + ListenerColumn.pauses)
        totals.handshakePauses &+= weir_count_read(row + ListenerColumn.handshakePauses)
    }

    /// What the worker said of itself.
    public var report: WorkerReport {
        let row = worker.row(0)
        func read(_ column: Int) -> Int { Int(truncatingIfNeeded: weir_count_read(row + column)) }
        return WorkerReport(
            turns: weir_count_read(row + WorkerColumn.turns),
            lastTurn: Int64(read(WorkerColumn.lastTurn)),
            clients: read(WorkerColumn.clients),
            exchanges: read(WorkerColumn.exchanges),
            servers: read(WorkerColumn.servers),
            bufferBytes: read(WorkerColumn.bufferBytes),
            frameBytes: read(WorkerColumn.frameBytes),
            tableBytes: read(WorkerColumn.tableBytes),
            histogramBytes: read(WorkerColumn.histogramBytes),
            longestTurn: Int64(
                max(read(WorkerColumn.longestTurn), read(WorkerColumn.longestBefore))
            ),
            lateTurns: weir_count_read(row + WorkerColumn.lateTurns),
            localResponses: Outcome.allCases.map { outcome in
                weir_count_read(row + WorkerColumn.localResponses + Int(outcome.rawValue))
            }
        )
    }
}
