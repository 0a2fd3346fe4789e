import Synchronization

/// Counts of the last sixteen seconds by quarters of a second, added to by any thread.
///
/// A word holds a slot's number, its start in quarters of a second, and what was counted in it; a
/// word with another number is overwritten. Sequentially consistent, so that of two threads that
/// add and then sum up at least one sees the other's.
struct SlotRing: ~Copyable, Sendable {
    /// The length of a slot in nanoseconds.
    static let length: Int64 = 250_000_000
    private let words = InlineArray<64, Atomic<UInt64>> { _ in Atomic(0) }

    /// The number of the slot that this time falls into.
    static func number(_ now: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: max(0, now) / length)
    }

    /// Adds to a slot; nothing happens if it has been overwritten by a later one.
    func add(_ count: UInt32, to number: UInt32) {
        update(number) { $0 &+ min(count, .max &- $0) }
    }

    /// Takes back what was added.
    func subtract(_ count: UInt32, from number: UInt32) {
        update(number) { $0 &- min(count, $0) }
    }

    private func update(_ number: UInt32, _ change: (UInt32) -> UInt32) {
        let place = Int(number % 64)
        var word = words[place].load(ordering: .sequentiallyConsistent)
        while true {
            let stored = UInt32(truncatingIfNeeded: word >> 32)
            guard stored <= number else { return }
            let count = change(stored == number ? UInt32(truncatingIfNeeded: word) : 0)
            let (isDone, found) = words[place].compareExchange(
                expected: word,
                desired: UInt64(number) << 32 | UInt64(count),
                ordering: .sequentiallyConsistent
            )
            if isDone { return }
            word = found
        }
    }

    /// What was counted in the slots of these numbers.
    func sum(_ numbers: ClosedRange<UInt32>) -> UInt64 {
        var sum: UInt64 = 0
        for place in 0..<64 {
            let word = words[place].load(ordering: .sequentiallyConsistent)
            guard numbers.contains(UInt32(truncatingIfNeeded: word >> 32)) else { continue }
            sum &+= word & 0xffff_ffff
        }
        return sum
    }
}
