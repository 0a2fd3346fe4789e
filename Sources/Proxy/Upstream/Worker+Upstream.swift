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

    /// Joins an exchange and a connection that is open.
    mutating func attach(_ slot: Int32, _ upstreamSlot: Int32) {
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
    mutating func closeOldestIdleUpstream() -> Bool {
        for endpoint in 0..<snapshot.endpointCount where closeIdleUpstream(of: endpoint) {
            return true
        }
        return false
    }

    /// Closes the connection that the endpoint has had idle longest; false if none is idle.
    mutating func closeIdleUpstream(of endpoint: Int) -> Bool {
        let oldest = endpointStates[endpoint].oldestIdle
        if oldest >= 0 {
            closeUpstream(oldest)
            return true
        }
        return closeIdleCarrier(of: endpoint)
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
                connectionFailed(slot, .connectFailed)
            } else {
                connected(slot)
            }
        case .securing: pumpUpstreamHandshake(slot)
        case .carrier: serverCarrierEvent(slot, readiness)
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

    /// Reads on where a turn was cut short or the client takes bytes again.
    mutating func progressUpstream(_ slot: Int32) {
        let upstream = up[slot]
        guard upstream.pointee.phase == .busy, upstream.pointee.exchange >= 0 else {
            if upstream.pointee.phase == .carrier { readServerFrames(slot) }
            return
        }
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
            if upstream.pointee.phase == .idle {
                closeUpstream(slot)
            } else {
                carrierTimedOut(server: slot)
            }
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
            if upstream.isOfStream { doubtCarrier(of: upstream) }
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
        if upstream.isOfStream {
            closeServerStream(slot)
            return
        }
        if upstream.pointee.phase == .idle { unlistIdleUpstream(slot) }
        if upstream.pointee.exchange >= 0 {
            exchanges[upstream.pointee.exchange].pointee.upstream = -1
        } else {
            releaseCarrier(server: slot)
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
