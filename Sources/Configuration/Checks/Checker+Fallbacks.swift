import Routing

/// A fallback to another pool that the file has, with where it stands.
struct FoundFallback {
    var pool: Int
    var item: RawItem
}

extension Checker {
    /// The fallbacks of all pools; a pool can name one that stands after it.
    ///
    /// What `pool-defaults` says does not count for the pool that it names.
    mutating func resolveFallbacks(_ pools: inout [PoolConfig], _ written: [RawMap]) {
        let inherited = root.map(TopLevelKeys.poolDefaults)?.item(PoolKeys.fallback)?.place
        var found: [FoundFallback?] = []
        for (index, map) in written.enumerated() {
            let item = map.item(PoolKeys.fallback)
            var fallback = item.flatMap(fallback)
            if case .pool(index) = fallback, let item, item.place == inherited { fallback = nil }
            pools[index].fallback = fallback
            if case .pool(let other) = fallback, let item {
                found.append(FoundFallback(pool: other, item: item))
            } else {
                found.append(nil)
            }
        }
        reportCircles(found, pools)
        fallbacks = found.map { $0?.pool }
    }

    /// The fallback of a route: its own, else its pool's.
    func fallback(of route: RawMap, pool: Int, _ config: Config) -> FallbackConfig? {
        guard let item = route.item(RouteKeys.fallback) else { return config.pools[pool].fallback }
        let found = fallback(item)
        guard case .pool(let first) = found else { return found }
        var way = [pool, first]
        while let last = way.last, last != pool || way.count == 1, let next = fallbacks[last],
            way.count <= fallbacks.count
        {
            way.append(next)
        }
        if let circle = way.dropFirst().firstIndex(of: pool) {
            reportCircle(way[...circle].map { config.pools[$0].name }, item)
        }
        return found
    }

    private func fallback(_ item: RawItem) -> FallbackConfig? {
        guard let map = item.map else { return nil }
        let pool = map.item(FallbackKeys.pool)
        let respond = map.item(FallbackKeys.respond)
        if let pool, let respond {
            let isLater =
                (pool.place.line, pool.place.column) > (respond.place.line, respond.place.column)
            let later = isLater ? pool : respond
            reporter.error(
                .conflict,
                later.keyPlace ?? later.place,
                "a fallback is a pool or an answer, not both",
                remedy: "remove one of the two; the pool may have an answer as its fallback"
            )
            return nil
        }
        if let pool { return poolIndex(pool, nothing: "none").map { .pool($0) } }
        if let respond = respond?.map { return .respond(answer(respond)) }
        if !map.isCut, map.refused.isEmpty {
            reporter.error(
                .missingKey,
                item.place,
                "this fallback names neither a pool nor an answer",
                remedy: "write the name of a pool, {respond: 503}, or none"
            )
        }
        return nil
    }

    /// Reports each circle once, where its last pool in the file says on.
    private func reportCircles(_ found: [FoundFallback?], _ pools: [PoolConfig]) {
        for (index, fallback) in found.enumerated() {
            guard let fallback else { continue }
            var way = [index, fallback.pool]
            while let last = way.last, last != index, let next = found[last]?.pool,
                way.count <= found.count
            {
                way.append(next)
            }
            guard way.last == index, way.max() == index else { continue }
            reportCircle(way.map { pools[$0].name }, fallback.item)
        }
    }

    private func reportCircle(_ names: [String], _ item: RawItem) {
        let place = item.map?.item(FallbackKeys.pool)?.place ?? item.place
        reporter.error(
            .fallback,
            place,
            names.count == 2
                ? "pool \(names[0].shown) is its own fallback"
                : "fallbacks go in a circle: \(names.joined(separator: " → "))",
            remedy: names.count == 2
                ? "name another pool, or remove it" : "remove one of them"
        )
    }
}
