import CLinux
import Configuration
import EventLoop

/// Where the lines of one log go: an open file, and what could not be written to it.
struct LogSink {
    /// Nanoseconds between two notes that lines are lost.
    private static let noteEvery: Int64 = 10_000_000_000

    /// What an attempt to write or to open is told of.
    struct Remark {
        var level: LogConfig.Level
        var text: String
    }

    private var destination: LogConfig.Destination
    private var descriptor: Int32?
    /// Lines that were lost since that was told.
    private var lost = 0
    private var isLossTold = false
    private var notedAt: Int64?
    /// Whether the file ends in the middle of a line.
    private var isTorn = false

    /// A sink that is open, if its destination can be opened.
    init(_ destination: LogConfig.Destination) {
        self.destination = destination
        descriptor = try? LogWriter.open(destination)
    }

    /// Whether lines go to the process's own standard error.
    var isStandardError: Bool { descriptor == 2 }

    /// Opens `wanted` in place of what is open, which goes on to be written if that fails.
    mutating func open(_ wanted: LogConfig.Destination) -> Remark? {
        do throws(SystemError) {
            let opened = try LogWriter.open(wanted)
            close()
            descriptor = opened
            destination = wanted
            isTorn = false
            return nil
        } catch {
            return Remark(
                level: .error,
                text: "\(error.call): \(error.reason.lowercased()): lines go on to where they "
                    + "went before"
            )
        }
    }

    /// Lets go of the file.
    func close() {
        if let descriptor { LogWriter.close(descriptor) }
    }

    /// Writes whole lines at `now`, in nanoseconds of the monotonic clock; returns how many were
    /// lost, and what is to be told.
    mutating func write(
        _ bytes: UnsafeRawBufferPointer,
        now: Int64
    ) -> (lost: Int, remark: Remark?) {
        // A full disk or a closed pipe costs lines, never traffic.
        let (written, code) = writeAll(bytes)
        guard code != 0 else { return (0, recovered()) }
        let count = bytes[written...].count { $0 == UInt8(ascii: "\n") }
        isTorn = written > 0 ? bytes[written - 1] != UInt8(ascii: "\n") : isTorn
        lost += count
        guard notedAt.map({ now - $0 >= Self.noteEvery }) ?? true else { return (count, nil) }
        notedAt = now
        isLossTold = true
        let reason = String(cString: weir_error_text(code)).lowercased()
        let text = "cannot write \(name): \(reason): lines are lost"
        return (count, Remark(level: .error, text: text))
    }

    private mutating func recovered() -> Remark? {
        guard isLossTold else { return nil }
        let text = "\(name) is written again: \(lost) lines were lost"
        lost = 0
        isLossTold = false
        return Remark(level: .warning, text: text)
    }

    /// Returns how many bytes were written, and the errno that stopped it, else 0.
    private mutating func writeAll(_ bytes: UnsafeRawBufferPointer) -> (Int, Int32) {
        guard let descriptor, let base = bytes.baseAddress else { return (0, EBADF) }
        if isTorn {
            let result = weir_write(descriptor, "\n", 1)
            if result <= 0 { return (0, Int32(truncatingIfNeeded: -result)) }
            isTorn = false
        }
        var written = 0
        while written < bytes.count {
            let result = weir_write(descriptor, base + written, bytes.count - written)
            guard result > 0 else {
                return (written, result == 0 ? EIO : Int32(truncatingIfNeeded: -result))
            }
            written += result
        }
        return (written, 0)
    }

    private var name: String {
        switch destination {
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .file(let path): path
        }
    }
}
