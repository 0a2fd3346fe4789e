import Synchronization

/// `retries.budget`: how many tries may be repeated, for all workers of a pool together.
///
/// Each request deposits ``BudgetOptions/share``, each second deposits
/// ``BudgetOptions/perSecond``; deposits expire after ten seconds, and a retry takes 1 when it is
/// decided on, before it waits.
///
/// **Invariant:** the retries granted in any ten seconds are at most `share` × the requests
/// deposited in the ten seconds before the last of them + `perSecond` × 10.
///
/// It holds to the last one, since what counts as granted reaches back a quarter of a second
/// further than what counts as deposited.
public final class RetryBudget: Sendable {
    private static let slots: UInt32 = 40

    private let share: Double
    private let reserve: Double
    private let requests = SlotRing()
    private let granted = SlotRing()
    private let isEmpty = Atomic<Bool>(false)

    /// A budget with its reserve of ten seconds.
    public init(_ options: BudgetOptions) {
        share = max(0, options.share)
        reserve = max(0, options.perSecond) * 10
    }

    /// So many requests have come; each counts once, however often it is tried.
    public func deposit(_ count: Int, now: Int64) {
        guard count > 0 else { return }
        requests.add(UInt32(clamping: count), to: SlotRing.number(now))
    }

    /// What a retry is told.
    public enum OnWithdraw: Equatable, Sendable {
        /// It may be made.
        case granted
        /// It may not.
        case refused
        /// It may not, and it is the first one since there was budget: worth an event.
        case refusedFirst
    }

    /// A retry is to be made; once it is granted, it counts, whatever becomes of it.
    ///
    /// Allocates nothing.
    public func withdraw(now: Int64) -> OnWithdraw {
        let number = SlotRing.number(now)
        // The place is taken before the sum, or two workers could both see the last one.
        granted.add(1, to: number)
        if taken(number) <= budget(number) { return .granted }
        granted.subtract(1, from: number)
        let wasEmpty = isEmpty.exchange(true, ordering: .relaxed)
        return wasEmpty ? .refused : .refusedFirst
    }

    /// Whether there is budget again after refusals, told once: half of it, lest the news come
    /// with each retry that one more second allows.
    public func becameAvailable(now: Int64) -> Bool {
        guard isEmpty.load(ordering: .relaxed) else { return false }
        let number = SlotRing.number(now)
        let whole = budget(number)
        guard whole - taken(number) >= max(1, whole / 2) else { return false }
        return isEmpty.exchange(false, ordering: .relaxed)
    }

    /// What may be granted in ten seconds that end now; rounding takes nothing away.
    private func budget(_ number: UInt32) -> Double {
        let first = number &- min(number, RetryBudget.slots - 1)
        return (share * Double(requests.sum(first...number)) + reserve) * (1 + 1e-12)
    }

    /// What was granted in the last ten seconds, also by workers whose clock is a little ahead.
    private func taken(_ number: UInt32) -> Double {
        let first = number &- min(number, RetryBudget.slots)
        return Double(granted.sum(first...UInt32.max))
    }
}
