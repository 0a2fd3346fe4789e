import CLinux
import Configuration
import EventLoop
import Proxy
import Synchronization

/// The log thread: writes what workers hand over, and is the only one that waits for a disk.
final class LogWriter: Sendable {
    /// What control asks of the thread.
    private struct Wishes {
        var reopens = false
        var ends = false
        var own: LogConfig.Destination
        var access: LogConfig.Destination?
    }

    private let queue: LogQueue
    private let wishes: Mutex<Wishes>
    private let wake: Int32
    /// Readable once the thread has written everything and ended.
    let ended: Int32

    /// A writer to the file's destinations.
    ///
    /// - Throws: ``SystemError`` if a log file cannot be opened.
    init(_ config: LogConfig, queue: LogQueue) throws(SystemError) {
        self.queue = queue
        let wishes = Wishes(own: config.destination, access: config.access?.destination)
        self.wishes = Mutex(wishes)
        wake = try SystemError.check(weir_eventfd(), "eventfd")
        ended = try SystemError.check(weir_eventfd(), "eventfd")
        try Self.check(config)
    }

    /// Tries whether the destinations can be opened.
    ///
    /// - Throws: ``SystemError`` for one that cannot.
    static func check(_ config: LogConfig) throws(SystemError) {
        for destination in [config.destination, config.access?.destination] {
            if let destination { close(try open(destination)) }
        }
    }

    /// Writes to these destinations from now on; what is waiting goes there too.
    func follow(_ config: LogConfig) {
        wishes.withLock { wishes in
            wishes.own = config.destination
            wishes.access = config.access?.destination
            wishes.reopens = true
        }
        weir_eventfd_signal(wake)
    }

    deinit {
        weir_close(wake)
        weir_close(ended)
    }

    /// Opens log files again, so that rotated ones are let go.
    func reopen() {
        wishes.withLock { $0.reopens = true }
        weir_eventfd_signal(wake)
    }

    /// Has the thread write what is left and end.
    func end() {
        wishes.withLock { $0.ends = true }
        weir_eventfd_signal(wake)
    }

    /// The thread's body.
    func run() {
        guard let poller = try? Poller(capacity: 4) else { return }
        _ = poller.addSource(queue.descriptor, token: 0)
        _ = poller.addSource(wake, token: 1)
        var files = Files(wishes.withLock { $0 })
        var batches: [LogBatch] = []
        batches.reserveCapacity(LogQueue.maxWaiting)
        while true {
            _ = poller.wait(milliseconds: -1)
            weir_eventfd_clear(wake)
            let dropped = queue.drain(into: &batches)
            // Behind the lines, so that none which was written after a wish goes where the wish
            // says no more.
            let wishes = wishes.withLock { wishes in
                let current = wishes
                wishes.reopens = false
                return current
            }
            if wishes.reopens {
                files.close()
                files = Files(wishes)
            }
            write(batches, to: files, dropped)
            if wishes.ends {
                let dropped = queue.drain(into: &batches)
                write(batches, to: files, dropped)
                files.close()
                weir_eventfd_signal(ended)
                return
            }
        }
    }

    private struct Files {
        let own: Int32?
        let access: Int32?

        init(_ wishes: Wishes) {
            own = try? LogWriter.open(wishes.own)
            access = wishes.access.flatMap { try? LogWriter.open($0) }
        }

        func close() {
            if let own { LogWriter.close(own) }
            if let access { LogWriter.close(access) }
        }
    }

    private func write(_ batches: [LogBatch], to files: Files, _ dropped: Int) {
        for batch in batches {
            let file = batch.target == .own ? files.own : files.access
            if let file { Self.writeAll(file, batch.memory, batch.count) }
            queue.recycle(batch)
        }
        if dropped > 0 {
            queue.note(level: .warning, "\(dropped) log lines were dropped: the log is too slow")
        }
    }

    private static func open(_ destination: LogConfig.Destination) throws(SystemError) -> Int32 {
        switch destination {
        case .stdout: 1
        case .stderr: 2
        case .file(let path): try SystemError.check(weir_open_append(path), "cannot open \(path)")
        }
    }

    private static func close(_ descriptor: Int32) {
        if descriptor > 2 { weir_close(descriptor) }
    }

    private static func writeAll(
        _ file: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) {
        var written = 0
        while written < count {
            let result = weir_write(file, bytes + written, count - written)
            // A full disk or a closed pipe costs lines, never traffic.
            if result <= 0 { return }
            written += result
        }
    }
}
