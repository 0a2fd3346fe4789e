import Configuration
import EventLoop
import HTTP
import Routing
import Testing

@testable import Proxy

@Suite("Snapshot and shared state")
struct SnapshotTests {
    private static let config: Config = {
        var config = Config()
        var unix = ServerConfig(name: "sock", address: .unix(path: "/run/a.sock"))
        unix.weight = 3
        config.pools = [
            PoolConfig(name: "one", servers: [server("a", port: 1), unix]),
            PoolConfig(
                name: "two",
                servers: [
                    ServerConfig(name: "ä", address: .ip(.v6(high: 1, low: 2), port: 3))
                ]
            ),
        ]
        var first = route("first", host: "a.b", .pool(1))
        var second = RouteSpec()
        second.paths = [.prefix("/x")]
        first.matches.append(second)
        first.timeouts.connect = .milliseconds(1500)
        first.timeouts.response = nil
        first.timeouts.stream = .seconds(5)
        first.timeouts.total = .seconds(9)
        first.retries.attempts = 1000
        first.retries.onConnectFailure = false
        first.retries.buffer = 77
        first.accessLog = false
        config.routes = [
            first,
            route(
                "second",
                .redirect(
                    to: Template(segments: []),
                    status: 302,
                    keepsPathAndQuery: true
                )
            ),
            route("third", .pool(0)),
        ]
        return config
    }()

    private func name(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    @Test("routes: pool, times, retries, names and the owner of each match")
    func routes() {
        let snapshot = Snapshot(Self.config, workers: 1)
        defer { withExtendedLifetime(snapshot) {} }
        let first = snapshot.routes[0]
        #expect(first.pool == 1 && !first.isLogged && first.keepLimit == 77)
        #expect(first.attempts == 255 && !first.retriesConnect && first.retriesReset)
        #expect(first.connect == 1_500_000_000 && first.response == Int64.max)
        #expect(first.stream == 5_000_000_000 && first.total == 9_000_000_000)
        #expect(snapshot.routes[1].pool == -1)
        let third = snapshot.routes[2]
        #expect(third.pool == 0 && third.isLogged && third.total == Int64.max)
        #expect(third.attempts == 3 && third.retriesConnect && third.keepLimit == 65_536)
        #expect(snapshot.routeNames.map(name) == ["first", "second", "third"])
        #expect((0..<4).map { snapshot.owners[$0] } == [0, 0, 1, 2])
    }

    @Test("endpoints stand pool by pool, with address, path and label")
    func endpoints() throws {
        let snapshot = Snapshot(Self.config, workers: 1)
        defer { withExtendedLifetime(snapshot) {} }
        // Each pool has room for what changed files add.
        #expect(snapshot.firstEndpoints == [0, 10] && snapshot.endpointCount == 19)
        #expect([0, 1, 9, 10].map { snapshot.endpoints[$0].pool } == [0, 0, 0, 1])
        #expect([0, 1, 2, 10].map { name(snapshot.endpoints[$0].name) } == ["a", "sock", "", "ä"])
        let (plain, unix, six) = (
            snapshot.endpoints[0], snapshot.endpoints[1], snapshot.endpoints[10]
        )
        #expect(plain.path == nil && plain.address.family == 4 && plain.address.port == 1)
        #expect(plain.address.low == 0x7f00_0001 && plain.address.high == 0)
        #expect(String(cString: try #require(unix.path)) == "/run/a.sock")
        #expect(!unix.address.isInternet)
        #expect(six.address.family == 6 && six.address.port == 3)
        #expect(six.address.high == 1 && six.address.low == 2)
        #expect(IPAddress(six.address) == .v6(high: 1, low: 2))
    }

    @Test("limits: defaults, bounds lifted, memory shared by the workers")
    func limits() {
        let usual = Snapshot(Self.config, workers: 4).limits
        #expect(usual.head == 10_000_000_000 && usual.keepAlive == 75_000_000_000)
        #expect(usual.body == 30_000_000_000 && usual.send == 30_000_000_000)
        #expect(usual.tunnel == 3_600_000_000_000 && usual.loopLag == 500_000_000)
        #expect(usual.memory == Int.max && usual.bodySize == UInt64.max)
        #expect(usual.requestsPerConnection == UInt32.max)
        var config = Self.config
        config.timeouts.head = nil
        config.limits.loopLag = nil
        config.limits.memory = 1000
        config.limits.bodySize = 5
        config.limits.requestsPerConnection = 7
        let own = Snapshot(config, workers: 4).limits
        #expect(own.head == Int64.max && own.loopLag == Int64.max)
        #expect(own.memory == 250 && own.bodySize == 5 && own.requestsPerConnection == 7)
        config.limits.memory = 3
        #expect(Snapshot(config, workers: 4).limits.memory == 1)
        #expect(Snapshot(config, workers: 0).limits.memory == 3)
    }

    @Test("a configuration without anything compiles too")
    func empty() {
        let snapshot = Snapshot(Config(), workers: 1)
        defer { withExtendedLifetime(snapshot) {} }
        #expect(snapshot.endpointCount == 0 && snapshot.routeNames.isEmpty)
        let path = Array("/".utf8)
        let match = withExtendedLifetime(snapshot) {
            snapshot.table.matcher.match(
                host: path.span.bytes,
                path: path.span.bytes,
                method: path.span.bytes
            )
        }
        #expect(match == nil)
    }

    @Test(
        "downstream takes at most half of the descriptors that control leaves",
        arguments: [(1024, 496), (33, 1), (10, 1), (1_048_576, 524_272)]
    )
    func connections(descriptors: Int, expected: Int) throws {
        let queue = try makeQueue()
        var config = Self.config
        let mailboxes = [try Mailbox<WorkerMessage>(), try Mailbox<WorkerMessage>()]
        let shared = SharedState(
            PlacedConfig(config),
            mailboxes: mailboxes,
            control: try Mailbox(),
            descriptorLimit: descriptors,
            logs: queue
        )
        #expect(shared.connections.limit.load(ordering: .relaxed) == expected)
        #expect(!shared.clients.isBounded)
        config.limits.maxConnections = 5
        config.limits.maxConnectionsPerClient = 1
        var listener = ListenerConfig(name: "l", address: .any(port: 1))
        config.listeners = [listener]
        listener.maxConnections = 9
        config.listeners.append(listener)
        let own = SharedState(
            PlacedConfig(config),
            mailboxes: [mailboxes[0]],
            control: try Mailbox(),
            descriptorLimit: descriptors,
            logs: queue
        )
        #expect(own.connections.limit.load(ordering: .relaxed) == 5)
        let limits = own.listenerConnections.prefix(2).map { $0.limit.load(ordering: .relaxed) }
        #expect(limits == [Int.max, 9])
        #expect(own.clients.enter(.v4(1)) && !own.clients.enter(.v4(1)))
        config.limits.maxConnections = nil
        config.limits.maxConnectionsPerClient = nil
        own.setBounds(PlacedConfig(config), descriptorLimit: 1024)
        #expect(own.connections.limit.load(ordering: .relaxed) == 496)
        #expect(own.clients.enter(.v4(1)))
    }

    @Test("clients are counted by address, up to the limit and no further")
    func clients() {
        let counts = ClientCounts()
        counts.setLimit(2)
        let six = IPAddress.v6(high: 0, low: 1)
        #expect(counts.enter(.v4(1)))
        #expect(counts.enter(.v4(1)))
        #expect(!counts.enter(.v4(1)))
        #expect(counts.enter(six) && counts.enter(.v4(2)))
        counts.leave(.v4(1))
        #expect(counts.enter(.v4(1)))
        #expect(!counts.enter(.v4(1)))
        for _ in 0..<5 { counts.leave(.v4(1)) }
        #expect(counts.enter(.v4(1)) && counts.enter(.v4(1)))
        #expect(!counts.enter(.v4(1)))
    }
}
