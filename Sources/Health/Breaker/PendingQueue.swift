/// Requests that wait for room in a pool, first come first served, on one worker.
///
/// Whoever leaves is taken out at once, wherever it stands. Every operation but
/// ``append(_:wants:at:)``, which may grow the memory, takes the same short time.
public struct PendingQueue: Sendable {
    /// A request that waits.
    public struct Waiter: BitwiseCopyable, Sendable, Equatable {
        /// Who it is, in the owner's terms.
        public var id: Int32
        /// The one endpoint that it has to go to; -1 if any will do.
        public var wants: Int32
        /// Since when it waits, in nanoseconds of the monotonic clock.
        public var since: Int64

        /// One that waits.
        public init(id: Int32, wants: Int32, since: Int64) {
            self.id = id
            self.wants = wants
            self.since = since
        }
    }

    private struct Node {
        var waiter: Waiter
        var next: Int32
        var previous: Int32
    }

    private var nodes: [Node] = []
    private var free: Int32 = -1
    private var last: Int32 = -1
    /// The place of the one that waits longest, -1 if nobody waits.
    public private(set) var first: Int32 = -1
    /// How many wait.
    public private(set) var count = 0

    /// An empty queue.
    public init() {}

    /// Since when the first one waits that any endpoint will do for; `Int64.max` if there is none.
    ///
    /// O(those before it).
    public var oldestForAny: Int64 {
        var place = first
        while place >= 0 {
            let node = nodes[Int(place)]
            if node.waiter.wants < 0 { return node.waiter.since }
            place = node.next
        }
        return Int64.max
    }

    /// The one at a place that is taken.
    public subscript(place: Int32) -> Waiter { nodes[Int(place)].waiter }

    /// The place behind a place that is taken, -1 behind the last.
    public func next(after place: Int32) -> Int32 { nodes[Int(place)].next }

    /// Puts one at the end and returns its place, which stays the same until it leaves.
    public mutating func append(_ id: Int32, wants endpoint: Int32, at now: Int64) -> Int32 {
        let node = Node(
            waiter: Waiter(id: id, wants: endpoint, since: now),
            next: -1,
            previous: last
        )
        let place: Int32
        if free >= 0 {
            place = free
            free = nodes[Int(place)].next
            nodes[Int(place)] = node
        } else {
            place = Int32(truncatingIfNeeded: nodes.count)
            nodes.append(node)
        }
        if last >= 0 { nodes[Int(last)].next = place } else { first = place }
        last = place
        count += 1
        return place
    }

    /// Takes out the one at a place that is taken.
    public mutating func remove(_ place: Int32) {
        let node = nodes[Int(place)]
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            first = node.next
        }
        if node.next >= 0 {
            nodes[Int(node.next)].previous = node.previous
        } else {
            last = node.previous
        }
        nodes[Int(place)].next = free
        free = place
        count -= 1
    }
}
