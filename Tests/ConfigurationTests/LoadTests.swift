import Configuration
import Routing
import Testing

@Suite("Loading")
struct LoadTests {
    @Test("the smallest file is a listener, a pool and a route")
    func smallest() throws {
        let result = load(
            """
            listen: ":8080"
            servers: ["127.0.0.1:9001", "127.0.0.1:9002"]
            """
        )
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        #expect(config.listeners == [ListenerConfig(name: ":8080", address: .any(port: 8080))])
        #expect(config.pools.map(\.name) == ["main"])
        #expect(config.pools[0].servers.map(\.name) == ["127.0.0.1:9001", "127.0.0.1:9002"])
        #expect(config.routes.count == 1)
        #expect(config.routes[0].name == "default")
        #expect(config.routes[0].action == .pool(0))
    }

    @Test("public may stand at a unix socket without a token, where it takes nothing away")
    func publicAtUnixSocket() throws {
        let result = load(
            """
            listen: ":8080"
            servers: "127.0.0.1:9001"
            admin: {address: "unix:/run/weir/admin.sock", public: [health, metrics]}
            """
        )
        #expect(render(result.diagnostics) == "")
        #expect(try #require(result.config).admin?.isPublic == [.health, .metrics])
    }

    @Test("a file with listeners, routes and pools is read whole")
    func normal() throws {
        let result = load(
            """
            workers: 2
            listeners:
              - {name: public, address: [":8080", "[::1]:8081"], max-connections: 100}
            routes:
              - match: {host: API.example.com, path: /v1/, method: [GET, POST]}
                pool: api
                timeouts: {response: 5s}
              - match: [old.example.com, "*.older.example.com"]
                redirect: {to: "https://www.example.com", status: 308}
              - match: =/robots.txt
                respond: {body: "User-agent: *\\n", headers: {cache-control: no-store}}
              - pool: main
            pool-defaults:
              timeouts: {connect: 1s}
            pools:
              main: [10.0.0.1:80, {address: 10.0.0.2:80, weight: 3}]
              api: {servers: 10.0.0.3:80, retries: 2, timeouts: {total: 30s}}
            log: {access: stdout}
            """
        )
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        #expect(config.workers == 2)
        #expect(config.listeners.map(\.name) == ["public", "public"])
        #expect(
            config.routes.map(\.name) == [
                "api.example.com/v1/", "old.example.com", "=/robots.txt", "default",
            ]
        )
        #expect(config.routes[0].timeouts.response == .seconds(5))
        #expect(config.routes[0].timeouts.connect == .seconds(1))
        #expect(config.routes[0].timeouts.stream == .seconds(30))
        #expect(config.routes[0].retries.attempts == 2)
        #expect(config.routes[0].matches[0].methods == ["GET", "POST", "HEAD"])
        #expect(config.pools[0].servers[1].weight == 3)
        #expect(config.log.access == AccessLogConfig(destination: .stdout))
    }
}
