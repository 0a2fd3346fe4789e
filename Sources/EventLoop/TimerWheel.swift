/// Deadlines for the slots of a slab, each armed at most once.
///
/// Arming is lazy: a deadline that moves further away is left where it is; when it comes up too
/// early its owner looks at the real deadline and arms again. So the usual request, which only ever
/// moves deadlines away, does no timer work.
///
/// Three levels of 256 slots of 8.4 ms, 2.1 s and 9.2 min (Varghese and Lauck, SOSP 1987); what
/// lies beyond 39 hours comes up early and is armed again.
public struct TimerWheel: ~Copyable {
    private struct Node {
        var next: Int32
        var previous: Int32
        var tick: Int64
    }

    private static let tickShift: Int64 = 23
    /// The head that holds what is due.
    private static let dueHead = 3 * 256

    private let nodes: UnsafeMutablePointer<Node>
    private let heads: UnsafeMutablePointer<Int32>
    private let capacity: Int
    private var initialised: Int32 = 0
    private var current: Int64
    private var armed = 0
    /// No deadline lies before this tick.
    private var earliest = Int64.max

    /// A wheel for the slots below `capacity`, starting at `now`.
    public init(capacity: Int, now: Instant) {
        self.capacity = max(1, capacity)
        nodes = .allocate(capacity: self.capacity)
        heads = .allocate(capacity: Self.dueHead + 1)
        heads.initialize(repeating: -1, count: Self.dueHead + 1)
        current = now.nanoseconds >> Self.tickShift
    }

    deinit {
        nodes.deallocate()
        heads.deallocate()
    }

    /// Sees to it that the slot comes up at `deadline` or before.
    public mutating func arm(_ slot: Int32, at deadline: Instant) {
        touch(slot)
        // Up to the next full tick, so that nothing comes up before its time.
        let tick = max(current &+ 1, (deadline.nanoseconds >> Self.tickShift) &+ 1)
        let node = nodes + Int(slot)
        if node.pointee.tick >= 0 {
            if node.pointee.tick <= tick { return }
            unlink(slot)
        }
        insert(slot, tick: tick)
    }

    /// Forgets the slot's deadline.
    public mutating func cancel(_ slot: Int32) {
        guard slot < initialised, nodes[Int(slot)].tick >= 0 else { return }
        unlink(slot)
    }

    /// Milliseconds until something can come up, at most `limit`; 0 if something is due.
    public func wait(from now: Instant, limit: Int64) -> Int64 {
        if armed == 0 { return limit }
        if heads[Self.dueHead] >= 0 { return 0 }
        let at = min(earliest, Int64.max >> Self.tickShift) << Self.tickShift
        let milliseconds = (at &- now.nanoseconds &+ 999_999) / 1_000_000
        return max(0, min(limit, milliseconds))
    }

    /// Moves the wheel on to `now`.
    ///
    /// What is due then is given out by ``popDue()``.
    public mutating func advance(to now: Instant) {
        let target = now.nanoseconds >> Self.tickShift
        if armed == 0 {
            current = max(current, target)
            earliest = Int64.max
            return
        }
        while current < target {
            current &+= 1
            if current & 0xff == 0 { cascade() }
            moveToDue(Int(current & 0xff))
        }
        if current >= earliest { earliest = nextTick() }
    }

    /// The next slot that is due, disarmed, or -1.
    public mutating func popDue() -> Int32 {
        let slot = heads[Self.dueHead]
        if slot >= 0 { unlink(slot) }
        return slot
    }

    private mutating func touch(_ slot: Int32) {
        while initialised <= slot {
            (nodes + Int(initialised)).initialize(to: Node(next: -1, previous: -1, tick: -1))
            initialised &+= 1
        }
    }

    private mutating func insert(_ slot: Int32, tick: Int64) {
        let distance = tick &- current
        let head: Int
        if distance < 256 {
            head = Int(tick & 0xff)
        } else if distance < 65_536 {
            head = 256 &+ Int((tick >> 8) & 0xff)
        } else {
            let reachable = min(distance, 255 << 16) &+ current
            head = 512 &+ Int((reachable >> 16) & 0xff)
        }
        link(slot, head: head)
        nodes[Int(slot)].tick = tick
        armed &+= 1
        earliest = min(earliest, tick)
    }

    private func link(_ slot: Int32, head: Int) {
        let first = heads[head]
        nodes[Int(slot)].next = first
        nodes[Int(slot)].previous = Int32(truncatingIfNeeded: -2 &- head)
        if first >= 0 { nodes[Int(first)].previous = slot }
        heads[head] = slot
    }

    private mutating func unlink(_ slot: Int32) {
        let node = nodes[Int(slot)]
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            heads[Int(-2 &- node.previous)] = node.next
        }
        if node.next >= 0 { nodes[Int(node.next)].previous = node.previous }
        nodes[Int(slot)].tick = -1
        armed &-= 1
    }

    private mutating func cascade() {
        redistribute(256 &+ Int((current >> 8) & 0xff))
        if (current >> 8) & 0xff == 0 { redistribute(512 &+ Int((current >> 16) & 0xff)) }
    }

    private mutating func redistribute(_ head: Int) {
        var slot = heads[head]
        heads[head] = -1
        while slot >= 0 {
            let next = nodes[Int(slot)].next
            armed &-= 1
            insert(slot, tick: max(current, nodes[Int(slot)].tick))
            slot = next
        }
    }

    private mutating func moveToDue(_ head: Int) {
        var slot = heads[head]
        heads[head] = -1
        while slot >= 0 {
            let next = nodes[Int(slot)].next
            link(slot, head: Self.dueHead)
            slot = next
        }
    }

    /// The tick at which something may come up: of the first level exactly, of the others when
    /// their slot is spread out, which may be before the first level's next one.
    private func nextTick() -> Int64 {
        let spread = nextSpread()
        for distance in 1..<Int64(256) where heads[Int((current &+ distance) & 0xff)] >= 0 {
            return min(spread, current &+ distance)
        }
        return spread
    }

    private func nextSpread() -> Int64 {
        for distance in 1..<Int64(256) {
            let slot = (current >> 8) &+ distance
            if heads[256 &+ Int(slot & 0xff)] >= 0 || slot & 0xff == 0 { return slot << 8 }
        }
        return current &+ 65_536
    }
}
