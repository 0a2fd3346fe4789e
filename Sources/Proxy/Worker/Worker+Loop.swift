import CLinux
import EventLoop

extension Worker {
    /// Milliseconds between two looks at queues that nothing has told of room.
    static let queueLook: Int64 = 20

    /// Serves until a drain has ended or `stop` was told.
    public mutating func run() {
        _ = poller.addSource(mailbox.descriptor, token: Self.token(.mailbox, 0, 0))
        for index in listeners.indices { attend(index) }
        while !isStopped {
            turn()
            if isDraining, down.count == 0 { break }
        }
        closeEverything()
        accessLog.flush()
        spans.flush()
    }

    /// Waits once and handles what came.
    private mutating func turn() {
        let count = poller.wait(milliseconds: waitLimit())
        now = Instant(nanoseconds: weir_monotonic_ns())
        // Idle upstream connections first, so that no request of this batch takes a dead one.
        for index in 0..<count { dropIdleUpstream(poller.token(at: index), index) }
        for index in 0..<count { dispatch(poller.token(at: index), poller.readiness(at: index)) }
        sendUnsent()
        if hasFrames { sendFrames() }
        registerNewcomers()
        runTimers()
        runReady()
        if !poolsWithRoom.isEmpty || queued > 0 { serveQueues() }
        sendUnsent()
        if hasFrames { sendFrames() }
        // Behind the requests, which they must not delay.
        if !probes.due.isEmpty { sendProbes() }
        accessLog.flushIfOld(now)
        spans.flushIfOld(now)
        let duration = weir_monotonic_ns() &- now.nanoseconds
        isLate = duration > limits.loopLag
        report(duration: duration)
    }

    private mutating func waitLimit() -> Int32 {
        if !ready.isEmpty || !poolsWithRoom.isEmpty || hasFrames { return 0 }
        var limit: Int64 = isAcceptPaused ? 50 : 60_000
        limit = downTimers.wait(from: now, limit: limit)
        limit = upTimers.wait(from: now, limit: limit)
        limit = waitTimers.wait(from: now, limit: limit)
        if queued > 0 { limit = min(limit, Self.queueLook) }
        if probes.count > 0 { limit = probes.timers.wait(from: now, limit: limit) }
        if accessLog.isWaiting { limit = min(limit, 100) }
        if spans.isWaiting { limit = min(limit, 1000) }
        if !(newcomers.isEmpty && earlierNewcomers.isEmpty) { limit = min(limit, 8) }
        return Int32(truncatingIfNeeded: limit)
    }

    /// Packs what a registration stands for into the 64 bits that travel with its events.
    static func token(_ kind: TokenKind, _ slot: Int32, _ generation: UInt32) -> UInt64 {
        kind.rawValue << 61 | UInt64(UInt32(bitPattern: slot)) << 32 | UInt64(generation)
    }

    static func slot(of token: UInt64) -> Int32 {
        Int32(truncatingIfNeeded: (token >> 32) & 0x1fff_ffff)
    }

    private mutating func dropIdleUpstream(_ token: UInt64, _ index: Int) {
        guard token >> 61 == TokenKind.upstream.rawValue else { return }
        let slot = Self.slot(of: token)
        let generation = UInt32(truncatingIfNeeded: token)
        guard let upstream = up.find(slot, generation: generation),
            upstream.pointee.phase.rawValue >= Upstream.Phase.idle.rawValue,
            poller.readiness(at: index) != .writable
        else { return }
        if upstream.pointee.phase == .carrier {
            // What it says, good-bye perhaps, is heard before a request is sent on it.
            if upstream.pointee.streams.count == 0 {
                serverCarrierEvent(slot, poller.readiness(at: index))
            }
        } else if !staysIdle(slot, poller.readiness(at: index)) {
            closeUpstream(slot)
        }
    }

    private mutating func dispatch(_ token: UInt64, _ readiness: Readiness) {
        let slot = Self.slot(of: token)
        let generation = UInt32(truncatingIfNeeded: token)
        switch token >> 61 {
        case TokenKind.downstream.rawValue:
            if down.find(slot, generation: generation) != nil {
                downstreamEvent(slot, readiness)
            }
        case TokenKind.upstream.rawValue:
            if up.find(slot, generation: generation) != nil { upstreamEvent(slot, readiness) }
        case TokenKind.listener.rawValue:
            accept(Int(slot))
        case TokenKind.probe.rawValue: probeEvent(slot, generation: generation, readiness)
        default:
            for message in mailbox.drain() { receive(message) }
        }
    }

    private mutating func receive(_ message: WorkerMessage) {
        switch message {
        case .drain: beginDrain()
        case .stop: isStopped = true
        case .pulse(let pulse): pulse.answer()
        case .makeRoom(let listener): giveRoom(listener)
        case .certificates(let listener, let context): certificates[listener] = context
        case .clientContext(let pool, let context): pools[pool].tls = context
        case .pool(let update): takeOver(update)
        case .room(let pool): serveQueue(pool, wasTold: true)
        case .freeConnections(let pool): freeConnections(pool)
        case .change(let change): takeOver(change)
        case .uses(let query): answer(query)
        case .cut(let listeners, let endpoints): cut(listeners: listeners, endpoints: endpoints)
        }
    }

    // MARK: Sending together

    /// Has the exchange's request sent with the others of this batch.
    mutating func sendSoon(_ slot: Int32) {
        unsent.append(Self.token(.mailbox, slot, exchanges[slot].pointee.generation))
    }

    /// Has what waits in the connection's output sent with the others of this batch.
    mutating func flushSoon(_ slot: Int32) {
        if down[slot].isOfStream {
            queueStream(slot)
            return
        }
        unsent.append(Self.token(.downstream, slot, down[slot].pointee.generation))
    }

    private mutating func sendUnsent() {
        if unsent.isEmpty { return }
        for index in unsent.indices {
            let token = unsent[index]
            let slot = Self.slot(of: token)
            let generation = UInt32(truncatingIfNeeded: token)
            if token >> 61 == TokenKind.downstream.rawValue {
                if down.find(slot, generation: generation) != nil { _ = flushDownstream(slot) }
                continue
            }
            guard let exchange = exchanges.find(slot, generation: generation),
                exchange.pointee.upstream >= 0,
                exchange.pointee.requestSent == exchange.pointee.request.start
            else { continue }
            sendRequest(slot)
        }
        unsent.removeAll(keepingCapacity: true)
    }

    // MARK: Ready list

    /// Puts a downstream connection on the list that runs after the next look at the kernel.
    mutating func queueDownstream(_ slot: Int32) {
        let downstream = down[slot]
        if downstream.pointee.flags.contains(.queued) { return }
        downstream.pointee.flags.insert(.queued)
        ready.append(Self.token(.downstream, slot, downstream.pointee.generation))
    }

    /// Puts an upstream connection on the list that runs after the next look at the kernel.
    mutating func queueUpstream(_ slot: Int32) {
        let upstream = up[slot]
        if upstream.pointee.flags.contains(.queued) { return }
        upstream.pointee.flags.insert(.queued)
        ready.append(Self.token(.upstream, slot, upstream.pointee.generation))
    }

    private mutating func runReady() {
        if ready.isEmpty { return }
        swap(&ready, &running)
        for index in running.indices {
            let token = running[index]
            let slot = Self.slot(of: token)
            let generation = UInt32(truncatingIfNeeded: token)
            if token >> 61 == TokenKind.downstream.rawValue {
                guard let downstream = down.find(slot, generation: generation) else { continue }
                downstream.pointee.flags.remove(.queued)
                if downstream.pointee.flags.contains(.paused) {
                    downstream.pointee.flags.remove(.paused)
                    downstream.pointee.flags.insert(.readable)
                }
                progressDownstream(slot)
            } else {
                guard let upstream = up.find(slot, generation: generation) else { continue }
                upstream.pointee.flags.remove(.queued)
                if upstream.isOfStream { pumpServerStream(slot) } else { progressUpstream(slot) }
            }
        }
        running.removeAll(keepingCapacity: true)
    }

    // MARK: Timers

    /// Sets when the connection's present phase has lasted too long.
    mutating func setDeadline(downstream slot: Int32, _ deadline: Instant) {
        down[slot].pointee.deadline = deadline
        if deadline != .never { downTimers.arm(slot, at: deadline) }
    }

    /// Sets when the connection's present phase has lasted too long.
    mutating func setDeadline(upstream slot: Int32, _ deadline: Instant) {
        up[slot].pointee.deadline = deadline
        if deadline != .never { upTimers.arm(slot, at: deadline) }
    }

    private mutating func runTimers() {
        downTimers.advance(to: now)
        while true {
            let slot = downTimers.popDue()
            if slot < 0 { break }
            guard down.isInUse(slot) else { continue }
            let deadline = down[slot].pointee.deadline
            if deadline > now {
                if deadline != .never { downTimers.arm(slot, at: deadline) }
            } else {
                downstreamTimedOut(slot)
            }
        }
        upTimers.advance(to: now)
        while true {
            let slot = upTimers.popDue()
            if slot < 0 { break }
            guard up.isInUse(slot) else { continue }
            let deadline = up[slot].pointee.deadline
            if deadline > now {
                if deadline != .never { upTimers.arm(slot, at: deadline) }
            } else {
                upstreamTimedOut(slot)
            }
        }
        runWaits()
        if probes.count > 0 { runProbeTimers() }
        if isAcceptPaused { resumeAccepting() }
    }

    // MARK: Drain

    private mutating func beginDrain() {
        guard !isDraining else { return }
        isDraining = true
        for index in listeners.indices {
            guard listeners[index].descriptor >= 0 else { continue }
            acceptWaiting(index)
            poller.remove(listeners[index].descriptor)
            if !listeners[index].isShared { weir_close(listeners[index].descriptor) }
        }
        listeners = []
        isAcceptPaused = false
        closeProbes()
        for slot in 0..<down.usedLimit where down.isInUse(slot) { endWhenIdle(slot) }
    }

    private mutating func closeEverything() {
        for slot in 0..<down.usedLimit where down.isInUse(slot) {
            let exchange = down[slot].pointee.exchange
            if exchange >= 0 {
                abort(exchange, .shutdown)
            } else if down[slot].pointee.phase == .carrier {
                closeCarrier(slot)
            } else {
                closeDownstream(slot)
            }
        }
        for slot in 0..<up.usedLimit where up.isInUse(slot) { closeUpstream(slot) }
        closeProbes()
        pipes.closeAll()
    }
}
