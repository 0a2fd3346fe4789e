import Configuration
import EventLoop

/// What the hot path needs of one route, in flat memory.
struct RouteEntry {
    /// The pool that takes the request, or -1 where Weir answers itself.
    var pool: Int32
    var isLogged: Bool
    /// What its exchanges are marked with from the start.
    var marks: Exchange.Flags
    var attempts: UInt8
    var retriesConnect: Bool
    var retriesReset: Bool
    var retriesTimeout: Bool
    /// Whether a request with `Idempotency-Key` may be repeated whatever its method.
    var heedsIdempotencyKey: Bool
    /// What serves when no server is healthy: a pool, ``noFallback`` or ``ownAnswer``.
    var fallback: Int32
    /// Answers after which a request is sent again.
    var retryStatuses: StatusBits
    /// Bytes of a body kept to be sent again.
    var keepLimit: Int
    /// Nanoseconds; `Int64.max` where a bound is lifted.
    var tryTimeout: Int64
    var retryTimeout: Int64
    var backoffBase: Int64
    var backoffMax: Int64
    var connect: Int64
    var response: Int64
    var stream: Int64
    var total: Int64

    /// There is no fallback.
    static let noFallback: Int32 = -1
    /// The fallback is an answer of Weir's own.
    static let ownAnswer: Int32 = -2
}

extension FallbackConfig? {
    /// In the form of ``RouteEntry/fallback``.
    var compiled: Int32 {
        switch self {
        case nil: RouteEntry.noFallback
        case .pool(let index): Int32(truncatingIfNeeded: index)
        case .respond: RouteEntry.ownAnswer
        }
    }
}

/// Nanoseconds and bounds that concern every client.
struct ClientLimits: BitwiseCopyable {
    var handshake: Int64
    /// Streams at once on one connection, and frames a second that bring nobody forward.
    var streams: Int
    var streamBudget: Int
    var head: Int64
    var keepAlive: Int64
    var body: Int64
    var send: Int64
    var tunnel: Int64
    var loopLag: Int64
    var memory: Int
    var bodySize: UInt64
    var requestsPerConnection: UInt32
}

extension Duration? {
    /// Nanoseconds, `Int64.max` for no bound.
    var nanosecondsOrNever: Int64 { self?.inNanoseconds ?? Int64.max }
}

extension RouteEntry {
    init(_ route: RouteConfig, _ edits: RouteEdits) {
        if case .pool(let index) = route.action {
            pool = Int32(truncatingIfNeeded: index)
        } else {
            pool = -1
        }
        isLogged = route.accessLog
        marks = route.accessLog ? edits.marks : edits.marks.union(.unlogged)
        attempts = UInt8(clamping: route.retries.attempts)
        retriesConnect = route.retries.onConnectFailure
        retriesReset = route.retries.onResetBeforeAnswer
        retriesTimeout = route.retries.onTimeout
        heedsIdempotencyKey = route.retries.heedsIdempotencyKey
        fallback = route.fallback.compiled
        retryStatuses = StatusBits(route.retries.statuses)
        keepLimit = route.retries.buffer
        tryTimeout = route.retries.tryTimeout.nanosecondsOrNever
        retryTimeout = route.retries.timeout.nanosecondsOrNever
        backoffBase = route.retries.backoffBase.inNanoseconds
        backoffMax = route.retries.backoffMax.inNanoseconds
        connect = route.timeouts.connect.nanosecondsOrNever
        response = route.timeouts.response.nanosecondsOrNever
        stream = route.timeouts.stream.nanosecondsOrNever
        total = route.timeouts.total.nanosecondsOrNever
    }
}

extension ClientLimits {
    init(_ config: Config, workers: Int) {
        handshake = config.timeouts.handshake.nanosecondsOrNever
        streams = config.limits.http2.streams
        streamBudget = Int(config.limits.http2.budget.rounded(.up))
        head = config.timeouts.head.nanosecondsOrNever
        keepAlive = config.timeouts.keepAlive.nanosecondsOrNever
        body = config.timeouts.body.nanosecondsOrNever
        send = config.timeouts.send.nanosecondsOrNever
        tunnel = config.timeouts.tunnel.nanosecondsOrNever
        loopLag = config.limits.loopLag.nanosecondsOrNever
        memory = config.limits.memory.map { max(1, $0 / max(1, workers)) } ?? Int.max
        bodySize = config.limits.bodySize.map { UInt64(clamping: $0) } ?? UInt64.max
        requestsPerConnection =
            config.limits.requestsPerConnection.map { UInt32(clamping: $0) } ?? UInt32.max
    }
}
