import Configuration

/// A file of servers that is looked at twice a second.
///
/// It is read when its stamp has changed, whatever took its place. What cannot be read or has a
/// mistake is told once, and the last good servers stay.
final class ServersFile {
    /// From one look to the next, in nanoseconds.
    static let interval: Int64 = 500_000_000

    /// What a look has brought.
    enum News: Equatable {
        /// Other servers than before, in words.
        case changed(String)
        /// The file cannot be used, and why; the last servers stay.
        case bad(String)
    }

    private let path: String
    private let others: [ServerConfig]
    private let needsNames: Bool
    private var stamp: FileStamp?
    private var problem: String?
    /// The servers of the last good file.
    private(set) var servers: [ServerConfig] = []

    /// A file that was not looked at yet; `others` are the servers that its pool has besides, and
    /// `needsNames` says that TLS verifies them by their host names.
    init(path: String, besides others: [ServerConfig], needsNames: Bool = false) {
        self.path = path
        self.others = others
        self.needsNames = needsNames
    }

    /// Looks at the file, and reads it if it has changed; `nil` where there is no news.
    func look() -> News? {
        // Before reading: what is written meanwhile is read at the next look.
        let current = FileStamp(of: path)
        if current == stamp { return nil }
        stamp = current
        let result = loadServers(
            path: path,
            besides: others,
            needsNames: needsNames,
            files: FileSystem(waitsForPipes: false),
            environment: FileSystem.environment
        )
        guard let read = result.servers else {
            let first = result.diagnostics.first { $0.severity == .error }
            let reason = first.map(Self.words) ?? "cannot be read"
            if reason == problem { return nil }
            problem = reason
            return .bad(reason)
        }
        let isBack = problem != nil
        problem = nil
        let before = servers
        servers = read
        if before == read { return isBack ? .changed("as before, after a mistake") : nil }
        return .changed(Self.difference(before, read))
    }

    private static func words(_ diagnostic: Diagnostic) -> String {
        "\(diagnostic.file):\(diagnostic.line):\(diagnostic.column): \(diagnostic.message)"
    }

    private static func difference(_ before: [ServerConfig], _ after: [ServerConfig]) -> String {
        let old = Set(before.map(\.name))
        let new = Set(after.map(\.name))
        var words = ["now \(after.count) server\(after.count == 1 ? "" : "s")"]
        for (label, names) in [
            ("new", new.subtracting(old)), ("gone", old.subtracting(new)),
        ] where !names.isEmpty {
            let shown = names.sorted().prefix(8).joined(separator: ", ")
            words.append("\(label): \(shown)\(names.count > 8 ? " and others" : "")")
        }
        return words.joined(separator: "; ")
    }
}
