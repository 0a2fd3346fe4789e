import Proxy

/// Counts the snapshots of files that somebody still serves by, without keeping them.
struct LiveSnapshots {
    private struct Known {
        weak var snapshot: Snapshot?
    }

    private var known: [Known] = []

    /// Watches another one.
    mutating func add(_ snapshot: Snapshot) {
        known.removeAll { $0.snapshot == nil }
        known.append(Known(snapshot: snapshot))
    }

    /// How many have not gone: one, but for a reload that is under way.
    var count: Int { known.count { $0.snapshot != nil } }
}
