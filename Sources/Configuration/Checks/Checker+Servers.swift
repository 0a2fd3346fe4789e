import Routing

extension Checker {
    /// The servers of a list; `besides` are in the pool already, with no place to name.
    func servers(_ items: [RawItem], besides others: [ServerConfig] = []) -> [ServerConfig] {
        let standards = ServerKeys.set.standards
        var servers: [ServerConfig] = []
        var addresses: [ServerAddress: Place] = [:]
        var names: [String: Place] = [:]
        var taken = Set(items.compactMap { $0.map?.text(ServerKeys.name) })
        taken.formUnion(others.map(\.name))
        for item in items {
            guard let map = item.map else { continue }
            let given = map.item(ServerKeys.name)
            if let given, let text = given.text {
                checkName(text, at: given.place)
                reportDuplicate(text, given.place, in: &names, "server")
                reportTaken(text, given.place, others)
            }
            guard let (written, address) = address(of: map) else { continue }
            let isTaken = others.contains { $0.address == address }
            if let first = addresses[address] ?? (isTaken ? written.place : nil) {
                reportDuplicate(address, written, first: isTaken ? nil : first)
                continue
            }
            addresses[address] = written.place
            warnOfOwn(address, written)
            let label = given?.text ?? written.text ?? ScalarText("")
            let name = given == nil ? Self.unique(label.text, among: &taken) : label.text
            if name == label.text { self.written.remember(name, label) }
            var config = ServerConfig(name: name, address: address)
            let all = map.over(standards)
            config.weight = all.count(ServerKeys.weight) ?? config.weight
            config.priority = all.count(ServerKeys.priority) ?? config.priority
            config.maxConnections = all.count(ServerKeys.maxConnections)
            config.state = all.text(ServerKeys.state).flatMap(ServerState.init) ?? config.state
            servers.append(config)
        }
        return servers
    }

    private func warnOfOwn(_ address: ServerAddress, _ item: RawItem) {
        guard ownAddresses.contains(where: { $0.takes(address) }) else { return }
        let shown = item.text?.shown(address.description) ?? ""
        reporter.warning(
            .ownListener,
            item.place,
            "\(shown.shown) is where Weir itself listens",
            remedy: "name the address of the service: requests would come back here, and go round"
        )
    }

    private func reportTaken(_ name: ScalarText, _ place: Place, _ others: [ServerConfig]) {
        guard others.contains(where: { $0.name == name.text }) else { return }
        reporter.error(
            .duplicateName,
            place,
            "\(name.written.shown) is the name of another server of the pool",
            remedy: "give another name, or remove one of the two"
        )
    }

    private func reportDuplicate(_ address: ServerAddress, _ item: RawItem, first: Place?) {
        let shown = item.text?.shown(address.description) ?? ""
        let line = first.map { " (\(reporter.name(of: $0, from: item.place)))" } ?? ""
        reporter.error(
            .duplicateServer,
            item.place,
            "\(shown.shown) is in this pool already\(line)",
            remedy: "remove one, and give the other more weight if that was meant"
        )
    }

    /// Where a server is, and what in the file says so.
    private func address(of map: RawMap) -> (RawItem, ServerAddress)? {
        let address = map.item(ServerKeys.address)
        let service = map.item(ServerKeys.service)
        if let address, let service {
            let isLater =
                (service.place.line, service.place.column)
                > (address.place.line, address.place.column)
            let later = isLater ? service : address
            reporter.error(
                .conflict,
                later.keyPlace ?? later.place,
                "a server has an address, or SRV records list it, not both",
                remedy: "remove one of the two, or make two servers"
            )
            return nil
        }
        if let service { return serviceName(service).map { (service, $0) } }
        if map.mentions(ServerKeys.service) { return nil }
        reportMissing(ServerKeys.address, in: map, of: ServerKeys.set)
        guard let address else { return nil }
        return serverAddress(address).map { (address, $0) }
    }

    /// A name with SRV records, or a report.
    private func serviceName(_ item: RawItem) -> ServerAddress? {
        guard let text = item.text else { return nil }
        let name = text.text.lowercased()
        guard HostNames.isName(name), name.contains(".") else {
            let hasPort = name.contains(":")
            reporter.error(
                .hostName,
                item.place,
                "\(text.written.shown) can have no SRV records",
                remedy: hasPort
                    ? "write it without a port: the records say which"
                    : "write a name such as \(ServerKeys.service.example)"
            )
            return nil
        }
        written.remember(name, text)
        return .service(name)
    }
}

/// Names of the DNS.
enum HostNames {
    /// Whether the lower-case text is a name: up to 253 bytes in labels of 1 to 63, with a dot at
    /// the end or without.
    static func isName(_ text: String) -> Bool {
        let name = text.hasSuffix(".") ? text.dropLast() : text[...]
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else {
                return false
            }
            return label.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                default: false
                }
            }
        }
    }
}
