import CBytes
import Synchronization

/// What all workers share of one endpoint; two cache lines of its own, so that endpoints do not
/// slow each other down.
public struct EndpointBlock: ~Copyable {
    /// Bytes from one block to the next.
    static let stride = 128

    /// Requests begun and not ended, on all workers.
    public let inFlight = Atomic<Int32>(0)
    /// Tries that failed since the last one that did not, on all workers.
    public let failuresInARow = Atomic<UInt32>(0)
    /// Connections, on all workers; counted only where they are bounded.
    public let connections = Atomic<Int32>(0)
    /// Bytes announced by the requests and answers under way, on all workers.
    public let bytesInTransfer = Atomic<Int64>(0)
    /// The packed ``PeakEWMA``.
    public let latency = Atomic<UInt64>(0)
    /// Until when `prequal` leaves the endpoint alone after a failure, in nanoseconds of the
    /// monotonic clock.
    let avoidedUntil = Atomic<Int64>(0)
    /// When the endpoint came (back), in nanoseconds of the monotonic clock; 0 for those that
    /// serve since the start.
    let returned = Atomic<Int64>(0)
    /// The packed ``EndpointHealth``.
    let health = Atomic<UInt64>(0)
    /// Tries that ended, on all workers; wraps.
    public let triesEnded = Atomic<UInt32>(0)
    /// Those of them that failed or were answered with 5xx; wraps.
    public let triesFailed = Atomic<UInt32>(0)
    /// What the good tries took, in microseconds, counted only where somebody asks; wraps.
    public let latencySum = Atomic<UInt64>(0)

    // Up to here what requests write, from here what is written when something happens.

    /// When the endpoint was ejected last, in nanoseconds of the monotonic clock.
    public let ejectedAt = Atomic<Int64>(0)
    /// When it was told last that the endpoint may not be ejected; 0 for never.
    public let refusalTold = Atomic<Int64>(0)
    /// Active checks in a row that began after the last ejection and passed.
    public let checksPassed = Atomic<UInt32>(0)
    /// Changes when another endpoint gets the block.
    public let generation = Atomic<UInt32>(0)
}

/// Whether an endpoint gets traffic.
public enum Availability: UInt32, Sendable {
    /// It does.
    case up = 0
    /// Not, since checks or its answers say that it is ill: counts as not healthy.
    case unhealthy = 1
    /// No new traffic but that of clients who stick to it.
    case draining = 2
    /// None at all: the operator says so.
    case down = 3
}

/// The blocks of one pool's endpoints, shared by all workers.
///
/// Everything in it is atomic; it outlives the workers, who borrow it.
@safe public final class SharedPool: @unchecked Sendable {
    /// How many endpoints there can be.
    public let capacity: Int
    /// Changes with each change of an endpoint's availability.
    let version = Atomic<UInt32>(0)
    /// Endpoints that are ejected or half-open.
    public let ejected = Atomic<Int>(0)
    /// Endpoints that wait for a request: ``EndpointHealth/awaitsProbe``.
    public let halfOpen = Atomic<Int>(0)
    /// No endpoint from here on was ever ejected.
    private let ejectedEnd = Atomic<Int>(0)
    private let allocated: UnsafeMutableRawPointer
    private let memory: UnsafeMutableRawPointer

    /// Blocks of `capacity` endpoints, all up, with nothing in flight.
    ///
    /// Those that are never used cost address space only.
    public init(capacity: Int) {
        self.capacity = capacity
        let stride = EndpointBlock.stride
        // Zeroes are a block's beginning, and come from the kernel where nobody looks.
        unsafe allocated = cbytes_zeroed((max(1, capacity) + 1) * stride)
        let place = unsafe UInt(bitPattern: allocated) % UInt(stride)
        unsafe memory = allocated + (stride - Int(place)) % stride
    }

    deinit { unsafe cbytes_free_zeroed(allocated) }

    /// The endpoint's block.
    ///
    /// `index` must be below ``capacity``.
    public func block(_ index: EndpointIndex) -> UnsafeMutablePointer<EndpointBlock> {
        // One comparison for both ends: a negative index is a very large one without a sign.
        precondition(UInt(bitPattern: index) < UInt(bitPattern: capacity))
        return unsafe (memory + index &* EndpointBlock.stride)
            .assumingMemoryBound(to: EndpointBlock.self)
    }

    /// Asks for an endpoint's block, which is read soon.
    func prefetch(_ index: EndpointIndex) {
        unsafe cbytes_prefetch(block(index))
    }

    /// Requests in flight at an endpoint.
    public func inFlight(_ index: EndpointIndex) -> Int32 {
        unsafe block(index).pointee.inFlight.load(ordering: .relaxed)
    }

    /// Bytes announced by what an endpoint has under way.
    func bytesInTransfer(_ index: EndpointIndex) -> Int64 {
        unsafe block(index).pointee.bytesInTransfer.load(ordering: .relaxed)
    }

    /// An endpoint's packed ``PeakEWMA``.
    func latency(_ index: EndpointIndex) -> UInt64 {
        unsafe block(index).pointee.latency.load(ordering: .relaxed)
    }

    /// Until when an endpoint is left alone after a failure.
    func avoidedUntil(_ index: EndpointIndex) -> Int64 {
        unsafe block(index).pointee.avoidedUntil.load(ordering: .relaxed)
    }

    /// Requests in flight at an endpoint, not below 0, and until when it is left alone.
    func load(_ index: EndpointIndex) -> (inFlight: Int32, avoidedUntil: Int64) {
        let block = unsafe block(index)
        return (
            max(0, unsafe block.pointee.inFlight.load(ordering: .relaxed)),
            unsafe block.pointee.avoidedUntil.load(ordering: .relaxed)
        )
    }

    /// Leaves an endpoint alone until then, or longer if that was said before.
    func avoid(_ index: EndpointIndex, until: Int64) {
        unsafe block(index).pointee.avoidedUntil.max(until, ordering: .relaxed)
    }

    /// What is known of an endpoint.
    public func health(_ index: EndpointIndex) -> EndpointHealth {
        unsafe EndpointHealth(raw: block(index).pointee.health.load(ordering: .acquiring))
    }

    /// Whether an endpoint gets traffic.
    public func availability(_ index: EndpointIndex) -> Availability {
        health(index).availability
    }

    /// Changes what is known of an endpoint; all workers follow with their next pick.
    ///
    /// `transition` may run more than once, returns whether anything is to change, and must be
    /// pure. One that was unhealthy or down and is up now comes back by slow start. Returns what
    /// was known before and what is known now; `nil` if nothing changed.
    @discardableResult
    public func change(
        _ index: EndpointIndex,
        now: Int64,
        _ transition: (inout EndpointHealth) -> Bool
    ) -> (before: EndpointHealth, after: EndpointHealth)? {
        var before = health(index)
        while true {
            var after = before
            guard transition(&after), after != before else { return nil }
            let isBack =
                after.availability == .up && before.availability != .up
                && before.availability != .draining
            // Before the state, or a worker could miss that the endpoint is to start slowly.
            if isBack {
                unsafe block(index).pointee.returned.store(max(1, now), ordering: .relaxed)
            }
            let (isDone, found) = unsafe block(index).pointee.health.compareExchange(
                expected: before.raw,
                desired: after.raw,
                ordering: .acquiringAndReleasing
            )
            if isDone {
                count(before, after)
                if before.availability != after.availability {
                    version.wrappingAdd(1, ordering: .acquiringAndReleasing)
                }
                return (before, after)
            }
            before = EndpointHealth(raw: found)
        }
    }

    private func count(_ before: EndpointHealth, _ after: EndpointHealth) {
        let waits = (after.awaitsProbe ? 1 : 0) - (before.awaitsProbe ? 1 : 0)
        if waits != 0 { halfOpen.wrappingAdd(waits, ordering: .acquiringAndReleasing) }
        if before.ejection != .none && after.ejection == .none {
            ejected.wrappingSubtract(1, ordering: .acquiringAndReleasing)
        }
    }

    /// Changes whether an endpoint gets traffic: `unhealthy` is what checks say, the others what
    /// the operator says; `up` forgets everything else.
    public func set(_ index: EndpointIndex, _ availability: Availability, now: Int64) {
        change(index, now: now) { health in
            if availability == .up { health = EndpointHealth() }
            health.operatorState = availability
            health.isCheckedDown = availability == .unhealthy
            return true
        }
    }

    /// How an attempt to eject ended.
    public enum OnEject: Equatable {
        /// It is ejected; what is known of it now.
        case ejected(EndpointHealth)
        /// The transition changed nothing.
        case unchanged
        /// As many as may be are ejected already.
        case refused
    }

    /// Ejects an endpoint, unless `limit` are ejected: the only way from `none` to `ejected`.
    ///
    /// `transition` is as for ``change(_:now:_:)``, and only begins at an endpoint that is not
    /// ejected. The place is taken before the endpoint, so that two workers together cannot go
    /// beyond the limit; it is given back by whatever ends the ejection.
    public func eject(
        _ index: EndpointIndex,
        limit: Int,
        now: Int64,
        _ transition: (inout EndpointHealth) -> Bool
    ) -> OnEject {
        guard reserveEjection(limit: limit) else { return .refused }
        ejectedEnd.max(index + 1, ordering: .relaxed)
        let changed = change(index, now: now) { health in
            guard health.ejection == .none, transition(&health) else { return false }
            return health.ejection == .ejected
        }
        guard let changed else {
            ejected.wrappingSubtract(1, ordering: .acquiringAndReleasing)
            return .unchanged
        }
        return .ejected(changed.after)
    }

    /// Counts one more as ejected unless that many are; false if so.
    private func reserveEjection(limit: Int) -> Bool {
        var count = ejected.load(ordering: .relaxed)
        while count < limit {
            let (isDone, found) = ejected.compareExchange(
                expected: count,
                desired: count + 1,
                ordering: .acquiringAndReleasing
            )
            if isDone { return true }
            count = found
        }
        return false
    }

    /// The endpoints among which those that are ejected or half-open are to be looked for.
    public var everEjected: Range<EndpointIndex> { 0..<ejectedEnd.load(ordering: .relaxed) }

    /// Forgets what is known of an endpoint but what the operator says: another one comes in its
    /// place, and starts slowly.
    ///
    /// What wraps goes on: only differences count, and ``EndpointBlock/generation`` tells.
    public func reset(_ index: EndpointIndex, now: Int64) {
        let block = unsafe block(index)
        unsafe block.pointee.failuresInARow.store(0, ordering: .relaxed)
        unsafe block.pointee.latency.store(0, ordering: .relaxed)
        unsafe block.pointee.avoidedUntil.store(0, ordering: .relaxed)
        unsafe block.pointee.returned.store(max(1, now), ordering: .relaxed)
        unsafe block.pointee.refusalTold.store(0, ordering: .relaxed)
        unsafe block.pointee.checksPassed.store(0, ordering: .relaxed)
        unsafe block.pointee.generation.wrappingAdd(1, ordering: .relaxed)
        change(index, now: now) { health in
            let operatorState = health.operatorState
            health = EndpointHealth()
            health.operatorState = operatorState
            return true
        }
    }

    /// Goes on with what another pool's blocks know of the same endpoint, before anybody uses it
    /// here.
    ///
    /// `withEjection`: whether it stays ejected; `withChecks`: whether it stays down for its
    /// checks. What the operator says is not taken over.
    public func inherit(
        _ index: EndpointIndex,
        from other: SharedPool,
        _ otherIndex: EndpointIndex,
        withEjection: Bool,
        withChecks: Bool,
        now: Int64
    ) {
        let (own, known) = unsafe (block(index), other.block(otherIndex))
        unsafe own.pointee.failuresInARow.store(
            known.pointee.failuresInARow.load(ordering: .relaxed),
            ordering: .relaxed
        )
        unsafe own.pointee.latency.store(
            known.pointee.latency.load(ordering: .relaxed),
            ordering: .relaxed
        )
        unsafe own.pointee.avoidedUntil.store(
            known.pointee.avoidedUntil.load(ordering: .relaxed),
            ordering: .relaxed
        )
        let before = other.health(otherIndex)
        take(before, at: index, withEjection: withEjection, withChecks: withChecks, now: now)
        // After the change, which may have begun a slow start of its own.
        unsafe own.pointee.returned.store(
            known.pointee.returned.load(ordering: .relaxed),
            ordering: .relaxed
        )
    }

    /// What is known of an endpoint's health and latency, as it is stored.
    public func stored(_ index: EndpointIndex) -> (health: UInt64, latency: UInt64) {
        unsafe (
            block(index).pointee.health.load(ordering: .acquiring),
            block(index).pointee.latency.load(ordering: .relaxed)
        )
    }

    /// Goes on with what was ``stored(_:)`` elsewhere on this machine; what the operator says stays
    /// as it is here.
    public func restore(
        _ index: EndpointIndex,
        health stored: UInt64,
        latency: UInt64,
        withEjection: Bool,
        withChecks: Bool,
        now: Int64
    ) {
        unsafe block(index).pointee.latency.store(latency, ordering: .relaxed)
        let known = EndpointHealth(raw: stored)
        take(known, at: index, withEjection: withEjection, withChecks: withChecks, now: now)
    }

    private func take(
        _ known: EndpointHealth,
        at index: EndpointIndex,
        withEjection: Bool,
        withChecks: Bool,
        now: Int64
    ) {
        var known = known
        if known.ejection == .probing { known.ejection = .halfOpen }
        if withEjection, known.ejection != .none {
            ejected.wrappingAdd(1, ordering: .acquiringAndReleasing)
            ejectedEnd.max(index + 1, ordering: .relaxed)
        }
        change(index, now: now) { health in
            let operatorState = health.operatorState
            if withEjection {
                health = known
                health.operatorState = operatorState
            }
            health.isCheckedDown = withChecks && known.isCheckedDown
            return true
        }
    }

    /// Changes with each change of an endpoint's availability.
    public var changes: UInt32 { version.load(ordering: .acquiring) }

    /// When the endpoint came back, 0 if it was there from the start.
    public func returned(_ index: EndpointIndex) -> Int64 {
        unsafe block(index).pointee.returned.load(ordering: .relaxed)
    }
}
