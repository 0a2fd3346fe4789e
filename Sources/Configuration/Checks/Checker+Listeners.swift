import Routing

/// A listener with what diagnostics say of it.
struct FoundListener {
    var config: ListenerConfig
    var place: Place
    /// Its address, as far as it may be shown.
    var shownAddress: String
    /// Its name, as far as it may be shown.
    var shownName: String
    /// Whether the file names it.
    var isNamed = false
}

extension Checker {
    /// All listeners, one for each address.
    func listeners() -> [ListenerConfig] {
        var found: [FoundListener] = []
        if let listen = root.item(TopLevelKeys.listen) {
            for item in listen.items {
                guard let address = listenAddress(item), let text = item.text else { continue }
                found.append(
                    FoundListener(
                        config: ListenerConfig(name: text.text, address: address),
                        place: item.place,
                        shownAddress: text.shown(address.description),
                        shownName: text.written
                    )
                )
            }
        }
        if root.mentions(TopLevelKeys.listen), root.mentions(TopLevelKeys.listeners) {
            reporter.error(
                .conflict,
                place(of: TopLevelKeys.listen),
                "listen and listeners both stand here",
                remedy: "listen is the short form: move its addresses to listeners"
            )
        }
        var names: [String: Place] = [:]
        for item in root.items(TopLevelKeys.listeners) {
            guard let map = item.map else { continue }
            reportMissing(ListenerKeys.address, in: map, of: ListenerKeys.set)
            if let name = map.item(ListenerKeys.name), let text = name.text {
                reportDuplicate(text, name.place, in: &names, "listener")
            }
            found += listeners(of: map)
        }
        var taken = Set(names.keys)
        for index in found.indices where !found[index].isNamed {
            let name = found[index].config.name
            found[index].config.name = Self.unique(name, among: &taken)
        }
        compare(found)
        for one in found { checkRights(at: one.config.address, one.shownAddress, one.place) }
        if found.isEmpty, !root.isCut, !root.mentions(TopLevelKeys.listen),
            !root.mentions(TopLevelKeys.listeners)
        {
            reporter.error(
                .noListener,
                filePlace,
                "nothing listens",
                remedy: "write listen: \":8080\""
            )
        }
        return found.map(\.config)
    }

    private func place(of key: Key) -> Place {
        let item = root.item(key)
        return item?.keyPlace ?? item?.place ?? filePlace
    }

    private func listeners(of map: RawMap) -> [FoundListener] {
        let all = map.over(ListenerKeys.set.standards)
        let given = map.item(ListenerKeys.name)
        if let given, let text = given.text { checkName(text, at: given.place) }
        let tls = tls(map)
        let http2 = http2(map)
        let proxyProtocol = proxyProtocol(map)
        let redirect = httpsRedirect(all)
        let readyPath = map.item(ListenerKeys.readyPath).flatMap(readyPath)
        var found: [FoundListener] = []
        for item in map.items(ListenerKeys.address) {
            guard let address = listenAddress(item), let text = item.text else { continue }
            let name = given?.text ?? text
            written.remember(name.text, name)
            var config = ListenerConfig(name: name.text, address: address)
            config.tls = tls
            config.http2 = http2
            // Peers of a unix socket have no address to be known by.
            config.proxyProtocol = address.isUnix ? nil : proxyProtocol
            config.httpsRedirect = redirect
            config.readyPath = readyPath
            config.maxConnections = all.count(ListenerKeys.maxConnections)
            config.backlog = all.count(ListenerKeys.backlog) ?? config.backlog
            config.socketMode =
                all.count(ListenerKeys.socketMode).map(UInt32.init(truncatingIfNeeded:))
                ?? config.socketMode
            found.append(
                FoundListener(
                    config: config,
                    place: item.place,
                    shownAddress: text.shown(address.description),
                    shownName: name.written,
                    isNamed: given != nil
                )
            )
        }
        checkRedirect(map, found)
        if let item = map.item(ListenerKeys.proxyProtocol), item.map != nil, !found.isEmpty,
            found.allSatisfy({ $0.config.address.isUnix })
        {
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"proxy-protocol\" has no effect at a unix socket: its peers have no address",
                remedy: "remove it, or listen at an IP address"
            )
        }
        if !found.isEmpty, !found.contains(where: { $0.config.address.isUnix }) {
            reportSocketMode(map)
        }
        return found
    }

    /// A path in the form in which paths are compared.
    private func readyPath(_ item: RawItem) -> String? {
        guard let path = probePath(item) else { return nil }
        if !path.contains("?"), case .success(path) = Self.normalised(path) { return path }
        reporter.error(
            .probePath,
            item.place,
            "\(item.text?.written.shown ?? path) is no plain path",
            remedy: "write \(ListenerKeys.readyPath.example): without a query, \"..\" or \"//\""
        )
        return nil
    }

    /// Reports `socket-mode` where nothing listens at a unix socket.
    func reportSocketMode(_ map: RawMap) {
        guard let mode = map.item(ListenerKeys.socketMode) else { return }
        reporter.error(
            .noEffect,
            mode.keyPlace ?? mode.place,
            "\"socket-mode\" has no effect without a unix socket",
            remedy: "remove it, or listen at unix:/path"
        )
    }

    /// Names stand in logs and metrics.
    func checkName(_ text: ScalarText, at place: Place) {
        Validator(reporter: reporter).checkName(text, at: place)
    }

    /// Reports a name that was there before, and remembers it otherwise.
    func reportDuplicate(
        _ text: ScalarText,
        _ place: Place,
        in names: inout [String: Place],
        _ noun: String
    ) {
        guard let first = names[text.text] else {
            names[text.text] = place
            return
        }
        reporter.error(
            .duplicateName,
            place,
            "\(text.written.shown) is the name of another \(noun) "
                + "(\(reporter.name(of: first, from: place)))",
            remedy: "give another name, or remove one of the two"
        )
    }

    /// Looks for equal and overlapping addresses.
    private func compare(_ found: [FoundListener]) {
        var addresses: [ListenAddress: Int] = [:]
        for (index, item) in found.enumerated() {
            let address = item.config.address
            if let port = address.port, port == 0 { continue }
            if let first = addresses[address] {
                let other = found[first]
                reporter.error(
                    .duplicateListener,
                    item.place,
                    "\(item.shownAddress.shown) is taken by listener "
                        + "\(other.shownName.shown) "
                        + "(\(reporter.name(of: other.place, from: item.place))) already",
                    remedy: "give another port, or remove one of the two"
                )
                continue
            }
            addresses[address] = index
        }
        for (index, item) in found.enumerated() where addresses[item.config.address] == index {
            for wider in item.config.address.wider {
                guard let first = addresses[wider] else { continue }
                let other = found[first]
                let line = reporter.name(of: other.place, from: item.place)
                reporter.warning(
                    .overlappingListener,
                    item.place,
                    "\(item.shownAddress.shown) takes a part of listener "
                        + "\(other.shownName.shown) (\(line))",
                    remedy: "the narrower address is served first: give another port "
                        + "unless that is meant"
                )
                break
            }
        }
    }
}

extension ListenAddress: CustomStringConvertible {
    /// As the file would have it.
    public var description: String {
        switch self {
        case .any(let port): ":\(port)"
        case .ip(let address, let port): address.text(port: port)
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The port; `nil` for a unix socket.
    public var port: UInt16? {
        switch self {
        case .any(let port), .ip(_, let port): port
        case .unix: nil
        }
    }

    /// Whether it is a unix socket.
    public var isUnix: Bool {
        if case .unix = self { true } else { false }
    }

    /// Addresses that take this one's connections too.
    fileprivate var wider: [ListenAddress] {
        guard case .ip(let address, let port) = self else { return [] }
        let any = ListenAddress.any(port: port)
        switch address {
        case .v4(0), .v6(0, 0): return [any]
        case .v4: return [any, .ip(.v4(0), port: port)]
        case .v6: return [any, .ip(.v6(high: 0, low: 0), port: port)]
        }
    }
}

extension ListenAddress {
    /// Whether a connect from this machine to the server's address ends at this listener.
    func takes(_ server: ServerAddress) -> Bool {
        switch (self, server) {
        case (.unix(let path), .unix(let other)): path == other
        case (.any(let port), .ip(let address, let other)): port == other && address.isLoopback
        case (.ip(let own, let port), .ip(let address, let other)):
            port == other && (own == address || own.takesLoopback(address))
        default: false
        }
    }
}

extension IPAddress {
    /// 127.0.0.0/8 or ::1.
    fileprivate var isLoopback: Bool {
        switch self {
        case .v4(let bits): bits >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// Whether this is every address of a family, and the other the machine's own in it.
    fileprivate func takesLoopback(_ other: IPAddress) -> Bool {
        switch (self, other) {
        case (.v4(0), .v4), (.v6(0, 0), .v6): other.isLoopback
        default: false
        }
    }
}

extension ServerAddress: CustomStringConvertible {
    /// As the file would have it.
    public var description: String {
        switch self {
        case .ip(let address, let port): address.text(port: port)
        case .unix(let path): "unix:\(path)"
        case .name(let host, let port): "\(host):\(port)"
        case .service(let name): name
        }
    }
}
