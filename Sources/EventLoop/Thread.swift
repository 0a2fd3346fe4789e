import CLinux

/// A thread of the operating system.
public struct Thread: ~Copyable {
    private let handle: pthread_t

    private final class Start {
        var body: (@Sendable () -> Void)?
        let ended: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void, _ ended: @escaping @Sendable () -> Void) {
            self.body = body
            self.ended = ended
        }

        func run() {
            body?()
            body = nil
            ended()
        }
    }

    /// Starts a thread that runs `body`; `name` has at most 15 bytes.
    ///
    /// `ended` runs behind it, once everything that `body` held has been released.
    ///
    /// - Throws: ``SystemError`` if the system has no more threads to give.
    public init(
        name: String,
        _ body: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable () -> Void = {}
    ) throws(SystemError) {
        let start = Unmanaged.passRetained(Start(body, ended))
        var thread = pthread_t()
        let failed = weir_thread_start(
            { argument in
                if let argument {
                    Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            },
            start.toOpaque(),
            name,
            &thread
        )
        if failed < 0 {
            start.release()
            throw SystemError(code: -failed, call: "pthread_create")
        }
        handle = thread
    }

    // One that nobody joins frees what it holds by itself.
    deinit { weir_thread_detach(handle) }

    /// Waits for the thread's end.
    public consuming func join() {
        weir_thread_join(handle)
        discard self
    }
}
