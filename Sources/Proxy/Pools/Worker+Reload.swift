import Balancing
import CLinux
import Configuration
import EventLoop
import HTTP

/// How a worker goes over to another configuration, between two events, without touching what is
/// under way.
extension Worker {
    /// Goes over to a changed configuration.
    mutating func takeOver(_ change: SnapshotChange) {
        defer { change.acknowledge() }
        if index < change.statistics.count { count(in: change.statistics[index]) }
        snapshot = change.snapshot
        takeLimits()
        takeAccessLog()
        takeTracing(change.spans)
        growTables()
        for pool in change.retiredPools { retire(pool: pool) }
        for pool in snapshot.placed.newPools.sorted() { begin(pool: pool) }
        for pool in snapshot.placed.pools { pools[pool].tls = snapshot.clientContexts[pool] }
        renewProbes(change)
        for update in change.updates { takeOver(update) }
        takeCertificates()
        handshakeTokens = Self.makeTokens(snapshot, now: now)
        for place in change.closedListeners { closeListener(place) }
        if index < change.opened.count { listen(to: change.opened[index]) }
    }

    /// What one reads and writes at once may be larger from now on.
    private mutating func takeLimits() {
        matcher = snapshot.table.matcher
        limits = snapshot.limits
        let config = snapshot.config
        headLimits = HeadLimits(config.limits)
        let fieldCount = config.limits.fields + 16 + snapshot.fieldsAdded
        if fieldCount > fields.capacity { fields = FieldTable(capacity: fieldCount) }
        let outSize = Self.outSize(config.limits)
        if outSize > out.capacity {
            out.start.deallocate()
            out = ByteWriter(.allocate(byteCount: outSize, alignment: 64), capacity: outSize)
        }
        let wanted = Self.scratchSize(config.limits)
        if wanted > scratchSize {
            scratch.deallocate()
            scratchSize = wanted
            scratch = .allocate(byteCount: 2 * wanted, alignment: 64)
        }
    }

    /// Listeners that close go on proving themselves as before.
    private mutating func takeCertificates() {
        let missing = snapshot.certificates.count - certificates.count
        if missing > 0 { certificates += Array(repeating: nil, count: missing) }
        for place in snapshot.placed.listeners {
            certificates[place] = snapshot.certificates[place]
        }
    }

    private mutating func takeAccessLog() {
        accessLog.flush()
        accessLog = AccessLogBuffer(snapshot.config.log.access, queue: shared.logs)
    }

    private mutating func takeTracing(_ queue: SpanQueue?) {
        tracing = TracePlan(snapshot.config)
        guard !spans.goes(to: queue) else { return }
        spans.flush()
        spans.free()
        spans = SpanBuffer(queue)
    }

    /// Makes room for the pools and endpoints that the snapshot has besides.
    private mutating func growTables() {
        let poolCount = snapshot.config.pools.count
        if poolCount > self.poolCount {
            let grown = UnsafeMutablePointer<PoolState>.allocate(capacity: poolCount)
            grown.moveInitialize(from: pools, count: self.poolCount)
            pools.deallocate()
            pools = grown
            // What lies behind is new, and made by the one who begins the pool.
        }
        let count = snapshot.endpointCount
        if count > endpointCount {
            let states = UnsafeMutablePointer<EndpointState>.allocate(capacity: count)
            states.moveInitialize(from: endpointStates, count: endpointCount)
            endpointStates.deallocate()
            endpointStates = states
            let entries = UnsafeMutablePointer<EndpointEntry>.allocate(capacity: count)
            entries.moveInitialize(from: endpoints, count: endpointCount)
            endpoints.deallocate()
            endpoints = entries
            endpointCount = count
        }
    }

    /// Nothing new is sent to the pool: what is under way there ends as it began.
    private mutating func retire(pool: Int) {
        let first = pools[pool].firstEndpoint
        for endpoint in first..<(first &+ snapshot.capacities[pool]) { desert(endpoint) }
    }

    /// Keeps no connection to an endpoint any more.
    mutating func desert(_ endpoint: Int) {
        endpointStates[endpoint].isGone = true
        while endpointStates[endpoint].oldestIdle >= 0 {
            closeUpstream(endpointStates[endpoint].oldestIdle)
        }
        while endpointStates[endpoint].carriers >= 0 {
            retireCarrier(server: endpointStates[endpoint].carriers)
        }
    }

    /// A pool is new at its place.
    private mutating func begin(pool: Int) {
        let state = Self.makePool(pool, snapshot, now: now, random: &random)
        if pool < poolCount {
            pools[pool] = state
        } else {
            (pools + pool).initialize(to: state)
            poolCount = pool + 1
        }
        let first = snapshot.firstEndpoints[pool]
        for slot in 0..<snapshot.capacities[pool] {
            let block = snapshot.plans[pool].shared.block(slot)
            (endpointStates + first + slot).initialize(to: EndpointState(block))
            (endpoints + first + slot).initialize(to: snapshot.endpoints[first + slot])
        }
    }

    /// The table of probes is made anew where a pool with probes came or went.
    private mutating func renewProbes(_ change: SnapshotChange) {
        let places = snapshot.placed.newPools.union(change.retiredPools)
        guard
            places.contains(where: { snapshot.probePlans[$0] != nil })
                || (probes.count > 0 && probes.count < snapshot.endpointCount)
        else { return }
        closeProbes()
        var table = ProbeTable(snapshot, now: now)
        table.goOn(from: probes, snapshot)
        probes = table
    }

    // MARK: Listeners

    /// Accepts what waits at a listener, and then nothing any more.
    private mutating func closeListener(_ place: Int) {
        for index in listeners.indices where listeners[index].index == place {
            guard listeners[index].descriptor >= 0 else { continue }
            acceptWaiting(index)
            if !listeners[index].isPaused { poller.remove(listeners[index].descriptor) }
            if !listeners[index].isShared { weir_close(listeners[index].descriptor) }
            listeners[index].descriptor = -1
            listeners[index].isPaused = false
        }
        for slot in 0..<down.usedLimit
        where down.isInUse(slot) && Int(down[slot].pointee.listener) == place {
            endWhenIdle(slot)
        }
    }

    /// Has a connection end as soon as nothing runs on it.
    mutating func endWhenIdle(_ slot: Int32) {
        if down[slot].pointee.phase == .carrier {
            endCarrier(slot)
        } else if down[slot].pointee.phase == .idle, down[slot].pointee.output.isEmpty {
            setDeadline(downstream: slot, now + 1_000_000_000)
        }
    }

    private mutating func listen(to opened: [WorkerListener]) {
        for listener in opened {
            // A drain that began meanwhile wants nobody new.
            guard !isDraining else {
                if !listener.isShared { weir_close(listener.descriptor) }
                continue
            }
            // Places in the list are named by tokens, and stay.
            let free = listeners.firstIndex { $0.descriptor < 0 }
            let place = free ?? listeners.count
            if free == nil { listeners.append(listener) } else { listeners[place] = listener }
            attend(place)
        }
    }

    /// Whether a listener's connections are to end soon.
    mutating func isEnding(_ downstream: UnsafeMutablePointer<Downstream>) -> Bool {
        isDraining || snapshot.listeners[Int(downstream.pointee.listener)].isClosing
    }

    // MARK: Ends

    /// Cuts what still runs on listeners that were closed and at endpoints that went.
    mutating func cut(listeners: Set<Int>, endpoints: Set<Int>) {
        for slot in 0..<exchanges.usedLimit where exchanges.isInUse(slot) {
            let exchange = exchanges[slot]
            let endpoint = Int(exchange.pointee.endpoint)
            let listener = Int(down[exchange.pointee.downstream].pointee.listener)
            let isOfGone =
                endpoint >= 0 && endpoints.contains(endpoint) && endpointStates[endpoint].isGone
            if isOfGone || listeners.contains(listener) { abort(slot, .shutdown) }
        }
        for slot in 0..<down.usedLimit where down.isInUse(slot) {
            guard listeners.contains(Int(down[slot].pointee.listener)) else { continue }
            if down[slot].pointee.phase == .carrier {
                closeCarrier(slot)
            } else if down[slot].pointee.exchange < 0 {
                closeDownstream(slot)
            }
        }
    }

    /// Says which places of the configuration are in use here.
    mutating func answer(_ query: UseQuery) {
        var uses = UseQuery.Uses()
        for slot in 0..<exchanges.usedLimit where exchanges.isInUse(slot) {
            uses.routes.insert(Int(exchanges[slot].pointee.route))
            uses.pools.insert(Int(exchanges[slot].pointee.pool))
        }
        for slot in 0..<down.usedLimit where down.isInUse(slot) {
            uses.listeners.insert(Int(down[slot].pointee.listener))
        }
        for slot in 0..<up.usedLimit where up.isInUse(slot) && !up[slot].isOfStream {
            uses.pools.insert(Int(endpoints[Int(up[slot].pointee.endpoint)].pool))
        }
        query.add(uses)
    }
}
