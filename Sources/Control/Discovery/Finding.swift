import Routing

/// What asking for a name came to.
enum Finding<Item: Hashable & Sendable>: Equatable, Sendable {
    /// It has these, known for this many nanoseconds; at least one.
    case found([Item], ttl: Int64)
    /// There is nothing by that name, and why.
    case empty(String)
    /// Nobody said, and why.
    case failed(String)
}

/// One record of a service.
struct ServiceRecord: Hashable, Sendable {
    /// The lower value is asked first.
    var priority: UInt16
    /// The share among those of the same priority.
    var weight: UInt16
    /// The port at the target.
    var port: UInt16
    /// The name of the machine, in lower case, without a dot at its end.
    var target: String
}
