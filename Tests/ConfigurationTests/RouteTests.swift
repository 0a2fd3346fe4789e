import Balancing
import Routing
import Testing

@testable import Configuration

@Suite("Routes")
struct RouteTests {
    static func route(_ match: String) throws -> RouteConfig {
        let result = load("listen: \":1\"\nroutes: [{match: \(match), respond: 404}]")
        #expect(render(result.diagnostics) == "")
        return try #require(result.config?.routes.first)
    }

    @Test(
        "a match in short form is its long form, and gives the route's label",
        arguments: [
            ("api.example.com/v1/", "{host: api.example.com, path: /v1/}", "api.example.com/v1/"),
            ("API.Example.com.", "{host: api.example.com}", "api.example.com"),
            ("\"*.a.b/x\"", "{host: \"*.a.b\", path: /x}", "*.a.b/x/"),
            ("/", "{path: /}", "/"), ("=/", "{path: =/}", "=/"), ("/a", "{path: /a/}", "/a/"),
            ("[a.b, c.d]", "{host: [a.b, c.d]}", "a.b"), ("[/a, =/b]", "{path: [/a, =/b]}", "/a/"),
            ("/%7eme/../a//b", "{path: /a/b}", "/a/b/"), ("=/a/./b", "{path: =/a/b}", "=/a/b"),
            ("{method: GET}", "{method: [GET, HEAD, GET]}", "GET"), ("{}", "{}", "default"),
            ("[a.b/x, /y]", "[{host: a.b, path: /x}, {path: /y}]", "a.b/x/"),
            ("\"[::1]\"", "{host: \"[::1]\"}", "[::1]"), (".a.b", "{host: .a.b}", ".a.b"),
        ]
    )
    func short(short: String, long: String, label: String) throws {
        let route = try Self.route(short)
        #expect(try Self.route(long).matches == route.matches)
        #expect(route.name == label)
    }

    @Test("alternatives of unlike kinds stay apart, each with its route")
    func alternatives() throws {
        let route = try Self.route("[a.b/x, c.d]")
        #expect(route.matches.count == 2)
        var config = Config()
        config.routes = [route, route]
        let flat = PlacedConfig(config).flattenedMatches()
        #expect(flat.owners == [0, 0, 1, 1])
        #expect(flat.specs == route.matches + route.matches)
    }

    @Test("labels are made unique")
    func labels() throws {
        let result = load(
            """
            listen: ":1"
            routes:
              - {match: {path: /a, method: POST}, respond: 404}
              - {match: {path: /a, method: PUT}, respond: 404}
              - {name: "/a/#3", match: {path: /a, method: PATCH}, respond: 404}
              - {match: /a, respond: 404}
              - {match: {path: /b, method: GET}, respond: 404}
            """
        )
        #expect(
            result.config?.routes.map(\.name) == ["/a/", "/a/#2", "/a/#3", "/a/#4", "/b/"]
        )
    }

    @Test(
        "a redirect without a path keeps path and query",
        arguments: [
            ("https://a.example", true), ("https://{host}", true), ("{scheme}://b", true),
            ("https://a.example/", false), ("https://{host}{uri}", false), ("/x", false),
            ("{uri}", false), ("https://a.example?x", false), ("http://a:8080", true),
            ("{path}", false), ("HTTPS://a", true),
        ]
    )
    func redirects(target: String, keeps: Bool) throws {
        let result = load("listen: \":1\"\nroutes: [{redirect: \"\(target)\"}]")
        #expect(render(result.diagnostics) == "")
        guard case .redirect(_, let status, let keepsPath) = result.config?.routes.first?.action
        else {
            Issue.record("no redirect")
            return
        }
        #expect(status == 302 && keepsPath == keeps)
    }

    @Test("a route's own time-outs and retries lie over its pool's, key by key")
    func overrides() throws {
        let result = load(
            """
            listen: ":1"
            pool-defaults: {timeouts: {connect: 7s, idle: 1m}, retries: {attempts: 5, buffer: 1KiB}}
            pools: {a: {servers: 10.0.0.1:80, timeouts: {connect: 8s}, retries: 4}}
            routes:
              - {match: /a, pool: a, timeouts: {total: 6s}, retries: {on: connect-failure}}
              - {pool: a, timeouts: {total: none, response: none}}
            """
        )
        let routes = try #require(result.config?.routes)
        #expect(routes[0].timeouts.connect == .seconds(6))
        #expect(routes[0].timeouts.response == .seconds(6))
        #expect(routes[0].timeouts.idle == .seconds(60))
        #expect(routes[0].retries.attempts == 4 && routes[0].retries.buffer == 1024)
        #expect(routes[0].retries.onConnectFailure && !routes[0].retries.onResetBeforeAnswer)
        #expect(routes[1].timeouts.connect == .seconds(8))
        #expect(routes[1].timeouts.response == nil && routes[1].timeouts.total == nil)
    }

    @Test("a route that is called unreachable is never reached", arguments: 1...200)
    func unreachable(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let hosts: [HostPattern] = [
            .exact("a.b"), .exact("x.a.b"), .subdomains(of: "a.b"), .domain("a.b"), .domain("b"),
            .subdomains(of: "b"), .exact("b"),
        ]
        let paths: [PathPattern] = [
            .prefix(""), .prefix("/p"), .exact("/p"), .prefix("/p/q"), .exact("/p/q"), .exact("/"),
        ]
        let specs = (0..<6).map { _ in
            var spec = RouteSpec()
            spec.hosts = hosts.filter { _ in
                Bool.random(using: &random) && Bool.random(using: &random)
            }
            spec.paths = paths.filter { _ in
                Bool.random(using: &random) && Bool.random(using: &random)
            }
            spec.methods =
                [["GET", "HEAD"], ["GET"], ["POST"], [], [], []]
                .randomElement(using: &random) ?? []
            return spec
        }
        var reachability = Reachability()
        for (index, spec) in specs.enumerated() {
            guard let covered = reachability.add([spec], route: index) else { continue }
            #expect(covered.route < index)
            for host in ["a.b", "x.a.b", "y.x.a.b", "b", "c.b", "c", "q.c"] {
                for path in ["/", "/p", "/p/", "/p/q", "/p/q/r", "/pq", "/z"] {
                    for method in ["GET", "HEAD", "POST", "PUT"] {
                        let first = matchesNaively(
                            Array(specs[...index]),
                            host: host,
                            path: path,
                            method: method
                        )
                        #expect(first != index, "seed \(seed) \(host)\(path) \(method)")
                    }
                }
            }
        }
    }

    @Test(
        "a route that a single earlier one covers is called unreachable",
        arguments: [
            ("/", "/a"), ("/a", "/a/b"), ("/a", "=/a"), ("=/a", "=/a"), ("a.b", "a.b/x"),
            ("\"*.b\"", "a.b"), (".b", "b"), (".b", "\"*.b\""), (".b", "x.a.b/y"), ("{}", "a.b"),
            ("{}", "{}"), ("{method: [GET, POST]}", "{method: POST}"), ("[/a, /b]", "[/b, /a/c]"),
            ("[a.b, /x]", "[a.b/y, c.d/x]"), ("\"*.b\"", "\"*.a.b\""),
            ("/a", "{path: /a, method: GET}"),
        ]
    )
    func covered(first: String, second: String) {
        let text =
            "listen: \":1\"\nroutes:\n  - {match: FIRST, respond: 404}\n"
            + "  - {match: SECOND, respond: 404}\n"
        let result = load(
            text.replacing("FIRST", with: first).replacing("SECOND", with: second)
        )
        #expect(result.diagnostics.map(\.id) == [.unreachableRoute])
        #expect(result.diagnostics.map(\.line) == [4])
    }

    @Test("ten thousand routes load in linear time")
    func many() {
        var text = "listen: \":1\"\nservers: [10.0.0.1:80]\nroutes:\n"
        for number in 0..<10_000 {
            text += "  - {match: h\(number).example.com/p\(number)/, pool: main}\n"
        }
        #expect(load(text).config?.routes.count == 10_000)
    }
}
