extension Checker {
    /// An entry of `certificates`, or what stands for it in a map of another kind, `set`; its files
    /// are read into `findings`.
    func certificate(
        _ map: RawMap,
        of set: KeySet,
        _ findings: inout TLSFindings
    ) -> CertificateConfig? {
        if let folder = map.item(CertificateKeys.folder) {
            return self.folder(folder, map, &findings)
        }
        if map.mentions(CertificateKeys.folder) { return nil }
        let file = map.item(CertificateKeys.certificate)
        let key = map.item(CertificateKeys.key)
        guard let file, let key, let path = absolutePath(file), let keyPath = absolutePath(key)
        else {
            let missing = file == nil ? CertificateKeys.certificate : CertificateKeys.key
            reportMissing(missing, in: map, of: set)
            return nil
        }
        readPair(map, file, key, &findings)
        var config = CertificateConfig(source: .pair(certificate: path, key: keyPath))
        config.passphraseFile = absolutePath(map.item(CertificateKeys.passphraseFile))
        config.stapleFile = absolutePath(map.item(CertificateKeys.stapleFile))
        return config
    }

    /// Reads a file that TLS needs, or reports that it cannot.
    func readTLSFile(_ item: RawItem?) -> TLSMaterial.File? {
        guard let item, let text = item.text else { return nil }
        let path = FilePath.resolve(text.text, from: reporter.files[item.place.file].path)
        return read(path, shown: text.shown(path), at: item.place)
    }

    /// The absolute path that the value names.
    func absolutePath(_ item: RawItem?) -> String? {
        guard let item, let text = item.text else { return nil }
        let path = absolute(text.text, at: item.place)
        written.remember(path, text)
        return path
    }

    private func read(_ path: String, shown: String, at place: Place) -> TLSMaterial.File? {
        switch files.read(path) {
        case .failure(let problem):
            reporter.reportFile(shown, problem.reason, at: place, options: options)
            return nil
        case .success(let bytes):
            return TLSMaterial.File(name: options.absolute(shown), bytes: bytes)
        }
    }

    /// The one certificate of a map of this kind with its key, both of which it has to name; their
    /// files are read into `findings`.
    func certificatePaths(
        _ map: RawMap,
        of set: KeySet,
        _ findings: inout TLSFindings
    ) -> CertificatePaths? {
        let names = [CertificateKeys.certificate.name, CertificateKeys.key.name]
        for key in set.keys where names.contains(key.name) { reportMissing(key, in: map, of: set) }
        guard let file = map.item(CertificateKeys.certificate),
            let key = map.item(CertificateKeys.key)
        else { return nil }
        readPair(map, file, key, &findings)
        guard let path = absolutePath(file), let keyPath = absolutePath(key) else { return nil }
        return CertificatePaths(certificate: path, key: keyPath)
    }

    /// Reads a certificate with its key and what else the map names for them.
    func readPair(
        _ map: RawMap,
        _ file: RawItem,
        _ key: RawItem,
        _ findings: inout TLSFindings
    ) {
        let certificate = readTLSFile(file)
        let keyFile = readTLSFile(key)
        let passphraseItem = map.item(CertificateKeys.passphraseFile)
        let passphrase = readTLSFile(passphraseItem)
        let stapleItem = map.item(CertificateKeys.stapleFile)
        let staple = readTLSFile(stapleItem)
        // Without its passphrase nothing can be said of a key.
        guard let certificate, let keyFile, (passphrase == nil) == (passphraseItem == nil) else {
            return
        }
        let index = findings.material.pairs.count
        findings.places[.certificate(index)] = file.place
        findings.places[.key(index)] = key.place
        findings.places[.passphrase(index)] = passphraseItem?.place
        findings.places[.staple(index)] = stapleItem?.place
        findings.material.pairs.append(
            TLSMaterial.Pair(
                certificate: certificate,
                key: keyFile,
                passphrase: passphrase,
                staple: staple
            )
        )
    }

    /// A folder of pairs.
    private func folder(
        _ item: RawItem,
        _ map: RawMap,
        _ findings: inout TLSFindings
    ) -> CertificateConfig? {
        reportBesideFolder(map)
        guard let text = item.text, let path = absolutePath(item) else { return nil }
        let passphraseItem = map.item(CertificateKeys.passphraseFile)
        let passphrase = readTLSFile(passphraseItem)
        let folder = FilePath.resolve(text.text, from: reporter.files[item.place.file].path)
        for pair in pairs(in: folder, text, at: item.place) {
            let shown = text.shown(folder) + "/"
            let certificate = read(
                pair.certificate,
                shown: shown + FilePath.last(pair.certificate),
                at: item.place
            )
            let key = read(pair.key, shown: shown + FilePath.last(pair.key), at: item.place)
            guard let certificate, let key, (passphrase == nil) == (passphraseItem == nil) else {
                continue
            }
            let index = findings.material.pairs.count
            findings.places[.certificate(index)] = item.place
            findings.places[.key(index)] = item.place
            findings.places[.passphrase(index)] = passphraseItem?.place ?? item.place
            findings.material.pairs.append(
                TLSMaterial.Pair(certificate: certificate, key: key, passphrase: passphrase)
            )
        }
        var config = CertificateConfig(source: .folder(path))
        config.passphraseFile = absolutePath(passphraseItem)
        return config
    }

    /// The pairs of a folder, with reports where there are none or too many.
    private func pairs(
        in folder: String,
        _ text: ScalarText,
        at place: Place
    ) -> [CertificatePaths] {
        let paths = CertificateConfig(source: .folder(folder)).paths(in: files)
        if paths.isEmpty {
            var reason = "it holds no pair x.pem and x.key"
            if case .failure(let problem) = files.read(folder), problem.reason == "no such file" {
                reason = problem.reason
            }
            reporter.reportFile(text.shown(folder), reason, at: place, options: options)
        }
        if paths.count > CertificateConfig.folderCountMax {
            reporter.error(
                .tooLarge,
                place,
                "\(text.shown(folder)) holds more than \(CertificateConfig.folderCountMax) pairs",
                remedy: "spread them over several folders"
            )
            return []
        }
        return paths
    }

    private func reportBesideFolder(_ map: RawMap) {
        for key in [CertificateKeys.certificate, CertificateKeys.key] {
            guard let item = map.item(key) else { continue }
            reporter.error(
                .conflict,
                item.keyPlace ?? item.place,
                "an entry of certificates is one pair or a folder of pairs, not both",
                remedy: "make two entries"
            )
        }
        if let item = map.item(CertificateKeys.stapleFile) {
            reporter.error(
                .conflict,
                item.keyPlace ?? item.place,
                "an OCSP answer is of one certificate, and here is a folder",
                remedy: "write that pair as an entry of its own, with its ocsp-staple"
            )
        }
    }
}
