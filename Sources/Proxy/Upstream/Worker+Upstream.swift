import Balancing
import CLinux
import EventLoop
import HTTP

extension Worker {
    // MARK: Choosing

    /// Begins a try: picks an endpoint and sends the request on an idle connection or a new one.
    ///
    /// `isPinned`: whether the endpoint of the last try is asked again.
    mutating func tryUpstream(_ slot: Int32, isPinned: Bool = false) {
        let exchange = exchanges[slot]
        let pool = pools + Int(exchange.pointee.pool)
        if isPinned, exchange.pointee.endpoint >= 0 {
            endTry(exchange)
            begin(slot, at: Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint)
            return
        }
        if let probed = claimProbe(exchange, pool) {
            begin(slot, at: probed, isAdmitted: pool.pointee.gate != nil)
            return
        }
        if hasToFallBack(exchange, pool) {
            failOrFallBack(slot)
            return
        }
        guard let gate = pool.pointee.gate else {
            guard let pick = pick(exchange, pool) else {
                failOrFallBack(slot)
                return
            }
            begin(slot, at: pick)
            return
        }
        // Whoever waits already goes first.
        if gate.hasQueue {
            waitForRoom(slot, wants: -1)
            return
        }
        switch admit(exchange, pool, gate) {
        case .admitted(let pick): begin(slot, at: pick, isAdmitted: true)
        case .noEndpoint: failOrFallBack(slot)
        case .full(let wants, _): waitForRoom(slot, wants: wants)
        }
    }

    /// Sends the request to an endpoint of the exchange's pool.
    ///
    /// `isAdmitted`: whether it counts there already, having been let in by the pool's bounds.
    mutating func begin(_ slot: Int32, at place: EndpointIndex, isAdmitted: Bool = false) {
        let exchange = exchanges[slot]
        let pool = pools + Int(exchange.pointee.pool)
        let endpoint = pool.pointee.firstEndpoint &+ place
        exchange.pointee.tries = UInt8(clamping: Int(exchange.pointee.tries) + 1)
        exchange.pointee.requestSent = exchange.pointee.request.start
        exchange.pointee.outcome = .ok
        exchange.pointee.endpoint = Int32(truncatingIfNeeded: endpoint)
        beginTry(exchange, pool, isAdmitted: isAdmitted)
        if !exchange.pointee.flags.contains(.wantsFresh) {
            let idle = takeIdle(endpoint)
            if idle >= 0 {
                attach(slot, idle)
                sendSoon(slot)
                return
            }
        }
        connect(slot, endpoint)
    }

    private mutating func attach(_ slot: Int32, _ upstreamSlot: Int32) {
        let upstream = up[upstreamSlot]
        upstream.pointee.phase = .busy
        upstream.pointee.exchange = slot
        upstream.pointee.sentBefore = upstream.pointee.sent
        exchanges[slot].pointee.upstream = upstreamSlot
    }

    // MARK: Idle connections

    /// Nanoseconds for which idle connections beyond `max-idle` are kept: streams and short bursts
    /// use many at once, and would open them again and again.
    private static let surplusTime: Int64 = 250_000_000

    /// Takes the idle connection used last, or -1.
    private mutating func takeIdle(_ endpoint: Int) -> Int32 {
        guard hasIdle(endpoint) else { return -1 }
        let slot = endpointStates[endpoint].newestIdle
        unlistIdleUpstream(slot)
        return slot
    }

    /// Whether an idle connection waits for a request.
    ///
    /// Those that are too old are closed on the way.
    mutating func hasIdle(_ endpoint: Int) -> Bool {
        while endpointStates[endpoint].newestIdle >= 0 {
            let slot = endpointStates[endpoint].newestIdle
            let upstream = up[slot]
            if upstream.pointee.expires > now, upstream.pointee.keptUntil > now { return true }
            closeUpstream(slot)
        }
        return false
    }

    private mutating func unlistIdleUpstream(_ slot: Int32) {
        let upstream = up[slot]
        let state = endpointStates + Int(upstream.pointee.endpoint)
        let newer = upstream.pointee.idlePrevious
        let older = upstream.pointee.idleNext
        if newer >= 0 {
            up[newer].pointee.idleNext = older
        } else {
            state.pointee.newestIdle = older
        }
        if older >= 0 {
            up[older].pointee.idlePrevious = newer
        } else {
            state.pointee.oldestIdle = newer
        }
        state.pointee.idleCount &-= 1
    }

    /// Keeps a connection whose answer is complete for the next request.
    ///
    /// `timeout`: the server's own `Keep-Alive: timeout=` in seconds, if it sent one.
    mutating func keepIdle(_ slot: Int32, timeout: UInt32?) {
        let upstream = up[slot]
        let endpoint = Int(upstream.pointee.endpoint)
        let pool = pools + Int(endpoints[endpoint].pool)
        upstream.pointee.served &+= 1
        guard !isDraining, upstream.pointee.served < pool.pointee.maxRequests,
            upstream.pointee.expires > now, pool.pointee.maxIdle > 0,
            !endpointStates[endpoint].isGone
        else {
            closeUpstream(slot)
            return
        }
        upstream.pointee.keptUntil = Self.keptUntil(now, pool.pointee.idle, timeout)
        guard upstream.pointee.keptUntil > now else {
            closeUpstream(slot)
            return
        }
        upstream.pointee.phase = .idle
        upstream.pointee.exchange = -1
        upstream.pointee.flags.insert(.reused)
        upstream.pointee.parser = ResponseParser()
        // An answer that came in pieces stands here still, though all of it was used.
        buffers.give(&upstream.pointee.input)
        let state = endpointStates + endpoint
        if state.pointee.idleCount >= pool.pointee.maxIdle {
            let surplusUntil = now + Self.surplusTime
            upstream.pointee.keptUntil = min(upstream.pointee.keptUntil, surplusUntil)
        }
        upstream.pointee.idlePrevious = -1
        upstream.pointee.idleNext = state.pointee.newestIdle
        if state.pointee.newestIdle >= 0 {
            up[state.pointee.newestIdle].pointee.idlePrevious = slot
        } else {
            state.pointee.oldestIdle = slot
        }
        state.pointee.newestIdle = slot
        state.pointee.idleCount &+= 1
        setDeadline(upstream: slot, min(upstream.pointee.keptUntil, upstream.pointee.expires))
    }

    /// Until when an idle connection is offered: the pool's time, and the server's less a margin
    /// for the request's way (a tenth, at most a second).
    static func keptUntil(_ now: Instant, _ idle: Int64, _ timeout: UInt32?) -> Instant {
        guard let timeout else { return now + idle }
        let announced = Int64(timeout) &* 1_000_000_000
        return now + min(idle, announced &- min(announced / 10, 1_000_000_000))
    }

    /// Closes the connection of some endpoint that has been idle longest; false if none is idle.
    private mutating func closeOldestIdleUpstream() -> Bool {
        for endpoint in 0..<snapshot.endpointCount where endpointStates[endpoint].oldestIdle >= 0 {
            closeUpstream(endpointStates[endpoint].oldestIdle)
            return true
        }
        return false
    }

    // MARK: Connecting

    private mutating func connect(_ slot: Int32, _ endpoint: Int) {
        let entry = endpoints + endpoint
        let descriptor = openSocket(entry)
        guard descriptor >= 0 else {
            dropHeldConnection(endpoint)
            retryOrFail(slot, .noDescriptor)
            return
        }
        let upstreamSlot = up.allocate()
        guard upstreamSlot >= 0 else {
            weir_close(descriptor)
            dropHeldConnection(endpoint)
            retryOrFail(slot, .noDescriptor)
            return
        }
        let upstream = up[upstreamSlot]
        upstream.pointee.descriptor = descriptor
        upstream.pointee.endpoint = Int32(truncatingIfNeeded: endpoint)
        upstream.pointee.expires = now + jittered(pools[Int(entry.pointee.pool)].maxAge)
        countConnection(endpoint)
        countConnect(endpoint)
        holdsConnection = false
        let result = entry.pointee.connect(descriptor)
        attach(slot, upstreamSlot)
        let token = Self.token(.upstream, upstreamSlot, upstream.pointee.generation)
        if result < 0, result != -EINPROGRESS {
            retryOrFail(slot, .connectFailed)
        } else if !poller.addConnection(descriptor, token: token) {
            retryOrFail(slot, .noDescriptor)
        } else if result == 0 {
            connected(upstreamSlot)
        } else {
            upstream.pointee.phase = .connecting
            let exchange = exchanges[slot]
            let entry = route(exchange)
            let wait = now + min(entry.pointee.connect, entry.pointee.tryTimeout)
            let last = min(exchange.pointee.deadline, exchange.pointee.triesDeadline)
            setDeadline(upstream: upstreamSlot, min(wait, last))
        }
    }

    private mutating func openSocket(_ entry: UnsafeMutablePointer<EndpointEntry>) -> Int32 {
        let isUnix: Int32 = entry.pointee.path == nil ? 0 : 1
        let family = Int32(entry.pointee.address.family)
        var descriptor = weir_socket(family, isUnix)
        if descriptor == -EMFILE || descriptor == -ENFILE {
            holdNewcomers()
            // Whoever is being served goes before whoever is idle.
            guard closeIdleProbe() || closeOldestIdleUpstream() || closeOldestIdle()
            else { return descriptor }
            descriptor = weir_socket(family, isUnix)
        }
        guard descriptor >= 0, isUnix == 0 else { return descriptor }
        // A socket without these still works, only less well.
        _ = weir_set_nodelay(descriptor)
        _ = weir_set_keepalive(descriptor)
        _ = weir_set_user_timeout(descriptor, 30_000)
        return descriptor
    }

    /// The span, shortened at random by up to a tenth, so that connections do not end together.
    private mutating func jittered(_ span: Int64) -> Int64 {
        guard span != Int64.max else { return span }
        let tenth = Int(clamping: span / 10)
        return span &- Int64(random.next(below: tenth &+ 1))
    }

    // MARK: Events

    /// The kernel reports something about a connection to an endpoint.
    mutating func upstreamEvent(_ slot: Int32, _ readiness: Readiness) {
        let upstream = up[slot]
        if !readiness.isDisjoint(with: [.readable, .peerFinished, .ended, .failed]) {
            upstream.pointee.flags.insert(.readable)
        }
        if readiness.contains(.peerFinished) { upstream.pointee.flags.insert(.finished) }
        if !readiness.isDisjoint(with: [.ended, .failed]) {
            upstream.pointee.flags.insert(.broken)
        }
        switch upstream.pointee.phase {
        case .idle:
            if readiness != .writable, !staysIdle(slot, readiness) { closeUpstream(slot) }
        case .connecting:
            guard !readiness.isDisjoint(with: [.writable, .ended, .failed]) else { return }
            if weir_socket_error(upstream.pointee.descriptor) < 0 {
                retryOrFail(upstream.pointee.exchange, .connectFailed)
            } else {
                connected(slot)
            }
        case .securing: pumpUpstreamHandshake(slot)
        case .busy:
            let exchange = upstream.pointee.exchange
            if exchanges[exchange].pointee.answer == .tunnel {
                pumpTunnel(exchange)
                return
            }
            if upstream.pointee.secure.isOn, !flushSealed(upstream) {
                progressUpstream(slot)
                return
            }
            if readiness.contains(.writable) {
                let generation = upstream.pointee.generation
                upstreamTakesAgain(exchange)
                guard up.find(slot, generation: generation) != nil else { return }
            }
            progressUpstream(slot)
        }
    }

    /// The connection is open: its PROXY header and the request leave, or TLS is agreed on first.
    private mutating func connected(_ slot: Int32) {
        let upstream = up[slot]
        let exchange = upstream.pointee.exchange
        let pool = pools + Int(endpoints[Int(upstream.pointee.endpoint)].pool)
        if let version = pool.pointee.proxyProtocol, !introduce(slot, version) {
            retryOrFail(exchange, .connectFailed)
            return
        }
        if let context = pool.pointee.tls {
            guard beginUpstreamHandshake(slot, context) else {
                retryOrFail(exchange, .handshakeFailed)
                return
            }
            pumpUpstreamHandshake(slot)
            return
        }
        upstream.pointee.phase = .busy
        let generation = upstream.pointee.generation
        sendRequest(exchange)
        // What came with the handshake's end is not reported a second time.
        if up.find(slot, generation: generation) != nil,
            upstream.pointee.flags.contains(.readable)
        {
            queueUpstream(slot)
        }
    }

    /// Reads on where a turn was cut short or the client takes bytes again.
    mutating func progressUpstream(_ slot: Int32) {
        let upstream = up[slot]
        guard upstream.pointee.phase == .busy, upstream.pointee.exchange >= 0 else { return }
        let exchange = upstream.pointee.exchange
        if exchanges[exchange].pointee.answer == .tunnel {
            pumpTunnel(exchange)
        } else {
            readAnswer(slot)
        }
    }

    /// The connection's phase has lasted too long.
    mutating func upstreamTimedOut(_ slot: Int32) {
        let upstream = up[slot]
        let exchangeSlot = upstream.pointee.exchange
        guard upstream.pointee.phase != .idle, exchangeSlot >= 0 else {
            closeUpstream(slot)
            return
        }
        let exchange = exchanges[exchangeSlot]
        if now >= exchange.pointee.deadline {
            fail(exchangeSlot, .totalTimeout)
        } else if upstream.pointee.phase == .connecting || upstream.pointee.phase == .securing {
            retryOrFail(exchangeSlot, .connectTimeout)
        } else if exchange.pointee.answer == .tunnel {
            abort(exchangeSlot, .ok)
        } else if !down[exchange.pointee.downstream].pointee.output.isEmpty
            || hasPiped(exchangeSlot)
        {
            // The client is what is slow, and its own limit watches it.
            let wait = now + route(exchange).pointee.stream
            setDeadline(upstream: slot, min(wait, exchange.pointee.deadline))
        } else {
            if exchange.pointee.answer == .head {
                retryOrFail(exchangeSlot, .timeout)
            } else {
                fail(exchangeSlot, .streamTimeout)
            }
        }
    }

    // MARK: Ending

    /// Closes a connection to an endpoint and frees its slot.
    ///
    /// Its exchange lives on without it.
    mutating func closeUpstream(_ slot: Int32) {
        let upstream = up[slot]
        if upstream.pointee.phase == .idle { unlistIdleUpstream(slot) }
        if upstream.pointee.exchange >= 0 {
            exchanges[upstream.pointee.exchange].pointee.upstream = -1
        }
        upTimers.cancel(slot)
        buffers.give(&upstream.pointee.input)
        buffers.give(&upstream.pointee.output)
        release(&upstream.pointee.secure)
        weir_close(upstream.pointee.descriptor)
        let endpoint = Int(upstream.pointee.endpoint)
        up.free(slot)
        connectionClosed(endpoint)
    }
}
