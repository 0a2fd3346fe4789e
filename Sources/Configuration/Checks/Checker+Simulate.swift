extension Checker {
    /// `simulate`; `nil` where the file has none.
    func simulate(_ config: Config) -> SimulateConfig? {
        guard let map = root.map(TopLevelKeys.simulate) else { return nil }
        var simulate = SimulateConfig()
        simulate.requests =
            map.count(SimulateKeys.requests)
            ?? (map.mentions(SimulateKeys.duration) ? nil : simulate.requests)
        simulate.duration = map.duration(SimulateKeys.duration)
        if let item = map.item(SimulateKeys.warmUp) {
            simulate.warmUp = map.share(SimulateKeys.warmUp)
            if simulate.warmUp > 0.9 {
                reporter.error(
                    .range,
                    item.place,
                    "a warm-up of \(item.written) leaves too little to report",
                    remedy: "write 0% to 90%"
                )
            }
        }
        simulate.seed = UInt64(map.count(SimulateKeys.seed) ?? Int(simulate.seed))
        simulate.workers = map.count(SimulateKeys.workers) ?? simulate.workers
        simulate.network = map.duration(SimulateKeys.network) ?? simulate.network
        simulate.size = map.count(SimulateKeys.size) ?? simulate.size
        if let arrivals = map.map(SimulateKeys.arrivals) { simulate.arrivals = read(arrivals) }
        if let service = map.map(SimulateKeys.service) { simulate.service = read(service) }
        if let keys = map.map(SimulateKeys.keys) {
            simulate.keys.count = keys.count(PopulationKeys.count) ?? simulate.keys.count
            simulate.keys.skew = keys.factor(PopulationKeys.skew) ?? simulate.keys.skew
        }
        let endpoint = map.map(SimulateKeys.endpoint)
        if let endpoint {
            check(endpoint)
            simulate.endpoint = machine(endpoint)
        }
        for name in map.names(SimulateKeys.servers) {
            guard let own = name.item.map else { continue }
            check(own)
            let entry = NamedMachine(
                pattern: name.name,
                machine: machine(endpoint.map { own.over($0) } ?? own)
            )
            checkServer(entry, name.place, config)
            simulate.servers.append(entry)
        }
        return simulate
    }

    private func read(_ map: RawMap) -> ArrivalConfig {
        var config = ArrivalConfig()
        let kind = map.text(ArrivalKeys.kind)
        config.kind = kind.flatMap(ArrivalConfig.Kind.init) ?? config.kind
        config.on = map.duration(ArrivalKeys.on) ?? config.on
        config.off = map.duration(ArrivalKeys.off) ?? config.off
        if let rate = map.factor(ArrivalKeys.rate) {
            config.amount = .rate(rate)
            if let load = map.item(ArrivalKeys.load) {
                reporter.error(
                    .conflict,
                    load.keyPlace ?? load.place,
                    "\"rate\" and \"load\" both say how much comes",
                    remedy: "keep one of them"
                )
            }
        } else if let load = map.factor(ArrivalKeys.load) {
            config.amount = .load(load)
        }
        if config.kind != .bursts, !map.refused.contains(ArrivalKeys.kind.name) {
            reportIdle([ArrivalKeys.on, ArrivalKeys.off], map, needs: "kind: bursts")
        }
        return config
    }

    private func read(_ map: RawMap) -> ServiceConfig {
        var config = ServiceConfig()
        let kind = map.text(ServiceKeys.kind)
        config.kind = kind.flatMap(ServiceConfig.Kind.init) ?? config.kind
        config.mean = map.duration(ServiceKeys.mean) ?? config.mean
        config.deviation = map.duration(ServiceKeys.deviation) ?? config.mean
        config.shape = map.factor(ServiceKeys.shape) ?? config.shape
        guard !map.refused.contains(ServiceKeys.kind.name) else { return config }
        if config.kind != .logNormal {
            reportIdle([ServiceKeys.deviation], map, needs: "kind: log-normal")
        }
        if config.kind != .pareto { reportIdle([ServiceKeys.shape], map, needs: "kind: pareto") }
        return config
    }

    private func machine(_ map: RawMap) -> MachineConfig {
        var config = MachineConfig()
        config.speed = map.factor(MachineKeys.speed) ?? config.speed
        if map.word(MachineKeys.concurrency) != nil {
            config.concurrency = nil
        } else {
            config.concurrency = map.count(MachineKeys.concurrency) ?? config.concurrency
        }
        config.queue = map.count(MachineKeys.queue) ?? config.queue
        config.slow = map.items(MachineKeys.slow).compactMap(\.map).map { map in
            var slow = SlowdownConfig(speed: map.factor(SlowKeys.speed) ?? 1)
            slow.from = map.duration(SlowKeys.from) ?? slow.from
            slow.to = map.duration(SlowKeys.to)
            return slow
        }
        config.fail = map.items(MachineKeys.fail).compactMap(\.map).map { map in
            let kind = map.text(FailKeys.kind).flatMap(FailureConfig.Kind.init)
            var fail = FailureConfig(kind: kind ?? .fast)
            if map.item(FailKeys.share) != nil { fail.share = map.share(FailKeys.share) }
            fail.status = map.count(FailKeys.status) ?? fail.status
            fail.after = map.duration(FailKeys.after) ?? fail.after
            fail.from = map.duration(SlowKeys.from) ?? fail.from
            fail.to = map.duration(SlowKeys.to)
            return fail
        }
        config.check = map.duration(MachineKeys.check) ?? config.check
        if let map = map.map(MachineKeys.antagonist) {
            var antagonist = AntagonistConfig()
            antagonist.speed = map.factor(AntagonistKeys.speed) ?? antagonist.speed
            antagonist.on = map.duration(AntagonistKeys.on) ?? antagonist.on
            antagonist.off = map.duration(AntagonistKeys.off) ?? antagonist.off
            config.antagonist = antagonist
        }
        return config
    }

    /// What shows in a server's own map only, before it lies over `endpoint`.
    private func check(_ map: RawMap) {
        for item in map.items(MachineKeys.slow) {
            guard let slow = item.map else { continue }
            reportMissing(SlowKeys.speed, in: slow, of: SlowKeys.set)
            checkStretch(slow)
        }
        for item in map.items(MachineKeys.fail) {
            guard let fail = item.map else { continue }
            reportMissing(FailKeys.kind, in: fail, of: FailKeys.set)
            checkStretch(fail)
            guard let kind = fail.text(FailKeys.kind).flatMap(FailureConfig.Kind.init) else {
                continue
            }
            if kind != .fast { reportIdle([FailKeys.status], fail, needs: "kind: fast") }
            if kind != .fast && kind != .reset {
                reportIdle([FailKeys.after], fail, needs: "kind: fast")
            }
        }
    }

    private func checkStretch(_ map: RawMap) {
        guard let to = map.item(SlowKeys.to), let end = map.duration(SlowKeys.to),
            let begin = map.duration(SlowKeys.from), begin >= end
        else { return }
        reporter.error(
            .range,
            to.place,
            "\"to\" of \(to.written) does not come after \"from\" of "
                + (map.item(SlowKeys.from)?.written ?? ""),
            remedy: "write a later time, or remove to"
        )
    }

    private func checkServer(_ entry: NamedMachine, _ place: Place, _ config: Config) {
        let servers = config.pools.flatMap(\.servers)
        guard !servers.isEmpty, !servers.contains(where: entry.fits) else { return }
        let names = servers.flatMap { [$0.name, $0.address.description] }
        let near = nearestName(to: entry.pattern, among: names)
        reporter.error(
            .value,
            place,
            "no pool has a server \(entry.pattern.shown)",
            remedy: near.map { "did you mean \"\($0)\"?" }
                ?? "write a server's name or address, or its beginning and *"
        )
    }

    private func reportIdle(_ keys: [Key], _ map: RawMap, needs other: String) {
        for key in keys {
            guard let item = map.item(key) else { continue }
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"\(key.name)\" does nothing without \(other)",
                remedy: "write \(other), or remove \(key.name)"
            )
        }
    }
}
