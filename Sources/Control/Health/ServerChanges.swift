import Configuration

/// What operators have changed of servers since the start, beside what the file says.
struct ServerChanges {
    private struct Entry {
        var state: ServerState?
        var weight: Int?
        var version = 0

        /// Whether anything is other than the file says, or would be if the file changed.
        var isOn: Bool { state != nil || weight != nil }
    }

    /// By pool, and in it by server.
    private var entries: [String: [String: Entry]] = [:]

    /// Remembers a change; what it leaves out stays as it was.
    mutating func change(pool: String, server: String, _ change: ServerChange) {
        var entry = entries[pool]?[server] ?? Entry()
        entry.state = change.returns.contains(.state) ? nil : change.state ?? entry.state
        entry.weight = change.returns.contains(.weight) ? nil : change.weight ?? entry.weight
        entry.version += 1
        entries[pool, default: [:]][server] = entry
    }

    /// Each change, for the process that follows.
    ///
    /// One that was given back stays: it keeps the change of a host name from its address.
    var all: [Handover.Message] {
        entries.flatMap { pool, servers in
            servers.map { server, entry in
                .change(
                    pool: pool,
                    server: server,
                    state: entry.state?.rawValue,
                    weight: entry.weight
                )
            }
        }
    }

    /// Pools some of whose servers were changed.
    var pools: Set<String> { Set(entries.keys) }

    /// How often a server was changed.
    func version(pool: String, server: String) -> Int { entries[pool]?[server]?.version ?? 0 }

    private func entry(of server: ServerConfig, pool: String) -> Entry? {
        guard let changed = entries[pool] else { return nil }
        return changed[server.name] ?? server.label.flatMap { changed[$0] }
            ?? server.hostName.flatMap { changed[$0] }
    }

    /// Whether an operator's word counts for a server, which is as the file has it.
    func isChanged(pool: String, _ server: ServerConfig) -> Bool {
        entry(of: server, pool: pool)?.isOn ?? false
    }

    /// What is other of a server than the file says, in words; `nil` if nothing is.
    ///
    /// `server` is as the file has it.
    func words(pool: String, _ server: ServerConfig) -> String? {
        guard let entry = entry(of: server, pool: pool) else { return nil }
        var words: [String] = []
        if let state = entry.state, state != server.state {
            words.append("state \(state.rawValue) by the operator (file: \(server.state.rawValue))")
        }
        if let weight = entry.weight, weight != server.weight {
            words.append("weight \(weight) by the operator (file: \(server.weight))")
        }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    /// What of a changed file has no effect, as an operator has changed it before.
    func outlasting(_ difference: ConfigDifference) -> [String] {
        let changes = Dictionary(difference.changes.map { ($0.key, $0) }) { first, _ in first }
        var words: [String] = []
        for (pool, servers) in entries {
            for (server, entry) in servers {
                let values: [(String, String?)] = [
                    ("state", entry.state?.rawValue), ("weight", entry.weight.map { "\($0)" }),
                ]
                for (key, value) in values {
                    guard let value,
                        let change = changes["pools.\(pool).servers[\(server)].\(key)"]
                    else { continue }
                    let file = change.after.map { " (file: \($0))" } ?? ""
                    words.append("\(change.key): \(value) by the operator goes on\(file)")
                }
            }
        }
        return words.sorted()
    }

    /// A pool's servers as they are to be.
    func applied(to members: [ServerConfig?], pool: String) -> [ServerConfig?] {
        guard entries[pool] != nil else { return members }
        return members.map { server in
            guard var server, let entry = entry(of: server, pool: pool) else { return server }
            server.state = entry.state ?? server.state
            server.weight = entry.weight ?? server.weight
            return server
        }
    }
}
