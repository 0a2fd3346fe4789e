import EventLoop
import Synchronization

/// A sign of life that control asks a worker for, again and again.
public final class Pulse: Sendable {
    /// When it was asked for, in nanoseconds; 0 once it has come.
    private let asked = Atomic<Int64>(0)

    /// None is asked for.
    public init() {}

    /// Asks for a sign; false while an earlier one has not come.
    public func ask(_ now: Instant) -> Bool {
        asked.compareExchange(
            expected: 0,
            desired: max(1, now.nanoseconds),
            ordering: .relaxed
        ).exchanged
    }

    /// The worker's loop has turned.
    public func answer() { asked.store(0, ordering: .relaxed) }

    /// Nanoseconds for which a sign has been waited for; 0 if it has come.
    public func silence(_ now: Instant) -> Int64 {
        let since = asked.load(ordering: .relaxed)
        return since == 0 ? 0 : max(1, now.nanoseconds &- since)
    }
}
