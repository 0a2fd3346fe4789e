extension EffectivePrinter {
    /// `simulate` with its defaults.
    func simulate(_ config: SimulateConfig, _ yaml: inout YAMLText) {
        if let requests = config.requests {
            yaml.line(SimulateKeys.requests.name, String(requests))
        }
        if let duration = config.duration {
            yaml.line(SimulateKeys.duration.name, Quantity.text(duration: duration))
        }
        yaml.line(SimulateKeys.warmUp.name, Quantity.text(share: config.warmUp))
        yaml.line(SimulateKeys.seed.name, String(config.seed))
        yaml.line(SimulateKeys.workers.name, String(config.workers))
        yaml.line(SimulateKeys.network.name, Quantity.text(duration: config.network))
        yaml.section(SimulateKeys.arrivals.name) { arrivals(config.arrivals, &$0) }
        yaml.section(SimulateKeys.service.name) { service(config.service, &$0) }
        yaml.line(SimulateKeys.size.name, Quantity.text(size: config.size))
        yaml.section(SimulateKeys.keys.name) { yaml in
            yaml.line(PopulationKeys.count.name, String(config.keys.count))
            yaml.line(PopulationKeys.skew.name, Quantity.text(factor: config.keys.skew))
        }
        yaml.section(SimulateKeys.endpoint.name) { machine(config.endpoint, &$0) }
        guard !config.servers.isEmpty else { return }
        yaml.section(SimulateKeys.servers.name) { yaml in
            for entry in config.servers {
                yaml.section(entry.pattern) { machine(entry.machine, &$0) }
            }
        }
    }

    private func arrivals(_ config: ArrivalConfig, _ yaml: inout YAMLText) {
        yaml.line(ArrivalKeys.kind.name, config.kind.rawValue)
        switch config.amount {
        case .rate(let rate): yaml.line(ArrivalKeys.rate.name, Quantity.text(rate: rate))
        case .load(let load): yaml.line(ArrivalKeys.load.name, Quantity.text(factor: load))
        }
        guard config.kind == .bursts else { return }
        yaml.line(ArrivalKeys.on.name, Quantity.text(duration: config.on))
        yaml.line(ArrivalKeys.off.name, Quantity.text(duration: config.off))
    }

    private func service(_ config: ServiceConfig, _ yaml: inout YAMLText) {
        yaml.line(ServiceKeys.kind.name, config.kind.rawValue)
        yaml.line(ServiceKeys.mean.name, Quantity.text(duration: config.mean))
        switch config.kind {
        case .logNormal:
            yaml.line(ServiceKeys.deviation.name, Quantity.text(duration: config.deviation))
        case .pareto: yaml.line(ServiceKeys.shape.name, Quantity.text(factor: config.shape))
        case .exponential, .fixed: break
        }
    }

    private func machine(_ config: MachineConfig, _ yaml: inout YAMLText) {
        yaml.line(MachineKeys.speed.name, Quantity.text(factor: config.speed))
        yaml.line(MachineKeys.concurrency.name, config.concurrency.map(String.init) ?? "none")
        yaml.line(MachineKeys.queue.name, String(config.queue))
        if !config.slow.isEmpty {
            yaml.section(MachineKeys.slow.name) { yaml in
                for slow in config.slow {
                    yaml.item { yaml in
                        yaml.line(SlowKeys.speed.name, Quantity.text(factor: slow.speed))
                        stretch(slow.from, slow.to, &yaml)
                    }
                }
            }
        }
        if !config.fail.isEmpty {
            yaml.section(MachineKeys.fail.name) { yaml in
                for fail in config.fail {
                    yaml.item { yaml in
                        yaml.line(FailKeys.kind.name, fail.kind.rawValue)
                        yaml.line(FailKeys.share.name, Quantity.text(share: fail.share))
                        if fail.kind == .fast {
                            yaml.line(FailKeys.status.name, String(fail.status))
                        }
                        if fail.kind == .fast || fail.kind == .reset {
                            let after = Quantity.text(duration: fail.after)
                            yaml.line(FailKeys.after.name, after)
                        }
                        stretch(fail.from, fail.to, &yaml)
                    }
                }
            }
        }
        yaml.line(MachineKeys.check.name, Quantity.text(duration: config.check))
        guard let antagonist = config.antagonist else {
            yaml.line(MachineKeys.antagonist.name, "off")
            return
        }
        yaml.section(MachineKeys.antagonist.name) { yaml in
            yaml.line(AntagonistKeys.speed.name, Quantity.text(factor: antagonist.speed))
            yaml.line(AntagonistKeys.on.name, Quantity.text(duration: antagonist.on))
            yaml.line(AntagonistKeys.off.name, Quantity.text(duration: antagonist.off))
        }
    }

    private func stretch(_ from: Duration, _ to: Duration?, _ yaml: inout YAMLText) {
        yaml.line(SlowKeys.from.name, Quantity.text(duration: from))
        if let to { yaml.line(SlowKeys.to.name, Quantity.text(duration: to)) }
    }
}
