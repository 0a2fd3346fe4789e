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
            retired[place] = discoveries[place]?.members
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
    }

    /// Whether everybody was found who can be found at once for pools that are new.
    var hasFound: Bool {
        placed.newPools.allSatisfy { discoveries[$0]?.hasOutcome ?? true }
    }

    /// What workers have to know of pools besides the snapshot, and what becomes of endpoints.
    func finishFollowing() -> (updates: [PoolUpdate], fates: Fates) {
        for place in placed.newPools.sorted() {
            guard let discovery = discoveries[place] else { continue }
            discovery.begin()
            if changes.pools.contains(config(ofPool: place).name) {
                discovery.publishAgain(withStates: true)
            }
        }
        // Not before: those who take their place go on with what their checks have found.
        for (place, _) in leaving where !placed.pools.contains(place) {
            checks?.forget(pool: place)
        }
        forgetEvents()
        defer {
            collected = nil
            leaving = []
        }
        return (collected ?? [], fates)
    }

    /// What happened to servers that no pool of that name has any more concerns nobody.
    private func forgetEvents() {
        for (place, members) in leaving where !placed.pools.contains(place) {
            let pool = config(ofPool: place).name
            let heir = placed.pools.first { config(ofPool: $0).name == pool }
            let stay = heir.flatMap { discoveries[$0]?.members }?.compactMap { $0?.name } ?? []
            for name in Set(members.compactMap { $0?.name }).subtracting(stay) {
                events.forget(pool: pool, endpoint: name)
            }
        }
    }

    /// What becomes of endpoints, by their places among those of all pools.
    struct Fates {
        /// Their server is in no pool of that name any more.
        var gone: Set<Int> = []
        /// Their server is in such a pool, maybe again.
        var stay: Set<Int> = []
    }

    private var fates: Fates {
        var fates = Fates()
        let places = leaving.filter { retired[$0.place] == nil } + retired.map { ($0, $1) }
        for (place, members) in places {
            let name = config(ofPool: place).name
            let heir = placed.pools.first { config(ofPool: $0).name == name }
            let stays = Set(
                heir.flatMap { discoveries[$0]?.members }?.compactMap { $0?.address } ?? []
            )
            let first = snapshot.firstEndpoint(ofPool: place)
            for (slot, server) in members.enumerated() {
                guard let server else { continue }
                if stays.contains(server.address) {
                    fates.stay.insert(first + slot)
                } else {
                    fates.gone.insert(first + slot)
                }
            }
        }
        return fates
    }

    /// Sends nothing more to endpoints of retired pools: to those that are gone, where others of
    /// their pool stay, or else to all of these.
    func leave(_ endpoints: Set<Int>, staying: Set<Int>?) {
        for (place, members) in retired {
            let first = snapshot.firstEndpoint(ofPool: place)
            let own = Set(members.indices.map { first + $0 })
            if let staying, own.isDisjoint(with: staying) { continue }
            for endpoint in own.intersection(endpoints) {
                snapshot.leave(pool: place, slot: endpoint - first, now: loop.now.nanoseconds)
            }
        }
    }

    /// Nobody uses these retired pools any more.
    func release(pools: Set<Int>) {
        for place in pools { retired[place] = nil }
    }

    /// The names of a pool's endpoints by slot; of slots that were left, the last ones.
    func names(ofPool place: Int) -> [String] { monitors[place]?.names ?? [] }

    /// A pool of the same name takes another's place: what is known of its endpoints stays.
    private func inherit(_ heir: Int, from place: Int, _ previous: Snapshot) {
        guard let old = discoveries[place], let new = discoveries[heir] else { return }
        var slots: [ServerAddress: Int] = [:]
        for (slot, server) in old.members.enumerated() {
            if let server { slots[server.address] = slot }
        }
        let (from, to) = (previous.plan(ofPool: place).shared, snapshot.plan(ofPool: heir).shared)
        let (pool, loop) = (config(ofPool: heir), loop)
        func inherit(_ slot: Int, _ address: ServerAddress) {
            guard let known = slots[address] else { return }
            to.inherit(
                slot,
                from: from,
                known,
                withEjection: pool.ejection != nil,
                withChecks: pool.checks != nil,
                now: loop.now.nanoseconds
            )
        }
        for (slot, server) in new.members.enumerated() {
            if let server { inherit(slot, server.address) }
        }
        new.inherit(from: old, inherit)
    }
}
