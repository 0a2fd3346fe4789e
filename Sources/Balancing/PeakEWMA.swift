import Synchronization

/// An endpoint's latency as an average that forgets with time and jumps to each peak.
///
/// A latency above the average replaces it; one below draws it down, by how much depends on the
/// time since the last one: after ``decay`` the old average weighs 1/e. Reading decays towards 0
/// as well, so that an endpoint without traffic becomes attractive again. (Finagle's `PeakEwma`,
/// linkerd's and tower's `peak_ewma`.)
///
/// The state is one 64-bit word, shared by all workers: the average in nanoseconds as a 32-bit
/// float, and the time of the last change in units of 2¹⁷ ns (131 µs), which repeat after 6.5 days;
/// an endpoint that was idle for just so long counts as fresh once. 0 is an endpoint without any
/// history.
struct PeakEWMA {
    /// In units of the stamp; see ``PeakEWMA``.
    private static let stampShift: Int64 = 17
    /// Stamps so little ahead of now come from another worker's clock reading.
    private static let stampsAhead: UInt32 = 1 << 16
    /// After so many decays nothing is forgotten any more: the order of two endpoints stays.
    private static let mostDecays = 10.0
    /// How often a change is tried while other workers change the word too.
    private static let tries = 4
    /// What is recorded at least for an endpoint without history, in nanoseconds.
    private static let leastSeed = 1_000_000.0
    /// The most that a failure counts as, in nanoseconds.
    private static let mostPenalty: Int64 = 300_000_000_000

    /// After it a latency weighs 1/e, in nanoseconds.
    let decay: Int64
    /// What a failure counts as, in nanoseconds.
    let penalty: Int64
    private let decaysPerStamp: Double

    init(decay: Int64, penalty: Int64) {
        self.decay = max(1, decay)
        self.penalty = max(0, penalty)
        decaysPerStamp = Double(Int64(1) << PeakEWMA.stampShift) / Double(self.decay)
    }

    /// The average at `now` in nanoseconds; `nil` without history.
    func cost(_ word: UInt64, now: Int64) -> Double? {
        guard word != 0 else { return nil }
        return PeakEWMA.average(word) * remaining(word, now)
    }

    /// The word after this result.
    func after(_ word: UInt64, _ result: TryResult) -> UInt64 {
        let old = cost(word, now: result.now) ?? 0
        let latency = Double(max(1, result.latency))
        switch result.kind {
        case .answered:
            // With a word of 0 `old` is 0 as well.
            guard latency < old else { return pack(latency, result.now) }
            return pack(old + latency * (1 - remaining(word, result.now)), result.now)
        case .failed:
            let asked = min(result.retryAfter, PeakEWMA.mostPenalty)
            let cost = max(latency, Double(max(penalty, asked)))
            return pack(max(old, cost), result.now)
        case .abandoned:
            // It would have taken longer; how much, nobody knows.
            let bound = word == 0 ? max(latency, PeakEWMA.leastSeed) : latency
            return bound > old ? pack(bound, result.now) : word
        }
    }

    /// Takes a result into account for all workers.
    ///
    /// Gives up after some tries: then other workers' results have just been recorded.
    func record(_ result: TryResult, in block: UnsafeMutablePointer<EndpointBlock>) {
        var word = unsafe block.pointee.latency.load(ordering: .relaxed)
        for _ in 0..<PeakEWMA.tries {
            let changed = after(word, result)
            if changed == word { return }
            let (done, found) = unsafe block.pointee.latency.weakCompareExchange(
                expected: word,
                desired: changed,
                ordering: .relaxed
            )
            if done { return }
            word = found
        }
    }

    /// What is left of the average, 0 to 1.
    private func remaining(_ word: UInt64, _ now: Int64) -> Double {
        let stamp = UInt32(truncatingIfNeeded: word)
        let age = PeakEWMA.stamp(now) &- stamp
        guard age <= UInt32.max - PeakEWMA.stampsAhead else { return 1 }
        let decays = min(Double(age) * decaysPerStamp, PeakEWMA.mostDecays)
        return Maths.exponential(-decays)
    }

    private func pack(_ cost: Double, _ now: Int64) -> UInt64 {
        // Never 0, which stands for no history.
        let average = Float(max(cost, 1))
        return UInt64(average.bitPattern) << 32 | UInt64(PeakEWMA.stamp(now))
    }

    private static func average(_ word: UInt64) -> Double {
        Double(Float(bitPattern: UInt32(truncatingIfNeeded: word >> 32)))
    }

    private static func stamp(_ now: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: now >> stampShift)
    }
}
