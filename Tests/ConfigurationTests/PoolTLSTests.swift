import Routing
import Testing

@testable import Configuration

@Suite("TLS to servers in the file")
struct PoolTLSTests {
    static let files = ["ca.pem": "a", "c.pem": "b", "c.key": "c", "d.pem": "d", "d.key": "e"]

    /// A pool of servers with names and these lines, checked by printing and reading it again.
    static func pool(_ lines: String, defaults: String = "{}") throws -> PoolConfig {
        var text = "listen: \":1\"\npool-defaults: \(defaults)\n"
        text += "pools: {main: {servers: [a.internal:80, {srv: _x._tcp.b}], \(lines)}}\n"
        let result = load(text, files: files)
        #expect(render(result.diagnostics) == "", "\(text)")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        let again = load(printed, files: files)
        #expect(again.config == config, "\(printed)\(render(again.diagnostics))")
        return try #require(config.pools.first)
    }

    @Test("a pool has TLS only where the file says so, and verifies then")
    func off() throws {
        #expect(try Self.pool("slow-start: 0s").tls == nil)
        #expect(try Self.pool("tls: off").tls == nil)
        #expect(try Self.pool("tls: off", defaults: "{tls: true}").tls == nil)
        for text in ["tls: true", "tls: {}", "tls: {verify: true}"] {
            #expect(try Self.pool(text).tls == PoolTLSConfig())
            #expect(try Self.pool(text, defaults: "{tls: off}").tls == PoolTLSConfig())
        }
        #expect(try Self.pool("slow-start: 0s", defaults: "{tls: true}").tls == PoolTLSConfig())
        #expect(PoolTLSConfig().needsNames)
    }

    @Test("every key of tls reaches the model")
    func keys() throws {
        var wanted = PoolTLSConfig()
        wanted.serverName = "api.internal"
        wanted.authority = "ca.pem"
        wanted.certificate = CertificatePaths(certificate: "c.pem", key: "c.key")
        let keys = "server-name: API.internal, authority: ca.pem, certificate: c.pem, key: c.key"
        #expect(try Self.pool("tls: {\(keys)}").tls == wanted)
        #expect(try Self.pool("slow-start: 0s", defaults: "{tls: {\(keys)}}").tls == wanted)
        #expect(!wanted.needsNames)
        wanted.certificate = CertificatePaths(certificate: "d.pem", key: "d.key")
        let own = "tls: {certificate: d.pem, key: d.key}"
        #expect(try Self.pool(own, defaults: "{tls: {\(keys)}}").tls == wanted)
        // Nobody's certificate is held against authorities then.
        wanted.verifies = false
        wanted.authority = nil
        let bare = "tls: {certificate: d.pem, key: d.key, verify: false}"
        #expect(try Self.pool(bare, defaults: "{tls: {\(keys)}}").tls == wanted)
    }

    @Test("servers without a name need one, or no verification")
    func names() throws {
        for tls in ["{server-name: a.internal}", "{verify: false}"] {
            let text = "listen: \":1\"\npools: {m: {servers: [10.0.0.1:80], tls: \(tls)}}\n"
            let result = load(text)
            #expect(render(result.diagnostics) == "")
            #expect(result.config?.pools.first?.tls?.needsNames == false)
        }
        let files = MemoryFiles(files: ["s.yaml": "[a.internal:80, 10.0.0.1:80]"])
        func servers(needsNames: Bool) -> ServersResult {
            loadServers(
                path: "s.yaml",
                needsNames: needsNames,
                files: files,
                environment: { _ in nil }
            )
        }
        #expect(servers(needsNames: false).servers?.count == 2)
        #expect(servers(needsNames: true).servers == nil)
        #expect(servers(needsNames: true).diagnostics.map(\.id) == [.serverName])
    }
}
