import Balancing

/// What control does: checks, ends of ejections, comparisons.
extension Simulation {
    /// Something that control does is due.
    mutating func control(_ event: Event) {
        let now = event.time
        // Who is back may have room.
        defer { hasRoom = breaker != nil }
        switch event.kind {
        case .checkBegan: heap.push(Event(now &+ network, .checkReached, event.index))
        case .checkReached:
            let machine = machines[event.index]
            let time = checks?.reached(event.index, machine, now: now)
            if let time { heap.push(Event(time, .checkTold, event.index)) }
        case .checkTold:
            guard let result = checks?.told(event.index, now: now) else { return }
            health.checked(event.index, result, now: now)
            heap.push(Event(result.next, .checkBegan, event.index))
        case .looked:
            if let next = health.look(plan: event.index, now: now) {
                heap.push(Event(next, .looked, event.index))
            }
        case .compared:
            if let look = health.compare(plan: event.index, now: now) {
                heap.push(Event(look, .looked, event.index))
            }
            if let interval = health.comparison {
                heap.push(Event(now &+ interval, .compared, event.index))
            }
        default: break
        }
    }

    // MARK: Load reports

    /// Asks servers for their load, as `balance.probe` does.
    mutating func sendProbes(_ worker: Int, _ now: Int64) {
        var count = Int(probesPerRequest)
        let fraction = probesPerRequest - Double(count)
        if fraction > 0, randoms[worker].unit() <= fraction { count &+= 1 }
        for _ in 0..<count {
            guard let endpoint = balancers[worker].probeTarget(random: &randoms[worker]) else {
                return
            }
            let probe = Probe(endpoint: endpoint, worker: worker)
            heap.push(Event(now &+ network, .probed, probes.insert(probe)))
        }
    }

    /// A server that fails requests fails probes.
    mutating func probed(_ place: Int, _ now: Int64) {
        let endpoint = probes[place].endpoint
        if machines[endpoint].failure(at: now) != nil {
            probes.remove(place)
            return
        }
        probes[place].inFlight = machines[endpoint].busy &+ machines[endpoint].queued
        probes[place].latency = Int64(machines[endpoint].recent)
        heap.push(Event(now &+ network, .reported, place))
    }

    /// A report is at the worker that asked for it.
    mutating func reported(_ place: Int, _ now: Int64) {
        let probe = probes[place]
        probes.remove(place)
        let inFlight = Int32(clamping: probe.inFlight)
        let report = LoadReport(now: now, inFlight: inFlight, latency: probe.latency)
        balancers[probe.worker].reported(
            probe.endpoint,
            report,
            random: &randoms[probe.worker]
        )
    }
}
