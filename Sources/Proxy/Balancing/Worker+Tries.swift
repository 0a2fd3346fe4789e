import Balancing
import EventLoop
import HTTP

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
    mutating func beginTry(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>
    ) {
        let block = endpointStates[Int(exchange.pointee.endpoint)].block
        exchange.pointee.inFlight =
            block.pointee.inFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        exchange.pointee.flags.insert(.counted)
        exchange.pointee.flags.remove(.told)
        exchange.pointee.tryBegan = now
        if pool.pointee.countsBytes, let owed = exchange.pointee.requestBody.remaining {
            addTransfer(exchange, Int64(clamping: owed))
        }
    }

    /// Nothing of the exchange is under way at its endpoint any more.
    mutating func endTry(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.flags.contains(.counted) else { return }
        exchange.pointee.flags.remove(.counted)
        let block = endpointStates[Int(exchange.pointee.endpoint)].block
        block.pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
        if exchange.pointee.transfer != 0 {
            block.pointee.bytesInTransfer.wrappingSubtract(
                exchange.pointee.transfer,
                ordering: .relaxed
            )
            exchange.pointee.transfer = 0
        }
    }

    /// The endpoint has announced or sent so many bytes more.
    func addTransfer(_ exchange: UnsafeMutablePointer<Exchange>, _ count: Int64) {
        exchange.pointee.transfer &+= count
        endpointStates[Int(exchange.pointee.endpoint)].block.pointee.bytesInTransfer
            .wrappingAdd(count, ordering: .relaxed)
    }

    /// Tells the strategy how the try ended, once, if it wants to know.
    mutating func tell(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ kind: TryResult.Kind,
        retryAfter: Int64 = 0
    ) {
        let pool = pools + Int(exchange.pointee.pool)
        guard pool.pointee.observesResults, exchange.pointee.flags.contains(.counted),
            !exchange.pointee.flags.contains(.told)
        else { return }
        exchange.pointee.flags.insert(.told)
        let result = TryResult(
            now: now.nanoseconds,
            latency: max(0, now - exchange.pointee.tryBegan),
            inFlight: exchange.pointee.inFlight,
            kind: kind,
            retryAfter: retryAfter
        )
        let endpoint = Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint
        pool.pointee.balancer.answered(endpoint, result, random: &random)
    }

    /// An answer's head has come: tells the strategy, and counts what is announced.
    mutating func tellAnswer(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer
    ) {
        let pool = pools + Int(exchange.pointee.pool)
        if pool.pointee.countsBytes, let owed = exchange.pointee.answerBody.remaining {
            addTransfer(exchange, Int64(clamping: owed))
        }
        guard pool.pointee.observesResults else { return }
        guard head.status >= 500 || head.status == 429 else {
            tell(exchange, .answered)
            return
        }
        var wait: Int64 = 0
        if let index = fields.first(.retryAfter) {
            let value = fields[index].value
            let bytes = RawSpan(_unsafeStart: source, byteCount: head.headSize)
            wait = retryAfterSeconds(value, of: bytes).map { $0 &* 1_000_000_000 } ?? 0
        }
        tell(exchange, .failed, retryAfter: wait)
    }

    /// The try has failed by the endpoint's or the network's fault.
    mutating func tellFailure(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ outcome: Outcome
    ) {
        switch outcome {
        case .connectFailed, .connectTimeout, .responseTimeout, .upstreamReset, .badAnswer,
            .streamTimeout:
            tell(exchange, .failed)
        default: tell(exchange, .abandoned)
        }
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
