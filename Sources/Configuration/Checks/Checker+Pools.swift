import Health
import Routing

extension Checker {
    /// All pools in the order of the file; fills ``poolIndices`` and ``poolMaps``.
    mutating func pools() -> [PoolConfig] {
        let standards = PoolKeys.set.standards
        let written = root.map(TopLevelKeys.poolDefaults)
        var pools: [PoolConfig] = []
        var maps: [RawMap] = []
        func add(_ name: String, _ own: RawMap) {
            var map = written.map { own.over($0) } ?? own
            // Two fallbacks are not merged: a pool's own replaces that of pool-defaults.
            if let fallback = own.item(PoolKeys.fallback) {
                map.entries[PoolKeys.fallback.name] = fallback
            }
            maps.append(map)
            pools.append(pool(name, own, written, map, standards))
        }
        if let servers = root.item(TopLevelKeys.servers) {
            var map = RawMap(place: servers.place)
            map.entries[PoolKeys.servers.name] = servers
            add("main", map)
            poolIndices["main"] = (0, servers.keyPlace ?? servers.place)
        }
        for name in root.names(TopLevelKeys.pools) {
            if let other = poolIndices[name.name] {
                if root.mentions(TopLevelKeys.servers), name.name == "main" {
                    let line = reporter.name(of: other.place, from: name.place)
                    reporter.error(
                        .conflict,
                        name.place,
                        "the servers of pool \"main\" stand at the top (\(line)) already",
                        remedy: "servers is the short form of pools.main.servers: keep one"
                    )
                }
                continue
            }
            poolIndices[name.name] = (pools.count, name.place)
            var map = name.item.map ?? RawMap(place: name.item.place, isCut: true)
            map.isCut = map.isCut || name.item.isCut
            add(name.name, map)
        }
        resolveFallbacks(&pools, maps)
        checkDefaultParameters(written, pools)
        return pools
    }

    private mutating func pool(
        _ name: String,
        _ own: RawMap,
        _ defaults: RawMap?,
        _ written: RawMap,
        _ standards: RawMap
    ) -> PoolConfig {
        let all = written.over(standards)
        poolMaps.append(all)
        checkTimeouts(written.map(PoolKeys.timeouts))
        checkRetries(written.map(PoolKeys.retries), written.map(PoolKeys.timeouts))
        if !own.isCut { reportNoServers(name, own, written) }
        var config = PoolConfig(name: name, servers: servers(all.items(PoolKeys.servers)))
        config.tls = poolTLS(own, defaults)
        config.proxyProtocol = poolProxyProtocol(written)
        config.http2 = poolHTTP2(written, config)
        if config.tls?.needsNames == true { reportNameless(all.items(PoolKeys.servers)) }
        let found = written.item(PoolKeys.serversFile).map { readFile($0, &config) } ?? []
        warnOfNoWeight(name, config.servers + found, written)
        let balances = LayeredMap(
            own: own.map(PoolKeys.balance),
            defaults: defaults?.map(PoolKeys.balance)
        )
        balance(balances, of: &config)
        config.sticky = sticky(own, defaults)
        config.slowStart = all.duration(PoolKeys.slowStart) ?? config.slowStart
        config.panicThreshold = all.shareIfAny(PoolKeys.panicThreshold) ?? config.panicThreshold
        config.spillBelow = spillBelow(written) ?? config.spillBelow
        config.connections = ConnectionsConfig(all.map(PoolKeys.connections))
        config.timeouts = PoolTimeouts(all.map(PoolKeys.timeouts))
        config.checks = checks(own, defaults)
        config.ejection = ejection(written)
        config.breaker = BreakerOptions(all.map(PoolKeys.breaker))
        config.retries = RetryOptions(
            all.map(PoolKeys.retries),
            within: config.timeouts.total
        )
        config.retryBudget = BudgetOptions(all.map(PoolKeys.retries))
        config.resolver = resolver(written)
        return config
    }

    private func reportNoServers(_ name: String, _ own: RawMap, _ written: RawMap) {
        if written.mentions(PoolKeys.servers) || written.mentions(PoolKeys.serversFile) { return }
        reporter.error(
            .missingKey,
            poolIndices[name]?.place ?? own.place,
            "pool \"\(name)\" has no servers",
            remedy: "write servers: \(PoolKeys.servers.example)"
        )
    }

    /// Looks at the file of servers, which is read again when the pool begins.
    private func readFile(_ item: RawItem, _ config: inout PoolConfig) -> [ServerConfig] {
        guard let text = item.text else { return [] }
        let found = servers(
            ofFile: item,
            besides: config.servers,
            needsNames: config.tls?.needsNames == true
        )
        let path = absolute(text.text, at: item.place)
        self.written.remember(path, text)
        config.serversFile = path
        return found
    }

    private func warnOfNoWeight(_ name: String, _ servers: [ServerConfig], _ written: RawMap) {
        guard let item = written.item(PoolKeys.servers) ?? written.item(PoolKeys.serversFile),
            !servers.isEmpty, servers.allSatisfy({ $0.weight == 0 || $0.state != .ready })
        else { return }
        let isWeight = servers.allSatisfy { $0.weight == 0 }
        reporter.warning(
            .noWeight,
            item.keyPlace ?? item.place,
            isWeight
                ? "all servers of pool \"\(name)\" have weight 0"
                : "all servers of pool \"\(name)\" drain, are down or have weight 0",
            remedy: isWeight
                ? "none of them gets a request: give one a weight of 1 or more"
                : "none of them gets a new request: make one ready, with a weight of 1 or more"
        )
    }

    /// The share below which the next priority helps; at 0 it never would.
    private func spillBelow(_ written: RawMap) -> Double? {
        guard let share = written.shareIfAny(PoolKeys.spillBelow) else { return nil }
        if share < 0.01, let item = written.item(PoolKeys.spillBelow) {
            reporter.error(
                .range,
                item.place,
                "\(item.written.shown) is out of range for \"\(PoolKeys.spillBelow.name)\"",
                remedy: "write 1% to 100%"
            )
        }
        return share
    }

    /// Holds the written time-outs of one map against its `total`.
    func checkTimeouts(_ map: RawMap?) {
        guard let map, let total = map.duration(PoolTimeoutKeys.total),
            let outer = map.item(PoolTimeoutKeys.total)
        else { return }
        let inner = [PoolTimeoutKeys.connect, PoolTimeoutKeys.response, PoolTimeoutKeys.stream]
        for key in inner {
            guard let item = map.item(key), let duration = map.duration(key), duration > total
            else { continue }
            let line = reporter.name(of: outer.place, from: item.place)
            reporter.error(
                .timeoutOrder,
                item.place,
                "\"\(key.name)\" of \(item.written) is longer than "
                    + "\"total\" of \(outer.written) around it",
                remedy: "lower it, or raise total (\(line))"
            )
        }
    }
}

extension PoolTimeouts {
    init(_ map: RawMap?) {
        self.init()
        guard let map else { return }
        total = map.duration(PoolTimeoutKeys.total)
        connect = Self.shorter(map.duration(PoolTimeoutKeys.connect), total)
        response = Self.shorter(map.duration(PoolTimeoutKeys.response), total)
        stream = Self.shorter(map.duration(PoolTimeoutKeys.stream), total)
        idle = map.duration(PoolTimeoutKeys.idle)
    }

    /// What ends first; `nil` is no bound.
    private static func shorter(_ inner: Duration?, _ total: Duration?) -> Duration? {
        guard let inner, let total else { return inner ?? total }
        return min(inner, total)
    }
}

extension ConnectionsConfig {
    init(_ map: RawMap?) {
        self.init()
        guard let map else { return }
        maxAge = map.duration(ConnectionKeys.maxAge)
        maxRequests = map.count(ConnectionKeys.maxRequests)
        maxIdle = map.count(ConnectionKeys.maxIdle) ?? maxIdle
    }
}
