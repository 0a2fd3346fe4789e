import Routing

extension Checker {
    /// Names that stand for networks without being written.
    static var builtInNetworks: [String: [String]] {
        [
            "any": ["0.0.0.0/0", "::/0"],
            "loopback": ["127.0.0.0/8", "::1/128"],
            "private": [
                "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7",
                "fe80::/10",
            ],
        ]
    }

    /// `trusted-proxies`, names resolved; `networks` is judged on the way.
    func trustedProxies() -> [Network] {
        let named = root.names(TopLevelKeys.networks)
        for name in named {
            if Self.builtInNetworks[name.name] != nil {
                reporter.error(
                    .duplicateName,
                    name.place,
                    "\(name.name.shown) is there already, built in",
                    remedy: "give another name"
                )
            }
            if Network(name.name) != nil {
                reporter.error(
                    .name,
                    name.place,
                    "\(name.name.shown) is an address, not a name",
                    remedy: "give a name, for example office"
                )
            }
        }
        let items = namedNetworks
        for name in named { _ = networks(name.item.items, items, within: [name.name]) }
        return networks(root.items(TopLevelKeys.trustedProxies))
    }

    /// The values of `networks` by name.
    private var namedNetworks: [String: [RawItem]] {
        var items: [String: [RawItem]] = [:]
        for name in root.names(TopLevelKeys.networks) { items[name.name] = name.item.items }
        return items
    }

    /// Networks, names resolved, each once.
    func networks(_ values: [RawItem]) -> [Network] {
        var seen: Set<Network> = []
        return networks(values, namedNetworks, within: []).filter { seen.insert($0).inserted }
    }

    private func networks(
        _ values: [RawItem],
        _ named: [String: [RawItem]],
        within names: [String]
    ) -> [Network] {
        var found: [Network] = []
        for item in values {
            guard let text = item.text else { continue }
            if let network = Network(text.text) {
                found.append(network)
            } else if let builtIn = Self.builtInNetworks[text.text] {
                found += builtIn.compactMap { Network($0) }
            } else if names.contains(text.text) {
                reporter.error(
                    .network,
                    item.place,
                    "\(text.written.shown) names itself, in a circle",
                    remedy: "write the addresses"
                )
            } else if let more = named[text.text] {
                found += networks(more, named, within: names + [text.text])
            } else {
                reportNetwork(text, item.place, named.keys.sorted())
            }
        }
        return found
    }

    private func reportNetwork(_ text: ScalarText, _ place: Place, _ named: [String]) {
        let isName = text.text.contains { $0.isLetter } && !text.text.contains { ":/".contains($0) }
        guard isName else {
            reporter.error(
                .network,
                place,
                "\(text.written.shown) is no address and no CIDR block",
                remedy: "write 10.0.0.0/8, 2001:db8::/32 or a name of networks"
            )
            return
        }
        let names = named + Self.builtInNetworks.keys.sorted()
        let list = "networks here: " + names.joined(separator: ", ")
        let near = nearestName(to: text.text, among: names)
        reporter.error(
            .unknownNetwork,
            place,
            "no network is called \(text.written.shown)",
            remedy: near.map { "did you mean \"\($0)\"? " + list } ?? list
        )
    }
}
