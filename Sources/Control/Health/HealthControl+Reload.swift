import Configuration
import Proxy

/// How control goes over to a changed file.
extension HealthControl {
    /// Whether the endpoints of the pool at a place have room for the servers of a changed file.
    func hasRoom(_ place: Int, _ pool: PoolConfig) -> Bool {
        discoveries[place]?.hasRoom(for: pool) ?? false
    }

    /// Goes over to a changed file; what workers have to know of pools is kept until
    /// ``finishFollowing()``.
    func follow(_ next: Snapshot, contexts: PoolContexts) {
        let previous = snapshot
        let (before, after) = (previous.placed, next.placed)
        snapshot = next
        self.contexts = contexts
        collected = []
        let forgets = !(after.written.admin?.keepsChanges ?? true)
        let changed = changes.pools
        if forgets { changes = ServerChanges() }
        leaving = before.pools.map { ($0, discoveries[$0]?.members ?? []) }
        for place in after.pools where !after.newPools.contains(place) {
            monitors[place]?.follow(config(ofPool: place))
            discoveries[place]?.follow(config(ofPool: place), next)
            if forgets, changed.contains(config(ofPool: place).name) {
                discoveries[place]?.publishAgain(withStates: true)
            }
        }
        for place in after.newPools.sorted() { add(pool: place) }
        var heirs: Set<Int> = []
        for place in before.pools where !after.pools.contains(place) {
            let name = before.config.pools[place].name
            if let heir = after.newPools.first(where: { after.config.pools[$0].name == name }) {
                heirs.insert(heir)
                inherit(heir, from: place, previous)
            }
            drop(pool: place)
        }
        for place in after.newPools.sorted() {
            if !heirs.contains(place) { discoveries[place]?.start() }
            check(place, next.members(ofPool: place), hostNames: [:])
        }
    }

    private func drop(pool place: Int) {
        discoveries[place]?.stop()
        discoveries[place] = nil
        monitors[place] = nil
        checks?.forget(pool: place)
    }

    /// Whether everybody was found who can be found at once for pools that are new.
    var hasFound: Bool {
        placed.newPools.allSatisfy { discoveries[$0]?.hasOutcome ?? true }
    }

    /// What workers have to know of pools besides the snapshot, and the places of endpoints whose
    /// server is in no pool of that name any more.
    func finishFollowing() -> (updates: [PoolUpdate], gone: Set<Int>) {
        for place in placed.newPools.sorted() {
            guard let discovery = discoveries[place] else { continue }
            discovery.begin()
            if changes.pools.contains(config(ofPool: place).name) {
                discovery.publishAgain(withStates: true)
            }
        }
        defer {
            collected = nil
            leaving = []
        }
        return (collected ?? [], goneEndpoints)
    }

    private var goneEndpoints: Set<Int> {
        var gone: Set<Int> = []
        for (place, members) in leaving {
            let name = placed.config.pools[place].name
            let heir = placed.pools.first { placed.config.pools[$0].name == name }
            let stays = Set(
                heir.flatMap { discoveries[$0]?.members }?.compactMap { $0?.address } ?? []
            )
            for (slot, server) in members.enumerated() {
                guard let server, !stays.contains(server.address) else { continue }
                gone.insert(snapshot.firstEndpoint(ofPool: place) + slot)
            }
        }
        return gone
    }

    /// The names of a pool's endpoints by slot; of slots that were left, the last ones.
    func names(ofPool place: Int) -> [String] { monitors[place]?.names ?? [] }

    /// A pool of the same name takes another's place: what is known of its endpoints stays.
    private func inherit(_ heir: Int, from place: Int, _ previous: Snapshot) {
        guard let old = discoveries[place], let new = discoveries[heir] else { return }
        new.inherit(from: old)
        var slots: [ServerAddress: Int] = [:]
        for (slot, server) in old.members.enumerated() {
            if let server { slots[server.address] = slot }
        }
        let (from, to) = (previous.plan(ofPool: place).shared, snapshot.plan(ofPool: heir).shared)
        for (slot, server) in new.members.enumerated() {
            guard let server, let known = slots[server.address] else { continue }
            to.inherit(
                slot,
                from: from,
                known,
                withEjection: config(ofPool: heir).ejection != nil,
                withChecks: config(ofPool: heir).checks != nil,
                now: loop.now.nanoseconds
            )
        }
    }
}
