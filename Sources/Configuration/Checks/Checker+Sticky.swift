extension Checker {
    /// How a client comes back to its server; `nil` if it does not.
    ///
    /// A carrier of the pool's own replaces that of `pool-defaults`, with what only it takes.
    func sticky(_ own: RawMap, _ defaults: RawMap?) -> StickyConfig? {
        if own.word(PoolKeys.sticky) != nil { return nil }
        let mine = own.map(PoolKeys.sticky)
        var maps = LayeredMap(own: mine, defaults: defaults?.map(PoolKeys.sticky))
        for map in [maps.own, maps.defaults] { checkCarriers(map) }
        if mine?.mentions(StickyKeys.cookie) == true {
            maps.defaults?.entries[StickyKeys.header.name] = nil
        }
        if mine?.mentions(StickyKeys.header) == true {
            for key in StickyKeys.ofCookies { maps.defaults?.entries[key.name] = nil }
        }
        guard let map = maps.merged else { return nil }
        var config = StickyConfig()
        if let item = map.item(StickyKeys.header) {
            if let name = headerName(item) { config.carrier = .header(name) }
        } else {
            let all = map.over(StickyKeys.set.standards)
            if let item = all.item(StickyKeys.cookie), let name = cookieName(item) {
                config.carrier = .cookie(name)
            }
            config.maxAge = all.duration(StickyKeys.maxAge)
            config.sameSite =
                all.text(StickyKeys.sameSite).flatMap(StickyConfig.SameSite.init)
                ?? config.sameSite
            if config.sameSite == .none, let item = map.item(StickyKeys.sameSite) {
                warnOfSameSite(item)
            }
        }
        if let file = map.item(StickyKeys.secretFile) { config.secretFile = stickySecretFile(file) }
        return config
    }

    private func checkCarriers(_ map: RawMap?) {
        guard let map, let header = map.item(StickyKeys.header) else { return }
        if let cookie = map.item(StickyKeys.cookie) {
            let isLater =
                (header.place.line, header.place.column) > (cookie.place.line, cookie.place.column)
            let later = isLater ? header : cookie
            reporter.error(
                .conflict,
                later.keyPlace ?? later.place,
                "a client comes back by a cookie or by a header, not by both",
                remedy: "remove one of the two"
            )
            return
        }
        for key in [StickyKeys.maxAge, StickyKeys.sameSite] {
            guard let item = map.item(key) else { continue }
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"\(key.name)\" says something of a cookie, and here is a header",
                remedy: "remove it, or write a cookie instead of the header"
            )
        }
    }

    private func cookieName(_ item: RawItem) -> String? {
        guard let text = item.text else { return nil }
        guard FieldNames.isToken(text.text), text.text.utf8.count <= 128 else {
            reporter.error(
                .cookieName,
                item.place,
                "\(text.written.shown) is no cookie's name",
                remedy: "1 to 128 letters, digits, - and _ make a name, for example "
                    + StickyKeys.cookie.example
            )
            return nil
        }
        written.remember(text.text, text)
        return text.text
    }

    private func headerName(_ item: RawItem) -> String? {
        guard let text = item.text else { return nil }
        let name = text.text.lowercased()
        guard FieldNames.isToken(name), name.utf8.count <= 128 else {
            reporter.error(
                .fieldName,
                item.place,
                "\(text.written.shown) is no field's name",
                remedy: "letters, digits and - make a name, for example "
                    + StickyKeys.header.example
            )
            return nil
        }
        guard !FieldNames.reserved.contains(name), !FieldNames.taken.contains(name) else {
            reporter.error(
                .fieldName,
                item.place,
                "\(text.written.shown) has a meaning of its own",
                remedy: "write a field that nothing else uses, for example "
                    + StickyKeys.header.example
            )
            return nil
        }
        written.remember(name, text)
        return name
    }

    private func warnOfSameSite(_ item: RawItem) {
        if mayHaveHTTPS { return }
        reporter.warning(
            .sameSite,
            item.place,
            "browsers refuse a cookie with SameSite=None that comes without https",
            remedy: "give a listener tls, name the proxy that speaks https in trusted-proxies, or "
                + "write lax"
        )
    }

    /// The absolute path of a secret of the right size.
    private func stickySecretFile(_ item: RawItem) -> String? {
        secretFile(item) { bytes, shown, name in
            guard !StickyKeys.secretSize.contains(bytes.count) else { return nil }
            let count = bytes.count == 1 ? "1 byte" : "\(bytes.count) bytes"
            return (
                "\(shown) has \(count)",
                "a secret has \(StickyKeys.secretSize.lowerBound) to "
                    + "\(StickyKeys.secretSize.upperBound): head -c 32 /dev/urandom > \(name)"
            )
        }
    }

    /// The absolute path of a file whose bytes stay hidden.
    ///
    /// `fault` is given the bytes, the file as it may be shown, and its last name as written; it
    /// says what is wrong and what to write instead, `nil` for nothing.
    func secretFile(
        _ item: RawItem,
        fault: (_ bytes: [UInt8], _ shown: String, _ name: String) -> (String, remedy: String)?
    ) -> String? {
        guard let text = item.text else { return nil }
        let path = FilePath.resolve(text.text, from: reporter.files[item.place.file].path)
        switch files.read(path) {
        case .failure(let problem):
            reporter.reportFile(text.shown(path), problem.reason, at: item.place, options: options)
        case .success(let bytes):
            let name = FilePath.last(text.written)
            if let (words, remedy) = fault(bytes, text.shown(path), name) {
                reporter.error(.secret, item.place, words, remedy: remedy)
            }
        }
        let absolute = absolute(text.text, at: item.place)
        written.remember(absolute, text)
        return absolute
    }
}
