/// A key that a map does not have, and what its author most likely meant.
struct UnknownKey {
    let name: String
    /// The map in which it stands.
    let set: KeySet

    /// Maps that are named at most as the key's place.
    private static let homeCountMax = 3

    /// Keys that the file format knows and that this version does not have, by the maps that will
    /// have them.
    private static let planned: [String: Set<String>] = [
        TopLevelKeys.set.title: ["policies", "stores", "use", "tests"],
        RouteKeys.set.title: [
            "split", "split-by", "files", "mirror", "use", "skip", "allow", "deny", "auth",
            "rate-limit", "concurrency", "rewrite", "cors", "security-headers", "body-size",
            "compress",
        ],
        MatchKeys.set.title: [
            "header", "query", "cookie", "certificate", "claim", "client", "listener", "protocol",
            "share", "not",
        ],
        LogKeys.accessSet.title: ["fields", "redact"],
    ]

    /// What to write instead.
    var remedy: String {
        let names = set.keys.map(\.name)
        let here = "keys here: " + names.joined(separator: ", ")
        if Self.planned[set.title]?.contains(name) == true {
            return "this version does not have it yet; " + here
        }
        let near = nearestName(to: name, among: names)
        if let near, near == synonym(of: name) || isOneEdit(from: near) {
            return "did you mean \"\(near)\"?"
        }
        let homes = homes
        if let inner = homes.first(where: { $0.hasPrefix(set.title + ".") }) {
            return belongs(in: homes.filter { $0.hasPrefix(set.title + ".") }, inner) + here
        }
        if let near { return "did you mean \"\(near)\"?" }
        if let first = homes.first { return belongs(in: homes, first) + here }
        return here
    }

    /// The maps that have a key of this name, or of what other balancers call it.
    private var homes: [String] {
        // What only simulations have is a guess far off in a file that serves.
        let isSimulation = set.title.hasPrefix(TopLevelKeys.simulate.name)
        return homesOfKey(meant).filter {
            isSimulation || !$0.hasPrefix(TopLevelKeys.simulate.name)
        }
    }

    private var meant: String { synonym(of: name) ?? name }

    private func isOneEdit(from other: String) -> Bool {
        editDistance(Array(name.lowercased().utf8.prefix(64)), Array(other.utf8.prefix(64))) <= 1
    }

    private func belongs(in homes: [String], _ first: String) -> String {
        let places = homes.count > Self.homeCountMax ? [first] : homes
        let word = meant == name ? "it" : "\"\(meant)\", as it is called here,"
        return "\(word) belongs in \(places.joined(separator: " or ")); "
    }
}
