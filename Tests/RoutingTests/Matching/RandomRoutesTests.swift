import Routing
import Testing

@Suite("Random routes")
struct RandomRoutesTests {
    private static let seed: UInt64 = 0x7765_6972
    private static let tables = 2_000
    private static let requests = 500

    @Test("a million random requests take the route that naive matching finds")
    func compiledEqualsNaive() {
        var random = TestRandom(state: Self.seed)
        var found = 0
        for table in 0..<Self.tables {
            let routes = (0..<(1 + random.below(12))).map { _ in randomRoute(&random) }
            let compiled = RouteTable(routes, seed: random.next())
            let naive = NaiveRoutes(routes)
            for request in 0..<Self.requests {
                let host = randomHost(&random)
                let path = randomPath(&random)
                let method = random.one(of: Self.methods)
                let expected = naive.match(host: host, path: path, method: method)
                let actual = compiled.matcher.match(
                    host: host.span.bytes,
                    path: path.span.bytes,
                    method: method.span.bytes
                )
                if expected != nil { found += 1 }
                guard actual == expected else {
                    Issue.record(
                        """
                        seed \(Self.seed), table \(table), request \(request): \(routes) with \
                        \(text(host)) \(text(path)) \(text(method)) gave \
                        \(actual.map(String.init) ?? "none"), not \
                        \(expected.map(String.init) ?? "none")
                        """
                    )
                    return
                }
            }
        }
        // A test in which next to nothing matches, or all does, would prove little.
        let share = Double(found) / Double(Self.tables * Self.requests)
        #expect((0.3...0.9).contains(share), "seed \(Self.seed)")
    }

    @Test("the reference for bytes is the public one for text")
    func references() {
        var random = TestRandom(state: Self.seed)
        for _ in 0..<2_000 {
            let routes = (0..<(1 + random.below(6))).map { _ in randomRoute(&random) }
            let (host, path) = (randomHost(&random), randomPath(&random))
            let method = random.one(of: Self.methods)
            #expect(
                NaiveRoutes(routes).match(host: host, path: path, method: method)
                    == matchesNaively(
                        routes,
                        host: text(host),
                        path: text(path),
                        method: text(method)
                    ),
                "seed \(Self.seed)"
            )
        }
    }

    // Few labels, segments and methods, so that patterns and requests meet often; with empty ones,
    // ones that begin alike, and long ones that need more than one word of the hash.
    private static let labels = ["a", "b", "ab", "c", "", "a-rather-long-label"].map {
        Array($0.utf8)
    }
    private static let segments = ["a", "b", "ab", "", "%2F", "a-rather-long-segment"]
        .map { Array($0.utf8) }
    private static let methods = ["GET", "HEAD", "POST", "get", "PURGE"].map { Array($0.utf8) }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func randomHost(_ random: inout TestRandom) -> [UInt8] {
        var host = random.one(of: Self.labels)
        for _ in 0..<random.below(4) { host += [UInt8(ascii: ".")] + random.one(of: Self.labels) }
        return host
    }

    private func randomPath(_ random: inout TestRandom) -> [UInt8] {
        if random.below(40) == 0 { return Array(random.one(of: ["*", "", "a/b"]).utf8) }
        var path: [UInt8] = []
        for _ in 0...random.below(4) {
            path += [UInt8(ascii: "/")] + random.one(of: Self.segments)
        }
        return path
    }

    private func randomRoute(_ random: inout TestRandom) -> RouteSpec {
        var route = RouteSpec()
        route.hosts = (0..<random.below(4)).map { _ in
            let name = text(randomHost(&random))
            switch random.below(3) {
            case 0: return .exact(name)
            case 1: return .subdomains(of: name)
            default: return .domain(name)
            }
        }
        route.paths = (0..<random.below(4)).map { _ in
            switch random.below(6) {
            case 0, 1: return .exact(text(randomPath(&random)))
            case 2: return .prefix("")
            default: return .prefix(text(randomPath(&random)))
            }
        }
        route.methods = (0..<random.below(3)).map { _ in text(random.one(of: Self.methods)) }
        return route
    }
}

/// First match over bytes: what `matchesNaively` does, quick enough for a million requests in a
/// debug build.
private struct NaiveRoutes {
    private struct Route {
        /// The name, whether it takes itself, whether it takes what is below it.
        var hosts: [(name: [UInt8], whole: Bool, tail: [UInt8]?)]
        var paths: [(name: [UInt8], front: [UInt8]?)]
        var methods: [[UInt8]]
    }

    private var routes: [Route]

    init(_ specs: [RouteSpec]) {
        routes = specs.map { spec in
            Route(
                hosts: spec.hosts.map { host in
                    switch host {
                    case .exact(let name): (Array(name.utf8), true, nil)
                    case .subdomains(let name): ([], false, Array(("." + name).utf8))
                    case .domain(let name): (Array(name.utf8), true, Array(("." + name).utf8))
                    }
                },
                paths: spec.paths.map { path in
                    switch path {
                    case .exact(let name): (Array(name.utf8), nil)
                    case .prefix(""): ([], [])
                    case .prefix(let name): (Array(name.utf8), Array((name + "/").utf8))
                    }
                },
                methods: spec.methods.map { Array($0.utf8) }
            )
        }
    }

    func match(host: [UInt8], path: [UInt8], method: [UInt8]) -> Int? {
        for index in routes.indices {
            if takes(host: host, routes[index].hosts), takes(path: path, routes[index].paths),
                routes[index].methods.isEmpty || routes[index].methods.contains(method)
            {
                return index
            }
        }
        return nil
    }

    private func takes(
        host: [UInt8],
        _ patterns: [(name: [UInt8], whole: Bool, tail: [UInt8]?)]
    ) -> Bool {
        if patterns.isEmpty { return true }
        for pattern in patterns {
            if pattern.whole, pattern.name == host { return true }
            guard let tail = pattern.tail, host.count > tail.count else { continue }
            if Array(host[(host.count - tail.count)...]) == tail { return true }
        }
        return false
    }

    private func takes(path: [UInt8], _ patterns: [(name: [UInt8], front: [UInt8]?)]) -> Bool {
        if patterns.isEmpty { return true }
        for pattern in patterns {
            if pattern.name == path { return true }
            guard let front = pattern.front, path.count >= front.count else { continue }
            if Array(path[..<front.count]) == front { return true }
        }
        return false
    }
}
