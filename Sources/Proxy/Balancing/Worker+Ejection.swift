import Balancing
import EventLoop
import Health

/// Tells what decides on ejection how tries ended, and sends single requests to endpoints that may
/// be well again.
extension Worker {
    /// What an answer's status says of the endpoint.
    mutating func verdict(
        status: UInt16,
        _ exchange: UnsafeMutablePointer<Exchange>
    ) -> TryVerdict {
        if pools[Int(exchange.pointee.pool)].countedStatuses.contains(status) {
            return .countedAnswer
        }
        return status >= 500 ? .errorAnswer : .good
    }

    /// What a failed try says of the endpoint.
    mutating func verdict(
        _ failure: TryFailure,
        _ exchange: UnsafeMutablePointer<Exchange>
    ) -> TryVerdict {
        switch failure {
        case .connectFailed, .noDescriptor, .handshakeFailed: .connectFailure
        case .closedUnseen, .refused, .reset: .reset
        case .connectTimeout, .timeout: .timeout
        case .status: verdict(status: exchange.pointee.status, exchange)
        case .callStatus: verdict(ofCall: exchange)
        // As if another proxy had said so.
        case .badAnswer: verdict(status: 502, exchange)
        }
    }

    /// Counts how a try ended, which may eject the endpoint or bring it back.
    mutating func judge(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>,
        _ endpoint: EndpointIndex,
        _ verdict: TryVerdict
    ) {
        let wasProbe = exchange.pointee.flags.contains(.probing)
        if wasProbe { exchange.pointee.flags.remove(.probing) }
        let latency = max(0, now - exchange.pointee.tryBegan)
        let time = now.nanoseconds
        let change = pool.pointee.health._withUnsafeGuaranteedRef {
            $0.tryEnded(
                endpoint,
                verdict,
                wasProbe: wasProbe,
                latency: latency,
                now: time,
                random: exchange.pointee.requestID.low
            )
        }
        guard let change else { return }
        shared.control.post(.ejection(pool: Int(exchange.pointee.pool), change))
    }

    /// Whether an endpoint of the pool waits for a request to find out whether it is well.
    mutating func hasHalfOpen(_ pool: UnsafeMutablePointer<PoolState>) -> Bool {
        pool.pointee.health._withUnsafeGuaranteedRef {
            $0.shared.halfOpen.load(ordering: .relaxed) > 0
        }
    }

    /// An ejected endpoint that may be well again, if this request is to find out: one that can be
    /// sent again elsewhere if it is not.
    ///
    /// In a bounded pool its room is taken; requests that wait are not asked first, or an endpoint
    /// could never come back while there are some.
    mutating func claimProbe(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>
    ) -> EndpointIndex? {
        guard hasHalfOpen(pool) else { return nil }
        let flags = exchange.pointee.flags
        guard flags.isSuperset(of: [.idempotent, .resendable, .requestComplete]),
            !flags.contains(.upgrade), exchange.pointee.uncounted == 0
        else { return nil }
        let tried = exchange.pointee.tried
        let time = now.nanoseconds
        let balancer = pool.pointee.balancer
        let claimed = pool.pointee.health._withUnsafeGuaranteedRef {
            $0.claimProbe(excluding: tried, now: time, where: balancer.isWeighted)
        }
        guard let claimed else { return nil }
        guard isAdmitted(exchange, pool, at: claimed) else {
            pool.pointee.health._withUnsafeGuaranteedRef { $0.probeAbandoned(claimed, now: time) }
            return nil
        }
        exchange.pointee.flags.insert(.probing)
        exchange.pointee.uncounted = 1
        return claimed
    }

    /// The exchange leaves an endpoint about which it was to find out, if there is one: another
    /// request may.
    mutating func abandonProbe(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.flags.contains(.probing) else { return }
        exchange.pointee.flags.remove(.probing)
        let pool = pools + Int(exchange.pointee.pool)
        let endpoint = Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint
        let time = now.nanoseconds
        pool.pointee.health._withUnsafeGuaranteedRef { $0.probeAbandoned(endpoint, now: time) }
    }
}
