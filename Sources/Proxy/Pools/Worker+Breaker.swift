import Balancing
import EventLoop
import Health
import Synchronization

/// What became of the search for an endpoint of a bounded pool.
enum Admission {
    /// The endpoint has room, which is taken.
    case admitted(EndpointIndex)
    /// No endpoint takes part or is left.
    case noEndpoint
    /// The exchange has to wait: for this endpoint, or any (-1).
    ///
    /// `isForAll`: whether nobody else would be let in either.
    case full(wants: Int32, isForAll: Bool)
}

/// What bounded pools take at once: `breaker`, and `max-connections` of a server.
extension Worker {
    // MARK: Room

    /// Takes room for a try in a bounded pool, at an endpoint that has some.
    mutating func admit(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>,
        _ gate: PoolGate
    ) -> Admission {
        lacksConnections = false
        isOutOfConnections = false
        guard entersPool(exchange, gate) else { return .full(wants: -1, isForAll: true) }
        if let probed = claimProbe(exchange, pool) { return .admitted(probed) }
        let first = pool.pointee.firstEndpoint
        let tried = exchange.pointee.tried
        let isFresh = exchange.pointee.flags.contains(.wantsFresh)
        defer { exchange.pointee.tried = tried }
        var isFull = false
        for _ in 0..<TriedEndpoints.capacity {
            guard let pick = pick(exchange, pool) else { break }
            // The second time round all that are left have been seen.
            if isFull, exchange.pointee.tried.contains(pick) { break }
            if takesRoom(first &+ pick, gate, isFresh) { return .admitted(pick) }
            isFull = true
            if pick == Int(exchange.pointee.stuckTo), !tried.contains(pick) {
                return .full(wants: Int32(truncatingIfNeeded: pick), isForAll: false)
            }
            // Elsewhere a connection would be needed just so.
            if isOutOfConnections { break }
            exchange.pointee.tried.insert(pick)
        }
        guard isFull else { return .noEndpoint }
        if !isOutOfConnections,
            let found = pool.pointee.balancer.any(where: { place in
                !tried.contains(place) && takesRoom(first &+ place, gate, isFresh)
            })
        {
            return .admitted(found)
        }
        // One that may not go everywhere says nothing of those behind it.
        return .full(wants: -1, isForAll: tried.isEmpty)
    }

    /// Takes room in the pool, unless the exchange has it; false if there is none.
    private mutating func entersPool(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ gate: PoolGate
    ) -> Bool {
        if exchange.pointee.flags.contains(.admitted) { return true }
        guard gate.enterRequest() else { return false }
        exchange.pointee.flags.insert(.admitted)
        return true
    }

    /// Takes room for a try at this very endpoint, where there is a bound; false if there is none.
    mutating func isAdmitted(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>,
        at place: EndpointIndex
    ) -> Bool {
        guard let gate = pool.pointee.gate else { return true }
        guard entersPool(exchange, gate) else { return false }
        let isFresh = exchange.pointee.flags.contains(.wantsFresh)
        return takesRoom(pool.pointee.firstEndpoint &+ place, gate, isFresh)
    }

    /// Takes room for a request and, unless an idle connection waits, for a connection.
    ///
    /// `isFresh`: whether no idle one will do.
    private mutating func takesRoom(
        _ endpoint: Int,
        _ gate: PoolGate,
        _ isFresh: Bool
    ) -> Bool {
        let block = endpointStates[endpoint].block
        guard Self.enter(block.pointee.inFlight, limit: endpoints[endpoint].maxRequests) else {
            return false
        }
        if !isFresh, hasIdle(endpoint) { return true }
        if carrier(withRoomAt: endpoint) >= 0 { return true }
        holdsConnection = takesConnection(endpoint, gate)
        if !holdsConnection { block.pointee.inFlight.wrappingSubtract(1, ordering: .relaxed) }
        return holdsConnection
    }

    /// Whether one more connection to the endpoint may be opened, whose place is held then.
    mutating func mayOpen(_ endpoint: Int) -> Bool {
        guard let gate = pools[Int(endpoints[endpoint].pool)].gate else { return true }
        holdsConnection = takesConnection(endpoint, gate)
        return holdsConnection
    }

    private mutating func takesConnection(_ endpoint: Int, _ gate: PoolGate) -> Bool {
        let block = endpointStates[endpoint].block
        let limit = endpoints[endpoint].maxConnections
        if !Self.enter(block.pointee.connections, limit: limit) {
            // One that is idle there will not do, but its place will.
            guard closeIdleUpstream(of: endpoint),
                Self.enter(block.pointee.connections, limit: limit)
            else {
                lacksConnections = true
                return false
            }
        }
        if gate.enterConnection() { return true }
        // An idle one of another endpoint goes for one that is needed.
        if closeIdleUpstream(ofPool: Int(endpoints[endpoint].pool)), gate.enterConnection() {
            return true
        }
        lacksConnections = true
        isOutOfConnections = true
        block.pointee.connections.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    private static func enter(_ counter: borrowing Atomic<Int32>, limit: Int32) -> Bool {
        var count = counter.load(ordering: .relaxed)
        while count < limit {
            let (isDone, found) = counter.compareExchange(
                expected: count,
                desired: count &+ 1,
                ordering: .relaxed
            )
            if isDone { return true }
            count = found
        }
        return false
    }

    /// Counts a connection that is about to be opened; room for it may have been taken before.
    mutating func countConnection(_ endpoint: Int) {
        guard let gate = pools[Int(endpoints[endpoint].pool)].gate, !holdsConnection else { return }
        // Nobody waits for room on the way to a connection that takes another's place.
        gate.forceConnection()
        endpointStates[endpoint].block.pointee.connections.wrappingAdd(1, ordering: .relaxed)
    }

    /// Keeps the place of a connection that is about to be closed for the one that replaces it.
    mutating func holdConnection(_ endpoint: Int) {
        countConnection(endpoint)
        holdsConnection = pools[Int(endpoints[endpoint].pool)].gate != nil
    }

    /// Gives back the room that was taken for a connection which cannot be opened.
    mutating func dropHeldConnection(_ endpoint: Int) {
        guard holdsConnection else { return }
        holdsConnection = false
        connectionClosed(endpoint)
    }

    /// A connection that counted was closed.
    mutating func connectionClosed(_ endpoint: Int) {
        let pool = Int(endpoints[endpoint].pool)
        guard let gate = pools[pool].gate else { return }
        endpointStates[endpoint].block.pointee.connections.wrappingSubtract(1, ordering: .relaxed)
        gate.leaveConnection()
        noteRoom(pool)
    }

    /// The exchange has nothing to do with its pool any more.
    mutating func leavePool(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.flags.contains(.admitted) else { return }
        exchange.pointee.flags.remove(.admitted)
        let pool = Int(exchange.pointee.pool)
        pools[pool].gate?.leaveRequest()
        noteRoom(pool)
    }

    // MARK: Waiting

    /// The exchange waits until its pool has room, or fails if too many wait already.
    mutating func waitForRoom(_ slot: Int32, wants: Int32) {
        let exchange = exchanges[slot]
        let index = Int(exchange.pointee.pool)
        let pool = pools + index
        guard let gate = pool.pointee.gate else { return }
        leavePool(exchange)
        if gate.noteFull() { shared.control.post(.breakerOpened(pool: index)) }
        if lacksConnections { askForConnections(index) }
        guard gate.enterQueue(endpoint: wants) else {
            if wants >= 0 {
                // The client's own endpoint has too many waiting: another one will do.
                exchange.pointee.stuckTo = -1
                tryUpstream(slot)
            } else {
                fail(slot, .poolFull)
            }
            return
        }
        pauseBodyTime(exchange)
        exchange.pointee.wait = .room
        exchange.pointee.queuePlace = pool.pointee.queue.append(
            slot,
            wants: wants,
            at: now.nanoseconds
        )
        queued &+= 1
        gate.setOldest(pool.pointee.queue.oldestForAny, worker: self.index)
        let wait = wants >= 0 ? gate.serverQueueTimeout : gate.queueTimeout
        setWait(slot, until: now + wait)
        // Room that came since the look must not be missed.
        noteRoom(index)
    }

    /// Takes the exchange out of its pool's queue.
    mutating func leaveQueue(_ exchange: UnsafeMutablePointer<Exchange>) {
        let pool = pools + Int(exchange.pointee.pool)
        let place = exchange.pointee.queuePlace
        guard place >= 0, let gate = pool.pointee.gate else { return }
        let wants = pool.pointee.queue[place].wants
        pool.pointee.queue.remove(place)
        exchange.pointee.queuePlace = -1
        queued &-= 1
        gate.leaveQueue(endpoint: wants)
        gate.setOldest(pool.pointee.queue.oldestForAny, worker: index)
        if pool.pointee.queue.count == 0 { gate.setLacksConnections(false, worker: index) }
    }

    /// Whether a client that waits in a queue has shut its side: there, nobody waits for clients
    /// that only seem to have left, since most have.
    mutating func hasLeftQueue(_ downstream: UnsafeMutablePointer<Downstream>) -> Bool {
        downstream.pointee.flags.contains(.finished)
            && exchanges[downstream.pointee.exchange].pointee.wait == .room
    }

    /// Has the other workers close idle connections that count against the pool's bounds.
    private mutating func askForConnections(_ pool: Int) {
        lacksConnections = false
        pools[pool].gate?.setLacksConnections(true, worker: index)
        guard now >= pools[pool].askedForConnections else { return }
        pools[pool].askedForConnections = now + 10_000_000
        for other in shared.mailboxes where other !== mailbox {
            other.post(.freeConnections(pool: pool))
        }
    }

    /// Another worker has requests of this pool that wait for connections.
    mutating func freeConnections(_ pool: Int) {
        // Another worker may have gone over to a changed file before.
        guard pool < poolCount else { return }
        var left = pools[pool].gate?.waiting ?? 0
        while left > 0, closeIdleUpstream(ofPool: pool) { left &-= 1 }
    }

    /// Closes the connection that some endpoint of the pool has had idle longest; false if none
    /// is idle.
    private mutating func closeIdleUpstream(ofPool pool: Int) -> Bool {
        let first = pools[pool].firstEndpoint
        for endpoint in first..<(first &+ snapshot.capacities[pool])
        where closeIdleUpstream(of: endpoint) { return true }
        return false
    }

    // MARK: Serving

    /// The pool may have room: its queue is looked at before the turn ends.
    mutating func noteRoom(_ pool: Int) {
        guard let gate = pools[pool].gate, gate.waiting > 0, !pools[pool].hasNewRoom else { return }
        pools[pool].hasNewRoom = true
        poolsWithRoom.append(pool)
    }

    /// Looks at the queues of pools that may have room; now and then at all of them.
    mutating func serveQueues() {
        if queued > 0, now >= queuesCheckedAt {
            queuesCheckedAt = now + Self.queueLook &* 1_000_000
            for pool in 0..<snapshot.config.pools.count where pools[pool].queue.count > 0 {
                serveQueue(pool, wasTold: true)
            }
        }
        while let pool = poolsWithRoom.popLast() {
            pools[pool].hasNewRoom = false
            guard let gate = pools[pool].gate else { continue }
            // Who waits longest goes first, on whichever worker.
            let own = pools[pool].queue.oldestForAny
            if let other = gate.longestWaiting(before: own, besides: index) {
                // What is idle here is no room there.
                if gate.lacksConnections(worker: other) { _ = closeIdleUpstream(ofPool: pool) }
                shared.mailboxes[other].post(.room(pool: pool))
            } else {
                serveQueue(pool, wasTold: false)
            }
        }
    }

    /// Lets in those who wait as far as there is room.
    ///
    /// What is left goes on to another worker. `wasTold`: whether it came from one; then it goes
    /// on only if somebody could use it here, or it would go round for ever among workers with
    /// nobody who can.
    mutating func serveQueue(_ index: Int, wasTold: Bool) {
        let pool = pools + index
        guard let gate = pool.pointee.gate else { return }
        var place = pool.pointee.queue.first
        var isFull = false
        var isUsed = false
        while place >= 0, !isFull {
            let waiter = pool.pointee.queue[place]
            let exchange = exchanges[waiter.id]
            if hasToFallBack(exchange, pool) {
                stopWaiting(waiter.id)
                failOrFallBack(waiter.id)
                place = pool.pointee.queue.first
                continue
            }
            switch admit(exchange, pool, gate) {
            case .admitted(let endpoint):
                isUsed = true
                stopWaiting(waiter.id)
                begin(waiter.id, at: endpoint, isAdmitted: true)
                place = pool.pointee.queue.first
            case .noEndpoint:
                leavePool(exchange)
                stopWaiting(waiter.id)
                failOrFallBack(waiter.id)
                place = pool.pointee.queue.first
            case .full(_, let isForAll):
                leavePool(exchange)
                if lacksConnections { askForConnections(index) }
                isFull = isForAll
                place = pool.pointee.queue.next(after: place)
            }
        }
        pools[index].hasNewRoom = false
        poolsWithRoom.removeAll { $0 == index }
        guard !isFull, isUsed || !wasTold else { return }
        if let other = gate.longestWaiting(before: Int64.max, besides: self.index) {
            shared.mailboxes[other].post(.room(pool: index))
        }
    }
}
