/// What is known of one endpoint: what the operator says, its checks, and whether it is ejected.
///
/// 64 bits, so that all workers change it by compare-and-swap: ``SharedPool/change(_:now:_:)``.
public struct EndpointHealth: BitwiseCopyable, Sendable, Equatable {
    /// Whether its own traffic has taken the endpoint out of the pool.
    public enum Ejection: UInt8, Sendable {
        /// It has not. Next: `ejected`.
        case none = 0
        /// It has, until ``EndpointHealth/until``. Next: `halfOpen`, or `none` if checks pass.
        case ejected = 1
        /// Its time is over: a single request may find out. Next: `probing`.
        case halfOpen = 2
        /// That request is under way. Next: `halfOpen`, `none` or `ejected`.
        case probing = 3
    }

    /// The whole, as it is stored.
    public var raw: UInt64

    /// An endpoint of which nothing bad is known.
    public init() { raw = 0 }

    /// What was stored.
    public init(raw: UInt64) { self.raw = raw }

    /// What the operator says: `up`, `draining` or `down`.
    public var operatorState: Availability {
        get {
            switch field(0, 2) {
            case 0: .up
            case 1: .draining
            default: .down
            }
        }
        set {
            switch newValue {
            case .up, .unhealthy: setField(0, 2, 0)
            case .draining: setField(0, 2, 1)
            case .down: setField(0, 2, 2)
            }
        }
    }

    /// Whether its active checks say that it is down.
    public var isCheckedDown: Bool {
        get { field(2, 1) != 0 }
        set { setField(2, 1, newValue ? 1 : 0) }
    }

    /// Whether it is ejected.
    public var ejection: Ejection {
        get { Ejection(rawValue: UInt8(truncatingIfNeeded: field(3, 2))) ?? .none }
        set { setField(3, 2, UInt64(newValue.rawValue)) }
    }

    /// Whether it was ejected for its answers, which no check can clear, rather than for its
    /// connections.
    public var isForAnswers: Bool {
        get { field(5, 1) != 0 }
        set { setField(5, 1, newValue ? 1 : 0) }
    }

    /// Requests that it answered well while half-open, at most 15.
    public var probesPassed: Int {
        get { Int(field(6, 4)) }
        set { setField(6, 4, UInt64(min(15, max(0, newValue)))) }
    }

    /// How many times it was ejected in a row, at most 63.
    public var timesEjected: Int {
        get { Int(field(10, 6)) }
        set { setField(10, 6, UInt64(min(63, max(0, newValue)))) }
    }

    /// Until when it is ejected, or half-open if nobody asks, in nanoseconds of the monotonic
    /// clock, kept to the microsecond; at most 8.9 years.
    public var until: Int64 {
        get { Int64(field(16, 48)) &* 1000 }
        set { setField(16, 48, min((1 << 48) - 1, UInt64(max(0, newValue)) / 1000)) }
    }

    /// Whether a request may find out if it is well again: not if others say that it is out.
    public var awaitsProbe: Bool {
        ejection == .halfOpen && !isCheckedDown && operatorState == .up
    }

    /// Whether it gets traffic.
    public var availability: Availability {
        switch operatorState {
        case .up, .unhealthy: isCheckedDown || ejection != .none ? .unhealthy : .up
        case .draining: .draining
        case .down: .down
        }
    }

    private func field(_ shift: UInt64, _ width: UInt64) -> UInt64 {
        (raw >> shift) & ((1 << width) &- 1)
    }

    private mutating func setField(_ shift: UInt64, _ width: UInt64, _ value: UInt64) {
        let mask: UInt64 = ((1 << width) &- 1) << shift
        raw = (raw & ~mask) | ((value << shift) & mask)
    }
}
