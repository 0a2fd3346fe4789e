import Health

extension Checker {
    /// Holds the times of `retries` and `breaker` against those around them.
    func checkRetries(_ retries: RawMap?, _ timeouts: RawMap?) {
        guard let retries else { return }
        checkOrder(RetryKeys.tryTimeout, of: retries, within: RetryKeys.timeout, of: retries)
        if let backoff = retries.map(RetryKeys.backoff) {
            checkOrder(BackoffKeys.base, of: backoff, within: BackoffKeys.max, of: backoff)
        }
        guard let timeouts else { return }
        for key in [RetryKeys.timeout, RetryKeys.tryTimeout]
        where checkOrder(key, of: retries, within: PoolTimeoutKeys.total, of: timeouts) {
            break
        }
    }

    /// The budget belongs to the pool: its routes share it.
    func reportBudget(_ retries: RawMap?, of route: RawMap) {
        guard let item = retries?.item(RetryKeys.budget) else { return }
        let pool = route.item(RouteKeys.pool)?.text?.written ?? "<name>"
        reporter.error(
            .noEffect,
            item.keyPlace ?? item.place,
            "\"budget\" belongs to a pool, whose routes share it",
            remedy: "write it in pools.\(pool).retries"
        )
    }
}

extension RetryOptions {
    /// What ends later than what is around it ends with that; `total` is the bound on everything.
    init(_ map: RawMap?, within total: Duration?) {
        self.init()
        guard let map else { return }
        attempts = map.count(RetryKeys.attempts) ?? attempts
        let causes = map.words(RetryKeys.causes)
        onConnectFailure = causes.contains("connect-failure")
        onResetBeforeAnswer = causes.contains("reset-before-answer")
        onTimeout = causes.contains("timeout")
        statuses = map.statuses(RetryKeys.status) ?? StatusSet()
        timeout = map.duration(RetryKeys.timeout).map { min($0, total ?? $0) }
        let bound = timeout ?? total
        tryTimeout = map.duration(RetryKeys.tryTimeout).map { min($0, bound ?? $0) }
        if let backoff = map.map(RetryKeys.backoff) {
            backoffMax = backoff.duration(BackoffKeys.max) ?? backoffMax
            backoffBase = min(backoff.duration(BackoffKeys.base) ?? backoffBase, backoffMax)
        }
        buffer = map.count(RetryKeys.buffer) ?? buffer
        heedsIdempotencyKey = map.bool(RetryKeys.idempotencyKey)
    }
}

extension BudgetOptions {
    /// The budget of a pool's `retries`; `nil` is without bound.
    init?(_ retries: RawMap?) {
        self.init()
        if retries?.word(RetryKeys.budget) != nil { return nil }
        guard let map = retries?.map(RetryKeys.budget) else { return }
        share = map.shareIfAny(BudgetKeys.share) ?? share
        perSecond = map.factor(BudgetKeys.min) ?? 0
    }
}

extension BreakerOptions {
    init(_ map: RawMap?) {
        self.init()
        guard let map else { return }
        pool.maxConnections = map.count(BreakerKeys.maxConnections)
        pool.maxRequests = map.count(BreakerKeys.maxRequests)
        maxPending = map.count(BreakerKeys.maxPending) ?? maxPending
        queueTimeout = map.duration(BreakerKeys.queueTimeout) ?? queueTimeout
        guard let each = map.map(BreakerKeys.perServer) else { return }
        perServer.maxConnections = each.count(ServerBreakerKeys.maxConnections)
        perServer.maxRequests = each.count(ServerBreakerKeys.maxRequests)
        perServerMaxPending = each.count(ServerBreakerKeys.maxPending)
        perServerQueueTimeout = each.duration(ServerBreakerKeys.queueTimeout)
    }
}
