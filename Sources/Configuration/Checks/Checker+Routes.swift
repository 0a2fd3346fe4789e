import Health
import Routing

extension Checker {
    /// All routes in written order; without any, a single pool takes everything.
    mutating func routes(of config: Config) -> [RouteConfig] {
        guard root.mentions(TopLevelKeys.routes) else {
            return [implicitRoute(config)].compactMap(\.self)
        }
        let items = root.items(TopLevelKeys.routes)
        var given: [String: Place] = [:]
        for item in items {
            guard let name = item.map?.item(RouteKeys.name), let text = name.text else { continue }
            checkName(text, at: name.place)
            reportDuplicate(text, name.place, in: &given, "route")
        }
        var taken = Set(given.keys)
        var routes: [RouteConfig] = []
        for item in items {
            guard let map = item.map else { continue }
            let matches = matches(of: map)
            if let name = map.item(RouteKeys.name)?.text { written.remember(name.text, name) }
            var route = RouteConfig(name: "", matches: matches, action: .pool(0))
            route.name = map.text(RouteKeys.name) ?? Self.label(for: matches, taken: &taken)
            fill(&route, from: map, config)
            routes.append(route)
        }
        return routes
    }

    private func implicitRoute(_ config: Config) -> RouteConfig? {
        if config.pools.count != 1 {
            if !root.isCut { reportNoRoute(config) }
            return nil
        }
        var route = RouteConfig(name: "default", matches: [RouteSpec()], action: .pool(0))
        route.timeouts = config.pools[0].timeouts
        route.retries = config.pools[0].retries
        route.fallback = config.pools[0].fallback
        return route
    }

    private func reportNoRoute(_ config: Config) {
        if config.pools.isEmpty {
            reporter.error(
                .noRoute,
                filePlace,
                "nothing says where requests go",
                remedy: "write servers: [127.0.0.1:9001], or routes"
            )
            return
        }
        let first = config.pools.first.flatMap { poolIndices[$0.name]?.place }
        reporter.error(
            .noRoute,
            first ?? filePlace,
            "there are \(config.pools.count) pools, and no routes choose between them",
            remedy: "write routes: [{match: /api/, pool: \(config.pools[0].name)}, …]"
        )
    }

    /// `match` as specs of which one suffices.
    private func matches(of map: RawMap) -> [RouteSpec] {
        guard let item = map.item(RouteKeys.match) else { return [RouteSpec()] }
        var specs: [RouteSpec] = []
        for alternative in item.items {
            guard let map = alternative.map else { continue }
            var spec = RouteSpec()
            spec.hosts = map.items(MatchKeys.host).compactMap(hostPattern)
            spec.paths = map.items(MatchKeys.path).compactMap(pathPattern)
            for method in map.items(MatchKeys.method).compactMap(method) {
                if !spec.methods.contains(method) { spec.methods.append(method) }
            }
            if spec.methods.contains("GET"), !spec.methods.contains("HEAD") {
                spec.methods.append("HEAD")
            }
            specs.append(spec)
        }
        return specs.isEmpty ? [RouteSpec()] : Self.joined(specs)
    }

    /// Hosts alone, and paths alone, are one spec with a longer list.
    private static func joined(_ specs: [RouteSpec]) -> [RouteSpec] {
        var joined = RouteSpec()
        if specs.allSatisfy({ $0.paths.isEmpty && $0.methods.isEmpty && !$0.hosts.isEmpty }) {
            joined.hosts = specs.flatMap(\.hosts)
        } else if specs.allSatisfy({
            $0.hosts.isEmpty && $0.methods.isEmpty && !$0.paths.isEmpty
        }) {
            joined.paths = specs.flatMap(\.paths)
        } else {
            return specs
        }
        return [joined]
    }

    /// A label from what the route matches, with a number where another route has it.
    private static func label(for matches: [RouteSpec], taken: inout Set<String>) -> String {
        var label = "default"
        if let spec = matches.first {
            let host = spec.hosts.first?.description ?? ""
            let path = spec.paths.first?.description ?? ""
            if !(host + path).isEmpty {
                label = host + path
            } else if let method = spec.methods.first {
                label = method
            }
        }
        label = String(label.prefix(120))
        return unique(label, among: &taken)
    }

    /// The label, with a number where another has it.
    static func unique(_ label: String, among taken: inout Set<String>) -> String {
        var unique = label
        var number = 2
        while !taken.insert(unique).inserted {
            unique = "\(label)#\(number)"
            number += 1
        }
        return unique
    }

    private func fill(_ route: inout RouteConfig, from map: RawMap, _ config: Config) {
        let standards = RouteKeys.set.standards
        route.accessLog = map.over(standards).bool(RouteKeys.accessLog)
        route.hsts = hsts(map)
        route.requestHeaders = headerEdits(RouteKeys.requestHeaders, of: map)
        route.responseHeaders = headerEdits(RouteKeys.responseHeaders, of: map)
        let actions = RouteKeys.actions.filter { map.mentions($0) }
        if actions.isEmpty {
            if !map.isCut { reportNoAction(map) }
            return
        }
        if actions.count > 1 { reportTwoActions(actions, map) }
        let own = map.map(RouteKeys.timeouts)
        checkTimeouts(own)
        if let item = map.item(RouteKeys.pool) {
            reportBudget(map.map(RouteKeys.retries), of: map)
            guard let index = poolIndex(item) else { return }
            route.action = .pool(index)
            let timeouts = poolMaps[index].map(PoolKeys.timeouts)
            let retries = poolMaps[index].map(PoolKeys.retries)
            route.timeouts = PoolTimeouts(Self.over(own, timeouts))
            let ownRetries = map.map(RouteKeys.retries)
            checkRetries(ownRetries, own)
            route.retries = RetryOptions(
                Self.over(ownRetries, retries),
                within: route.timeouts.total
            )
            route.fallback = fallback(of: map, pool: index, config)
            return
        }
        for key in [
            RouteKeys.fallback, RouteKeys.timeouts, RouteKeys.retries, RouteKeys.requestHeaders,
        ] {
            guard !map.mentions(RouteKeys.pool), let item = map.item(key) else { continue }
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"\(key.name)\" has no effect in a route that forwards nothing",
                remedy: "remove it, or give the route a pool"
            )
        }
        if let redirect = map.map(RouteKeys.redirect) {
            route.action = self.redirect(redirect) ?? route.action
        } else if let respond = map.map(RouteKeys.respond) {
            route.action = .respond(answer(respond))
        }
    }

    private static func over(_ own: RawMap?, _ pool: RawMap?) -> RawMap? {
        guard let own else { return pool }
        return pool.map { own.over($0) } ?? own
    }

    private func reportNoAction(_ map: RawMap) {
        reporter.error(
            .noAction,
            map.place,
            "this route does nothing",
            remedy: "give it one of pool, redirect, respond, include"
        )
    }

    private func reportTwoActions(_ actions: [Key], _ map: RawMap) {
        let places = actions.compactMap { map.item($0)?.keyPlace }
        let second = places.max { ($0.line, $0.column) < ($1.line, $1.column) } ?? map.place
        let names = actions.map(\.name).joined(separator: " and ")
        reporter.error(
            .twoActions,
            second,
            "this route has \(names)",
            remedy: "a route does one thing: make two routes, or remove one"
        )
    }

    /// The pool of this name, or a report; `nothing` is what to write for none at all.
    func poolIndex(_ item: RawItem, nothing: String? = nil) -> Int? {
        guard let text = item.text else { return nil }
        if let found = poolIndices[text.text] { return found.index }
        let names = poolIndices.sorted { $0.value.index < $1.value.index }.map(\.key)
        var remedy = "pools here: " + names.prefix(20).joined(separator: ", ")
        if names.isEmpty { remedy = "write pools: {\(text.written): [127.0.0.1:9001]}" }
        if let near = nearestName(to: text.text, among: names), let other = poolIndices[near] {
            let line = reporter.name(of: other.place, from: item.place)
            remedy = "did you mean \"\(near)\" (\(line))? " + remedy
        } else if let nothing, Key.refusals.contains(text.text) {
            remedy = "write \(nothing)"
        }
        reporter.error(
            .unknownPool,
            item.place,
            "no pool is called \(text.written.shown)",
            remedy: remedy
        )
        return nil
    }
}
