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
