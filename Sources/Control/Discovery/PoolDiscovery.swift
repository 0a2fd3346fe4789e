import Balancing
import Configuration
import EventLoop
import Health
import Proxy

/// Gives the found servers of one pool their slots, and tells workers and checks of them.
final class PoolDiscovery {
    /// How often it is tried again to find slots for servers that have none, in nanoseconds.
    private static let retryInterval: Int64 = 1_000_000_000
    /// From one look at what workers have taken over to the next, in nanoseconds.
    private static let departureInterval: Int64 = 10_000_000

    /// The pool's index in the configuration.
    let index: Int
    private let pool: PoolConfig
    private let snapshot: Snapshot
    private let loop: ControlLoop
    private let tell: (HealthEvent) -> Void
    private let publish: (PoolUpdate, [Int: String]) -> Void
    /// Servers as the operator has changed them since.
    private let changed: ([ServerConfig?]) -> [ServerConfig?]
    private var table: SlotTable
    private var sources: PoolSources?
    /// By slot whose server went: the update that was the first without it.
    private var updates: [Int: PoolUpdate] = [:]
    /// Slots whose server went, while some worker may not know yet.
    private var departing: Set<Int> = []
    private var departure: Deadline?
    private var waiting = 0
    private var retry: Deadline?
    private var isDirty = false
    private var hasBegun = false
    private var mustPublish = false

    /// The discovery of the pool with this index, which has found nobody yet.
    ///
    /// `publish` gets what workers are to go over to, and by slot the names by which its servers
    /// were found.
    init(
        _ index: Int,
        _ pool: PoolConfig,
        _ snapshot: Snapshot,
        _ resolver: Resolver,
        on loop: ControlLoop,
        tell: @escaping (HealthEvent) -> Void,
        changed: @escaping ([ServerConfig?]) -> [ServerConfig?] = { $0 },
        publish: @escaping (PoolUpdate, [Int: String]) -> Void
    ) {
        self.index = index
        self.pool = pool
        self.snapshot = snapshot
        self.loop = loop
        self.tell = tell
        self.changed = changed
        self.publish = publish
        table = SlotTable(
            fixed: pool.membersByAddress,
            capacity: snapshot.capacity(ofPool: index)
        )
        sources = PoolSources(pool, resolver, changed: { [weak self] in self?.mark() }, tell: tell)
    }

    /// Begins to look for servers.
    func start() {
        sources?.start()
        if sources?.hasFile == true {
            loop.every(ServersFile.interval) { [weak self] in self?.sources?.lookAtFile() }
        }
    }

    /// Whether everything was asked for once, if only to fail.
    var hasOutcome: Bool { sources?.hasOutcome ?? true }

    /// Has the servers that were found so far serve from the start, at once with their whole
    /// weight; later ones join by slow start.
    func begin() {
        apply()
        hasBegun = true
    }

    /// The operator has changed a server: workers get the pool anew.
    func publishAgain() {
        mustPublish = true
        apply()
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
        let found = sources?.found ?? []
        let now = loop.now.nanoseconds
        let shared = snapshot.plan(ofPool: index).shared
        let changes = table.apply(found.map(\.server), now: now) { slot in
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
                snapshot.enter(server, pool: index, slot: slot, now: now, ramps: hasBegun)
            }
        }
        for slot in changes.changed {
            if let server = members[slot] { setState(server, slot, now) }
        }
        let health = snapshot.health(ofPool: index)
        health.setSize(members.count { ($0?.weight ?? 0) > 0 })
        let update = snapshot.update(pool: index, members: members)
        for slot in changes.left {
            updates[slot] = update
            departing.insert(slot)
        }
        publish(update, hostNames(found, members))
        finishDepartures()
    }

    private func setState(_ server: ServerConfig, _ slot: Int, _ now: Int64) {
        snapshot.plan(ofPool: index).shared.change(slot, now: now) { health in
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
            snapshot.leave(pool: index, slot: slot, now: now)
            // An ejection of one that is gone must not use up the pool's share.
            snapshot.health(ofPool: index).reset(slot, now: now)
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
            ? "\(count) servers have no room: at most \(snapshot.capacity(ofPool: index)) at a "
                + "time, and places of those that went are free after a minute"
            : "every server has room"
        tell(HealthEvent(.serversChanged, pool: pool.name, reason: reason))
    }
}
