import Balancing
import Routing

extension EffectivePrinter {
    /// The strategy with the parameters that it takes.
    func balance(_ pool: PoolConfig, _ yaml: inout YAMLText) {
        let options = pool.balance
        yaml.line(BalanceKeys.strategy.name, options.strategy)
        for key in BalanceKeys.parameters(of: options.strategy) {
            switch key.name {
            case BalanceKeys.choices.name: yaml.line(key.name, text(options.choices))
            case BalanceKeys.decay.name: yaml.line(key.name, time(.nanoseconds(options.decay)))
            case BalanceKeys.penalty.name: yaml.line(key.name, time(.nanoseconds(options.penalty)))
            case BalanceKeys.key.name:
                yaml.line(key.name, YAMLText.list(pool.hashKey.map(text)))
            case BalanceKeys.table.name: yaml.line(key.name, options.table.rawValue)
            case BalanceKeys.tableSize.name where options.table == .maglev:
                yaml.line(key.name, count(options.tableSize, otherwise: "auto"))
            case BalanceKeys.boundedLoad.name:
                yaml.line(key.name, options.boundedLoad.map(Quantity.text(factor:)) ?? "off")
            case BalanceKeys.pool.name: yaml.line(key.name, String(options.prequal.pool))
            case BalanceKeys.probes.name:
                yaml.line(key.name, Quantity.text(factor: options.prequal.probes))
            case BalanceKeys.age.name: yaml.line(key.name, time(.nanoseconds(options.prequal.age)))
            case BalanceKeys.quantile.name:
                yaml.line(key.name, Quantity.text(factor: options.prequal.quantile))
            case BalanceKeys.probe.name: probe(pool.prequalProbe, &yaml)
            default: break
            }
        }
    }

    /// `sticky` of a pool.
    func sticky(_ sticky: StickyConfig?, _ yaml: inout YAMLText) {
        guard let sticky else {
            yaml.line(PoolKeys.sticky.name, "off")
            return
        }
        yaml.section(PoolKeys.sticky.name) { yaml in
            switch sticky.carrier {
            case .cookie(let name):
                yaml.line(StickyKeys.cookie.name, text(name))
                let age = sticky.maxAge.map(Quantity.text(duration:)) ?? "session"
                yaml.line(StickyKeys.maxAge.name, age)
                yaml.line(StickyKeys.sameSite.name, sticky.sameSite.rawValue)
            case .header(let name):
                yaml.line(StickyKeys.header.name, text(name))
            }
            if let file = sticky.secretFile { yaml.line(StickyKeys.secretFile.name, text(file)) }
        }
    }

    private func probe(_ probe: ProbeConfig?, _ yaml: inout YAMLText) {
        guard let probe else {
            yaml.line(BalanceKeys.probe.name, "off")
            return
        }
        yaml.section(BalanceKeys.probe.name) { yaml in
            yaml.line(ProbeKeys.path.name, text(probe.path))
            yaml.line(ProbeKeys.timeout.name, time(probe.timeout))
        }
    }

    private func text(_ choices: BalanceOptions.Choices) -> String {
        switch choices {
        case .automatic: "auto"
        case .all: "all"
        case .sampled(let count): String(count)
        }
    }

    private func text(_ choice: KeyChoice) -> String {
        switch choice {
        case .client: "client"
        case .host: "host"
        case .path: "path"
        case .header(let name): "{\(KeyChoiceKeys.header.name): \(text(name))}"
        case .cookie(let name): "{\(KeyChoiceKeys.cookie.name): \(text(name))}"
        case .query(let name): "{\(KeyChoiceKeys.query.name): \(text(name))}"
        }
    }
}
