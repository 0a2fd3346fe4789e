/// How long ejections last: doubling, capped, with jitter; and when earlier ones are forgotten.
struct EjectionTime: Sendable {
    /// Of the first, in nanoseconds.
    let base: Int64
    /// Of the longest, in nanoseconds.
    let most: Int64

    /// The times of these options; `base-time` is no longer than `max-time`.
    init(_ options: EjectionOptions) {
        most = max(1_000_000, options.maxTime.inNanoseconds)
        base = min(most, max(1_000_000, options.baseTime.inNanoseconds))
    }

    /// How long the `times`-th ejection in a row lasts, in nanoseconds, without jitter.
    func plain(times: Int) -> Int64 {
        var time = base
        var left = times - 1
        while left > 0 && time < most {
            // What is below the cap and doubled does not overflow unless the cap is near the end.
            time = time > most / 2 ? most : time * 2
            left -= 1
        }
        return min(time, most)
    }

    /// The same, up to a tenth longer, never beyond the cap.
    func jittered(times: Int, random: UInt64) -> Int64 {
        let time = plain(times: times)
        let part = Int64((UInt64(time) / 10).multipliedFullWidth(by: random).high)
        return time &+ min(part, most &- time)
    }

    /// How many ejections still count after the endpoint was in service for that long: one is
    /// forgotten for each whole time out that the last one would have been.
    func remembered(times: Int, inService: Int64) -> Int {
        guard times > 0, inService > 0 else { return max(0, times) }
        return max(0, times - Int(clamping: inService / plain(times: times)))
    }
}
