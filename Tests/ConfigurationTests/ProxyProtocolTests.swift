import Routing
import Testing

@testable import Configuration

@Suite("The PROXY protocol in the file")
struct ProxyProtocolTests {
    /// A file with this in its listener, checked by printing and reading it again.
    static func config(
        _ listener: String,
        address: String = "\":1\"",
        pool: String = "slow-start: 0s"
    ) throws -> Config {
        var text = "networks: {edge: [10.1.0.0/16, \"fd00::/8\"]}\n"
        text += "listeners: [{address: \(address), \(listener)}]\n"
        text += "pools: {main: {servers: [10.0.0.1:80], \(pool)}}\n"
        let result = load(text)
        #expect(render(result.diagnostics) == "", "\(text)")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        let again = load(printed)
        #expect(again.config == config, "\(printed)\(render(again.diagnostics))")
        return config
    }

    static let edge = ["10.1.0.0/16", "fd00::/8"].compactMap { Network($0) }

    @Test("it is read from the peers that are named, and from nobody otherwise")
    func listeners() throws {
        var wanted = ProxyProtocolConfig(from: Self.edge)
        for text in ["edge", "[edge]", "{from: edge}", "{from: [10.1.0.0/16, \"fd00::/8\", edge]}"]
        {
            let found = try Self.config("proxy-protocol: \(text)").listeners
            #expect(found.map(\.proxyProtocol) == [wanted], "\(text)")
        }
        wanted.isRequired = false
        let found = try Self.config("proxy-protocol: {from: edge, required: false}").listeners
        #expect(found.map(\.proxyProtocol) == [wanted])
        for text in ["name: a", "proxy-protocol: off"] {
            #expect(try Self.config(text).listeners.map(\.proxyProtocol) == [nil])
        }
    }

    @Test("servers are told by the version that the file names")
    func pools() throws {
        for (text, version) in [
            ("off", nil), ("v1", ProxyProtocolVersion.v1), ("v2", .v2),
        ] {
            let config = try Self.config("name: a", pool: "proxy-protocol: \(text)")
            #expect(config.pools.map(\.proxyProtocol) == [version])
        }
        #expect(try Self.config("name: a").pools.map(\.proxyProtocol) == [nil])
    }

    @Test("a unix socket beside an address has no part in it")
    func unix() throws {
        let found = try Self.config(
            "proxy-protocol: edge",
            address: "[\":1\", \"unix:/run/a.sock\"]"
        ).listeners
        #expect(found.map { $0.proxyProtocol != nil } == [true, false])
    }
}
