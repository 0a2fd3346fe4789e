import Balancing
import CLinux
import EventLoop
import HTTP
import Synchronization

/// Asks endpoints for their load, on connections of their own and behind the requests of a turn.
extension Worker {
    // MARK: Choosing

    /// A request of this pool has begun: chooses whom to ask at the turn's end.
    ///
    /// An endpoint that does not tell is known by what Weir itself has there.
    mutating func chooseProbes(_ pool: UnsafeMutablePointer<PoolState>) {
        guard !isDraining, let plan = pool.pointee.probes else { return }
        let balancer = pool.pointee.balancer
        var count = Int(plan.rate)
        let fraction = plan.rate - Double(count)
        if fraction > 0, Double(random.next() >> 11) * 0x1p-53 < fraction { count &+= 1 }
        for _ in 0..<count {
            guard let target = balancer.probeTarget(random: &random) else { return }
            let endpoint = pool.pointee.firstEndpoint &+ target
            let probe = probes[endpoint]
            // Also while it is being asked again: a server that hangs would be forgotten so long.
            if probe.pointee.isFailing {
                let unknown = LoadReport(now: now.nanoseconds, inFlight: -1, latency: -1)
                balancer.reported(target, unknown, random: &random)
            }
            switch probe.pointee.phase {
            case .connecting, .securing, .asking: continue
            case .none, .idle: break
            }
            if probe.pointee.pausedUntil <= now { queueProbe(endpoint) }
        }
    }

    private mutating func queueProbe(_ endpoint: Int) {
        let probe = probes[endpoint]
        guard !probe.pointee.isQueued else { return }
        probe.pointee.isQueued = true
        probes.due.append(endpoint)
    }

    /// Begins the probes that were chosen in this turn.
    mutating func sendProbes() {
        var index = 0
        // One whose kept connection turns out to be closed joins the list's end.
        while index < probes.due.count {
            let endpoint = probes.due[index]
            index &+= 1
            let probe = probes[endpoint]
            probe.pointee.isQueued = false
            if isDraining || endpointStates[endpoint].isGone { continue }
            switch probe.pointee.phase {
            case .connecting, .securing, .asking: continue
            case .idle where probe.pointee.deadline > now: ask(endpoint)
            case .none, .idle:
                closeProbe(endpoint)
                connectProbe(endpoint)
            }
        }
        probes.due.removeAll(keepingCapacity: true)
    }

    // MARK: Asking

    private mutating func connectProbe(_ endpoint: Int) {
        let entry = endpoints + endpoint
        let probe = probes[endpoint]
        let isUnix: Int32 = entry.pointee.path == nil ? 0 : 1
        let descriptor = weir_socket(Int32(entry.pointee.address.family), isUnix)
        guard descriptor >= 0 else {
            // Out of descriptors: requests need them more, and the endpoint is not to blame.
            probe.pointee.failed(at: now)
            return
        }
        if isUnix == 0 { _ = weir_set_nodelay(descriptor) }
        probe.pointee.descriptor = descriptor
        probe.pointee.generation &+= 1
        probe.pointee.phase = .connecting
        probe.pointee.isReused = false
        setProbeDeadline(endpoint, now + probe.pointee.timeout)
        let result = entry.pointee.connect(descriptor)
        let token = Self.token(
            .probe,
            Int32(truncatingIfNeeded: endpoint),
            probe.pointee.generation
        )
        if result < 0, result != -EINPROGRESS {
            fail(probe: endpoint, .noConnection)
        } else if !poller.addConnection(descriptor, token: token) {
            closeProbe(endpoint)
            probe.pointee.failed(at: now)
        } else if result == 0 {
            probeConnected(endpoint, isEnding: false)
        }
    }

    private mutating func probeConnected(_ endpoint: Int, isEnding: Bool) {
        guard introduceProbe(endpoint) else {
            probeEnded(endpoint)
            return
        }
        let pool = pools + Int(endpoints[endpoint].pool)
        if let context = pool.pointee.tls {
            secureProbe(endpoint, context, isEnding: isEnding)
        } else {
            ask(endpoint)
        }
    }

    /// Sends the request on the connection that stands.
    mutating func ask(_ endpoint: Int) {
        let probe = probes[endpoint]
        if probe.pointee.phase == .idle {
            setProbeDeadline(endpoint, now + probe.pointee.timeout)
        }
        probe.pointee.phase = .asking
        probe.pointee.sent = 0
        probe.pointee.hasBytes = false
        probe.pointee.answer = ProbeAnswer()
        sendProbe(endpoint)
    }

    private mutating func sendProbe(_ endpoint: Int) {
        let probe = probes[endpoint]
        if probe.pointee.secure.isOn {
            if !sendSecureProbe(probe) { probeEnded(endpoint) }
            return
        }
        let request = probe.pointee.request
        guard let start = request.baseAddress else { return }
        while probe.pointee.sent < request.count {
            let sent = weir_send(
                probe.pointee.descriptor,
                start + probe.pointee.sent,
                request.count &- probe.pointee.sent
            )
            if sent == Int(-EAGAIN) { return }
            guard sent > 0 else {
                probeEnded(endpoint)
                return
            }
            probe.pointee.sent &+= sent
        }
    }

    // MARK: Events

    /// The kernel reports something about a connection for probes.
    mutating func probeEvent(_ slot: Int32, generation: UInt32, _ readiness: Readiness) {
        let endpoint = Int(slot)
        guard endpoint < probes.count else { return }
        let probe = probes[endpoint]
        guard probe.pointee.generation == generation else { return }
        let isEnding = !readiness.isDisjoint(with: [.peerFinished, .ended, .failed])
        switch probe.pointee.phase {
        case .none: return
        case .idle:
            // Nothing was asked: an end, or bytes that belong to no probe.
            if readiness != .writable, isEnding || !staysIdle(probe) { closeProbe(endpoint) }
            return
        case .connecting:
            guard !readiness.isDisjoint(with: [.writable, .ended, .failed]) else { return }
            if weir_socket_error(probe.pointee.descriptor) < 0 {
                fail(probe: endpoint, .noConnection)
                return
            }
            probeConnected(endpoint, isEnding: isEnding)
        case .securing: pumpProbeHandshake(endpoint, isEnding: isEnding)
        case .asking:
            if readiness.contains(.writable) { sendProbe(endpoint) }
        }
        if probe.pointee.phase == .asking, probe.pointee.generation == generation,
            isEnding || readiness.contains(.readable)
        {
            readProbe(endpoint, isEnding: isEnding)
        }
    }

    /// Reads the answer as far as it is there.
    ///
    /// `isEnding`: the connection's end was reported and will not be a second time.
    mutating func readProbe(_ endpoint: Int, isEnding: Bool) {
        let probe = probes[endpoint]
        while true {
            let count =
                probe.pointee.secure.isOn
                ? receiveSecureProbe(probe, isEnding: isEnding)
                : weir_recv(probe.pointee.descriptor, readBase, Self.readSize)
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                if count == Int(-EPROTO), let broken = probe.pointee.secure.connection {
                    fail(probe: endpoint, .tls(broken.failure.text))
                    return
                }
                probeEnded(endpoint)
                return
            }
            probe.pointee.hasBytes = true
            switch takeProbe(probe, count) {
            case .needMore: continue
            case .failed(let fault): fail(probe: endpoint, fault)
            case .report(let report): finish(probe: endpoint, report, isEnding: isEnding)
            }
            return
        }
    }

    /// Shows the answer what was received, and keeps what it does not use yet.
    private mutating func takeProbe(
        _ probe: UnsafeMutablePointer<Probe>,
        _ count: Int
    ) -> ProbeAnswer.Step {
        if probe.pointee.input.isEmpty {
            let span = RawSpan(_unsafeStart: readBase, byteCount: count)
            let step = probe.pointee.answer.take(span, with: &fields)
            if case .needMore(let used) = step, used < count {
                buffers.append(readBase + used, count &- used, to: &probe.pointee.input)
            }
            return step
        }
        buffers.append(readBase, count, to: &probe.pointee.input)
        guard let head = probe.pointee.input.head else { return .failed(.malformed) }
        let span = RawSpan(_unsafeStart: head, byteCount: probe.pointee.input.count)
        let step = probe.pointee.answer.take(span, with: &fields)
        if case .needMore(let used) = step { buffers.consume(used, from: &probe.pointee.input) }
        return step
    }

    /// The connection is over before its answer is.
    private mutating func probeEnded(_ endpoint: Int) {
        let probe = probes[endpoint]
        // A kept connection may be closed at any time: that says nothing of the server.
        if probe.pointee.isReused, !probe.pointee.hasBytes {
            closeProbe(endpoint)
            queueProbe(endpoint)
        } else {
            fail(probe: endpoint, .closed)
        }
    }

    /// Looks at what has lasted too long.
    mutating func runProbeTimers() {
        probes.timers.advance(to: now)
        while true {
            let slot = probes.timers.popDue()
            if slot < 0 { return }
            let endpoint = Int(slot)
            let probe = probes[endpoint]
            if probe.pointee.phase == .none { continue }
            if probe.pointee.deadline > now {
                setProbeDeadline(endpoint, probe.pointee.deadline)
            } else if probe.pointee.phase == .idle {
                closeProbe(endpoint)
            } else if probe.pointee.phase == .securing {
                fail(probe: endpoint, .tls("no end of the handshake in time"))
            } else {
                fail(probe: endpoint, .timeout)
            }
        }
    }

    private mutating func setProbeDeadline(_ endpoint: Int, _ deadline: Instant) {
        probes[endpoint].pointee.deadline = deadline
        if deadline != .never {
            probes.timers.arm(Int32(truncatingIfNeeded: endpoint), at: deadline)
        }
    }

    // MARK: Ending

    private mutating func finish(probe endpoint: Int, _ report: ProbeReport, isEnding: Bool) {
        let probe = probes[endpoint]
        let pool = pools + Int(endpoints[endpoint].pool)
        let isWhole =
            probe.pointee.sent == probe.pointee.request.count && probe.pointee.output.isEmpty
        if report.isReusable, !isEnding, isWhole, !isDraining {
            buffers.give(&probe.pointee.input)
            probe.pointee.phase = .idle
            probe.pointee.isReused = true
            let kept = Self.keptUntil(now, pool.pointee.idle, report.keepAliveTimeout)
            setProbeDeadline(endpoint, kept)
        } else {
            closeProbe(endpoint)
        }
        probe.pointee.succeeded()
        if probe.pointee.isFailing {
            probe.pointee.isFailing = false
            noteProbe(endpoint, isFailing: false, "tells its load again")
        }
        let load = LoadReport(
            now: now.nanoseconds,
            inFlight: report.inFlight,
            latency: report.latency
        )
        let place = endpoint &- pool.pointee.firstEndpoint
        pool.pointee.balancer.reported(place, load, random: &random)
    }

    mutating func fail(probe endpoint: Int, _ fault: ProbeFault) {
        closeProbe(endpoint)
        let probe = probes[endpoint]
        probe.pointee.failed(at: now)
        guard !probe.pointee.isFailing else { return }
        probe.pointee.isFailing = true
        let why = "does not tell its load (\(fault.explanation)); Weir's own traffic tells"
        noteProbe(endpoint, isFailing: true, why)
    }

    /// Notes that probing an endpoint fails, or works again, for the first or last worker.
    private mutating func noteProbe(_ endpoint: Int, isFailing: Bool, _ what: String) {
        let pool = pools + Int(endpoints[endpoint].pool)
        guard let plan = pool.pointee.probes else { return }
        let count = plan.failing[endpoint &- pool.pointee.firstEndpoint]
        if isFailing {
            guard count.value.add(1, ordering: .relaxed).oldValue == 0 else { return }
        } else {
            guard count.value.subtract(1, ordering: .relaxed).oldValue == 1 else { return }
        }
        let name = String(decoding: endpoints[endpoint].name, as: UTF8.self)
        shared.logs.note(
            level: isFailing ? .warning : .info,
            "pool \(plan.pool): server \(name) \(what)"
        )
    }

    /// Closes an endpoint's connection for probes, if there is one.
    mutating func closeProbe(_ endpoint: Int) {
        let probe = probes[endpoint]
        guard probe.pointee.phase != .none else { return }
        probes.timers.cancel(Int32(truncatingIfNeeded: endpoint))
        buffers.give(&probe.pointee.input)
        releaseSecure(probe)
        weir_close(probe.pointee.descriptor)
        probe.pointee.descriptor = -1
        probe.pointee.phase = .none
    }

    /// The endpoint's server has left: who gets its place is not known by what was seen of it.
    mutating func forgetProbe(_ endpoint: Int) {
        closeProbe(endpoint)
        let probe = probes[endpoint]
        probe.pointee.succeeded()
        guard probe.pointee.isFailing else { return }
        probe.pointee.isFailing = false
        let pool = pools + Int(endpoints[endpoint].pool)
        guard let plan = pool.pointee.probes else { return }
        plan.failing[endpoint &- pool.pointee.firstEndpoint].value.subtract(1, ordering: .relaxed)
    }

    /// Closes a connection that waits for its next probe; false if there is none.
    mutating func closeIdleProbe() -> Bool {
        for endpoint in 0..<probes.count where probes[endpoint].pointee.phase == .idle {
            closeProbe(endpoint)
            return true
        }
        return false
    }

    /// Closes every connection for probes.
    mutating func closeProbes() {
        for endpoint in 0..<probes.count { closeProbe(endpoint) }
    }
}
