import Balancing
import Health

/// What a request goes through at its worker, in the order of the proxy.
extension Simulation {
    /// Requests that are told to the retry budget together, as workers do.
    private static let depositBatch = 16

    /// Counts a request for the retry budget.
    mutating func deposit(_ worker: Int, _ now: Int64) {
        guard let budget else { return }
        notDeposited[worker] &+= 1
        guard notDeposited[worker] >= Self.depositBatch else { return }
        budget.deposit(notDeposited[worker], now: now)
        notDeposited[worker] = 0
    }

    /// A request goes to an endpoint, for the first time or once more.
    mutating func beginTry(_ place: Int, _ now: Int64) {
        let worker = Int(slab[place].worker)
        if health.isOn, claimsProbe(place, worker, now) { return }
        if hasFallback, !balancers[worker].hasHealthy(now: now, random: &randoms[worker]) {
            finish(place, now, answered: false)
            return
        }
        if let gate = breaker?.gate {
            beginBounded(place, gate, now)
        } else if let endpoint = pick(place, worker, now) {
            begin(place, at: endpoint, isAdmitted: false, now)
        } else {
            finish(place, now, answered: false)
        }
    }

    /// Sends a request to an ejected endpoint that may be well again; false if there is none.
    private mutating func claimsProbe(_ place: Int, _ worker: Int, _ now: Int64) -> Bool {
        let plan = plans.index(of: worker)
        guard health.hasHalfOpen(plan: plan), !slab[place].hasProbed else { return false }
        let claimed = health.claimProbe(
            excluding: slab[place].tried,
            balancers[worker],
            plan: plan,
            now: now
        )
        guard let claimed else { return false }
        slab[place].isProbing = true
        slab[place].hasProbed = true
        if slab[place].isMeasured { tally.probes &+= 1 }
        breaker?.gate.forceConnection()
        begin(place, at: claimed, isAdmitted: false, now)
        return true
    }

    /// An endpoint that was not tried yet, while one is left; then any.
    mutating func pick(_ place: Int, _ worker: Int, _ now: Int64) -> EndpointIndex? {
        let tried = slab[place].tried
        var request =
            usesKeys
            ? PickRequest(now: now, key: slab[place].key, tried: tried)
            : PickRequest(now: now, tried: tried)
        if let pick = balancers[worker].pick(request, random: &randoms[worker]) { return pick }
        if tried.isEmpty { return nil }
        request.tried = TriedEndpoints()
        return balancers[worker].pick(request, random: &randoms[worker])
    }

    /// A try begins; `isAdmitted`: it counts at the endpoint already, let in by the pool's bounds.
    mutating func begin(
        _ place: Int,
        at endpoint: EndpointIndex,
        isAdmitted: Bool,
        _ now: Int64
    ) {
        if asksForReports, slab[place].tries == 0, !slab[place].isProbing {
            sendProbes(Int(slab[place].worker), now)
        }
        let block = unsafe plans.plan(of: Int(slab[place].worker)).shared.block(endpoint)
        let before =
            unsafe isAdmitted
            ? block.pointee.inFlight.load(ordering: .relaxed) &- 1
            : block.pointee.inFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        unsafe block.pointee.bytesInTransfer.wrappingAdd(slab[place].bytes, ordering: .relaxed)
        slab[place].tryBegin = now
        slab[place].inFlight = before
        slab[place].endpoint = Int32(truncatingIfNeeded: endpoint)
        slab[place].tries &+= 1
        tally.timeline.tried(now)
        if slab[place].isMeasured { tally.tries[endpoint] &+= 1 }
        if network > 0 {
            heap.push(Event(now &+ network, .reached, place))
        } else {
            reached(place, now)
        }
    }

    /// The worker knows what came of a try.
    mutating func told(_ place: Int, _ now: Int64) {
        let request = slab[place]
        tell(request, now)
        let block = unsafe plans.plan(of: Int(request.worker)).shared.block(
            Int(request.endpoint)
        )
        unsafe block.pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
        unsafe block.pointee.bytesInTransfer.wrappingSubtract(request.bytes, ordering: .relaxed)
        if let gate = breaker?.gate {
            gate.leaveConnection()
            hasRoom = true
        }
        if request.outcome == .answered {
            finish(place, now, answered: true)
        } else {
            retryOrFail(place, now)
        }
    }

    /// Tells the strategy and what decides on ejection how a try ended.
    private mutating func tell(_ request: SimulatedRequest, _ now: Int64) {
        let endpoint = Int(request.endpoint)
        let worker = Int(request.worker)
        let isOver = request.outcome == .timedOut && retries.isOver(request, at: now)
        if health.isOn {
            let plan = plans.index(of: worker)
            if !isOver {
                let look = health.tryEnded(request, verdict(on: request), plan: plan, now: now)
                if let look { heap.push(Event(look, .looked, plan)) }
            } else if request.isProbing {
                health.probeAbandoned(endpoint, plan: plan, now: now)
            }
        }
        guard observesResults else { return }
        let result = TryResult(
            now: now,
            latency: now &- request.tryBegin,
            inFlight: request.inFlight,
            kind: isOver ? .abandoned : Self.isFailure(request) ? .failed : .answered
        )
        balancers[worker].answered(endpoint, result, random: &randoms[worker])
    }

    /// What a try says of its endpoint.
    private func verdict(on request: SimulatedRequest) -> TryVerdict {
        switch request.outcome {
        case .answered: .good
        case .refused: health.verdict(status: request.status)
        case .unreachable: .connectFailure
        case .reset: .reset
        case .timedOut: .timeout
        }
    }

    /// Whether the server cannot take more or is broken, rather than refuses what is asked.
    private static func isFailure(_ request: SimulatedRequest) -> Bool {
        guard request.outcome == .refused else { return request.outcome != .answered }
        let status = request.status
        return status == 429 || (status >= 500 && status != 501 && status != 505)
    }

    /// A try has failed: another one follows, at once or later, or the request has failed.
    private mutating func retryOrFail(_ place: Int, _ now: Int64) {
        let request = slab[place]
        let worker = Int(request.worker)
        let decision = retries.decide(after: request)
        guard decision != .giveUp,
            let next = retries.next(decision, after: request, now: now, random: &randoms[worker]),
            request.isProbing || takesBudget(place, worker, now)
        else {
            finish(place, now, answered: false)
            return
        }
        slab[place].tried.insert(Int(request.endpoint))
        slab[place].isProbing = false
        if next > now {
            heap.push(Event(next, .retried, place))
        } else {
            beginTry(place, now)
        }
    }

    private mutating func takesBudget(_ place: Int, _ worker: Int, _ now: Int64) -> Bool {
        var isGranted = true
        if let budget {
            budget.deposit(notDeposited[worker], now: now)
            notDeposited[worker] = 0
            isGranted = budget.withdraw(now: now) == .granted
        }
        if slab[place].isMeasured {
            if isGranted { tally.retries &+= 1 } else { tally.refusedRetries &+= 1 }
        }
        return isGranted
    }

    /// A request has ended.
    mutating func finish(_ place: Int, _ now: Int64, answered: Bool) {
        let isMeasured = slab[place].isMeasured
        if let gate = breaker?.gate { leavePool(place, gate) }
        tally.end = now
        if answered {
            tally.answered &+= 1
            if isMeasured { tally.latencies.record(now &- slab[place].begin) }
        } else {
            tally.failed &+= 1
            tally.timeline.failed(thatCame: slab[place].begin)
            if isMeasured { tally.errors &+= 1 }
        }
        slab.remove(place)
    }
}
