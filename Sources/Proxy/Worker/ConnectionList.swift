import EventLoop

/// Clients' connections in order, oldest first, linked through their entries: one is in one list at
/// most.
struct ConnectionList: BitwiseCopyable {
    /// The one that has been in it longest, -1 for none.
    private(set) var oldest: Int32 = -1
    private var newest: Int32 = -1

    /// Puts a connection at the end.
    mutating func append(_ slot: Int32, _ down: borrowing Slab<Downstream>) {
        down[slot].pointee.idlePrevious = newest
        down[slot].pointee.idleNext = -1
        if newest >= 0 { down[newest].pointee.idleNext = slot } else { oldest = slot }
        newest = slot
    }

    /// Takes a connection out.
    mutating func remove(_ slot: Int32, _ down: borrowing Slab<Downstream>) {
        let previous = down[slot].pointee.idlePrevious
        let next = down[slot].pointee.idleNext
        if previous >= 0 { down[previous].pointee.idleNext = next } else { oldest = next }
        if next >= 0 { down[next].pointee.idlePrevious = previous } else { newest = previous }
    }
}
