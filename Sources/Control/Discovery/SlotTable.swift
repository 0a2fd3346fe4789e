import Configuration

/// Which endpoint of a pool has which slot.
///
/// One that comes back gets the slot it had, so that what is known of it stays; another one gets a
/// slot only when nobody can still be using it: every worker has gone over to endpoints without the
/// old one, no request is under way there, and a minute has passed.
///
/// Pure: what the workers do is asked by a closure.
struct SlotTable {
    /// How long a slot rests before it is given to another address, in nanoseconds.
    static let rest: Int64 = 60_000_000_000

    private enum Slot {
        /// Nobody was ever there. Next: `used`.
        case fresh
        /// Next: `left`.
        case used(ServerConfig)
        /// The server went. Next: `used`, by the same address at once, by another after a rest.
        case left(ServerAddress, at: Int64)
    }

    /// What ``apply(_:now:isIdle:)`` changed.
    struct Changes {
        /// Slots that got a server.
        var entered: [(slot: Int, isNew: Bool)] = []
        /// Slots whose server went.
        var left: [Int] = []
        /// Slots whose server has another weight, priority, state, bound or name.
        var changed: [Int] = []
        /// Servers for which there was no slot yet.
        var waiting = 0

        /// Whether workers have to be told.
        var isEmpty: Bool { entered.isEmpty && left.isEmpty && changed.isEmpty }
    }

    private let capacity: Int
    /// As far as they were ever used.
    private var slots: [Slot] = []
    private var places: [ServerAddress: Int] = [:]

    /// A table of `capacity` slots in which nobody is.
    init(capacity: Int) { self.capacity = capacity }

    /// By slot: who is there.
    var members: [ServerConfig?] {
        slots.map { slot in
            if case .used(let server) = slot { return server }
            return nil
        }
    }

    /// Makes these the servers.
    ///
    /// Of several with one address the first counts. `isIdle`: whether nobody can be using a slot
    /// whose server went.
    mutating func apply(
        _ desired: [ServerConfig],
        now: Int64,
        isIdle: (Int) -> Bool
    ) -> Changes {
        var changes = Changes()
        var seen: Set<ServerAddress> = []
        let desired = desired.filter { seen.insert($0.address).inserted }
        let wanted = Set(desired.map(\.address))
        for (index, slot) in slots.enumerated() {
            guard case .used(let server) = slot, !wanted.contains(server.address) else { continue }
            slots[index] = .left(server.address, at: now)
            changes.left.append(index)
        }
        var newcomers: [ServerConfig] = []
        for server in desired {
            guard let index = places[server.address] else {
                newcomers.append(server)
                continue
            }
            if case .used(let before) = slots[index] {
                if before == server { continue }
                changes.changed.append(index)
            } else {
                changes.entered.append((slot: index, isNew: false))
            }
            slots[index] = .used(server)
        }
        place(newcomers, now, isIdle, &changes)
        return changes
    }

    private mutating func place(
        _ newcomers: [ServerConfig],
        _ now: Int64,
        _ isIdle: (Int) -> Bool,
        _ changes: inout Changes
    ) {
        var next = 0
        for (number, server) in newcomers.enumerated() {
            guard let index = freeSlot(from: &next, now, isIdle) else {
                changes.waiting = newcomers.count - number
                return
            }
            if case .left(let address, _) = slots[index] { places[address] = nil }
            slots[index] = .used(server)
            places[server.address] = index
            changes.entered.append((slot: index, isNew: true))
        }
    }

    /// A slot that may be given out, at `next` or behind it: a rested one, or else a fresh one, so
    /// that the workers' lists stay short.
    private mutating func freeSlot(
        from next: inout Int,
        _ now: Int64,
        _ isIdle: (Int) -> Bool
    ) -> Int? {
        while next < slots.count {
            defer { next += 1 }
            if case .left(_, let at) = slots[next], now &- at >= Self.rest,
                isIdle(next)
            {
                return next
            }
        }
        guard slots.count < capacity else { return nil }
        slots.append(.fresh)
        next = slots.count
        return slots.count - 1
    }
}
