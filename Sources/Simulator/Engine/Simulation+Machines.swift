/// What machines do with the requests that reach them.
extension Simulation {
    /// A try is at its machine.
    mutating func reached(_ place: Int, _ now: Int64) {
        let endpoint = Int(slab[place].endpoint)
        if let failure = machines[endpoint].failure(at: now) {
            switch failure.kind {
            case .fast: refuse(place, now &+ failure.after, status: failure.status)
            case .down: answer(place, now, .unreachable)
            case .reset: answer(place, now &+ failure.after, .reset)
            case .slow: giveUp(place, now)
            }
            return
        }
        let time = now &- Self.epoch
        if let replay, machines[endpoint].draws(replay.failureShare(endpoint, time)) {
            refuse(place, now &+ replay.failureTime(endpoint, time), status: 503)
            return
        }
        if machines[endpoint].busy < machines[endpoint].concurrency {
            start(place, now)
        } else if machines[endpoint].queued < machines[endpoint].queueLimit {
            enqueue(place, endpoint)
        } else {
            refuse(place, now, status: 503)
        }
    }

    private mutating func start(_ place: Int, _ now: Int64) {
        let endpoint = Int(slab[place].endpoint)
        machines[endpoint].busy &+= 1
        var speed = machines[endpoint].speed(at: now)
        if let replay { speed *= replay.speed(endpoint, now &- Self.epoch) }
        let time = Int64(min(slab[place].work / speed, 1e17))
        let end = now &+ time
        if end &+ network > retries.limit(of: slab[place]) {
            giveUp(place, now)
            heap.push(Event(end, .released, endpoint))
        } else {
            heap.push(Event(end, .served, place))
        }
    }

    /// A machine has finished a request.
    mutating func served(_ place: Int, _ now: Int64) {
        let endpoint = Int(slab[place].endpoint)
        machines[endpoint].note(now &- slab[place].tryBegin &- network)
        release(endpoint, now)
        answer(place, now, .answered)
    }

    /// A machine has a slot free.
    mutating func release(_ endpoint: Int, _ now: Int64) {
        machines[endpoint].busy &-= 1
        if let place = dequeue(endpoint) { start(place, now) }
    }

    private mutating func refuse(_ place: Int, _ now: Int64, status: UInt16) {
        slab[place].status = status
        answer(place, now, .refused)
    }

    /// Tells the worker, after the way back, unless it has given up by then.
    private mutating func answer(
        _ place: Int,
        _ now: Int64,
        _ outcome: SimulatedRequest.Outcome
    ) {
        let time = now &+ network
        if outcome != .answered, time > retries.limit(of: slab[place]) {
            giveUp(place, now)
            return
        }
        slab[place].outcome = outcome
        if outcome == .answered, network == 0 {
            told(place, time)
        } else {
            heap.push(Event(time, .told, place))
        }
    }

    private mutating func giveUp(_ place: Int, _ now: Int64) {
        slab[place].outcome = .timedOut
        // What is late already has come by a network slower than the time-out.
        heap.push(Event(max(now, retries.limit(of: slab[place])), .gaveUp, place))
    }

    // MARK: Queues

    private mutating func enqueue(_ place: Int, _ endpoint: Int) {
        let tail = machines[endpoint].tail
        slab[place].next = -1
        slab[place].previous = tail
        slab[place].isQueued = true
        if tail >= 0 {
            slab[Int(tail)].next = Int32(truncatingIfNeeded: place)
        } else {
            machines[endpoint].head = Int32(truncatingIfNeeded: place)
        }
        machines[endpoint].tail = Int32(truncatingIfNeeded: place)
        machines[endpoint].queued &+= 1
        if retries.hasDeadlines {
            heap.push(Event(retries.limit(of: slab[place]), .waitedOut, place))
        } else {
            watchQueue(endpoint)
        }
    }

    private mutating func dequeue(_ endpoint: Int) -> Int? {
        let place = Int(machines[endpoint].head)
        guard place >= 0 else { return nil }
        leave(place, endpoint)
        return place
    }

    /// Takes a request out of its machine's queue.
    private mutating func leave(_ place: Int, _ endpoint: Int) {
        let next = slab[place].next
        let previous = slab[place].previous
        if previous >= 0 { slab[Int(previous)].next = next } else { machines[endpoint].head = next }
        if next >= 0 {
            slab[Int(next)].previous = previous
        } else {
            machines[endpoint].tail = previous
        }
        slab[place].isQueued = false
        machines[endpoint].queued &-= 1
    }

    /// Sees to it that the first one in the queue does not wait beyond its time-out.
    ///
    /// Where requests have no deadlines of their own, all have the same time from the begin of
    /// their try, and the first one's ends first.
    private mutating func watchQueue(_ endpoint: Int) {
        let place = Int(machines[endpoint].head)
        guard place >= 0, !machines[endpoint].watchesQueue else { return }
        machines[endpoint].watchesQueue = true
        heap.push(Event(retries.limit(of: slab[place]), .queueDue, endpoint))
    }

    /// The first one in a machine's queue may have waited too long.
    mutating func queueDue(_ endpoint: Int, _ now: Int64) {
        machines[endpoint].watchesQueue = false
        while true {
            let place = Int(machines[endpoint].head)
            guard place >= 0, retries.limit(of: slab[place]) <= now else { break }
            leave(place, endpoint)
            slab[place].outcome = .timedOut
            told(place, now)
        }
        watchQueue(endpoint)
    }

    /// A request may have waited too long at its machine; it may also have left its place to
    /// another one long ago.
    mutating func waitedOut(_ place: Int, _ now: Int64) {
        guard slab[place].isQueued, retries.limit(of: slab[place]) <= now else { return }
        leave(place, Int(slab[place].endpoint))
        slab[place].outcome = .timedOut
        told(place, now)
    }
}
