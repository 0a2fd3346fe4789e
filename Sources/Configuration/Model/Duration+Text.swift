extension Duration {
    /// A duration as the file writes it, `250ms 2s 5m`; `nil` for anything else.
    public init?(configurationText text: String) {
        guard case .value(let duration) = Quantity.duration(text) else { return nil }
        self = duration
    }

    /// The duration as the file would write it.
    public var configurationText: String { Quantity.text(duration: self) }
}
