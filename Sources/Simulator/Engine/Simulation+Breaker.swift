import Balancing
import Configuration
import Health
import Synchronization

/// What a bounded pool shares, in a simulation.
struct SimulatedBreaker {
    /// The counts, as workers share them.
    let gate: PoolGate
    /// By endpoint: tries that it takes at once.
    let limits: [Int32]
    /// By worker: who waits with it.
    var queues: [PendingQueue]

    /// The bounds of the scenario's pool; `nil` if it has none.
    init?(_ scenario: Scenario) {
        let pool = scenario.pool
        guard pool.isBounded else { return nil }
        let workers = scenario.settings.workers
        gate = PoolGate(pool.breaker, workers: workers, capacity: pool.servers.count)
        limits = pool.servers.map { server in
            let connections = server.maxConnections ?? pool.breaker.perServer.maxConnections
            let requests = pool.breaker.perServer.maxRequests
            // Each try has a connection of its own.
            return Int32(clamping: min(connections ?? Int.max, requests ?? Int.max))
        }
        queues = (0..<workers).map { _ in PendingQueue() }
    }
}

/// What bounded pools take at once, and who waits, in the order of the proxy.
extension Simulation {
    private enum Admission {
        /// The endpoint has room, which is taken.
        case admitted(EndpointIndex)
        /// No endpoint takes part or is left.
        case noEndpoint
        /// The request has to wait.
        case full
    }

    /// A request goes to an endpoint of a bounded pool that has room, or waits.
    mutating func beginBounded(_ place: Int, _ gate: PoolGate, _ now: Int64) {
        switch gate.hasQueue ? .full : admit(place, gate, now) {
        case .admitted(let endpoint): begin(place, at: endpoint, isAdmitted: true, now)
        case .noEndpoint: finish(place, now, answered: false)
        case .full: waitForRoom(place, gate, now)
        }
    }

    private mutating func admit(_ place: Int, _ gate: PoolGate, _ now: Int64) -> Admission {
        if !slab[place].isAdmitted {
            guard gate.enterRequest() else { return .full }
            slab[place].isAdmitted = true
        }
        let worker = Int(slab[place].worker)
        let tried = slab[place].tried
        defer { slab[place].tried = tried }
        var isFull = false
        for _ in 0..<TriedEndpoints.capacity {
            guard let pick = pick(place, worker, now) else { break }
            // The second time round all that are left have been seen.
            if isFull, slab[place].tried.contains(pick) { break }
            if takesRoom(pick, worker) { return .admitted(pick) }
            isFull = true
            slab[place].tried.insert(pick)
        }
        guard isFull else { return .noEndpoint }
        let balancer = balancers[worker]
        let found = balancer.any { !tried.contains($0) && takesRoom($0, worker) }
        return found.map { .admitted($0) } ?? .full
    }

    private func takesRoom(_ endpoint: EndpointIndex, _ worker: Int) -> Bool {
        guard let breaker else { return true }
        let block = unsafe plans.plan(of: worker).shared.block(endpoint)
        let before = unsafe block.pointee.inFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        if before < breaker.limits[endpoint], breaker.gate.enterConnection() { return true }
        unsafe block.pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    /// The request has nothing to do with its pool any more.
    mutating func leavePool(_ place: Int, _ gate: PoolGate) {
        guard slab[place].isAdmitted else { return }
        slab[place].isAdmitted = false
        gate.leaveRequest()
        hasRoom = true
    }

    // MARK: Waiting

    private mutating func waitForRoom(_ place: Int, _ gate: PoolGate, _ now: Int64) {
        leavePool(place, gate)
        guard gate.enterQueue(endpoint: -1) else {
            finish(place, now, answered: false)
            return
        }
        let worker = Int(slab[place].worker)
        let id = Int32(truncatingIfNeeded: place)
        slab[place].queuePlace = breaker?.queues[worker].append(id, wants: -1, at: now) ?? -1
        tellOldest(worker, gate)
        let longest = now &+ min(gate.queueTimeout, RetryPolicy.never)
        let end = min(longest, retries.end(of: slab[place]))
        slab[place].waitsUntil = end
        heap.push(Event(end, .roomDue, place))
    }

    private mutating func leaveQueue(_ place: Int, _ gate: PoolGate) {
        let worker = Int(slab[place].worker)
        breaker?.queues[worker].remove(slab[place].queuePlace)
        slab[place].queuePlace = -1
        gate.leaveQueue(endpoint: -1)
        tellOldest(worker, gate)
    }

    private func tellOldest(_ worker: Int, _ gate: PoolGate) {
        gate.setOldest(breaker?.queues[worker].oldestForAny ?? Int64.max, worker: worker)
    }

    /// A request may have waited too long for room; it may also have left its place to another one
    /// long ago.
    mutating func roomDue(_ place: Int, _ now: Int64) {
        guard let gate = breaker?.gate, slab[place].queuePlace >= 0,
            slab[place].waitsUntil <= now
        else { return }
        leaveQueue(place, gate)
        finish(place, now, answered: false)
    }

    /// Lets in those who wait as far as there is room, whoever waits longest first.
    mutating func serveQueues(_ now: Int64) {
        hasRoom = false
        guard let gate = breaker?.gate else { return }
        while gate.waiting > 0,
            let worker = gate.longestWaiting(before: Int64.max, besides: -1),
            let queue = breaker?.queues[worker], queue.first >= 0
        {
            let place = Int(queue[queue.first].id)
            switch admit(place, gate, now) {
            case .admitted(let endpoint):
                leaveQueue(place, gate)
                begin(place, at: endpoint, isAdmitted: true, now)
            case .noEndpoint:
                leaveQueue(place, gate)
                finish(place, now, answered: false)
            case .full:
                leavePool(place, gate)
                hasRoom = false
                return
            }
        }
    }
}
