import CLinux

/// The file that names a running process, for commands that signal it.
public enum PIDFile {
    /// Where it is; without the folder, which is the service manager's to make, there is none.
    public static let path = "/run/weir/weir.pid"

    /// The process that the file names; `nil` where there is no good file.
    public static func read() -> Int32? {
        guard case .success(let bytes) = FileSystem().read(path), bytes.count < 32 else {
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = Int32(text.trimmingBlanks), number > 1 else { return nil }
        return number
    }

    /// The name of the program that a process runs, at most 15 bytes; `nil` where there is no such
    /// process.
    public static func programName(of process: Int32) -> String? {
        guard case .success(let bytes) = FileSystem().read("/proc/\(process)/comm") else {
            return nil
        }
        return String(String(decoding: bytes, as: UTF8.self).trimmingBlanks)
    }

    /// Whether a program of this name is Weir: called so, or as this one is.
    public static func isWeir(_ name: String) -> Bool {
        name.hasPrefix("weir") || name == programName(of: weir_process_id())
    }

    /// Names this process; false where that is not possible.
    @discardableResult
    static func write() -> Bool { weir_write_pid_file(path) == 0 }

    /// Removes the file if it names this process.
    static func remove() {
        if let number = read(), number == weir_process_id() { _ = weir_unlink(path) }
    }
}

extension String {
    /// Without blanks and line ends around it.
    fileprivate var trimmingBlanks: Substring {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        while text.first?.isWhitespace == true { text.removeFirst() }
        return text
    }
}
