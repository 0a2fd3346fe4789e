extension Duration {
    /// A duration as the file writes it, `250ms 2s 5m`; `nil` for anything else.
    public init?(configurationText text: String) {
        guard case .value(let duration) = Quantity.duration(text) else { return nil }
        self = duration
    }

    /// The duration as the file would write it.
    public var configurationText: String { Quantity.text(duration: self) }

    /// The duration in nanoseconds, `Int64.max` where it would not fit.
    public var inNanoseconds: Int64 {
        let (seconds, fraction) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return Int64.max }
        let (sum, overflowed) = whole.addingReportingOverflow(fraction / 1_000_000_000)
        return overflowed ? Int64.max : sum
    }
}
