import Balancing
import Configuration
import EventLoop
import Health
import Routing
import Testing

@testable import Proxy

@Suite("Endpoints that are found while workers serve")
struct PoolUpdateTests {
    private static func server(_ name: String, port: UInt16, weight: Int = 1) -> ServerConfig {
        var server = ServerConfig(name: name, address: .ip(.v4(0x7f00_0001), port: port))
        server.weight = weight
        return server
    }

    /// A pool of one server by address and one by name, in front of another pool.
    private static let config: Config = {
        var found = PoolConfig(
            name: "found",
            servers: [
                ServerConfig(name: "app.test:80", address: .name("app.test", port: 80)),
                server("fixed", port: 1),
            ]
        )
        found.sticky = StickyConfig()
        found.breaker.perServer.maxRequests = 7
        var config = Config()
        config.pools = [found, PoolConfig(name: "other", servers: [server("x", port: 9)])]
        return config
    }()

    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    @Test("servers by address have the first slots, found ones room behind them")
    func slots() {
        let snapshot = Snapshot(Self.config, workers: 1)
        defer { withExtendedLifetime(snapshot) {} }
        #expect(snapshot.members(ofPool: 0).map(\.name) == ["fixed"])
        #expect(snapshot.capacity(ofPool: 0) == 1025 && snapshot.capacity(ofPool: 1) == 9)
        #expect(snapshot.firstEndpoints == [0, 1025] && snapshot.endpointCount == 1034)
        #expect(text(snapshot.endpoints[0].name) == "fixed")
        #expect(snapshot.endpoints[5].pool == 0 && snapshot.endpoints[1025].pool == 1)
        #expect(snapshot.plans[0].endpoints.map(\.name) == ["fixed"])
    }

    @Test("an update has an entry for each member, a gap where one went, and bounds")
    func update() throws {
        let snapshot = Snapshot(Self.config, workers: 2)
        defer { withExtendedLifetime(snapshot) {} }
        let members = [
            Self.server("fixed", port: 1), nil, Self.server("10.0.0.2:80", port: 80, weight: 4),
        ]
        let update = snapshot.update(pool: 0, members: members)
        #expect(update.members == members && update.plan.shared === snapshot.plans[0].shared)
        #expect(update.plan.endpoints.map(\.weight) == [1, 0, 4])
        #expect(update.plan.endpoints[1].availability == .down)
        #expect(update.entries.map { $0 == nil } == [false, true, false])
        let entry = try #require(update.entries[2])
        #expect(text(entry.name) == "10.0.0.2:80" && entry.address.port == 80)
        #expect(entry.maxRequests == 7 && entry.maxConnections == Int32.max && entry.pool == 0)
        #expect(update.sticky?.count == 3)
        #expect(!update.isAcknowledged)
        update.acknowledge()
        #expect(!update.isAcknowledged)
        update.acknowledge()
        #expect(update.isAcknowledged)
    }

    @Test("no more members are taken over than there are slots")
    func bounded() {
        let snapshot = Snapshot(Self.config, workers: 1)
        defer { withExtendedLifetime(snapshot) {} }
        let many = (0..<1100).map { Self.server("s\($0)", port: UInt16(1000 + $0)) }
        let update = snapshot.update(pool: 0, members: many)
        #expect(update.members.count == 1025 && update.entries.count == 1025)
    }

    @Test("one that joins others starts slowly, one of the first does not, one that left is down")
    func availability() {
        let snapshot = Snapshot(Self.config, workers: 1)
        defer { withExtendedLifetime(snapshot) {} }
        let shared = snapshot.plans[0].shared
        var random = SeededRandom(seed: 1)
        snapshot.enter(Self.server("a", port: 2), pool: 0, slot: 1, now: 5, ramps: false)
        snapshot.enter(Self.server("b", port: 3), pool: 0, slot: 2, now: 5, ramps: true)
        #expect(shared.availability(1) == .up && shared.availability(2) == .up)
        let members = [nil, Self.server("a", port: 2), Self.server("b", port: 3)]
        let plan = snapshot.update(pool: 0, members: members).plan
        let balancer = PoolBalancer(plan, now: 5, random: &random)
        var picks = [0, 0, 0]
        for _ in 0..<1100 {
            if let pick = balancer.pick(PickRequest(now: 5), random: &random) { picks[pick] += 1 }
        }
        // A tenth of the weight at the beginning of the ramp.
        #expect(picks == [0, 1000, 100])
        snapshot.leave(pool: 0, slot: 1, now: 6)
        #expect(shared.availability(1) == .down)
    }

    @Test("equal texts share a place, which stays; others have places of their own")
    func texts() throws {
        let store = TextStore()
        defer { withExtendedLifetime(store) {} }
        let first = store.keep("ab")
        #expect(store.keep("ab").baseAddress == first.baseAddress && text(first) == "ab")
        #expect(store.keep("").isEmpty && text(store.keep("ä/b")) == "ä/b")
        let base = try #require(first.baseAddress)
        #expect(base.load(fromByteOffset: 2, as: UInt8.self) == 0)
    }

    @Test(
        "statuses in one look are those of the set",
        arguments: [[], [100, 599], [500, 503, 404]]
    )
    func statuses(codes: [Int]) {
        let bits = StatusBits(StatusSet(codes))
        for code in UInt16(0)...1000 {
            #expect(bits.contains(code) == codes.contains(Int(code)), "\(code)")
        }
    }
}
