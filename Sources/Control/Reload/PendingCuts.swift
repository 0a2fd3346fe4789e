/// Listeners and endpoints that went, by place, while what still runs there has its time.
///
/// A place that somebody else has by then is not meant any more.
struct PendingCuts {
    /// The places that one reload left.
    struct Due {
        /// Of listeners.
        var listeners: Set<Int> = []
        /// Of endpoints.
        var endpoints: Set<Int> = []
    }

    private var last = 0
    /// By place: the reload that left it.
    private var listeners: [Int: Int] = [:]
    /// See ``listeners``.
    private var endpoints: [Int: Int] = [:]

    /// A reload has left these places; returns the number by which they are taken, `nil` where
    /// all of them were left before and not yet taken.
    mutating func add(listeners: Set<Int>, endpoints: Set<Int>) -> Int? {
        let listeners = listeners.filter { self.listeners[$0] == nil }
        let endpoints = endpoints.filter { self.endpoints[$0] == nil }
        guard !(listeners.isEmpty && endpoints.isEmpty) else { return nil }
        last += 1
        for place in listeners { self.listeners[place] = last }
        for place in endpoints { self.endpoints[place] = last }
        return last
    }

    /// Places that are in use again, or that others may have from now on.
    mutating func forget(listeners: Set<Int>, endpoints: Set<Int>) {
        for place in listeners { self.listeners[place] = nil }
        for place in endpoints { self.endpoints[place] = nil }
    }

    /// What is still to be cut of what a reload left.
    mutating func take(_ number: Int) -> Due {
        let due = Due(
            listeners: Set(listeners.filter { $0.value == number }.keys),
            endpoints: Set(endpoints.filter { $0.value == number }.keys)
        )
        forget(listeners: due.listeners, endpoints: due.endpoints)
        return due
    }
}
