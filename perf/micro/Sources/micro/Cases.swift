import HTTP
import Routing

/// Something that is measured.
struct Case: Sendable {
    let name: String
    let summary: String
    /// Sets up and gives the operation, which runs so many times.
    let make: @Sendable () -> (Int) -> Int
    /// Where each operation is timed on its own, with the caches evicted before it.
    var makeEvicted: (@Sendable () -> Evictable)?

    init(name: String, summary: String, make: @escaping @Sendable () -> (Int) -> Int) {
        self.name = name
        self.summary = summary
        self.make = make
    }

    init(name: String, summary: String, makeEvicted: @escaping @Sendable () -> Evictable) {
        self.name = name
        self.summary = summary
        make = { makeEvicted().run }
        self.makeEvicted = makeEvicted
    }
}

/// An operation, and what takes its memory out of the caches.
struct Evictable {
    let evict: () -> Void
    let run: (Int) -> Int
}

/// All cases, in the order in which they are printed.
let cases: [Case] = pureCases + balancingCases + hashCases

private let pureCases: [Case] = [
    Case(name: "parse-head", summary: "an 830-byte browser request head", make: parseHead),
    Case(name: "normalise", summary: "path and host, nothing to change but case") {
        normalise(path: "/static/app/assets/main.3f2a1c.js", host: "WWW.example.com:8080")
    },
    Case(name: "normalise-slow", summary: "path with escapes and dot segments, and host") {
        normalise(path: "/static/%61pp//../assets/./main%20x.js", host: "WWW.example.com:8080")
    },
    Case(name: "match-1", summary: "the route among 1 host") { match(hosts: 1) },
    Case(name: "match-100", summary: "the route among 100 hosts") { match(hosts: 100) },
    Case(name: "match-10000", summary: "the route among 10,000 hosts") { match(hosts: 10_000) },
    Case(name: "match-hostile", summary: "a host of 127 labels, a path of 4,000 segments") {
        match(
            hosts: 10_000,
            host: String(repeating: "a.", count: 126) + "com",
            path: String(repeating: "/a", count: 4_000)
        )
    },
]

private func parseHead() -> (Int) -> Int {
    let head = browserHead
    return { count in
        var fields = FieldTable(capacity: 128)
        let limits = HeadLimits(headSize: 65_536, fields: 100, targetSize: 8_192)
        var sum = 0
        for _ in 0..<count {
            var parser = RequestParser()
            if let parsed = try? parser.parse(head.span.bytes, into: &fields, limits: limits) {
                sum &+= parsed.headSize &+ fields.count
            }
        }
        precondition(sum == count * (830 + fields.count), "the head is not what it should be")
        return sum
    }
}

private func normalise(path: String, host: String) -> (Int) -> Int {
    let path = Array(path.utf8)
    let host = Array(host.utf8)
    return { count in
        var output = [UInt8](repeating: 0, count: 256)
        var sum = 0
        for _ in 0..<count {
            output.withUnsafeMutableBytes { output in
                sum &+= normaliseHost(host.span.bytes, into: output)
                if case .written(let length) = normalisePath(path.span.bytes, into: output) {
                    sum &+= length
                }
            }
        }
        return sum
    }
}

/// Requests that go through 256 hosts, unless one is given.
///
/// Each host has a route for `/api/` and one for the rest; the last route is for any host.
private func match(
    hosts: Int,
    host: String? = nil,
    path: String = "/api/v1/items/4711"
) -> (Int) -> Int {
    var routes: [RouteSpec] = []
    for index in 0..<hosts {
        var route = RouteSpec()
        route.hosts = [.exact("site-\(index).example.com")]
        route.paths = [.prefix("/api")]
        routes.append(route)
        route.paths = []
        routes.append(route)
    }
    routes.append(RouteSpec())
    let table = RouteTable(routes)
    let names = (0..<256).map { Array((host ?? "site-\($0 * 39 % hosts).example.com").utf8) }
    let path = Array(path.utf8)
    let method = Array("GET".utf8)
    return { count in
        let matcher = table.matcher
        var sum = 0
        for index in 0..<count {
            let name = names[index & 255]
            let found = matcher.match(
                host: name.span.bytes,
                path: path.span.bytes,
                method: method.span.bytes
            )
            sum &+= found ?? -1
        }
        return withExtendedLifetime(table) { sum }
    }
}
