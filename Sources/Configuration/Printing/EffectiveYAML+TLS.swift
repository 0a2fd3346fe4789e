extension EffectivePrinter {
    /// `tls` of a listener, with what goes with it.
    func security(_ listener: ListenerConfig, _ yaml: inout YAMLText) {
        if let tls = listener.tls {
            yaml.section(ListenerKeys.tls.name) { self.tls(tls, &$0) }
        } else {
            yaml.line(ListenerKeys.tls.name, "off")
        }
        yaml.line(ListenerKeys.http2.name, text(listener.http2))
        if let peers = listener.proxyProtocol {
            yaml.section(ListenerKeys.proxyProtocol.name) { yaml in
                let networks = peers.from.map { quoted($0.description) }
                yaml.line(ProxyProtocolKeys.from.name, YAMLText.list(networks))
                yaml.line(ProxyProtocolKeys.isRequired.name, String(peers.isRequired))
            }
        } else {
            yaml.line(ListenerKeys.proxyProtocol.name, "off")
        }
        let redirect = listener.httpsRedirect.map { String($0) } ?? "false"
        yaml.line(ListenerKeys.httpsRedirect.name, redirect)
        if let path = listener.readyPath { yaml.line(ListenerKeys.readyPath.name, quoted(path)) }
    }

    /// The value of `http2`.
    func text(_ use: HTTP2Use) -> String {
        switch use {
        case .off: "false"
        case .overTLS: "true"
        case .cleartext: "cleartext"
        }
    }

    private func tls(_ tls: ListenerTLSConfig, _ yaml: inout YAMLText) {
        yaml.section(TLSKeys.certificates.name) { yaml in
            for certificate in tls.certificates {
                yaml.item { self.certificate(certificate, &$0) }
            }
        }
        yaml.line(TLSKeys.unknownName.name, tls.unknownName.rawValue)
        if let clients = tls.clients {
            yaml.line(TLSKeys.clientAuthority.name, text(clients.file))
            let need = clients.isRequired ? "required" : "optional"
            yaml.line(TLSKeys.clientCertificate.name, need)
            if let file = clients.revocations {
                yaml.line(TLSKeys.clientRevocations.name, text(file))
            }
        }
        yaml.line(TLSKeys.minVersion.name, quoted(tls.minVersion.rawValue))
        yaml.line(TLSKeys.suites.name, YAMLText.list(tls.suites))
        yaml.line(TLSKeys.groups.name, YAMLText.list(tls.groups))
        if let file = tls.ticketKeys { yaml.line(TLSKeys.ticketKeys.name, text(file)) }
        yaml.line(TLSKeys.maxHandshakes.name, String(tls.maxHandshakes))
        let rate = tls.handshakeRate.map(Quantity.text(rate:)) ?? "none"
        yaml.line(TLSKeys.handshakeRate.name, rate)
    }

    /// `tls` of a pool.
    func poolTLS(_ tls: PoolTLSConfig?, _ yaml: inout YAMLText) {
        guard let tls else {
            yaml.line(PoolKeys.tls.name, "off")
            return
        }
        yaml.section(PoolKeys.tls.name) { yaml in
            yaml.line(PoolTLSKeys.verify.name, String(tls.verifies))
            if let name = tls.serverName { yaml.line(PoolTLSKeys.serverName.name, text(name)) }
            if let file = tls.authority { yaml.line(PoolTLSKeys.authority.name, text(file)) }
            if let pair = tls.certificate { self.pair(pair, &yaml) }
        }
    }

    /// `tls` of what has one certificate and nothing else.
    func certificatePaths(_ paths: CertificatePaths?, _ key: Key, _ yaml: inout YAMLText) {
        guard let paths else {
            yaml.line(key.name, "off")
            return
        }
        yaml.section(key.name) { pair(paths, &$0) }
    }

    private func pair(_ paths: CertificatePaths, _ yaml: inout YAMLText) {
        yaml.line(CertificateKeys.certificate.name, text(paths.certificate))
        yaml.line(CertificateKeys.key.name, text(paths.key))
    }

    private func certificate(_ certificate: CertificateConfig, _ yaml: inout YAMLText) {
        switch certificate.source {
        case .pair(let file, let key):
            yaml.line(CertificateKeys.certificate.name, text(file))
            yaml.line(CertificateKeys.key.name, text(key))
        case .folder(let folder):
            yaml.line(CertificateKeys.folder.name, text(folder))
        }
        if let file = certificate.passphraseFile {
            yaml.line(CertificateKeys.passphraseFile.name, text(file))
        }
        if let file = certificate.stapleFile {
            yaml.line(CertificateKeys.stapleFile.name, text(file))
        }
    }
}
