import Balancing
import EventLoop
import HTTP
import Health

extension Worker {
    /// The longest `Retry-After` that a request waits for, in nanoseconds; beyond, the answer that
    /// has it goes to the client.
    private static let longestRetryAfter: Int64 = 10_000_000_000
    /// Requests that are told to the retry budget together.
    private static let depositBatch: UInt32 = 16

    /// A try has ended without an answer: another one begins, now or later, or the exchange fails.
    mutating func retryOrFail(_ slot: Int32, _ failure: TryFailure) {
        if retries(slot, failure) { return }
        let isUnseen = failure.isUnseen
        let exchange = exchanges[slot]
        let isInTime = now < exchange.pointee.triesDeadline && now < exchange.pointee.deadline
        if isUnseen, isInTime {
            let endpoint = Int(exchange.pointee.endpoint)
            exchange.pointee.outcome = failure.outcome
            if fallsBack(slot) {
                if endpoint >= 0 { countFailure(endpoint, failure.outcome) }
                return
            }
        }
        if exchanges.isInUse(slot) { fail(slot, failure.outcome) }
    }

    /// Sees to another try after one that failed; false if there is none.
    ///
    /// `retryAfter`: the nanoseconds for which the endpoint asks to be left alone.
    mutating func retries(
        _ slot: Int32,
        _ failure: TryFailure,
        retryAfter: Int64 = 0
    ) -> Bool {
        let exchange = exchanges[slot]
        let upstreamSlot = exchange.pointee.upstream
        let isReused = upstreamSlot >= 0 && up[upstreamSlot].pointee.flags.contains(.reused)
        var decision = rule(exchange, isReused: isReused).decide(failure)
        let wait = wait(exchange, decision, retryAfter)
        if wait == nil || !takesBudget(exchange, decision) { decision = .giveUp }
        // The answer that is passed on instead tells by itself.
        if failure == .status || failure == .callStatus, decision == .giveUp { return false }
        if Self.blamesEndpoint(failure, decision, isReused: isReused) {
            // The end of the last try is counted with the request's.
            if decision != .giveUp { countTried(exchange, failure) }
            tell(exchange, .failed, verdict(failure, exchange), retryAfter: retryAfter)
        } else {
            exchange.pointee.flags.formUnion([.told, .toldFailure])
        }
        if exchange.pointee.trace.isExported, decision != .giveUp, decision != .replaceConnection {
            recordRetry(exchange, failure)
        }
        switch decision {
        case .giveUp: return false
        case .sameEndpoint, .replaceConnection:
            if upstreamSlot < 0 || !up[upstreamSlot].isOfStream {
                holdConnection(Int(exchange.pointee.endpoint))
            }
            detach(exchange, failure)
            if decision == .replaceConnection {
                exchange.pointee.tries &-= 1
            } else if exchange.pointee.flags.contains(.probing) {
                exchange.pointee.uncounted &+= 1
            }
            tryUpstream(slot, isPinned: true)
        case .otherEndpoint:
            detach(exchange, failure)
            let first = pools[Int(exchange.pointee.pool)].firstEndpoint
            exchange.pointee.tried.insert(Int(exchange.pointee.endpoint) &- first)
            abandonProbe(exchange)
            endTry(exchange)
            // What to say if no endpoint is left.
            exchange.pointee.outcome = failure.outcome
            if let wait, wait > 0 {
                waitToRetry(slot, until: now + wait)
            } else {
                tryUpstream(slot)
            }
        }
        return true
    }

    private mutating func rule(
        _ exchange: UnsafeMutablePointer<Exchange>,
        isReused: Bool
    ) -> RetryRule {
        let entry = route(exchange)
        let flags = exchange.pointee.flags
        return RetryRule(
            isResendable: flags.contains(.resendable),
            isIdempotent: flags.contains(.idempotent),
            isReused: isReused,
            hasAnswered: !flags.isDisjoint(with: [.answerBegun, .interimSent]),
            isProbe: flags.contains(.probing),
            tries: Int(exchange.pointee.tries) &- Int(exchange.pointee.uncounted),
            attempts: Int(entry.pointee.attempts),
            retriesConnect: entry.pointee.retriesConnect,
            retriesReset: entry.pointee.retriesReset,
            retriesTimeout: entry.pointee.retriesTimeout
        )
    }

    /// Nanoseconds until the next try; `nil` if no time is left for one.
    private mutating func wait(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ decision: RetryRule.Decision,
        _ retryAfter: Int64
    ) -> Int64? {
        guard case .otherEndpoint(let waits) = decision else { return 0 }
        var wait: Int64 = 0
        if waits {
            let entry = route(exchange)
            wait = Backoff.wait(
                afterTry: max(1, Int(exchange.pointee.tries) &- Int(exchange.pointee.uncounted)),
                entry.pointee.backoffBase,
                entry.pointee.backoffMax,
                random: random.next()
            )
            guard retryAfter <= Self.longestRetryAfter else { return nil }
            wait = max(wait, retryAfter)
        }
        let next = now + wait
        return next < exchange.pointee.deadline && next < exchange.pointee.triesDeadline
            ? wait : nil
    }

    /// Whether a failed try says something of its endpoint.
    ///
    /// A kept connection that had ended does not, nor a lack of descriptors.
    private static func blamesEndpoint(
        _ failure: TryFailure,
        _ decision: RetryRule.Decision,
        isReused: Bool
    ) -> Bool {
        switch failure {
        case .noDescriptor: false
        case .closedUnseen: !isReused
        // Whom a server has no room for may be served by it the next time.
        case .refused: decision == .giveUp
        case .reset: !isReused || decision != .sameEndpoint
        case .connectFailed, .connectTimeout, .handshakeFailed, .badAnswer, .timeout, .status,
            .callStatus:
            true
        }
    }

    /// Lets go of the upstream connection; the request is sent again from its begin.
    private mutating func detach(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ failure: TryFailure
    ) {
        if exchange.pointee.upstream >= 0 { closeUpstream(exchange.pointee.upstream) }
        exchange.pointee.flags.remove(.requestDropped)
        exchange.pointee.status = 0
        exchange.pointee.callStatus = nil
        // Where one connection broke, further kept ones may be as old.
        if failure == .reset || failure == .closedUnseen {
            exchange.pointee.flags.insert(.wantsFresh)
        }
        exchange.pointee.answer = .head
        exchange.pointee.interims = 0
    }

    /// Begins to count the time for all tries: the client's request is there.
    mutating func timeTries(_ exchange: UnsafeMutablePointer<Exchange>) {
        let timeout = route(exchange).pointee.retryTimeout
        if timeout != Int64.max { exchange.pointee.triesDeadline = now + timeout }
    }

    // MARK: Answers

    /// Whether an answer is not passed on, since another try follows: its status is one that
    /// `retries.status` names, or it shows that an ejected endpoint is still ill.
    mutating func retriesAnswer(
        _ slot: Int32,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer
    ) -> Bool {
        let exchange = exchanges[slot]
        let isNamed = route(exchange).pointee.retryStatuses.contains(head.status)
        let isProbing = exchange.pointee.flags.contains(.probing)
        guard isNamed || (isProbing && verdict(status: head.status, exchange) != .good) else {
            return false
        }
        exchange.pointee.status = head.status
        return retries(slot, .status, retryAfter: retryAfter(head, source))
    }

    /// The nanoseconds of `Retry-After`; 0 without one.
    mutating func retryAfter(_ head: ResponseHead, _ source: UnsafeRawPointer) -> Int64 {
        guard let index = fields.first(.retryAfter) else { return 0 }
        let bytes = RawSpan(_unsafeStart: source, byteCount: head.headSize)
        let seconds = retryAfterSeconds(fields[index].value, of: bytes) ?? 0
        return seconds &* 1_000_000_000
    }

    // MARK: Waiting

    private mutating func waitToRetry(_ slot: Int32, until: Instant) {
        let exchange = exchanges[slot]
        pauseBodyTime(exchange)
        exchange.pointee.wait = .backoff
        setWait(slot, until: until)
    }

    /// Has the exchange come up at a time, or when its own time is over.
    mutating func setWait(_ slot: Int32, until: Instant) {
        let exchange = exchanges[slot]
        exchange.pointee.waitsUntil = min(
            until,
            min(exchange.pointee.deadline, exchange.pointee.triesDeadline)
        )
        waitTimers.arm(slot, at: exchange.pointee.waitsUntil)
    }

    /// The exchange waits no longer.
    mutating func stopWaiting(_ slot: Int32) {
        let exchange = exchanges[slot]
        if exchange.pointee.wait == .room { leaveQueue(exchange) }
        exchange.pointee.wait = .none
        exchange.pointee.waitsUntil = .never
        waitTimers.cancel(slot)
    }

    /// Goes on with exchanges whose wait is over.
    mutating func runWaits() {
        waitTimers.advance(to: now)
        while true {
            let slot = waitTimers.popDue()
            if slot < 0 { return }
            guard exchanges.isInUse(slot), exchanges[slot].pointee.wait != .none else { continue }
            let until = exchanges[slot].pointee.waitsUntil
            if until > now {
                waitTimers.arm(slot, at: until)
            } else {
                waitEnded(slot)
            }
        }
    }

    private mutating func waitEnded(_ slot: Int32) {
        let exchange = exchanges[slot]
        let wait = exchange.pointee.wait
        stopWaiting(slot)
        if now >= exchange.pointee.deadline {
            fail(slot, .totalTimeout)
        } else if now >= exchange.pointee.triesDeadline {
            fail(slot, exchange.pointee.outcome == .ok ? .poolFull : exchange.pointee.outcome)
        } else if wait == .backoff {
            tryUpstream(slot)
        } else if hasToFallBack(exchange, pools + Int(exchange.pointee.pool)) {
            failOrFallBack(slot)
        } else {
            fail(slot, .poolFull)
        }
    }

    // MARK: Budget

    /// Counts a request of the pool for its retry budget.
    mutating func countForBudget(_ pool: UnsafeMutablePointer<PoolState>) {
        pool.pointee.notDeposited &+= 1
        if pool.pointee.notDeposited >= Self.depositBatch { deposit(pool) }
    }

    private mutating func deposit(_ pool: UnsafeMutablePointer<PoolState>) {
        pool.pointee.budget?.deposit(Int(pool.pointee.notDeposited), now: now.nanoseconds)
        pool.pointee.notDeposited = 0
    }

    /// Whether the pool's budget has room for this retry.
    private mutating func takesBudget(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ decision: RetryRule.Decision
    ) -> Bool {
        switch decision {
        case .giveUp, .replaceConnection: return true
        // What a probe met would not have come to this request without it.
        case .sameEndpoint, .otherEndpoint:
            if exchange.pointee.flags.contains(.probing) { return true }
        }
        let pool = pools + Int(exchange.pointee.pool)
        guard let budget = pool.pointee.budget else { return true }
        if pool.pointee.notDeposited > 0 { deposit(pool) }
        switch budget.withdraw(now: now.nanoseconds) {
        case .granted: return true
        case .refused: return false
        case .refusedFirst:
            shared.control.post(.budgetEmpty(pool: Int(exchange.pointee.pool)))
            return false
        }
    }
}
