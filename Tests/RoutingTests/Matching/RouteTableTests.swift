import Routing
import Testing

/// A route in short.
private func route(
    _ hosts: [HostPattern] = [],
    _ paths: [PathPattern] = [],
    _ methods: [String] = []
) -> RouteSpec {
    var spec = RouteSpec()
    spec.hosts = hosts
    spec.paths = paths
    spec.methods = methods
    return spec
}

@Suite("Route table")
struct RouteTableTests {
    private static let routes = [
        route([.exact("a.b")], [.exact("/only")], ["POST"]),
        route([.exact("a.b")], [.prefix("/p")]),
        route([.subdomains(of: "a.b")], [], ["GET", "HEAD"]),
        route([.domain("c.d"), .exact("[::1]")], [.prefix("/v1/x"), .exact("/v1/")]),
        route([], [.exact("*")], ["OPTIONS"]),
        route([.exact("a.b"), .subdomains(of: "d")], [.prefix("")], ["get"]),
        route([], [.prefix("/p")]),
        route([.domain("c.d")]),
        route([.exact("")], [.exact("/empty")]),
    ]

    @Test(
        "the first route in order takes the request",
        arguments: [
            ("a.b", "/only", "POST", 0), ("a.b", "/only", "post", nil), ("a.b", "/p", "GET", 1),
            ("a.b", "/p/", "GET", 1), ("a.b", "/p/q", "GET", 1), ("a.b", "/pq", "GET", nil),
            ("a.b", "/", "get", 5), ("x.a.b", "/", "GET", 2), ("y.x.a.b", "/", "HEAD", 2),
            ("x.a.b", "/", "PUT", nil), (".a.b", "/", "GET", nil), ("xa.b", "/", "GET", nil),
            ("x.a.b", "/p/1", "PUT", 6), ("c.d", "/v1/", "GET", 3), ("c.d", "/v1", "GET", 7),
            ("c.d", "/v1/x/y", "GET", 3), ("x.y.c.d", "/v1/x", "GET", 3),
            ("c.d", "/v1/xy", "get", 5), ("c.d", "/", "GET", 7), ("d", "/", "get", nil),
            ("[::1]", "/v1/", "GET", 3), ("[::1]", "/", "GET", nil), ("z", "*", "OPTIONS", 4),
            ("z", "*", "GET", nil), ("", "/empty", "GET", 8), ("", "/p", "GET", 6),
        ] as [(String, String, String, Int?)]
    )
    func firstMatch(host: String, path: String, method: String, expected: Int?) {
        #expect(RouteTable(Self.routes).match(host, path, method) == expected)
        #expect(matchesNaively(Self.routes, host: host, path: path, method: method) == expected)
    }

    @Test("no routes match nothing, and one without conditions matches all")
    func extremes() {
        #expect(RouteTable([]).match("a", "/") == nil)
        #expect(RouteTable([]).match("", "", "") == nil)
        for (host, path, method) in [("a", "/", "GET"), ("", "", ""), ("a.b.", "x", "x")] {
            #expect(RouteTable([route()]).match(host, path, method) == 0)
        }
    }
}
