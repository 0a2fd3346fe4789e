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
        config.certificate = ownCertificate(map, &findings)
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

    /// Weir's own certificate with its key.
    private func ownCertificate(
        _ map: RawMap,
        _ findings: inout TLSFindings
    ) -> CertificatePaths? {
        let file = map.item(PoolTLSKeys.certificate)
        let key = map.item(PoolTLSKeys.key)
        guard let file, let key else {
            if file != nil { reportMissing(PoolTLSKeys.key, in: map, of: PoolTLSKeys.set) }
            if key != nil { reportMissing(PoolTLSKeys.certificate, in: map, of: PoolTLSKeys.set) }
            return nil
        }
        readPair(map, file, key, &findings)
        guard let path = absolutePath(file), let keyPath = absolutePath(key) else { return nil }
        return CertificatePaths(certificate: path, key: keyPath)
    }

    /// Whether a pool's servers are spoken to by HTTP/2.
    func poolHTTP2(_ name: String, _ own: RawMap, _ written: RawMap) -> HTTP2Use {
        guard let item = written.item(PoolKeys.http2) else { return .off }
        let isCleartext = written.word(PoolKeys.http2) != nil
        guard isCleartext || written.bool(PoolKeys.http2) else { return .off }
        let use = isCleartext ? HTTP2Use.cleartext : .overTLS
        let hasTLS = written.map(PoolKeys.tls) != nil
        if hasTLS != isCleartext || written.refused.contains(PoolKeys.tls.name) { return use }
        // A pool that changes one of the two has to change the other.
        let mine = own.item(PoolKeys.http2) ?? own.item(PoolKeys.tls)
        reporter.error(
            .conflict,
            mine?.place ?? item.place,
            isCleartext
                ? "cleartext is HTTP/2 without TLS, and pool \"\(name)\" has tls"
                : "HTTP/2 goes with TLS, and pool \"\(name)\" has no tls",
            remedy: isCleartext
                ? "write http2: true, or tls: off"
                : "write http2: cleartext, or give the pool tls"
        )
        return use
    }

    /// How servers are told who the client is.
    func poolProxyProtocol(
        _ name: String,
        _ own: RawMap,
        _ written: RawMap
    ) -> ProxyProtocolVersion? {
        guard let item = written.item(PoolKeys.proxyProtocol),
            let version = item.text.flatMap({ ProxyProtocolVersion(rawValue: $0.text) })
        else { return nil }
        let hasHTTP2 =
            written.word(PoolKeys.http2) != nil || written.bool(PoolKeys.http2)
        if hasHTTP2 {
            let mine = own.item(PoolKeys.proxyProtocol) ?? own.item(PoolKeys.http2)
            reporter.error(
                .conflict,
                mine?.place ?? item.place,
                "pool \"\(name)\" has http2, and its connections serve many clients at once",
                remedy: "remove proxy-protocol, or http2"
            )
        }
        return version
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
