import Testing

@testable import Configuration

@Suite("What a changed file changes, told")
struct ConfigDifferenceTests {
    private static func config(_ text: String) throws -> Config {
        let result = load(text)
        return try #require(result.config, "\(result.diagnostics)")
    }

    private static let base = """
        listen: ":1"
        routes:
          - {name: a, match: /a, pool: one}
          - {name: b, match: /b, respond: {body: "x: y", headers: {X-A: "1: 2"}}}
        pools:
          one: {servers: ["10.0.0.1:80", "10.0.0.2:80"]}
        """

    private func changes(_ old: String, _ new: String) throws -> [String] {
        let (before, after) = (try Self.config(old), try Self.config(new))
        return ConfigDifference(from: before, to: after).changes.map(\.description)
    }

    private func changes(replacing old: String, with new: String) throws -> [String] {
        let changed = Self.base.replacing(old, with: new)
        #expect(changed != Self.base)
        return try changes(Self.base, changed)
    }

    @Test("nothing has changed")
    func nothing() throws {
        #expect(try changes(Self.base, Self.base) == [])
    }

    @Test("values with colons, brackets and signs are told whole")
    func values() throws {
        #expect(
            try changes(replacing: "x: y", with: "x: z")
                == ["~ routes[b].respond.body: x: y -> x: z"]
        )
        #expect(
            try changes(replacing: "1: 2", with: "- 3")
                == ["~ routes[b].respond.headers.X-A: 1: 2 -> - 3"]
        )
    }

    @Test("that a secret has changed is told, the secret is not")
    func secrets() throws {
        func text(_ field: String, _ value: String) -> String {
            Self.base.replacing(
                "pool: one}",
                with: "pool: one, request-headers: {set: {\(field): \"\(value)\"}}}"
            )
        }
        let key = "routes[a].request-headers.set"
        for field in ["authorization", "Cookie", "x-api-key"] {
            let told = try changes(text(field, "old-5ecret"), text(field, "new-5ecret"))
            #expect(told == ["~ \(key).\(field): [hidden] -> [hidden]"])
            let printed = effectiveYAML(of: try Self.config(text(field, "old-5ecret")))
            #expect(printed.contains("\(field): \"[hidden]\""))
            #expect(!printed.contains("5ecret"))
        }
        let free = text("authorization", "Bearer {cookie.session}")
        #expect(effectiveYAML(of: try Self.config(free)).contains("Bearer {cookie.session}"))
        #expect(load(free).diagnostics.isEmpty)
    }

    @Test("what comes and goes is told by its outermost key, once")
    func outermost() throws {
        #expect(
            try changes(replacing: ", \"10.0.0.2:80\"", with: "")
                == ["- pools.one.servers[10.0.0.2:80]"]
        )
        let pool = try changes(Self.base, Self.base + "\n  two: {servers: [\"10.0.0.3:80\"]}")
        #expect(pool == ["+ pools.two"])
        let access = try changes(Self.base, Self.base + "\nlog: {access: stdout}")
        #expect(access == ["~ log.access: off -> {…}"])
        let back = try changes(Self.base + "\nlog: {access: stdout}", Self.base)
        #expect(back == ["~ log.access: {…} -> off"])
    }

    @Test(
        "lists, bounds and flags are told",
        arguments: [
            ("\nlimits: {head-size: 32KiB}", "limits.head-size"),
            ("\ntrusted-proxies: [10.0.0.0/8]", "trusted-proxies"),
            ("\nforwarding: {via: false}", "forwarding.via"),
            ("\nworkers: 3", "workers"),
            ("\nshutdown-timeout: 9s", "shutdown-timeout"),
            ("\nadmin: 127.0.0.1:9900", "admin"),
        ]
    )
    func keys(line: String, key: String) throws {
        let told = try changes(Self.base, Self.base + line)
        #expect(told.count == 1 && told.allSatisfy { $0.contains(key) }, "\(told)")
    }

    @Test("another order of routes is told, an order of servers is not")
    func order() throws {
        let lines = Self.base.split(separator: "\n").map(String.init)
        var swapped = lines
        swapped.swapAt(2, 3)
        #expect(
            try changes(Self.base, swapped.joined(separator: "\n"))
                == ["~ routes: in one order -> in another"]
        )
        let servers = "\"10.0.0.1:80\", \"10.0.0.2:80\""
        let other = "\"10.0.0.2:80\", \"10.0.0.1:80\""
        #expect(try changes(replacing: servers, with: other) == [])
    }

    @Test("several items of one name are told apart")
    func sameNames() throws {
        let two = Self.base.replacing(
            "match: /a,",
            with: "match: [{host: h, path: /a}, {host: h, path: /b}],"
        )
        let three = two.replacing("path: /b}]", with: "path: /b}, {host: h, path: /c}]")
        #expect(try changes(two, three).count == 1)
    }
}
