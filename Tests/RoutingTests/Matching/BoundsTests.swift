import Testing

@testable import Routing

@Suite("Bounds of matching")
struct BoundsTests {
    private func compiled(_ routes: [RouteSpec]) -> RouteCompiler {
        var compiler = RouteCompiler()
        for (index, route) in routes.enumerated() { compiler.add(route, index: UInt32(index)) }
        compiler.finish()
        return compiler
    }

    private func hosts(_ count: Int) -> [RouteSpec] {
        (0..<count).map { index in
            var route = RouteSpec()
            route.hosts = [.exact("host-\(index).example.com")]
            return route
        }
    }

    @Test("no key lies far from its place in the hash table", arguments: [0, 1, 100, 10_000])
    func probes(count: Int) {
        let compiler = compiled(hosts(count))
        for seed in UInt64(0)..<4 {
            let table = EdgeTable(compiler.edges, keys: compiler.keys, seed: seed)
            #expect(table.probe <= EdgeTable.longestProbe, "seed \(seed)")
            #expect(table.places.count { $0.child != 0 } == compiler.edges.count)
            #expect(table.places.count <= 8 * compiler.edges.count + 4, "seed \(seed)")
        }
    }

    @Test("each of many hosts has its route, with every seed", arguments: [1, 100, 10_000])
    func manyHosts(count: Int) {
        for seed in UInt64(0)..<2 {
            let table = RouteTable(hosts(count), seed: seed)
            let wrong = (0..<count).first { table.match("host-\($0).example.com", "/") != $0 }
            #expect(wrong == nil, "seed \(seed)")
            #expect(table.match("host-\(count).example.com", "/") == nil)
            #expect(table.match("example.com", "/") == nil)
        }
    }

    @Test("a list has an entry per method at most, however many routes share host and path")
    func lists() {
        let routes = (0..<5_000).map { index in
            var route = RouteSpec()
            route.methods = index == 4_000 ? [] : [["GET", "HEAD"], ["PUT"]][index % 2]
            return route
        }
        #expect(compiled(routes).entries.map(\.route) == [0, 0, 1, 4_000, nothing])
        let table = RouteTable(routes)
        #expect(table.match("a", "/", "PUT") == 1)
        #expect(table.match("a", "/", "PURGE") == 4_000)
    }

    @Test("hosts that take the same routes share one tree of paths")
    func sharing() {
        var route = RouteSpec()
        route.hosts = (0..<1_000).map { .exact("h\($0)") }
        route.paths = (0..<1_000).map { .prefix("/p\($0)") }
        #expect(compiled([route]).nodes.count < 2_010)
        #expect(RouteTable([route]).match("h999", "/p999/x") == 0)
    }

    @Test("a host of 127 labels and a path of 4,000 segments are matched like any other")
    func longInput() {
        var route = RouteSpec()
        route.hosts = [.subdomains(of: "a.a")]
        route.paths = [.prefix("/a/a")]
        let deepHost = [String](repeating: "a", count: 127).joined(separator: ".")
        let deepPath = String(repeating: "/a", count: 4_000)
        #expect(RouteTable([route]).match(deepHost, deepPath) == 0)
        #expect(RouteTable([route]).match(deepHost + "b", deepPath) == nil)
        #expect(RouteTable([route]).match(deepHost, "/a/b" + deepPath) == nil)
        let long = String(repeating: "a", count: 60_000)
        #expect(RouteTable([route]).match(long, deepPath) == nil)
        #expect(RouteTable([route]).match("a.a.a", "/a/a/" + long) == 0)
        #expect(RouteTable([route]).match("a.a.a", "/a/" + long) == nil)
        route.hosts = [.exact(deepHost)]
        route.paths = [.exact(deepPath)]
        #expect(RouteTable([route]).match(deepHost, deepPath) == 0)
        #expect(RouteTable([route]).match("a." + deepHost, deepPath) == nil)
        #expect(RouteTable([route]).match(deepHost, deepPath + "/") == nil)
    }
}
