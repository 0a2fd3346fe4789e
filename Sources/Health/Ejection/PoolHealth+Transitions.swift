import Balancing

extension PoolHealth {
    /// A try that was to find out has ended, or one that failed.
    func told(
        _ endpoint: EndpointIndex,
        _ verdict: TryVerdict,
        _ wasProbe: Bool,
        _ latency: Int64,
        _ now: Int64,
        _ random: UInt64
    ) -> EjectionChange? {
        if verdict == .good {
            tryWentWell(endpoint, latency: latency)
            return probePassed(endpoint, now)
        }
        let block = unsafe shared.block(endpoint)
        unsafe block.pointee.triesEnded.wrappingAdd(1, ordering: .relaxed)
        unsafe block.pointee.triesFailed.wrappingAdd(1, ordering: .relaxed)
        if wasProbe && shared.health(endpoint).ejection == .probing {
            return probeFailed(endpoint, verdict, now, random)
        }
        return failed(endpoint, verdict, now, random)
    }

    /// The time of an ejection is over, or that in which single requests could ask.
    func timeIsOver(_ endpoint: EndpointIndex, _ now: Int64) -> EjectionChange? {
        let changed = shared.change(endpoint, now: now) { health in
            guard health.until <= now else { return false }
            if health.ejection == .ejected {
                health.ejection = .halfOpen
                health.until = now &+ min(times.plain(times: health.timesEjected), .max &- now)
                return true
            }
            guard health.awaitsProbe else { return false }
            PoolHealth.giveBack(&health)
            return true
        }
        guard let changed else { return nil }
        if changed.after.ejection == .halfOpen {
            return EjectionChange(.halfOpen, endpoint, .timeOver)
        }
        unsafe shared.block(endpoint).pointee.failuresInARow.store(0, ordering: .relaxed)
        let time = times.plain(times: changed.before.timesEjected)
        return EjectionChange(.returned, endpoint, .notAsked(for: time))
    }

    /// Ejects an endpoint in service, if `max-share` allows it.
    func eject(
        _ endpoint: EndpointIndex,
        _ cause: EjectionChange.Cause,
        isForAnswers: Bool,
        now: Int64,
        random: UInt64
    ) -> EjectionChange? {
        guard shared.availability(endpoint) == .up else { return nil }
        let block = unsafe shared.block(endpoint)
        // When it came back; 0 for one that was never away, and so never ejected.
        let returned = shared.returned(endpoint)
        let ejected = shared.eject(endpoint, limit: limit, now: now) { health in
            // One that checks or the operator have taken out would only use up the share.
            guard health.availability == .up else { return false }
            // Before the state, or checks under way could pass for later ones.
            unsafe block.pointee.ejectedAt.store(now, ordering: .relaxed)
            unsafe block.pointee.checksPassed.store(0, ordering: .relaxed)
            health.timesEjected = times.remembered(
                times: health.timesEjected,
                inService: now &- returned
            )
            times.put(&health, isForAnswers: isForAnswers, now: now, random: random)
            return true
        }
        switch ejected {
        case .unchanged: return nil
        case .refused: return refused(endpoint, cause, now)
        case .ejected(let health):
            return EjectionChange(.ejected, endpoint, cause, duration: health.until &- now)
        }
    }

    private func refused(
        _ endpoint: EndpointIndex,
        _ cause: EjectionChange.Cause,
        _ now: Int64
    ) -> EjectionChange? {
        let block = unsafe shared.block(endpoint)
        let told = unsafe block.pointee.refusalTold.load(ordering: .relaxed)
        guard told == 0 || now &- told >= PoolHealth.refusalPause else { return nil }
        let (isFirst, _) = unsafe block.pointee.refusalTold.compareExchange(
            expected: told,
            desired: max(1, now),
            ordering: .relaxed
        )
        return isFirst ? EjectionChange(.refused, endpoint, cause) : nil
    }

    private func failed(
        _ endpoint: EndpointIndex,
        _ verdict: TryVerdict,
        _ now: Int64,
        _ random: UInt64
    ) -> EjectionChange? {
        // What fails while it is out (stragglers, panic) says nothing of how it comes back.
        guard rowVerdicts & (1 << verdict.rawValue) != 0, rowLimit != .max,
            shared.health(endpoint).ejection == .none
        else { return nil }
        let block = unsafe shared.block(endpoint)
        let row = unsafe block.pointee.failuresInARow.wrappingAdd(1, ordering: .relaxed).newValue
        guard row >= rowLimit else { return nil }
        return eject(
            endpoint,
            .consecutive(failures: row, last: verdict),
            isForAnswers: !verdict.isOfConnection,
            now: now,
            random: random
        )
    }

    private func probePassed(_ endpoint: EndpointIndex, _ now: Int64) -> EjectionChange? {
        // The word has room for 15.
        let needed = min(rise, 15)
        let changed = shared.change(endpoint, now: now) { health in
            guard health.ejection == .probing else { return false }
            health.probesPassed += 1
            if health.probesPassed >= needed {
                PoolHealth.giveBack(&health)
            } else {
                health.ejection = .halfOpen
            }
            return true
        }
        guard let changed, changed.after.ejection == .none else { return nil }
        return EjectionChange(.returned, endpoint, .probesPassed(needed))
    }

    private func probeFailed(
        _ endpoint: EndpointIndex,
        _ verdict: TryVerdict,
        _ now: Int64,
        _ random: UInt64
    ) -> EjectionChange? {
        let block = unsafe shared.block(endpoint)
        let changed = shared.change(endpoint, now: now) { health in
            guard health.ejection == .probing else { return false }
            unsafe block.pointee.ejectedAt.store(now, ordering: .relaxed)
            unsafe block.pointee.checksPassed.store(0, ordering: .relaxed)
            times.put(&health, isForAnswers: !verdict.isOfConnection, now: now, random: random)
            return true
        }
        guard let changed else { return nil }
        return EjectionChange(
            .ejected,
            endpoint,
            .probeFailed(verdict),
            duration: changed.after.until &- now
        )
    }

    /// Ends an ejection; how often there was one is remembered.
    static func giveBack(_ health: inout EndpointHealth) {
        health.ejection = .none
        health.isForAnswers = false
        health.probesPassed = 0
        health.until = 0
    }
}

extension EjectionTime {
    /// Ejects once more.
    func put(_ health: inout EndpointHealth, isForAnswers: Bool, now: Int64, random: UInt64) {
        health.timesEjected += 1
        health.ejection = .ejected
        health.isForAnswers = isForAnswers
        health.probesPassed = 0
        let time = jittered(times: health.timesEjected, random: random)
        health.until = now &+ min(time, Int64.max &- max(0, now))
    }
}
