/// Files of a `tls` that were read, with the places that name them.
struct TLSFindings {
    var material: TLSMaterial
    var places: [TLSProblem.Part: Place] = [:]
    /// Where the map is.
    var place: Place
}

extension Checker {
    /// `tls` of a listener; `nil` is none.
    func tls(_ listener: RawMap) -> ListenerTLSConfig? {
        guard let map = listener.map(ListenerKeys.tls) else { return nil }
        let all = map.over(TLSKeys.set.standards)
        let place = listener.item(ListenerKeys.tls)?.keyPlace ?? map.place
        var findings = TLSFindings(material: TLSMaterial(role: .server), place: place)
        var config = ListenerTLSConfig(certificates: [])
        for entry in certificateMaps(map, place) {
            let set = map.mentions(TLSKeys.certificates) ? CertificateKeys.set : TLSKeys.set
            guard let certificate = certificate(entry, of: set, &findings) else { continue }
            config.certificates.append(certificate)
        }
        config.unknownName =
            all.text(TLSKeys.unknownName).flatMap(ListenerTLSConfig.UnknownName.init)
            ?? config.unknownName
        config.clients = clients(map, &findings)
        config.minVersion =
            all.text(TLSKeys.minVersion).flatMap(TLSVersion.init) ?? config.minVersion
        config.suites = suites(map, config.minVersion)
        config.groups = Self.unique(all.words(TLSKeys.groups))
        config.ticketKeys = map.item(TLSKeys.ticketKeys).flatMap(ticketKeys)
        config.maxHandshakes = all.count(TLSKeys.maxHandshakes) ?? config.maxHandshakes
        config.handshakeRate = all.factor(TLSKeys.handshakeRate)
        inspect(findings)
        return config
    }

    /// The entries of `certificates`; the keys of one certificate that stand in `tls` itself are
    /// one entry.
    private func certificateMaps(_ map: RawMap, _ place: Place) -> [RawMap] {
        let own = CertificateKeys.ofOne.filter { map.mentions($0) }
        if map.mentions(TLSKeys.certificates) {
            for item in own.compactMap({ map.item($0) }) {
                reporter.error(
                    .conflict,
                    item.keyPlace ?? item.place,
                    "a certificate stands beside \"certificates\"",
                    remedy: "move this key into an entry of certificates"
                )
            }
            return map.items(TLSKeys.certificates).compactMap(\.map)
        }
        if own.isEmpty {
            if map.isCut { return [] }
            reporter.error(
                .missingKey,
                place,
                "tls has no certificate",
                remedy: "write tls: \(ListenerKeys.tls.example)"
            )
            return []
        }
        var one = map
        one.place = place
        one.entries = map.entries.filter { name, _ in own.contains { $0.name == name } }
        return [one]
    }

    /// Certificates that clients need.
    private func clients(
        _ map: RawMap,
        _ findings: inout TLSFindings
    ) -> ClientAuthorityConfig? {
        guard let item = map.item(TLSKeys.clientAuthority), let path = absolutePath(item) else {
            for key in [TLSKeys.clientCertificate, TLSKeys.clientRevocations] {
                guard !map.mentions(TLSKeys.clientAuthority), let item = map.item(key) else {
                    continue
                }
                reporter.error(
                    .noEffect,
                    item.keyPlace ?? item.place,
                    "\"\(key.name)\" has no effect without client-authority",
                    remedy: "write client-authority: \(TLSKeys.clientAuthority.example), or "
                        + "remove it"
                )
            }
            return nil
        }
        var clients = ClientAuthorityConfig(file: path)
        clients.isRequired = map.text(TLSKeys.clientCertificate) != "optional"
        findings.material.authority = readTLSFile(item)
        findings.places[.authority] = item.place
        if let item = map.item(TLSKeys.clientRevocations) {
            clients.revocations = absolutePath(item)
            findings.material.revocations = readTLSFile(item)
            findings.places[.revocations] = item.place
        }
        return clients
    }

    /// The suites as written, which have to be those of the versions that are spoken.
    private func suites(_ map: RawMap, _ version: TLSVersion) -> [String] {
        guard let list = map.item(TLSKeys.suites) else {
            let spoken = TLSNames.suites
            return version == .tls12 ? spoken : spoken.filter(TLSNames.isOfTLS13)
        }
        let names = Self.unique(map.words(TLSKeys.suites))
        if list.isCut || map.refused.contains(TLSKeys.minVersion.name) { return names }
        let place = list.keyPlace ?? list.place
        if version == .tls13 {
            for item in list.items {
                guard let text = item.text, !TLSNames.isOfTLS13(text.text) else { continue }
                reporter.error(
                    .suite,
                    item.place,
                    "\(text.written.shown) is a suite of TLS 1.2, and min-version is 1.3",
                    remedy: "remove it, or lower min-version"
                )
            }
        } else if names.allSatisfy(TLSNames.isOfTLS13) {
            reporter.error(
                .suite,
                place,
                "no suite here is one of TLS 1.2, which min-version allows",
                remedy: "add ECDHE-ECDSA-AES128-GCM-SHA256 or others, or write min-version: 1.3"
            )
        }
        if !names.contains(where: TLSNames.isOfTLS13) {
            reporter.error(
                .suite,
                place,
                "no suite here is one of TLS 1.3",
                remedy: "add TLS_AES_128_GCM_SHA256 or others"
            )
        }
        return names
    }

    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }

    /// The absolute path of a file with keys of tickets.
    private func ticketKeys(_ item: RawItem) -> String? {
        guard let text = item.text else { return nil }
        if let file = readTLSFile(item) {
            let (count, rest) = file.bytes.count.quotientAndRemainder(
                dividingBy: TLSKeys.ticketKeySize
            )
            if rest != 0 || !(1...TLSKeys.ticketKeyCountMax).contains(count) {
                reporter.error(
                    .secret,
                    item.place,
                    "\(file.name) has \(Self.bytes(file.bytes.count))",
                    remedy: "a file has 1 to \(TLSKeys.ticketKeyCountMax) keys of "
                        + "\(TLSKeys.ticketKeySize) bytes: head -c \(TLSKeys.ticketKeySize) "
                        + "/dev/urandom > \(FilePath.last(text.written))"
                )
            }
        }
        return absolutePath(item)
    }

    private static func bytes(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }

    /// Reports what someone who knows certificates finds.
    func inspect(_ findings: TLSFindings) {
        guard let inspect = options.inspectTLS else { return }
        for problem in inspect(findings.material) {
            let place = findings.places[problem.part] ?? findings.place
            switch problem.severity {
            case .error:
                reporter.error(.certificate, place, problem.message, remedy: problem.remedy)
            case .warning:
                reporter.warning(.certificate, place, problem.message, remedy: problem.remedy)
            }
        }
    }
}
