import EventLoop
import HTTP
import Health

/// What is particular about calls of gRPC: they end with a status of their own, behind the answer's
/// body, and say for how long their client waits.
extension Worker {
    /// The exchange that has just begun is a call: its client's deadline is its own.
    mutating func noteCall(_ slot: Int32) {
        guard slot >= 0, !exchanges[slot].pointee.flags.contains(.upgrade),
            let call = call(exchanges[slot])
        else { return }
        let exchange = exchanges[slot]
        exchange.pointee.flags.insert(.call)
        guard let timeout = call.timeout else { return }
        let deadline = exchange.pointee.started + timeout
        guard deadline < exchange.pointee.deadline else { return }
        exchange.pointee.deadline = deadline
        let upstream = exchange.pointee.upstream
        if upstream >= 0 {
            setDeadline(upstream: upstream, min(up[upstream].pointee.deadline, deadline))
        }
        if exchange.pointee.wait != .none { setWait(slot, until: exchange.pointee.waitsUntil) }
    }

    /// What the head of the exchange's request says of a call; `nil` for what is none.
    private mutating func call(_ exchange: UnsafeMutablePointer<Exchange>) -> GRPCCall? {
        guard let head = exchange.pointee.request.head else { return nil }
        let count = Int(exchange.pointee.headEnd &- exchange.pointee.request.start)
        return GRPCCall(head: RawSpan(_unsafeStart: head, byteCount: count))
    }

    /// Whether the exchange's client speaks gRPC; it need not be noted yet.
    mutating func isCall(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        if exchange.pointee.flags.contains(.call) { return true }
        return down[exchange.pointee.downstream].isOfStream
            && !exchange.pointee.flags.contains(.upgrade) && call(exchange) != nil
    }

    /// Whether a request that is not forwarded is a call; its fields are those parsed last.
    mutating func isCall(_ slot: Int32, _ request: ReceivedRequest) -> Bool {
        guard down[slot].isOfStream, request.head.upgrade == .none,
            let index = fields.first(.contentType)
        else { return false }
        let head = RawSpan(_unsafeStart: request.bytes, byteCount: request.head.headSize)
        return head.beginsGRPC(fields[index].value)
    }

    // MARK: Answers

    /// The final head of a call's answer has come.
    ///
    /// False if it is not passed on, since another try follows.
    mutating func takeCallHead(
        _ slot: Int32,
        _ stream: Int32,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer
    ) -> Bool {
        let exchange = exchanges[slot]
        let side = up[stream].pointee.streams
        let isWhole = side.flags.contains(.serverEnded) && side.answerTrailers.isEmpty
        if isWhole {
            let text = RawSpan(_unsafeStart: source, byteCount: head.headSize)
            exchange.pointee.callStatus = GRPCStatus(head: text)
        }
        exchange.pointee.status = head.status
        if let status = exchange.pointee.callStatus,
            route(exchange).pointee.retryStatuses.contains(call: status),
            retries(slot, .callStatus)
        {
            return false
        }
        if retriesAnswer(slot, head, source) { return false }
        let counted = pools[Int(exchange.pointee.pool)].countedStatuses
        guard counted.namesCalls else { return true }
        if isWhole {
            judgeCall(exchange)
        }
        exchange.pointee.flags.insert(.awaitsStatus)
        return true
    }

    /// A call's answer is complete; `status` is what its trailers say.
    mutating func callEnded(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ status: GRPCStatus?
    ) {
        guard exchange.pointee.callStatus == nil else { return }
        exchange.pointee.callStatus = status
        if exchange.pointee.flags.contains(.awaitsStatus) { judgeCall(exchange) }
    }

    /// The answer ends without trailers: a call is without a status then, which counts as unknown.
    mutating func noteCallWithoutStatus(_ exchange: UnsafeMutablePointer<Exchange>) {
        if exchange.pointee.flags.contains(.call) { callEnded(exchange, nil) }
    }

    private mutating func judgeCall(_ exchange: UnsafeMutablePointer<Exchange>) {
        let pool = pools + Int(exchange.pointee.pool)
        let place = Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint
        judge(exchange, pool, place, verdict(ofCall: exchange))
    }

    /// What a call's status says of the endpoint.
    mutating func verdict(ofCall exchange: UnsafeMutablePointer<Exchange>) -> TryVerdict {
        let status = exchange.pointee.callStatus ?? .unknown
        let counted = pools[Int(exchange.pointee.pool)].countedStatuses
        return counted.contains(call: status) ? .countedAnswer : .good
    }

    // MARK: Answers of Weir's own

    /// A call cannot succeed: its client is told so in gRPC's own way.
    mutating func failCall(_ slot: Int32, _ outcome: Outcome) {
        exchanges[slot].pointee.callStatus = outcome.callStatus
        sendOwnAnswer(slot, outcome, status: 200) { worker, _ in
            let id = worker.writtenID(worker.exchanges[slot])
            worker.writeOwnCallAnswer(outcome, id: id)
            return []
        }
    }

    /// Writes the answer to a call to `out`: a head that is all of it.
    mutating func writeOwnCallAnswer(
        _ outcome: Outcome,
        id: WrittenID,
        because reason: StaticString? = nil
    ) {
        out.append("HTTP/1.1 200 OK\r\nDate: ")
        accessLog.dates.appendHTTPDate(now, to: &out)
        out.append("\r\nContent-Type: application/grpc\r\ngrpc-status: ")
        out.append(decimal: UInt64(outcome.callStatus.rawValue))
        out.append("\r\ngrpc-message: ")
        out.append(reason ?? outcome.explanation)
        out.append("\r\nx-weir-outcome: ")
        out.append(outcome.word)
        out.append("\r\nx-request-id: ")
        append(id)
        out.append("\r\n\r\n")
    }
}

extension Outcome {
    /// How a call of gRPC ends that Weir itself has to end.
    var callStatus: GRPCStatus {
        switch self {
        case .ok: .ok
        case .badRequest, .versionRefused: .internal
        case .headTooLarge, .targetTooLong, .bodyTooLarge: .resourceExhausted
        case .methodRefused, .protocolRefused, .noRoute: .unimplemented
        case .responseTimeout, .streamTimeout, .totalTimeout: .deadlineExceeded
        case .clientAborted: .cancelled
        case .handshakeFailed, .handshakeTimeout, .headTimeout, .bodyTimeout, .sendTimeout,
            .misdirected, .noEndpoint, .connectFailed, .connectTimeout, .untrustedServer,
            .upstreamReset, .badAnswer, .poolFull, .overloaded, .shutdown:
            .unavailable
        }
    }
}
