extension Checker {
    /// The admin API; `nil` where the file asks for none.
    func admin(_ listeners: [ListenerConfig]) -> AdminConfig? {
        guard let map = root.map(TopLevelKeys.admin) else { return nil }
        reportMissing(AdminKeys.address, in: map, of: AdminKeys.set)
        let tokenFile = map.item(AdminKeys.tokenFile).flatMap(tokenFile)
        let tls = adminTLS(map)
        // Nothing is to be asked in the clear where the file wants TLS.
        if tls == nil, map.map(AdminKeys.tls) != nil { return nil }
        guard let item = map.item(AdminKeys.address),
            let address = listenAddress(item, for: .admin)
        else { return nil }
        let all = map.over(AdminKeys.set.standards)
        var config = AdminConfig(address: address)
        config.tokenFile = tokenFile
        config.tls = tls
        config.isPublic = Set(
            all.items(AdminKeys.isPublic).compactMap { item in
                item.text.flatMap { AdminConfig.Public(rawValue: $0.text) }
            }
        )
        config.keepsChanges = all.bool(AdminKeys.keepsChanges)
        config.socketMode =
            all.count(ListenerKeys.socketMode).map(UInt32.init(truncatingIfNeeded:))
            ?? config.socketMode
        checkAdmin(map, item, config, listeners)
        let shown = item.text?.shown(address.description) ?? address.description
        checkRights(at: address, shown, item.place)
        return config
    }

    private func checkAdmin(
        _ map: RawMap,
        _ item: RawItem,
        _ config: AdminConfig,
        _ listeners: [ListenerConfig]
    ) {
        let shown = item.text?.shown(config.address.description) ?? config.address.description
        if !config.address.isLocal, !map.mentions(AdminKeys.tokenFile) {
            reporter.error(
                .adminToken,
                item.place,
                "\(shown.shown) is reached from other machines, and no token is asked for",
                remedy: "write token-file: admin.token beside it, or listen at 127.0.0.1 "
                    + "or a unix: socket"
            )
        }
        if config.address.port != 0, listeners.contains(where: { $0.address == config.address }) {
            reporter.error(
                .duplicateListener,
                item.place,
                "\(shown.shown) is the address of a listener too",
                remedy: "give admin another port"
            )
        }
        if !config.address.isUnix { reportSocketMode(map) }
        // At a unix socket without a token the socket's rights decide, and `public` says no more
        // than what holds anyway; it is there for whoever adds a token later.
        if !config.address.isUnix, let item = map.item(AdminKeys.isPublic),
            !map.mentions(AdminKeys.tokenFile)
        {
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"public\" has no effect without a token",
                remedy: "remove it, or write token-file"
            )
        }
    }

    /// What the API proves itself with; `nil` is nothing.
    private func adminTLS(_ admin: RawMap) -> CertificatePaths? {
        guard let map = admin.map(AdminKeys.tls) else { return nil }
        let place = admin.item(AdminKeys.tls)?.keyPlace ?? map.place
        var findings = TLSFindings(material: TLSMaterial(role: .server), place: place)
        let paths = certificatePaths(map, of: AdminTLSKeys.set, &findings)
        inspect(findings)
        return paths
    }

    /// The absolute path of a file that holds a token.
    private func tokenFile(_ item: RawItem) -> String? {
        secretFile(item) { bytes, shown, name in
            guard AdminConfig.token(bytes) == nil else { return nil }
            return (
                "\(shown) holds no token",
                "a token has \(AdminKeys.tokenSize.lowerBound) to "
                    + "\(AdminKeys.tokenSize.upperBound) letters, digits and signs: "
                    + "openssl rand -hex 32 > \(name)"
            )
        }
    }
}
