import Balancing
import Routing

extension EffectivePrinter {
    /// An entry of `pools`.
    func pool(_ pool: PoolConfig, _ yaml: inout YAMLText) {
        if !pool.servers.isEmpty {
            yaml.section(PoolKeys.servers.name) { yaml in
                for server in pool.servers { yaml.item { self.server(server, &$0) } }
            }
        }
        if let file = pool.serversFile { yaml.line(PoolKeys.serversFile.name, text(file)) }
        poolTLS(pool.tls, &yaml)
        yaml.line(PoolKeys.http2.name, text(pool.http2))
        yaml.line(PoolKeys.proxyProtocol.name, pool.proxyProtocol?.rawValue ?? "off")
        yaml.section(PoolKeys.balance.name) { balance(pool, &$0) }
        sticky(pool.sticky, &yaml)
        yaml.line(PoolKeys.slowStart.name, time(pool.slowStart))
        yaml.line(PoolKeys.panicThreshold.name, Quantity.text(share: pool.panicThreshold))
        yaml.line(PoolKeys.spillBelow.name, Quantity.text(share: pool.spillBelow))
        fallback(pool.fallback, &yaml)
        yaml.section(PoolKeys.connections.name) { yaml in
            yaml.line(ConnectionKeys.maxAge.name, time(pool.connections.maxAge))
            yaml.line(ConnectionKeys.maxRequests.name, count(pool.connections.maxRequests))
            yaml.line(ConnectionKeys.maxIdle.name, String(pool.connections.maxIdle))
        }
        yaml.section(PoolKeys.timeouts.name) { timeouts(pool.timeouts, &$0) }
        checks(pool.checks, &yaml)
        ejection(pool.ejection, &yaml)
        yaml.section(PoolKeys.breaker.name) { breaker(pool.breaker, &$0) }
        yaml.section(PoolKeys.retries.name) { yaml in
            retries(pool.retries, &yaml)
            budget(pool.retryBudget, &yaml)
        }
        yaml.section(PoolKeys.resolver.name) { resolver(pool.resolver, &$0) }
    }

    private func server(_ server: ServerConfig, _ yaml: inout YAMLText) {
        if case .service(let name) = server.address {
            yaml.line(ServerKeys.service.name, text(name))
        } else {
            yaml.line(ServerKeys.address.name, text(server.address.description))
        }
        yaml.line(ServerKeys.weight.name, String(server.weight))
        yaml.line(ServerKeys.priority.name, String(server.priority))
        yaml.line(ServerKeys.maxConnections.name, count(server.maxConnections))
        yaml.line(ServerKeys.state.name, server.state.rawValue)
        yaml.line(ServerKeys.name.name, text(server.name))
    }

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
