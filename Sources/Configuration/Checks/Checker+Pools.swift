import Health
import Routing

extension Checker {
    /// All pools in the order of the file; fills ``poolIndices`` and ``poolMaps``.
    mutating func pools() -> [PoolConfig] {
        let standards = PoolKeys.set.standards
        let written = root.map(TopLevelKeys.poolDefaults)
        var pools: [PoolConfig] = []
        if let servers = root.item(TopLevelKeys.servers) {
            var map = RawMap(place: servers.place)
            map.entries[PoolKeys.servers.name] = servers
            pools.append(pool("main", map, written, standards))
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
            pools.append(pool(name.name, map, written, standards))
        }
        checkDefaultParameters(written, pools)
        return pools
    }

    private mutating func pool(
        _ name: String,
        _ own: RawMap,
        _ defaults: RawMap?,
        _ standards: RawMap
    ) -> PoolConfig {
        let written = defaults.map { own.over($0) } ?? own
        checkTimeouts(written.map(PoolKeys.timeouts))
        let all = written.over(standards)
        poolMaps.append(all)
        if !written.mentions(PoolKeys.servers), !own.isCut {
            var place = own.place
            if let found = poolIndices[name] { place = found.place }
            reporter.error(
                .missingKey,
                place,
                "pool \"\(name)\" has no servers",
                remedy: "write servers: \(PoolKeys.servers.example)"
            )
        }
        var config = PoolConfig(name: name, servers: servers(all.items(PoolKeys.servers)))
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
        config.retries = RetryOptions(all.map(PoolKeys.retries))
        warnOfNoWeight(config, written)
        return config
    }

    private func warnOfNoWeight(_ pool: PoolConfig, _ written: RawMap) {
        guard let item = written.item(PoolKeys.servers), !pool.servers.isEmpty,
            pool.servers.allSatisfy({ $0.weight == 0 || $0.state != .ready })
        else { return }
        let isWeight = pool.servers.allSatisfy { $0.weight == 0 }
        reporter.warning(
            .noWeight,
            item.keyPlace ?? item.place,
            isWeight
                ? "all servers of pool \"\(pool.name)\" have weight 0"
                : "all servers of pool \"\(pool.name)\" drain, are down or have weight 0",
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

    private func servers(_ items: [RawItem]) -> [ServerConfig] {
        let standards = ServerKeys.set.standards
        var servers: [ServerConfig] = []
        var addresses: [ServerAddress: Place] = [:]
        var names: [String: Place] = [:]
        var taken = Set(items.compactMap { $0.map?.text(ServerKeys.name) })
        for item in items {
            guard let map = item.map else { continue }
            reportMissing(ServerKeys.address, in: map, of: ServerKeys.set)
            let given = map.item(ServerKeys.name)
            if let given, let text = given.text {
                checkName(text, at: given.place)
                reportDuplicate(text, given.place, in: &names, "server")
            }
            guard let written = map.item(ServerKeys.address),
                let address = serverAddress(written)
            else { continue }
            if let first = addresses[address] {
                let line = reporter.name(of: first, from: written.place)
                let shown = written.text?.shown(address.description) ?? ""
                reporter.error(
                    .duplicateServer,
                    written.place,
                    "\(shown.shown) is in this pool already (\(line))",
                    remedy: "remove one, and give the other more weight if that was meant"
                )
                continue
            }
            addresses[address] = written.place
            let label = given?.text ?? written.text ?? ScalarText("")
            let name = given == nil ? Self.unique(label.text, among: &taken) : label.text
            if name == label.text { self.written.remember(name, label) }
            var config = ServerConfig(name: name, address: address)
            let all = map.over(standards)
            config.weight = all.count(ServerKeys.weight) ?? config.weight
            config.priority = all.count(ServerKeys.priority) ?? config.priority
            config.state = all.text(ServerKeys.state).flatMap(ServerState.init) ?? config.state
            servers.append(config)
        }
        return servers
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

extension RetryOptions {
    init(_ map: RawMap?) {
        self.init()
        guard let map else { return }
        attempts = map.count(RetryKeys.attempts) ?? attempts
        let causes = map.items(RetryKeys.causes).compactMap { $0.text?.text }
        onConnectFailure = causes.contains("connect-failure")
        onResetBeforeAnswer = causes.contains("reset-before-answer")
        buffer = map.count(RetryKeys.buffer) ?? buffer
    }
}
