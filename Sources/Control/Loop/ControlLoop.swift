import CLinux
import EventLoop

/// The loop of the control thread: descriptors, deadlines and messages from other threads.
///
/// Everything in it runs on one thread, the one that calls ``turn(until:)``. What a handler does
/// takes effect at once: a descriptor that it takes out gets no further event, also of the batch
/// that is being handled, and a deadline that it cancels does not come up.
///
/// Nothing here is on a request's way, so that closures and classes are fine.
final class ControlLoop {
    /// What is called when a descriptor is ready.
    typealias Handler = (Readiness) -> Void

    private struct Watched {
        var generation: UInt32
        var handler: Handler
    }

    private let poller: Poller
    /// By descriptor.
    private var watched: [Int32: Watched] = [:]
    private var generations: UInt32 = 0
    private var deadlines = DeadlineHeap()
    /// When the loop woke up last.
    private(set) var now: Instant

    /// A loop that watches nothing.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses an epoll instance.
    init() throws(SystemError) {
        poller = try Poller(capacity: 256)
        now = Instant(nanoseconds: weir_monotonic_ns())
    }

    // MARK: Descriptors

    /// Calls `handler` when the descriptor is ready for what `interest` says, or has failed; false
    /// if the kernel refuses.
    ///
    /// Level-triggered unless `isEdgeTriggered`. Take it out by ``unwatch(_:)`` before it is
    /// closed.
    func watch(
        _ descriptor: Int32,
        _ interest: Readiness = .readable,
        isEdgeTriggered: Bool = false,
        _ handler: @escaping Handler
    ) -> Bool {
        generations &+= 1
        let token = Self.token(descriptor, generations)
        guard
            poller.add(descriptor, interest, isEdgeTriggered: isEdgeTriggered, token: token)
        else { return false }
        watched[descriptor] = Watched(generation: generations, handler: handler)
        return true
    }

    /// Watches a level-triggered descriptor for something else; false if the kernel refuses.
    func change(_ descriptor: Int32, _ interest: Readiness) -> Bool {
        guard let entry = watched[descriptor] else { return false }
        return poller.change(
            descriptor,
            interest,
            token: Self.token(descriptor, entry.generation)
        )
    }

    /// Whether the descriptor is watched.
    func isWatched(_ descriptor: Int32) -> Bool { watched[descriptor] != nil }

    /// Watches a descriptor no longer.
    func unwatch(_ descriptor: Int32) {
        if watched.removeValue(forKey: descriptor) != nil { poller.remove(descriptor) }
    }

    /// As ``unwatch(_:)`` for one that nobody else holds, and closes it: closing takes it out of
    /// the kernel's list, which saves a call.
    func close(_ descriptor: Int32) {
        watched.removeValue(forKey: descriptor)
        weir_close(descriptor)
    }

    /// Calls `receive` for each message that arrives in a mailbox.
    func receive<Message>(
        from mailbox: Mailbox<Message>,
        _ receive: @escaping (Message) -> Void
    ) -> Bool {
        watch(mailbox.descriptor) { _ in
            for message in mailbox.drain() { receive(message) }
        }
    }

    private static func token(_ descriptor: Int32, _ generation: UInt32) -> UInt64 {
        UInt64(UInt32(bitPattern: descriptor)) << 32 | UInt64(generation)
    }

    // MARK: Deadlines

    /// Calls `action` once, at `deadline` or soon after.
    @discardableResult
    func at(_ deadline: Instant, _ action: @escaping () -> Void) -> Deadline {
        let entry = Deadline(at: deadline, action)
        deadlines.insert(entry)
        return entry
    }

    /// Calls `action` once, `span` nanoseconds from ``now``.
    @discardableResult
    func after(_ span: Int64, _ action: @escaping () -> Void) -> Deadline {
        at(now + max(0, span), action)
    }

    /// Calls `action` every `span` nanoseconds, for as long as the loop runs.
    func every(_ span: Int64, _ action: @escaping () -> Void) {
        // A loop that fell behind goes on from now instead of catching up.
        after(span) { [unowned self] in
            action()
            every(span, action)
        }
    }

    /// Forgets a deadline; one that has come up already stays as it is.
    func cancel(_ deadline: Deadline?) {
        guard let deadline else { return }
        deadlines.cancel(deadline)
    }

    // MARK: Running

    /// Waits once, at most until `limit`, and handles what came.
    func turn(until limit: Instant = .never) {
        now = Instant(nanoseconds: weir_monotonic_ns())
        let count = poller.wait(milliseconds: milliseconds(until: limit))
        now = Instant(nanoseconds: weir_monotonic_ns())
        for index in 0..<count {
            let token = poller.token(at: index)
            let descriptor = Int32(bitPattern: UInt32(token >> 32))
            guard let entry = watched[descriptor],
                entry.generation == UInt32(truncatingIfNeeded: token)
            else { continue }
            entry.handler(poller.readiness(at: index))
        }
        // What an action adds waits for the next turn, or one could keep the others waiting.
        let newest = deadlines.newest
        while let due = deadlines.popDue(now, upTo: newest) { due.perform() }
    }

    private func milliseconds(until limit: Instant) -> Int32 {
        let end = min(limit, deadlines.next)
        guard end != .never else { return -1 }
        // Up to the next millisecond, or the loop would turn until the time has come.
        let left = max(0, end - now)
        return Int32(clamping: left / 1_000_000 + (left % 1_000_000 > 0 ? 1 : 0))
    }
}
