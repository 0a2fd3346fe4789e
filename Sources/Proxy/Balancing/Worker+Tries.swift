import Balancing
import EventLoop
import HTTP
import Health

/// Counts what the endpoints have under way, and tells strategies how tries ended.
extension Worker {
    /// An endpoint for the exchange's next try: one that was not tried yet, while one is left;
    /// then any.
    mutating func pick(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>
    ) -> EndpointIndex? {
        let balancer = pool.pointee.balancer
        var request = PickRequest(now: now.nanoseconds, tried: exchange.pointee.tried)
        let stuckTo = Int(exchange.pointee.stuckTo)
        if stuckTo >= 0, !request.tried.contains(stuckTo), balancer.accepts(sticky: stuckTo) {
            return stuckTo
        }
        if exchange.pointee.flags.contains(.hasKey) {
            request.key = exchange.pointee.key
            request.hasKey = true
        }
        if let pick = balancer.pick(request, random: &random) { return pick }
        if request.tried.isEmpty { return nil }
        request.tried = TriedEndpoints()
        return balancer.pick(request, random: &random)
    }

    /// A try at the exchange's endpoint begins.
    ///
    /// `isAdmitted`: whether it counts there already, having been let in by the pool's bounds.
    mutating func beginTry(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>,
        isAdmitted: Bool
    ) {
        let endpoint = Int(exchange.pointee.endpoint)
        countTry(endpoint)
        let block = endpointStates[endpoint].block
        if !isAdmitted {
            exchange.pointee.inFlight =
                block.pointee.inFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        } else {
            exchange.pointee.inFlight = block.pointee.inFlight.load(ordering: .relaxed) &- 1
        }
        exchange.pointee.flags.insert(.counted)
        exchange.pointee.flags.subtract([.told, .toldFailure])
        exchange.pointee.tryBegan = now
        if pool.pointee.countsBytes {
            let kept = exchange.pointee.request.end &- exchange.pointee.headEnd
            addTransfer(exchange, UInt64(kept) &+ (exchange.pointee.requestBody.remaining ?? 0))
        }
    }

    /// Nothing of the exchange is under way at its endpoint any more.
    mutating func endTry(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.flags.contains(.counted) else { return }
        exchange.pointee.flags.remove(.counted)
        let block = endpointStates[Int(exchange.pointee.endpoint)].block
        block.pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
        let pool = Int(exchange.pointee.pool)
        if pools[pool].gate != nil { noteRoom(pool) }
        if exchange.pointee.transfer != 0 {
            block.pointee.bytesInTransfer.wrappingSubtract(
                exchange.pointee.transfer,
                ordering: .relaxed
            )
            exchange.pointee.transfer = 0
        }
    }

    /// So many bytes more are to pass to or from the endpoint.
    ///
    /// Of one message a gibibyte counts at most, so that no announced length outweighs all others.
    private mutating func addTransfer(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ announced: UInt64
    ) {
        let count = Int64(min(announced, 1 << 30))
        exchange.pointee.transfer &+= count
        endpointStates[Int(exchange.pointee.endpoint)].block.pointee.bytesInTransfer
            .wrappingAdd(count, ordering: .relaxed)
    }

    /// Tells how the try ended: the strategy, if it wants to know, and what decides on ejection.
    ///
    /// Once, but for a failure behind an answer's head. `verdict`: `nil` if the end says nothing
    /// of the endpoint.
    mutating func tell(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ kind: TryResult.Kind,
        _ verdict: TryVerdict?,
        retryAfter: Int64 = 0
    ) {
        let said: Exchange.Flags = kind == .failed ? .toldFailure : .told
        guard exchange.pointee.flags.contains(.counted),
            !exchange.pointee.flags.contains(said)
        else { return }
        exchange.pointee.flags.formUnion(kind == .failed ? [.told, .toldFailure] : .told)
        let pool = pools + Int(exchange.pointee.pool)
        let endpoint = Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint
        if let verdict { judge(exchange, pool, endpoint, verdict) }
        guard pool.pointee.observesResults else { return }
        let result = TryResult(
            now: now.nanoseconds,
            latency: max(0, now - exchange.pointee.tryBegan),
            inFlight: exchange.pointee.inFlight,
            kind: kind,
            retryAfter: retryAfter
        )
        pool.pointee.balancer.answered(endpoint, result, random: &random)
    }

    /// An answer's head has come: tells how the try ended, and counts what is announced.
    mutating func tellAnswer(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer
    ) {
        let pool = pools + Int(exchange.pointee.pool)
        if pool.pointee.countsBytes, let owed = exchange.pointee.answerBody.remaining {
            addTransfer(exchange, owed)
        }
        countAnswer(exchange, status: head.status)
        let verdict = verdict(status: head.status, exchange)
        guard isFailure(head.status) else {
            let flags = exchange.pointee.flags.intersection([.requestComplete, .awaitsStatus])
            if flags == .requestComplete {
                tell(exchange, .answered, verdict)
            } else if flags.contains(.awaitsStatus) {
                if flags.contains(.requestComplete) { tell(exchange, .answered, nil) }
            } else {
                // How long an unfinished request took so far is the client's doing.
                let endpoint = Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint
                judge(exchange, pool, endpoint, verdict)
            }
            return
        }
        // What one client is told to wait, by 429, is not the endpoint's state.
        let wait = head.status == 503 ? retryAfter(head, source) : 0
        tell(exchange, .failed, verdict, retryAfter: wait)
    }

    /// Whether a status says that the server cannot take more or is broken: 429 and 5xx, but for
    /// those by which it refuses what this client asks (501, 505).
    private mutating func isFailure(_ status: UInt16) -> Bool {
        status == 429 || (status >= 500 && status != 501 && status != 505)
    }

    /// The exchange ends while its try counts as under way.
    mutating func tellEnd(_ exchange: UnsafeMutablePointer<Exchange>, _ outcome: Outcome) {
        countFailure(Int(exchange.pointee.endpoint), outcome)
        switch outcome {
        case .connectFailed, .untrustedServer: tell(exchange, .failed, .connectFailure)
        case .connectTimeout, .responseTimeout: tell(exchange, .failed, .timeout)
        // Silence inside an answer is what some streams are like, and may be the client's doing.
        case .streamTimeout: tell(exchange, .failed, nil)
        case .upstreamReset: tell(exchange, .failed, .reset)
        case .badAnswer: tell(exchange, .failed, verdict(status: 502, exchange))
        case .clientAborted, .totalTimeout:
            if exchange.pointee.flags.contains(.requestComplete) {
                tell(exchange, .abandoned, nil)
            }
        default: break
        }
        abandonProbe(exchange)
    }
}

/// The seconds of a `Retry-After`, at most a day; `nil` for a date or nonsense.
///
/// Dates are rare here, and whoever sends one has a clock that need not be right.
func retryAfterSeconds(_ value: ByteRange, of bytes: RawSpan) -> Int64? {
    guard !value.isEmpty, value.end <= bytes.byteCount else { return nil }
    var seconds: Int64 = 0
    for offset in value.start..<value.end {
        let digit = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) &- 0x30
        guard digit <= 9 else { return nil }
        seconds = min(86_400, seconds &* 10 &+ Int64(digit))
    }
    return seconds
}
