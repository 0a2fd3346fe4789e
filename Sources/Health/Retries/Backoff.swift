/// How long a request waits before it is tried again: exponential, with full jitter.
///
/// Brooker, "Exponential Backoff and Jitter", 2015: of the ways to jitter, drawing from the whole
/// range spreads the load of many that failed together best.
public enum Backoff {
    /// Nanoseconds to wait after the `afterTry`-th try, 1 for the first: anything from 0 to
    /// `base` · 2^(`afterTry` − 1), all equally likely, but at most `most`.
    public static func wait(
        afterTry: Int,
        _ base: Int64,
        _ most: Int64,
        random: UInt64
    ) -> Int64 {
        guard base > 0, most > 0 else { return 0 }
        var longest = min(base, most)
        var left = afterTry - 1
        while left > 0 && longest < most {
            longest = longest > most / 2 ? most : longest * 2
            left -= 1
        }
        return Int64((UInt64(longest) + 1).multipliedFullWidth(by: random).high)
    }
}
