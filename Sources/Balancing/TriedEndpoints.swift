/// The endpoints that a request tried already, without allocating.
public struct TriedEndpoints: BitwiseCopyable, Sendable {
    /// How many it remembers; a further one takes the place of the oldest.
    public static let capacity = 8

    private var indices = InlineArray<8, UInt32>(repeating: 0)
    private var insertions: UInt32 = 0

    /// None.
    public init() {}

    /// How many endpoints are in it.
    public var count: Int { min(Int(insertions), TriedEndpoints.capacity) }

    /// Whether no endpoint is in it.
    public var isEmpty: Bool { insertions == 0 }

    /// One of them; `place` must be below ``count``.
    subscript(place: Int) -> EndpointIndex { Int(indices[place]) }

    /// Adds an endpoint; nothing happens if it is in already.
    public mutating func insert(_ index: EndpointIndex) {
        guard !contains(index) else { return }
        indices[Int(insertions) % TriedEndpoints.capacity] = UInt32(truncatingIfNeeded: index)
        insertions &+= 1
    }

    /// Whether the endpoint was tried.
    public func contains(_ index: EndpointIndex) -> Bool {
        for place in 0..<count where Int(indices[place]) == index { return true }
        return false
    }
}
