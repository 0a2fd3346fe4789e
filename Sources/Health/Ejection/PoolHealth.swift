import Balancing
import Synchronization

/// Ejection of one pool's endpoints by what became of their tries; shared by all workers and
/// control.
///
/// All state is in the ``SharedPool``'s atomics; each transition is one compare-and-swap of an
/// endpoint's ``EndpointHealth``. An endpoint that deserves it is ejected for a time; then single
/// requests find out whether it is well, and `rise` good ones bring it back. Active checks that
/// pass bring back one that was ejected for its connections.
///
/// **Invariant:** never more endpoints are ejected or half-open than ``limit``, and
/// ``SharedPool/ejected`` counts them (a little high while a transition is under way, never low).
public final class PoolHealth: Sendable {
    /// The atomics.
    public let shared: SharedPool
    /// The rules; `nil` ejects nobody and counts nothing.
    public let options: EjectionOptions?
    /// Good checks or single requests in a row that end an ejection.
    public let rise: Int
    /// How long an endpoint's refused ejection is not told again, in nanoseconds.
    public static let refusalPause: Int64 = 10_000_000_000

    let times: EjectionTime
    /// Failures in a row that eject; `UInt32.max` for never.
    let rowLimit: UInt32
    /// Bit by verdict: whether it lengthens the row.
    let rowVerdicts: UInt8
    private let isOn: Bool
    private let countsLatency: Bool
    /// Whether an answer below 500 can be anything but good.
    private let countsLowStatus: Bool
    private let maxEjected = Atomic<Int>(0)

    /// Ejection of a pool that has `size` endpoints now.
    ///
    /// `rise`: 1 to 100; a half-open endpoint needs as many good answers, but no more than 15.
    public init(_ options: EjectionOptions?, rise: Int, shared: SharedPool, size: Int) {
        let rules = options ?? EjectionOptions()
        self.options = options
        isOn = options != nil
        self.shared = shared
        self.rise = max(1, rise)
        times = EjectionTime(rules)
        rowLimit = rules.consecutiveFailures.map { UInt32(clamping: max(1, $0)) } ?? .max
        var counted: UInt8 = 1 << TryVerdict.countedAnswer.rawValue
        if rules.onConnectFailure { counted |= 1 << TryVerdict.connectFailure.rawValue }
        if rules.onReset { counted |= 1 << TryVerdict.reset.rawValue }
        if rules.onTimeout { counted |= 1 << TryVerdict.timeout.rawValue }
        rowVerdicts = counted
        countsLatency = rules.outlier?.slowFactor != nil
        countsLowStatus = rules.statuses.codes.contains { $0 < 500 }
        setSize(size)
    }

    /// How many may be ejected at once.
    public var limit: Int { maxEjected.load(ordering: .relaxed) }

    /// Says how many endpoints `max-share` is a share of: those with a weight.
    public func setSize(_ endpoints: Int) {
        maxEjected.store(
            options.map { PoolHealth.limit(endpoints, share: $0.maxShare) } ?? 0,
            ordering: .relaxed
        )
    }

    /// The share in endpoints: at least one of two or more, none of one.
    static func limit(_ endpoints: Int, share: Double) -> Int {
        guard endpoints >= 2 else { return 0 }
        // 29 % of 100 are 29, although the product is 28.999…
        return min(endpoints, max(1, Int(Double(endpoints) * min(max(share, 0), 1) + 1e-6)))
    }

    /// The verdict on an answer.
    public func verdict(status: Int) -> TryVerdict {
        guard let options, status >= 500 || countsLowStatus else { return .good }
        return TryVerdict.of(status: status, options)
    }

    // MARK: - Workers

    /// A try at an endpoint has ended; a try that is repeated elsewhere counts too.
    ///
    /// `wasProbe`: its endpoint came from ``claimProbe(excluding:now:where:)``. `latency`: until
    /// the answer's head, in nanoseconds. `random` only lengthens an ejection a little. Allocates
    /// nothing; a good try writes nothing but its counter, unless it ends a row of failures.
    public func tryEnded(
        _ endpoint: EndpointIndex,
        _ verdict: TryVerdict,
        wasProbe: Bool,
        latency: Int64,
        now: Int64,
        random: UInt64
    ) -> EjectionChange? {
        if verdict == .good && !wasProbe {
            tryWentWell(endpoint, latency: latency)
            return nil
        }
        guard isOn else { return nil }
        return told(endpoint, verdict, wasProbe, latency, now, random)
    }

    /// A try was answered well: counted for a handful of instructions.
    func tryWentWell(_ endpoint: EndpointIndex, latency: Int64) {
        guard isOn else { return }
        let block = unsafe shared.block(endpoint)
        unsafe block.pointee.triesEnded.wrappingAdd(1, ordering: .relaxed)
        if countsLatency {
            unsafe block.pointee.latencySum.wrappingAdd(
                UInt64(max(0, latency)) / 1000,
                ordering: .relaxed
            )
        }
        if unsafe block.pointee.failuresInARow.load(ordering: .relaxed) != 0 {
            unsafe block.pointee.failuresInARow.store(0, ordering: .relaxed)
        }
    }

    /// A half-open endpoint, claimed for the one request that asks; `nil` if none waits for one.
    ///
    /// The request's end has to be told: ``tryEnded(_:_:wasProbe:latency:now:random:)`` or
    /// ``probeAbandoned(_:now:)``. `isWanted` may turn endpoints away, those of weight 0 say; none
    /// is claimed that checks or the operator have taken out. While none waits, it costs a load.
    public func claimProbe(
        excluding tried: TriedEndpoints,
        now: Int64,
        where isWanted: (EndpointIndex) -> Bool = { _ in true }
    ) -> EndpointIndex? {
        guard shared.halfOpen.load(ordering: .relaxed) > 0 else { return nil }
        return findProbe(excluding: tried, now: now, where: isWanted)
    }

    @inline(never)
    private func findProbe(
        excluding tried: TriedEndpoints,
        now: Int64,
        where isWanted: (EndpointIndex) -> Bool
    ) -> EndpointIndex? {
        for endpoint in shared.everEjected where shared.health(endpoint).awaitsProbe {
            guard !tried.contains(endpoint), isWanted(endpoint) else { continue }
            let claimed = shared.change(endpoint, now: now) { health in
                guard health.awaitsProbe else { return false }
                health.ejection = .probing
                return true
            }
            if claimed != nil { return endpoint }
        }
        return nil
    }

    /// The single request ended without a verdict, since its client left, say: another one may.
    public func probeAbandoned(_ endpoint: EndpointIndex, now: Int64) {
        shared.change(endpoint, now: now) { health in
            guard health.ejection == .probing else { return false }
            health.ejection = .halfOpen
            return true
        }
    }

    // MARK: - Control

    /// Makes endpoints half-open whose time is over, and brings back those that nobody asked for
    /// as long again; to be called about every 100 ms.
    ///
    /// Only requests that may be repeated ask, and a pool may have none: it would lose an endpoint
    /// for good.
    public func tick(now: Int64) -> [EjectionChange] {
        guard shared.ejected.load(ordering: .relaxed) > 0 else { return [] }
        return shared.everEjected.compactMap { endpoint in
            let health = shared.health(endpoint)
            guard health.ejection == .ejected || health.awaitsProbe, health.until <= now else {
                return nil
            }
            return timeIsOver(endpoint, now)
        }
    }

    /// An active check that began at `began` has passed.
    ///
    /// `rise` in a row that began after an ejection for connections end it; they say nothing of
    /// an ejection for answers.
    public func checkPassed(
        _ endpoint: EndpointIndex,
        began: Int64,
        now: Int64
    ) -> EjectionChange? {
        let health = shared.health(endpoint)
        guard health.ejection != .none, !health.isForAnswers else { return nil }
        let block = unsafe shared.block(endpoint)
        guard unsafe began >= block.pointee.ejectedAt.load(ordering: .relaxed) else { return nil }
        let passed = unsafe block.pointee.checksPassed.wrappingAdd(1, ordering: .relaxed).newValue
        guard passed >= UInt32(clamping: rise) else { return nil }
        let changed = shared.change(endpoint, now: now) { now in
            // Not another ejection than the one these checks are about.
            guard now.ejection != .none, !now.isForAnswers,
                now.timesEjected == health.timesEjected, now.until == health.until
            else { return false }
            PoolHealth.giveBack(&now)
            return true
        }
        guard changed != nil else { return nil }
        unsafe block.pointee.failuresInARow.store(0, ordering: .relaxed)
        return EjectionChange(.returned, endpoint, .checksPassed(Int(passed)))
    }

    /// An active check has failed.
    public func checkFailed(_ endpoint: EndpointIndex) {
        unsafe shared.block(endpoint).pointee.checksPassed.store(0, ordering: .relaxed)
    }

    /// Active checks have taken an endpoint down, or brought it up.
    public func setCheckedDown(_ endpoint: EndpointIndex, _ isDown: Bool, now: Int64) {
        if !isDown {
            unsafe shared.block(endpoint).pointee.failuresInARow.store(0, ordering: .relaxed)
        }
        shared.change(endpoint, now: now) { health in
            health.isCheckedDown = isDown
            return true
        }
    }

    /// A slot gets another endpoint, of which nothing is known but what the operator says.
    public func reset(_ endpoint: EndpointIndex, now: Int64) {
        shared.reset(endpoint, now: now)
    }
}
