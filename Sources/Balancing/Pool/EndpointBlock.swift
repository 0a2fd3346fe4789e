import CBytes
import Synchronization

/// What all workers share of one endpoint; two cache lines of its own, so that endpoints do not
/// slow each other down.
public struct EndpointBlock: ~Copyable {
    /// Bytes from one block to the next.
    static let stride = 128

    /// Requests begun and not ended, on all workers.
    public let inFlight = Atomic<Int32>(0)
    /// The raw ``Availability``.
    let availability = Atomic<UInt32>(0)
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
    /// How many endpoints there are.
    public let count: Int
    /// Changes with each change of an endpoint's availability.
    let version = Atomic<UInt32>(0)
    private let memory: UnsafeMutableRawPointer

    /// Blocks of `count` endpoints, all up, with nothing in flight.
    public init(count: Int) {
        self.count = count
        unsafe memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * EndpointBlock.stride,
            alignment: EndpointBlock.stride
        )
        for index in 0..<count {
            unsafe (memory + index * EndpointBlock.stride)
                .bindMemory(to: EndpointBlock.self, capacity: 1)
                .initialize(to: EndpointBlock())
        }
    }

    deinit { unsafe memory.deallocate() }

    /// The endpoint's block.
    ///
    /// `index` must be below ``count``.
    public func block(_ index: EndpointIndex) -> UnsafeMutablePointer<EndpointBlock> {
        precondition(index >= 0 && index < count)
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

    /// Leaves an endpoint alone until then, or longer if that was said before.
    func avoid(_ index: EndpointIndex, until: Int64) {
        unsafe block(index).pointee.avoidedUntil.max(until, ordering: .relaxed)
    }

    /// Whether an endpoint gets traffic.
    public func availability(_ index: EndpointIndex) -> Availability {
        unsafe Availability(
            rawValue: block(index).pointee.availability.load(ordering: .acquiring)
        ) ?? .down
    }

    /// Changes whether an endpoint gets traffic; all workers follow with their next pick.
    ///
    /// One that was unhealthy or down and is up now comes back by slow start.
    public func set(_ index: EndpointIndex, _ availability: Availability, now: Int64) {
        let before = self.availability(index)
        guard before != availability else { return }
        if availability == .up, before != .draining {
            unsafe block(index).pointee.returned.store(max(1, now), ordering: .relaxed)
        }
        unsafe block(index).pointee.availability
            .store(availability.rawValue, ordering: .releasing)
        version.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    /// When the endpoint came back, 0 if it was there from the start.
    func returned(_ index: EndpointIndex) -> Int64 {
        unsafe block(index).pointee.returned.load(ordering: .relaxed)
    }
}
