/// A point on the loop's monotonic clock.
///
/// The loop reads the clock once per wake-up and hands the value to whatever asks for the time, so
/// that nothing below it reads a clock.
public struct Instant: BitwiseCopyable, Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary start.
    public var nanoseconds: Int64

    /// Never: after every other instant.
    public static var never: Instant { Instant(nanoseconds: Int64.max) }

    /// The instant this many nanoseconds after the clock's start.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Whether `left` comes before `right`.
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `span` nanoseconds later; ``never`` where that would overflow.
    public static func + (instant: Instant, span: Int64) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(span)
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    /// Nanoseconds from `earlier` to `later`.
    public static func - (later: Instant, earlier: Instant) -> Int64 {
        later.nanoseconds &- earlier.nanoseconds
    }
}
