/// What asking for a name came to.
enum Finding<Item: Hashable & Sendable>: Equatable, Sendable {
    /// It has these, known for this many nanoseconds; at least one.
    case found([Item], ttl: Int64)
    /// There is nothing by that name, and why.
    case empty(String)
    /// Nobody said, and why.
    case failed(String)
}
