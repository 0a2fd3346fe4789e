import EventLoop

/// What may begin per second on average, a tenth of a second's worth at once: a token bucket.
struct RateTokens: BitwiseCopyable {
    /// Nanoseconds that one costs.
    private let cost: Int64
    /// Nanoseconds that may be saved up.
    private let burst: Int64
    private var saved: Int64
    private var since: Instant

    /// A full bucket; `perSecond` is more than 0.
    init(perSecond: Double, now: Instant) {
        let nanoseconds = 1e9 / max(perSecond, 1e-3)
        cost = Int64(nanoseconds)
        burst = max(100_000_000, Int64(nanoseconds))
        saved = burst
        since = now
    }

    /// Takes one if there is one.
    mutating func take(at now: Instant) -> Bool {
        saved = min(burst, saved &+ min(burst, max(0, now - since)))
        since = now
        guard saved >= cost else { return false }
        saved &-= cost
        return true
    }
}
