extension Duration {
    /// The duration in nanoseconds, `Int64.max` where it would not fit.
    public var inNanoseconds: Int64 {
        let (seconds, fraction) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return Int64.max }
        let (sum, overflowed) = whole.addingReportingOverflow(fraction / 1_000_000_000)
        return overflowed ? Int64.max : sum
    }
}
