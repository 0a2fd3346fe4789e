import Testing

@testable import Configuration

@Suite("Source")
struct SourceTests {
    static let rest = "listen: \":1\"\nservers: [10.0.0.1:80]\n"

    @Test("levels are read up to the bound and refused beyond")
    func depth() {
        for (levels, isRead) in [(31, true), (32, false)] {
            // The file's own map is the first level.
            let text =
                "x: " + String(repeating: "[", count: levels)
                + String(repeating: "]", count: levels) + "\n"
            let ids = load(text + Self.rest).diagnostics.map(\.id)
            #expect(ids.contains(.tooLarge) == !isRead)
        }
    }

    @Test("aliases that multiply end at the bound on nodes")
    func aliases() {
        var text = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        var last = "a"
        for name in "bcdefghi" {
            text +=
                "\(name): &\(name) [" + String(repeating: "*\(last), ", count: 9) + "*\(last)]\n"
            last = String(name)
        }
        let result = load(text + Self.rest)
        #expect(result.diagnostics.contains { $0.id == .tooLarge })
    }

    @Test("a file is read up to its bound in bytes and refused beyond")
    func size() {
        let filling = SourceLimits.fileSizeMax - Self.rest.utf8.count - 2
        for (count, isRead) in [(filling, true), (filling + 1, false)] {
            let text = Self.rest + "#" + String(repeating: "x", count: count) + "\n"
            #expect((load(text).config != nil) == isRead)
        }
    }

    @Test("an alias stands for its anchor")
    func alias() {
        let result = load(
            """
            listen: ":1"
            pools:
              a: {servers: [10.0.0.1:80], timeouts: &slow {connect: 9s}}
              b: {servers: [10.0.0.2:80], timeouts: *slow}
            routes: [{match: /a, pool: a}, {pool: b}]
            """
        )
        #expect(result.config?.pools.map(\.timeouts.connect) == [.seconds(9), .seconds(9)])
    }

    @Test("lines end with CR LF as well, and a byte order mark is skipped")
    func lineEnds() {
        let text = "\u{FEFF}" + Self.rest.replacing("\n", with: "\r\n")
        #expect(load(text).config?.pools.first?.servers.count == 1)
    }

    @Test(
        "lines are counted as YAML ends them",
        arguments: ["\n", "\r", "\r\n", "\u{85}", "\u{2028}"]
    )
    func lines(end: String) throws {
        let text = ["listen: \":1\"", "# x", "servers: [10.0.0.1:80]", "workers: no", ""]
        let result = load(text.joined(separator: end))
        let diagnostic = try #require(result.diagnostics.first)
        #expect(diagnostic.line == 4 && diagnostic.sourceLine == "workers: no")
    }

    @Test(
        "text is read as written",
        arguments: ["no", "on", "1.20", "1:30", "0x10", "1e3", "=", "y"]
    )
    func text(name: String) {
        let result = load("listen: \":1\"\nservers: [{address: 10.0.0.1:80, name: \(name)}]\n")
        #expect(result.config?.pools.first?.servers.first?.name == name)
    }

    @Test("a syntax error hides nothing but its own section")
    func resumption() {
        let result = load(
            """
            workers: many
            pools:
              a:
                servers: [10.0.0.1:80]
                blance: x
              b: *.x
              c: {unread: 1}
            limits: {fields: none}
            routes:
              - match: {a: b: c}
            log: {level: loud}
            """
        )
        let lines = result.diagnostics.map(\.line)
        #expect(lines == [1, 5, 6, 8, 10, 11], "\(render(result.diagnostics))")
    }

    @Test("the nearest name is found, and none that is far")
    func nearest() {
        let names = ["balance", "servers", "timeouts", "to", "retries", "warning"]
        for (name, found) in [
            ("blance", "balance"), ("sevrers", "servers"), ("timeout", "timeouts"), ("ot", "to"),
            ("retires", "retries"), ("xyz", nil), ("", nil), ("health", nil),
            ("Servers", "servers"),
            ("warn", "warning"),
        ] as [(String, String?)] {
            #expect(nearestName(to: name, among: names) == found, "\(name)")
        }
    }
}
