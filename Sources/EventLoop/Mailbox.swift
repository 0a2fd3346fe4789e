import CLinux
import Synchronization

/// Messages from other threads to one loop, which an eventfd wakes.
public final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    /// Readable while messages wait; the loop registers it level-triggered.
    public let descriptor: Int32

    /// An empty mailbox.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses an eventfd.
    public init() throws(SystemError) {
        descriptor = try SystemError.check(weir_eventfd(), "eventfd")
    }

    deinit { weir_close(descriptor) }

    /// Leaves a message and wakes the loop; callable from any thread.
    public func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        weir_eventfd_signal(descriptor)
    }

    /// All messages, in the order in which they were posted.
    public func drain() -> [Message] {
        weir_eventfd_clear(descriptor)
        return messages.withLock { waiting in
            let all = waiting
            waiting = []
            return all
        }
    }
}
