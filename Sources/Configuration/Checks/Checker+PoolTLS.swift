import Routing

extension Checker {
    /// TLS to a pool's servers; `nil` is none.
    ///
    /// A certificate or key of the pool's own replaces both of `pool-defaults`.
    func poolTLS(_ own: RawMap, _ defaults: RawMap?) -> PoolTLSConfig? {
        if own.word(PoolKeys.tls) != nil || own.refused.contains(PoolKeys.tls.name) { return nil }
        let mine = own.map(PoolKeys.tls)
        var maps = LayeredMap(own: mine, defaults: defaults?.map(PoolKeys.tls))
        for map in [maps.own, maps.defaults] { checkUnverified(map) }
        if let mine, mine.mentions(PoolTLSKeys.certificate) || mine.mentions(PoolTLSKeys.key) {
            for key in [PoolTLSKeys.certificate, PoolTLSKeys.key] {
                maps.defaults?.entries[key.name] = nil
            }
        }
        guard let map = maps.merged else { return nil }
        let place = own.item(PoolKeys.tls)?.keyPlace ?? map.place
        var findings = TLSFindings(material: TLSMaterial(role: .client), place: place)
        var config = PoolTLSConfig()
        config.verifies = map.over(PoolTLSKeys.set.standards).bool(PoolTLSKeys.verify)
        config.serverName = map.item(PoolTLSKeys.serverName).flatMap(serverName)
        // A name that is refused is said to be so, not to be missing.
        if map.mentions(PoolTLSKeys.serverName) { config.serverName = config.serverName ?? "" }
        if config.verifies, let item = map.item(PoolTLSKeys.authority) {
            config.authority = absolutePath(item)
            findings.material.authority = readTLSFile(item)
            findings.places[.authority] = item.place
        }
        if map.mentions(PoolTLSKeys.certificate) || map.mentions(PoolTLSKeys.key) {
            config.certificate = certificatePaths(map, of: PoolTLSKeys.set, &findings)
        }
        inspect(findings)
        return config
    }

    private func checkUnverified(_ map: RawMap?) {
        guard let map, case .bool(false) = map.item(PoolTLSKeys.verify)?.value,
            let item = map.item(PoolTLSKeys.authority)
        else { return }
        reporter.error(
            .noEffect,
            item.keyPlace ?? item.place,
            "\"authority\" has no effect with verify: false",
            remedy: "remove it, or verify"
        )
    }

    /// The name that servers are asked for, in lower case.
    private func serverName(_ item: RawItem) -> String? {
        guard let text = item.text else { return nil }
        let name = text.text.lowercased()
        guard HostNames.isName(name), IPAddress(name) == nil else {
            let isAddress = IPAddress(name) != nil
            reporter.error(
                .hostName,
                item.place,
                "\(text.written.shown) is " + (isAddress ? "an address, no name" : "no host name"),
                remedy: "write a name that the servers' certificates cover, for example "
                    + PoolTLSKeys.serverName.example
            )
            return nil
        }
        written.remember(name, text)
        return name
    }

    /// How servers are told who the client is.
    func poolProxyProtocol(_ written: RawMap) -> ProxyProtocolVersion? {
        written.item(PoolKeys.proxyProtocol)?.text
            .flatMap { ProxyProtocolVersion(rawValue: $0.text) }
    }

    /// Reports the first of the servers that has no name to hold its certificate against.
    func reportNameless(_ items: [RawItem]) {
        for item in items {
            guard let address = item.map?.item(ServerKeys.address), let text = address.text,
                Self.isNameless(text.text)
            else { continue }
            reporter.error(
                .serverName,
                address.place,
                "\(text.written.shown) has no name that its certificate could cover",
                remedy: "write server-name: \(PoolTLSKeys.serverName.example) under the pool's "
                    + "tls, or a host name here"
            )
            return
        }
    }

    /// Whether an address in the file has no host name.
    private static func isNameless(_ address: String) -> Bool {
        if address.hasPrefix("unix:") { return true }
        guard let colon = address.lastIndex(of: ":") else { return false }
        let host = String(address[..<colon])
        return !host.isEmpty && !isHostName(host)
    }
}
