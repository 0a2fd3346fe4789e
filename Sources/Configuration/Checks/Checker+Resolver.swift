import Routing

extension Checker {
    /// How names of a pool's servers are resolved: the pool's own rules over those of the top.
    func resolver(_ written: RawMap) -> ResolverConfig {
        let top = root.map(TopLevelKeys.resolver)
        let maps = LayeredMap(own: written.map(PoolKeys.resolver), defaults: top)
        var config = ResolverConfig()
        guard let map = maps.merged else { return config }
        checkOrder(ResolverKeys.minTTL, of: map, within: ResolverKeys.maxTTL, of: map)
        let all = map.over(ResolverKeys.set.standards)
        config.servers = nameServers(all.item(ResolverKeys.servers))
        config.maxTTL = all.duration(ResolverKeys.maxTTL) ?? config.maxTTL
        config.minTTL = all.duration(ResolverKeys.minTTL) ?? config.minTTL
        config.timeout = all.duration(ResolverKeys.timeout) ?? config.timeout
        config.family =
            all.text(ResolverKeys.family).flatMap(ResolverConfig.Family.init) ?? config.family
        return config
    }

    private func nameServers(_ item: RawItem?) -> [ResolverConfig.Server] {
        guard let item, case .list(let items) = item.value else { return [] }
        if items.count > ResolverKeys.serverCountMax {
            reporter.error(
                .range,
                item.keyPlace ?? item.place,
                "\(items.count) name servers",
                remedy: "write at most \(ResolverKeys.serverCountMax)"
            )
        }
        var servers: [ResolverConfig.Server] = []
        for item in items {
            guard let server = nameServer(item) else { continue }
            if servers.contains(server) {
                reporter.error(
                    .duplicateName,
                    item.place,
                    "\((item.text?.written ?? "").shown) is asked already",
                    remedy: "remove one of the two"
                )
                continue
            }
            servers.append(server)
        }
        return servers
    }

    private func nameServer(_ item: RawItem) -> ResolverConfig.Server? {
        guard let text = item.text else { return nil }
        let value = text.text
        var host = value[...]
        var port: UInt16? = 53
        if value.hasPrefix("[") {
            let close = value.firstIndex(of: "]") ?? value.endIndex
            host = value[value.index(after: value.startIndex)..<close]
            let rest = value[close...].dropFirst()
            if !rest.isEmpty { port = Self.port(rest) }
        } else if let colon = value.firstIndex(of: ":"), colon == value.lastIndex(of: ":") {
            host = value[..<colon]
            port = Self.port(value[colon...])
        }
        guard let address = IPAddress(String(host)), let port else {
            reporter.error(
                .address,
                item.place,
                "\(text.written.shown) is no address of a name server",
                remedy: "write an IP address, perhaps with a port: 10.0.0.2, \"10.0.0.2:5353\", "
                    + "\"[2001:db8::53]:53\""
            )
            return nil
        }
        let server = ResolverConfig.Server(address: address, port: port)
        written.remember(server.description, text)
        return server
    }

    /// The port behind a colon, 1 to 65535.
    private static func port(_ text: Substring) -> UInt16? {
        guard text.hasPrefix(":"), text.dropFirst().utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return UInt16(text.dropFirst()).flatMap { $0 > 0 ? $0 : nil }
    }
}

extension ResolverConfig.Server: CustomStringConvertible {
    /// As the file would have it.
    public var description: String { address.text(port: port) }
}
