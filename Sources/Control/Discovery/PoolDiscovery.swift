import Balancing
import Configuration
import EventLoop
import Health
import Proxy

/// Gives the servers of one pool their slots, those of the file and those that are found, and tells
/// workers and checks of them.
final class PoolDiscovery {
    /// How often it is tried again to find slots for servers that have none, in nanoseconds.
    private static let retryInterval: Int64 = 1_000_000_000
    /// From one look at what workers have taken over to the next, in nanoseconds.
    private static let departureInterval: Int64 = 10_000_000

    /// The pool's place.
    let place: Int
    private var pool: PoolConfig
    private var snapshot: Snapshot
    private let resolver: Resolver
    private let loop: ControlLoop
    private let tell: (HealthEvent) -> Void
    private let publish: (PoolUpdate, [Int: String]) -> Void
    /// Servers as the operator has changed them since.
    private let changed: ([ServerConfig?]) -> [ServerConfig?]
    private var table: SlotTable
    /// Where servers are found; `nil` in a pool whose file gives all of them.
    private var sources: PoolSources?
    /// What ``found`` goes on with while something has not been answered.
    private var lastFound: [PoolSources.Found] = []
    /// By slot whose server went: the update that was the first without it.
    private var updates: [Int: PoolUpdate] = [:]
    /// Slots whose server went, while some worker may not know yet.
    private var departing: Set<Int> = []
    private var departure: Deadline?
    private var waiting = 0
    private var look: Deadline?
    private var retry: Deadline?
    private var isDirty = false
    private var hasBegun = false
    private var mustPublish = false
    /// Has a server that is found at once go on with what is known of it, by slot and address.
    private var inheritHealth: ((Int, ServerAddress) -> Void)?

    /// The discovery of the pool at this place, which has found nobody yet.
    ///
    /// `publish` gets what workers are to go over to, and by slot the names by which its servers
    /// were found.
    init(
        _ place: Int,
        _ pool: PoolConfig,
        _ snapshot: Snapshot,
        _ resolver: Resolver,
        on loop: ControlLoop,
        tell: @escaping (HealthEvent) -> Void,
        changed: @escaping ([ServerConfig?]) -> [ServerConfig?] = { $0 },
        publish: @escaping (PoolUpdate, [Int: String]) -> Void
    ) {
        self.place = place
        self.pool = pool
        self.snapshot = snapshot
        self.resolver = resolver
        self.loop = loop
        self.tell = tell
        self.changed = changed
        self.publish = publish
        table = SlotTable(capacity: snapshot.capacity(ofPool: place))
        // They have these slots in the snapshot.
        _ = table.apply(pool.membersByAddress, now: 0) { _ in true }
        makeSources()
    }

    private func makeSources() {
        sources?.stop()
        sources = nil
        guard pool.findsEndpoints else { return }
        sources = PoolSources(pool, resolver, changed: { [weak self] in self?.mark() }, tell: tell)
    }

    /// Begins to look for servers.
    func start() {
        sources?.start()
        lookLater()
    }

    private func lookLater() {
        loop.cancel(look)
        guard sources?.hasFile == true else { return }
        look = loop.after(ServersFile.interval) { [weak self] in
            self?.sources?.lookAtFile()
            self?.lookLater()
        }
    }

    /// Looks for servers no longer.
    func stop() {
        sources?.stop()
        sources = nil
        for deadline in [look, retry, departure] { loop.cancel(deadline) }
    }

    /// Whether everything was asked for once, if only to fail.
    var hasOutcome: Bool { sources?.hasOutcome ?? true }

    /// By slot: who is there, as the file and the name servers have it.
    var members: [ServerConfig?] { table.members }

    /// Those that were found when everything that was asked for had last been answered, also if by
    /// the file before: what is asked for besides takes nobody away until it is answered.
    private var found: [PoolSources.Found] {
        guard let sources else { return [] }
        if sources.hasOutcome { lastFound = sources.found }
        return lastFound
    }

    // MARK: Another file

    /// Whether there are slots for the servers that a changed file has for the pool.
    func hasRoom(for pool: PoolConfig) -> Bool {
        var table = table
        let shared = snapshot.plan(ofPool: place).shared
        let servers = pool.membersByAddress + found.map(\.server)
        let changes = table.apply(servers, now: loop.now.nanoseconds) { slot in
            !departing.contains(slot) && shared.inFlight(slot) == 0
        }
        return changes.waiting == 0
    }

    /// Goes over to a changed file, in which the pool has other servers at most.
    func follow(_ pool: PoolConfig, _ snapshot: Snapshot) {
        self.snapshot = snapshot
        guard pool.servers != self.pool.servers else {
            self.pool = pool
            return
        }
        lastFound = found
        self.pool = pool
        // Not before the new ones ask for the same names: who stops last takes along what is known.
        let before = sources
        sources = nil
        makeSources()
        if let before { sources?.inherit(from: before) }
        start()
        before?.stop()
        apply()
    }

    /// Goes on, in a pool that takes the place of another, with what that one had found.
    ///
    /// `health` is called for each server that is found until ``begin()``, with its slot.
    func inherit(from other: PoolDiscovery, _ health: @escaping (Int, ServerAddress) -> Void) {
        inheritHealth = health
        lastFound = other.found
        if let before = other.sources { sources?.inherit(from: before) }
        start()
    }

    /// Has the servers that were found so far serve from the start, at once with their whole
    /// weight; later ones join by slow start.
    func begin() {
        apply()
        hasBegun = true
        inheritHealth = nil
    }

    /// What the operator has changed of servers is another: workers get the pool anew.
    ///
    /// `withStates`: whether the states that workers share follow too.
    func publishAgain(withStates: Bool) {
        mustPublish = true
        apply()
        guard withStates else { return }
        for (slot, server) in changed(table.members).enumerated() {
            if let server { setState(server, slot, loop.now.nanoseconds) }
        }
    }

    /// Something may have changed: looks at the end of the turn, once.
    private func mark() {
        guard hasBegun, !isDirty else { return }
        isDirty = true
        loop.after(0) { [weak self] in
            self?.isDirty = false
            self?.apply()
        }
    }

    private func apply() {
        let found = found
        let now = loop.now.nanoseconds
        let shared = snapshot.plan(ofPool: place).shared
        let servers = pool.membersByAddress + found.map(\.server)
        let changes = table.apply(servers, now: now) { slot in
            !departing.contains(slot) && shared.inFlight(slot) == 0
        }
        note(waiting: changes.waiting)
        guard !changes.isEmpty || mustPublish else { return }
        mustPublish = false
        let members = changed(table.members)
        for (slot, _) in changes.entered {
            guard let server = members[slot] else { continue }
            updates[slot] = nil
            if departing.remove(slot) != nil {
                setState(server, slot, now)
            } else {
                snapshot.enter(server, pool: place, slot: slot, now: now, ramps: hasBegun)
                inheritHealth?(slot, server.address)
            }
        }
        for slot in changes.changed {
            if let server = members[slot] { setState(server, slot, now) }
        }
        let health = snapshot.health(ofPool: place)
        health.setSize(members.count { ($0?.weight ?? 0) > 0 })
        let update = snapshot.update(pool: place, members: members)
        for slot in changes.left {
            updates[slot] = update
            departing.insert(slot)
        }
        publish(update, hostNames(found, members))
        finishDepartures()
    }

    private func setState(_ server: ServerConfig, _ slot: Int, _ now: Int64) {
        snapshot.plan(ofPool: place).shared.change(slot, now: now) { health in
            health.operatorState = Availability(server.state)
            return true
        }
    }

    /// Takes down the slots of servers that went, as soon as every worker has gone over to an
    /// update without them.
    ///
    /// Not before: a worker that does not know those yet which came in their place would have
    /// nobody to send a request to.
    private func finishDepartures() {
        loop.cancel(departure)
        let now = loop.now.nanoseconds
        for slot in departing where updates[slot]?.isAcknowledged ?? true {
            departing.remove(slot)
            updates[slot] = nil
            snapshot.leave(pool: place, slot: slot, now: now)
            // An ejection of one that is gone must not use up the pool's share.
            snapshot.health(ofPool: place).reset(slot, now: now)
        }
        guard !departing.isEmpty else { return }
        departure = loop.after(Self.departureInterval) { [weak self] in self?.finishDepartures() }
    }

    private func hostNames(
        _ found: [PoolSources.Found],
        _ members: [ServerConfig?]
    ) -> [Int: String] {
        var names: [ServerAddress: String] = [:]
        for one in found where names[one.server.address] == nil {
            names[one.server.address] = one.hostName
        }
        var bySlot: [Int: String] = [:]
        for (slot, server) in members.enumerated() {
            if let server { bySlot[slot] = names[server.address] }
        }
        return bySlot
    }

    /// Servers without a slot get one as soon as there is one that nobody uses any more.
    private func note(waiting count: Int) {
        loop.cancel(retry)
        if count > 0 {
            retry = loop.after(Self.retryInterval) { [weak self] in self?.mark() }
        }
        guard count != waiting else { return }
        waiting = count
        let reason =
            count > 0
            ? "\(count) servers have no room: at most \(snapshot.capacity(ofPool: place)) at a "
                + "time, and places of those that went are free after a minute"
            : "every server has room"
        tell(HealthEvent(.serversChanged, pool: pool.name, reason: reason))
    }
}
