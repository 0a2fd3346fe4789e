import Configuration

/// What operators have changed of servers since the start, beside what the file says.
struct ServerChanges {
    private struct Entry {
        var state: ServerState?
        var weight: Int?
        var version = 0
    }

    /// By pool, and in it by server.
    private var entries: [String: [String: Entry]] = [:]

    /// Remembers a change; what it leaves out stays as it was.
    mutating func change(pool: String, server: String, _ change: ServerChange) {
        var entry = entries[pool]?[server] ?? Entry()
        entry.state = change.state ?? entry.state
        entry.weight = change.weight ?? entry.weight
        entry.version += 1
        entries[pool, default: [:]][server] = entry
    }

    /// Each change, for the process that follows.
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

    /// A pool's servers as they are to be.
    func applied(to members: [ServerConfig?], pool: String) -> [ServerConfig?] {
        guard let changed = entries[pool] else { return members }
        return members.map { server in
            guard var server,
                let entry = changed[server.name] ?? server.label.flatMap({ changed[$0] })
                    ?? server.hostName.flatMap({ changed[$0] })
            else { return server }
            server.state = entry.state ?? server.state
            server.weight = entry.weight ?? server.weight
            return server
        }
    }
}
