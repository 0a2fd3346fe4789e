import Configuration
import Routing
import Testing

@Suite("Names, files of servers and fallbacks")
struct DiscoveryTests {
    /// The configuration of a text that has no mistakes and is the same when it is printed.
    static func config(_ text: String, files: [String: String] = [:]) throws -> Config {
        let result = load(text, files: files)
        #expect(render(result.diagnostics) == "", "\(text)")
        let config = try #require(result.config)
        let again = load(effectiveYAML(of: config), files: files)
        #expect(again.config == config, "\(render(again.diagnostics))")
        return config
    }

    @Test("a server is an address, a host name, or what SRV records list")
    func servers() throws {
        let config = try Self.config(
            """
            listen: ":1"
            servers:
              - API.internal:8080
              - {address: "my_host.:81", name: mine, max-connections: 5}
              - {srv: _http._tcp.Next.internal, weight: 3}
              - localhost:80
              - unix:/run/a.sock
              - {srv: web.service.consul, priority: 1}
            """
        )
        let servers = config.pools[0].servers
        #expect(
            servers.map(\.address) == [
                .name("api.internal", port: 8080), .name("my_host.", port: 81),
                .service("_http._tcp.next.internal"), .ip(.v4(0x7F00_0001), port: 80),
                .unix(path: "/run/a.sock"), .service("web.service.consul"),
            ]
        )
        #expect(
            servers.map(\.name) == [
                "API.internal:8080", "mine", "_http._tcp.Next.internal", "localhost:80",
                "unix:/run/a.sock", "web.service.consul",
            ]
        )
        #expect(servers.map(\.maxConnections) == [nil, 5, nil, nil, nil, nil])
        #expect(servers.map(\.weight) == [1, 1, 3, 1, 1, 1])
        #expect(config.pools[0].findsEndpoints && config.pools[0].membersByAddress.count == 2)
    }

    @Test(
        "what is a host name",
        arguments: [
            ("a", true), ("a.b.", true), ("xn--bcher-kva.example", true), ("1a", true),
            ("_srv._tcp.x", true), ("a..b", false), ("-a", false), ("a-", false), (".", false),
            ("a.-b", false), ("é", false), (String(repeating: "a", count: 63) + ".b", true),
            (String(repeating: "a", count: 64) + ".b", false),
            (String(repeating: "abc.", count: 63) + "a", true),
            (String(repeating: "abc.", count: 63) + "ab", false),
        ]
    )
    func names(name: String, isName: Bool) {
        let result = load("listen: \":1\"\nservers: [\"\(name):80\"]\n")
        #expect((result.config != nil) == isName, "\(render(result.diagnostics))")
    }

    @Test("a pool's resolver lies over pool-defaults, and these over the top level's")
    func resolver() throws {
        let config = try Self.config(
            """
            listen: ":1"
            resolver: {servers: [10.0.0.2, "[2001:db8::1]:5353"], min-ttl: 5s, family: both}
            pool-defaults: {resolver: {timeout: 500ms, family: ipv4}}
            pools:
              a: {servers: "a:80"}
              b: {servers: "b:80", resolver: {servers: system, family: ipv6, max-ttl: 1m}}
            routes: [{match: /a/, pool: a}, {pool: b}]
            """
        )
        var wanted = ResolverConfig()
        wanted.minTTL = .seconds(5)
        wanted.timeout = .milliseconds(500)
        wanted.family = .ipv4
        wanted.servers = [
            ResolverConfig.Server(address: .v4(0x0A00_0002)),
            ResolverConfig.Server(
                address: .v6(high: 0x2001_0DB8_0000_0000, low: 1),
                port: 5353
            ),
        ]
        #expect(config.pools[0].resolver == wanted)
        wanted.servers = []
        wanted.family = .ipv6
        wanted.maxTTL = .seconds(60)
        #expect(config.pools[1].resolver == wanted)
    }

    @Test("at most eight name servers are asked")
    func nameServers() {
        for (count, isTaken) in [(8, true), (9, false)] {
            let list = (1...count).map { "10.0.0.\($0)" }.joined(separator: ", ")
            let text = "listen: \":1\"\nservers: [\"a:80\"]\nresolver: {servers: [\(list)]}\n"
            #expect((load(text).config != nil) == isTaken)
        }
    }

    @Test("a pool may have its servers from a file only, or besides others")
    func file() throws {
        let files = ["s.yaml": "- 10.0.0.2:80\n", "/t.yaml": "[{address: \"b:80\", weight: 2}]"]
        let config = try Self.config(
            """
            listen: ":1"
            pools:
              a: {servers: 10.0.0.1:80, servers-file: s.yaml}
              b: {servers-file: /t.yaml}
            routes: [{match: /a/, pool: a}, {pool: b}]
            """,
            files: files
        )
        #expect(config.pools.map(\.servers.count) == [1, 0])
        #expect(config.pools.map(\.serversFile) == ["s.yaml", "/t.yaml"])
        #expect(config.pools.map(\.findsEndpoints) == [true, true])
        var options = LoadOptions()
        options.workingDirectory = "/etc/weir"
        let text = "listen: \":1\"\npools: {a: {servers-file: s.yaml}}\n"
        let found = load(text, files: files, options: options).config
        #expect(found?.pools.first?.serversFile == "/etc/weir/s.yaml")
    }

    @Test("a pool falls back to another that stands anywhere, or to an answer")
    func fallbacks() throws {
        let config = try Self.config(
            """
            listen: ":1"
            pool-defaults: {fallback: spare}
            pools:
              a: [10.0.0.1:80]
              b: {servers: 10.0.0.2:80, fallback: {respond: {status: 503, file: sorry.txt}}}
              c: {servers: 10.0.0.3:80, fallback: none}
              spare: {servers: 10.0.0.4:80}
            routes:
              - {match: /a/, pool: a}
              - {match: /b/, pool: b}
              - {match: /c/, pool: c, fallback: {pool: b}}
              - {match: /d/, pool: a, fallback: none}
              - {match: /e/, pool: a, fallback: {respond: 504}}
            """,
            files: ["sorry.txt": "sorry"]
        )
        var sorry = FixedAnswer()
        sorry.status = 503
        sorry.body = .bytes(Array("sorry".utf8), contentType: "text/plain; charset=utf-8")
        sorry.bodyPath = "sorry.txt"
        #expect(config.pools.map(\.fallback) == [.pool(3), .respond(sorry), nil, nil])
        var late = FixedAnswer()
        late.status = 504
        #expect(
            config.routes.map(\.fallback) == [
                .pool(3), .respond(sorry), .pool(1), nil, .respond(late),
            ]
        )
        #expect(MemoryEstimate(of: config).answers == 5)
    }

    @Test("a pool that stands in for a used one is used")
    func used() {
        func warnings(_ fallback: String) -> [String] {
            let text =
                "listen: \":1\"\nroutes: [{pool: a}]\npools: {a: {servers: 10.0.0.1:80, "
                + "fallback: \(fallback)}, b: {servers: 10.0.0.2:80, fallback: c}, "
                + "c: [10.0.0.3:80]}\n"
            return load(text).diagnostics.map(\.message)
        }
        #expect(warnings("b") == [])
        #expect(warnings("c") == ["nothing uses pool \"b\""])
        #expect(warnings("none").count == 2)
    }
}
