import EventLoop

/// Something to be done at a time; made by ``ControlLoop/at(_:_:)``.
final class Deadline {
    /// When.
    let time: Instant
    fileprivate var action: (() -> Void)?
    /// Orders those of the same time by when they were made.
    fileprivate var number: UInt64 = 0

    /// Something to be done then.
    init(at time: Instant, _ action: @escaping () -> Void) {
        self.time = time
        self.action = action
    }

    /// Whether it neither came up nor was cancelled.
    var isArmed: Bool { action != nil }

    /// Does it, once.
    func perform() {
        let action = action
        self.action = nil
        action?()
    }

    fileprivate func isBefore(_ other: Deadline) -> Bool {
        time == other.time ? number < other.number : time < other.time
    }
}

/// Deadlines in a binary heap, the earliest first.
///
/// Cancelled ones stay where they are until they come up, or until there are more of them than of
/// others.
struct DeadlineHeap {
    /// Fewer cancelled ones are not worth the search.
    private static let fewestSwept = 64

    private var heap: [Deadline] = []
    private var cancelled = 0
    /// The number of the one inserted last.
    private(set) var newest: UInt64 = 0

    /// How many are held, cancelled ones included.
    var count: Int { heap.count }

    /// No deadline lies before this time; `never` if there is none.
    var next: Instant { heap.first?.time ?? .never }

    /// Adds one.
    mutating func insert(_ deadline: Deadline) {
        newest &+= 1
        deadline.number = newest
        heap.append(deadline)
        moveUp(heap.count - 1)
    }

    /// Sees to it that it does not come up.
    mutating func cancel(_ deadline: Deadline) {
        guard deadline.isArmed else { return }
        deadline.action = nil
        cancelled += 1
        if cancelled >= Self.fewestSwept, cancelled > heap.count / 2 { sweep() }
    }

    /// The earliest that is due, taken out; `nil` also if that one was inserted behind `number`.
    mutating func popDue(_ now: Instant, upTo number: UInt64) -> Deadline? {
        while let first = heap.first, first.time <= now, first.number <= number {
            removeFirst()
            if first.isArmed { return first }
            cancelled = max(0, cancelled - 1)
        }
        return nil
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        moveDown(0)
    }

    private mutating func sweep() {
        heap.removeAll { !$0.isArmed }
        cancelled = 0
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { moveDown(index) }
    }

    private mutating func moveUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func moveDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
