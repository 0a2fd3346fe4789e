import Configuration
import Routing
import Testing

@Suite("Files of servers")
struct ServersFileTests {
    static func result(
        _ text: String,
        besides others: [ServerConfig] = [],
        environment: [String: String] = [:]
    ) -> ServersResult {
        loadServers(
            path: "/run/servers.yaml",
            besides: others,
            files: MemoryFiles(files: ["/run/servers.yaml": text]),
            environment: { environment[$0] }
        )
    }

    @Test("a file is a list of servers in all their forms, as YAML or JSON")
    func forms() throws {
        let yaml = """
            # written by a script
            - 10.0.0.1:80
            - {address: "api.internal:8080", weight: 3, name: blue}
            - srv: _http._tcp.next.internal
              priority: 1
              max-connections: 10
              state: drain
            - ${HOST}:81
            """
        let servers = try #require(
            Self.result(yaml, environment: ["HOST": "10.0.0.9"]).servers
        )
        #expect(
            servers.map(\.name) == [
                "10.0.0.1:80", "blue", "_http._tcp.next.internal", "10.0.0.9:81",
            ]
        )
        #expect(servers.map(\.weight) == [1, 3, 1, 1])
        #expect(servers.map(\.maxConnections) == [nil, nil, 10, nil])
        #expect(servers[2].state == .drain && servers[2].priority == 1)
        let json = "[{\"address\": \"10.0.0.1:80\", \"weight\": 2}, \"10.0.0.2:80\"]"
        #expect(Self.result(json).servers?.map(\.weight) == [2, 1])
    }

    @Test(
        "what is no list of servers is refused",
        arguments: ["", "# nothing\n", "[]", "a: b", "text", "~", "- {}", "- [", "\u{1}", "- a"]
    )
    func refused(text: String) {
        let result = Self.result(text)
        #expect(result.servers == nil && !result.diagnostics.isEmpty)
        #expect(result.diagnostics.allSatisfy { $0.file == "/run/servers.yaml" })
    }

    @Test("a file that is not there is said to be")
    func missing() {
        let result = loadServers(path: "x", files: MemoryFiles(), environment: { _ in nil })
        #expect(result.servers == nil)
        #expect(result.diagnostics.map(\.message) == ["cannot read x: no such file"])
    }

    @Test("no server of the pool stands in the file too, and each name is there once")
    func besides() {
        let other = ServerConfig(name: "blue", address: .ip(.v4(0x0A00_0001), port: 80))
        var result = Self.result("- 10.0.0.1:80\n", besides: [other])
        #expect(result.diagnostics.map(\.id) == [.duplicateServer])
        result = Self.result("- {address: 10.0.0.2:80, name: blue}\n", besides: [other])
        #expect(result.diagnostics.map(\.id) == [.duplicateName])
        let named = ServerConfig(name: "10.0.0.2:80", address: .unix(path: "/a"))
        result = Self.result("- 10.0.0.2:80\n", besides: [named])
        #expect(result.servers?.map(\.name) == ["10.0.0.2:80#2"])
    }

    @Test("a file has at most 1024 servers")
    func bound() {
        for (count, isTaken) in [(1024, true), (1025, false)] {
            let lines = (0..<count).map { "- 10.0.\($0 / 200).\($0 % 200):80\n" }
            #expect((Self.result(lines.joined()).servers != nil) == isTaken)
        }
    }
}
