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
                for remark in files.open(wishes) { tell(remark) }
            }
            write(batches, to: &files, dropped)
            if wishes.ends {
                let dropped = queue.drain(into: &batches)
                write(batches, to: &files, dropped)
                files.close()
                weir_eventfd_signal(ended)
                return
            }
        }
    }

    private struct Files {
        var own: LogSink
        var access: LogSink?
        /// Whether the access log is off, and its file still open for lines from before.
        private var isAccessEnding = false

        init(_ wishes: Wishes) {
            own = LogSink(wishes.own)
            access = wishes.access.map { LogSink($0) }
        }

        /// Opens the files anew; what cannot be opened is written on where it was.
        mutating func open(_ wishes: Wishes) -> [LogSink.Remark] {
            var remarks = [own.open(wishes.own)]
            if let wanted = wishes.access {
                isAccessEnding = false
                if access == nil {
                    access = LogSink(wanted)
                } else {
                    remarks.append(access?.open(wanted))
                }
            } else if isAccessEnding {
                access?.close()
                access = nil
            } else {
                // Workers hand over what they have when they learn of it; the next wish closes.
                isAccessEnding = true
            }
            return remarks.compactMap(\.self)
        }

        func close() {
            own.close()
            access?.close()
        }
    }

    private func write(_ batches: [LogBatch], to files: inout Files, _ dropped: Int) {
        let now = weir_monotonic_ns()
        for batch in batches {
            let bytes = UnsafeRawBufferPointer(start: batch.memory, count: batch.count)
            let result: (lost: Int, remark: LogSink.Remark?)
            switch batch.target {
            case .own:
                result = files.own.write(bytes, now: now)
                // The log that lines are lost from is not where to tell of it.
                if let remark = result.remark, result.lost > 0, !files.own.isStandardError {
                    tellDirectly(remark)
                }
            case .access: result = files.access?.write(bytes, now: now) ?? (0, nil)
            }
            if result.lost > 0 { queue.countUnwritten(result.lost) }
            if let remark = result.remark { tell(remark) }
            queue.recycle(batch)
        }
        if dropped > 0 {
            queue.note(level: .warning, "\(dropped) log lines were dropped: the log is too slow")
        }
    }

    private func tell(_ remark: LogSink.Remark) {
        queue.note(level: remark.level, remark.text)
    }

    /// Writes to standard error, whatever becomes of it.
    private func tellDirectly(_ remark: LogSink.Remark) {
        guard let line = queue.line(remark.level, remark.text) else { return }
        Array((line + "\n").utf8).withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            _ = weir_write(2, base, bytes.count)
        }
    }

    /// A descriptor for a destination.
    ///
    /// - Throws: ``SystemError`` for a file that cannot be opened.
    static func open(_ destination: LogConfig.Destination) throws(SystemError) -> Int32 {
        switch destination {
        case .stdout: 1
        case .stderr: 2
        case .file(let path): try SystemError.check(weir_open_append(path), "cannot open \(path)")
        }
    }

    /// Lets go of a descriptor, unless it is the process's own output.
    static func close(_ descriptor: Int32) {
        if descriptor > 2 { weir_close(descriptor) }
    }
}
