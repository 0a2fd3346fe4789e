/// How many CPUs the process may use, by what the control groups (cgroups(7), version 2) allow.
///
/// A bound may stand at any level: systemd's `CPUQuota=` at the unit's, a container's at its own,
/// or at a slice around them. In a container with a namespace of its own the path is `/`, and the
/// bound stands there.
struct CPUQuota {
    private static let mount = "/sys/fs/cgroup"

    /// The contents of a file; `nil` where it cannot be read.
    private let read: (String) -> String?

    /// The quota of this machine's files.
    init() {
        self.init { path in
            guard case .success(let bytes) = FileSystem().read(path) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// A quota of files that `read` reads; `nil` is one that is not there.
    init(read: @escaping (String) -> String?) { self.read = read }

    /// Of so many CPUs those that may be used, rounded up; at least 1.
    func usable(of count: Int) -> Int {
        var least = max(1, count)
        var path = ownPath[...]
        while true {
            if let bound = bound(at: Self.mount + path) { least = min(least, bound) }
            guard let slash = path.lastIndex(of: "/") else { return least }
            path = path[..<slash]
        }
    }

    /// The path of the process's own group below ``mount``, empty for the outermost.
    private var ownPath: String {
        let lines = (read("/proc/self/cgroup") ?? "").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("0::/") }) else { return "" }
        let path = line.dropFirst(3)
        // Of a process that was moved out of its namespace; what is above cannot be seen.
        if path.split(separator: "/").contains("..") { return "" }
        return path == "/" ? "" : String(path)
    }

    /// `cpu.max` has quota and period in microseconds, the quota `max` where there is none.
    private func bound(at folder: String) -> Int? {
        let words = (read(folder + "/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]),
            quota > 0, period > 0
        else { return nil }
        let (whole, rest) = quota.quotientAndRemainder(dividingBy: period)
        return rest > 0 ? whole + 1 : max(1, whole)
    }
}
