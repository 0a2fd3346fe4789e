import Routing

/// Finds routes for which earlier ones leave nothing.
///
/// Each pair of host and path pattern of a route is looked up among the pairs that could cover
/// it, so that ten thousand routes cost ten thousand times one.
struct Reachability {
    private struct Cover {
        var route: Int
        var methods: Set<String>
    }

    private var covers: [String: [Cover]] = [:]

    /// A pair of patterns that an earlier route takes whole.
    struct Covered {
        /// The earlier route.
        var route: Int
        /// What it takes, for example `api.example.com/v1/`; `nil` where that is not all of it,
        /// as it takes certain methods.
        var what: String?
    }

    /// Adds the next route; tells what covers it if no request can reach it.
    mutating func add(_ matches: [RouteSpec], route: Int) -> Covered? {
        var first: Covered?
        var isCovered = true
        for spec in matches {
            for host in Self.orAny(spec.hosts) {
                for path in Self.orAny(spec.paths) {
                    if let found = cover(host, path, Set(spec.methods)) {
                        first = first ?? found
                    } else {
                        isCovered = false
                    }
                }
            }
        }
        for spec in matches {
            for host in Self.orAny(spec.hosts) {
                for path in Self.orAny(spec.paths) {
                    let key = Self.key(host?.description ?? "", path?.description ?? "/")
                    covers[key, default: []].append(
                        Cover(route: route, methods: Set(spec.methods))
                    )
                }
            }
        }
        return isCovered ? first : nil
    }

    private static func orAny<Pattern>(_ patterns: [Pattern]) -> [Pattern?] {
        patterns.isEmpty ? [nil] : patterns
    }

    private static func key(_ host: String, _ path: String) -> String { host + "\u{0}" + path }

    private func cover(_ host: HostPattern?, _ path: PathPattern?, _ methods: Set<String>)
        -> Covered?
    {
        let paths = Self.widerPaths(path)
        for host in Self.widerHosts(host) {
            for path in paths {
                for cover in covers[Self.key(host, path)] ?? []
                where cover.methods.isEmpty
                    || (!methods.isEmpty && methods.isSubset(of: cover.methods))
                {
                    let what = host + (path == "/" && !host.isEmpty ? "" : path)
                    let all = what == "/" ? "" : what
                    return Covered(route: cover.route, what: cover.methods.isEmpty ? all : nil)
                }
            }
        }
        return nil
    }

    /// The pattern itself and all that take whatever it takes, as text; empty is any host.
    private static func widerHosts(_ host: HostPattern?) -> [String] {
        guard let host else { return [""] }
        var wider = ["", host.description]
        var name: Substring
        switch host {
        case .exact(let text):
            wider.append(".\(text)")
            name = text[...]
        case .subdomains(let text):
            wider.append(".\(text)")
            name = text[...]
        case .domain(let text):
            name = text[...]
        }
        while let dot = name.firstIndex(of: ".") {
            name = name[name.index(after: dot)...]
            wider += ["*.\(name)", ".\(name)"]
        }
        return wider
    }

    private static func widerPaths(_ path: PathPattern?) -> [String] {
        guard let path else { return ["/"] }
        var wider = ["/", path.description]
        var text: Substring
        switch path {
        case .exact(let whole):
            wider.append("\(whole)/")
            text = whole[...]
        case .prefix(let whole):
            text = whole[...]
        }
        while let slash = text.lastIndex(of: "/"), slash > text.startIndex {
            text = text[..<slash]
            wider.append("\(text)/")
        }
        return wider
    }
}

extension Checker {
    /// Warns of routes that earlier ones leave nothing for.
    func warnOfUnreachableRoutes(_ config: Config) {
        let maps = root.items(TopLevelKeys.routes).compactMap(\.map)
        guard maps.count == config.routes.count else { return }
        var reachability = Reachability()
        for (index, route) in config.routes.enumerated() {
            // A route whose patterns were refused would seem to take everything.
            if maps[index].isCut || hasRefusedPattern(maps[index], route) { continue }
            guard let covered = reachability.add(route.matches, route: index) else { continue }
            let item = maps[index].item(RouteKeys.match)
            let place = item?.keyPlace ?? maps[index].place
            let other = maps[covered.route].item(RouteKeys.match)
            let line = reporter.name(
                of: other?.keyPlace ?? maps[covered.route].place,
                from: place
            )
            var what = "all of it"
            if let named = covered.what, other?.isFilled != true {
                what = named.isEmpty ? "everything" : "all of \(named)"
            }
            let isSame = config.routes[covered.route].matches == route.matches
            let remedy = isSame ? "remove one of them" : "move this route above it"
            reporter.warning(
                .unreachableRoute,
                place,
                "no request can reach this route",
                remedy: "\(line) takes \(isSame ? "the same" : what) before: \(remedy)"
            )
        }
    }

    private func hasRefusedPattern(_ map: RawMap, _ route: RouteConfig) -> Bool {
        guard let item = map.item(RouteKeys.match) else { return false }
        if item.isCut { return true }
        var written = 0
        for alternative in item.items {
            guard let map = alternative.map else { return true }
            written += map.items(MatchKeys.host).count + map.items(MatchKeys.path).count
            written += map.items(MatchKeys.method).isEmpty ? 0 : 1
        }
        var read = 0
        for spec in route.matches {
            read += spec.hosts.count + spec.paths.count + (spec.methods.isEmpty ? 0 : 1)
        }
        return read < written
    }

    /// Warns of pools that no route names.
    func warnOfUnusedPools(_ config: Config) {
        guard root.mentions(TopLevelKeys.routes), !root.isCut, !reporter.hasSyntaxErrors,
            !reporter.has(.unknownPool), root.item(TopLevelKeys.routes)?.isCut != true
        else { return }
        var used: Set<Int> = []
        for route in config.routes {
            guard case .pool(let index) = route.action else { continue }
            used.insert(index)
            if case .pool(let other) = route.fallback { used.insert(other) }
        }
        // What stands in for a used pool is used, and what stands in for that.
        for index in used where fallbacks.indices.contains(index) {
            var last = index
            while let next = fallbacks[last], used.insert(next).inserted { last = next }
        }
        for (name, found) in poolIndices where !used.contains(found.index) {
            reporter.warning(
                .unusedPool,
                found.place,
                "nothing uses pool \"\(name)\"",
                remedy: "remove it, or name it in a route or as a fallback"
            )
        }
    }
}
