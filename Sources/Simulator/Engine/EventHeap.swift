/// Something that will happen, at a time.
struct Event: BitwiseCopyable {
    /// What happens; of two at the same time the lower one comes first.
    enum Kind: UInt8 {
        /// A machine has finished a request: its place.
        case served = 0
        /// A machine has finished what nobody waits for: the machine.
        case released = 1
        /// What came of a try is known to the worker: the request's place.
        case told = 2
        /// The worker gives up a try: the request's place.
        case gaveUp = 3
        /// The first one in a machine's queue may have waited too long: the machine.
        case queueDue = 4
        /// A neighbour on the machine begins or ends its work: the machine.
        case antagonist = 5
        /// A probe is at the machine: the probe's place.
        case probed = 6
        /// A probe's report is at the worker: the probe's place.
        case reported = 7
        /// A try is at its machine: the request's place.
        case reached = 8
        /// A request that waited to be tried again is: the request's place.
        case retried = 9
        /// A request's time at a machine's queue may be over: the request's place.
        case waitedOut = 10
        /// A check begins: the endpoint.
        case checkBegan = 11
        /// A check is at its machine: the endpoint.
        case checkReached = 12
        /// A check's result is known: the endpoint.
        case checkTold = 13
        /// Control looks for ejections that are over: the plan.
        case looked = 14
        /// Control compares endpoints: the plan.
        case compared = 15
        /// A request may have waited too long for room in a bounded pool: the request's place.
        case roomDue = 16
    }

    /// When, in nanoseconds.
    let time: Int64
    private let what: UInt64

    init(_ time: Int64, _ kind: Kind, _ index: Int) {
        self.time = time
        what = UInt64(kind.rawValue) << 56 | UInt64(truncatingIfNeeded: index)
    }

    /// What happens.
    var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: what >> 56)) ?? .reached }

    /// To whom.
    var index: Int { Int(truncatingIfNeeded: what & 0x00ff_ffff_ffff_ffff) }

    /// Whether it comes before another.
    @inline(__always)
    func isBefore(_ other: Event) -> Bool {
        time < other.time || (time == other.time && what < other.what)
    }
}

/// The events to come, the next one first: a heap with four children a node.
struct EventHeap {
    private var events: [Event] = []

    /// The next event's time; `Int64.max` if nothing is to come.
    private(set) var nextTime = Int64.max

    init() { events.reserveCapacity(1024) }

    /// How many are to come.
    var count: Int { events.count }

    /// Adds an event.
    mutating func push(_ event: Event) {
        events.append(event)
        var hole = events.count &- 1
        var span = events.mutableSpan
        while hole > 0 {
            let parent = (hole &- 1) / 4
            let above = span[parent]
            guard event.isBefore(above) else { break }
            span[hole] = above
            hole = parent
        }
        span[hole] = event
        nextTime = span[0].time
    }

    /// Takes the next event out.
    mutating func pop() -> Event? {
        guard let first = events.first, let last = events.popLast() else { return nil }
        let count = events.count
        guard count > 0 else {
            nextTime = Int64.max
            return first
        }
        var span = events.mutableSpan
        var hole = 0
        while true {
            let child = hole &* 4 &+ 1
            guard child < count else { break }
            var best = child
            var least = span[child]
            let end = min(child &+ 4, count)
            var other = child &+ 1
            while other < end {
                let candidate = span[other]
                if candidate.isBefore(least) {
                    least = candidate
                    best = other
                }
                other &+= 1
            }
            guard least.isBefore(last) else { break }
            span[hole] = least
            hole = best
        }
        span[hole] = last
        nextTime = span[0].time
        return first
    }
}
