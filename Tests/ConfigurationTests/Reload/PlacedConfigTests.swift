import Routing
import Testing

@testable import Configuration

@Suite("Places that reloads do not move")
struct PlacedConfigTests {
    private static func config(_ text: String) throws -> Config {
        let result = load(text)
        return try #require(result.config, "\(result.diagnostics)")
    }

    private static let first = """
        listen: [":1", ":2"]
        routes:
          - {name: a, match: /a, pool: one}
          - {name: b, match: /b, pool: two}
          - {name: c, match: /c, respond: 404}
        pools:
          one: {servers: ["10.0.0.1:80"], fallback: two}
          two: {servers: ["10.0.0.2:80"]}
        """

    private func follow(
        _ placed: PlacedConfig,
        _ text: String,
        hasRoom: Bool = true
    ) throws -> PlacedConfig {
        PlacedConfig(try Self.config(text), following: placed) { _, _ in hasRoom }
    }

    @Test("a first file has its own order")
    func begin() throws {
        let placed = PlacedConfig(try Self.config(Self.first))
        #expect(
            placed.listeners == [0, 1] && placed.routes == [0, 1, 2] && placed.pools == [0, 1]
        )
        #expect(placed.config.routes == placed.written.routes)
        #expect(!placed.hasRetired && placed.capacities == [9, 9])
        #expect(placed.firstEndpoints == [0, 9] && placed.endpointCount == 18)
    }

    @Test("the same file moves nothing")
    func same() throws {
        let placed = try follow(PlacedConfig(try Self.config(Self.first)), Self.first)
        #expect(
            placed.listeners == [0, 1] && placed.routes == [0, 1, 2] && placed.pools == [0, 1]
        )
        #expect(placed.newRoutes.isEmpty && placed.newPools.isEmpty && placed.newListeners.isEmpty)
        #expect(!placed.hasRetired)
    }

    @Test("other servers leave a pool where it is, anything else moves it and those it serves")
    func pools() throws {
        let before = PlacedConfig(try Self.config(Self.first))
        let grown = Self.first.replacing(
            "\"10.0.0.2:80\"",
            with: "\"10.0.0.2:80\", \"10.0.0.3:80\""
        )
        let same = try follow(before, grown)
        #expect(same.pools == [0, 1] && same.routes == [0, 1, 2] && !same.hasRetired)
        #expect(same.config.pools[1].servers.count == 2)
        let full = try follow(before, grown, hasRoom: false)
        #expect(full.pools == [2, 3] && full.poolPlaces.retired == [0, 1])
        let other = Self.first.replacing(
            "[\"10.0.0.2:80\"]}",
            with: "[\"10.0.0.2:80\"], balance: random}"
        )
        let moved = try follow(before, other)
        // The first names it as its fallback, and both have routes.
        #expect(moved.pools == [2, 3] && moved.newPools == [2, 3])
        #expect(moved.routes == [3, 4, 2] && moved.routePlaces.retired == [0, 1])
        #expect(moved.config.pools[2].fallback == .pool(3))
        #expect(moved.config.routes[4].action == .pool(3))
        // What is under way goes by what it began with.
        #expect(moved.config.routes[1].action == .pool(1))
        #expect(moved.config.pools[0].fallback == .pool(1))
        #expect(moved.firstEndpoints == [0, 9, 18, 27])
    }

    @Test("routes are matched in the order of the file, wherever they have their places")
    func order() throws {
        let before = PlacedConfig(try Self.config(Self.first))
        let text = """
            listen: [":2", ":3"]
            routes:
              - {name: new, match: /new, respond: 204}
              - {name: c, match: /c, respond: 404}
              - {name: a, match: /a, pool: one}
            pools:
              one: {servers: ["10.0.0.1:80"], fallback: two}
              two: {servers: ["10.0.0.2:80"]}
            """
        let placed = try follow(before, text)
        #expect(placed.routes == [3, 2, 0] && placed.routePlaces.retired == [1])
        #expect(placed.flattenedMatches().owners == [3, 2, 0])
        #expect(placed.listeners == [1, 2] && placed.listenerPlaces.retired == [0])
        #expect(placed.newListeners == [2])
        #expect(placed.listenersWithPredecessors == [[1], [2]])
    }

    @Test("free places are given out again, those in use are not")
    func release() throws {
        let before = PlacedConfig(try Self.config(Self.first))
        let other = Self.first.replacing(
            "[\"10.0.0.1:80\"]",
            with: "[\"10.0.0.1:80\"], balance: random"
        )
        var placed = try follow(before, other)
        #expect(placed.pools == [2, 1] && placed.poolPlaces.retired == [0])
        placed.release(listeners: [], routes: [], pools: [])
        #expect(placed.poolPlaces.retired == [0])
        placed.release(listeners: [0], routes: [0, 1], pools: [0, 1])
        #expect(placed.poolPlaces.free == [0] && placed.routePlaces.free == [0])
        #expect(placed.listenerPlaces.free.isEmpty)
        let back = try follow(placed, Self.first)
        #expect(back.pools == [0, 1] && back.newPools == [0] && back.firstEndpoints[0] == 0)
        #expect(back.routes == [0, 1, 2] && back.newRoutes == [0])
    }

    @Test("stretches that were given back are joined and used first")
    func ranges() {
        var ranges = RangeAllocator()
        #expect([ranges.take(3), ranges.take(4), ranges.take(2)] == [0, 3, 7])
        ranges.release(0..<3)
        ranges.release(3..<7)
        #expect(ranges.take(6) == 0)
        #expect(ranges.take(2) == 9 && ranges.take(1) == 6 && ranges.end == 11)
    }

    @Test("a difference names what came, went and changed, each once")
    func difference() throws {
        let before = try Self.config(Self.first)
        let after = try Self.config(
            """
            listen: [":1", ":2"]
            timeouts: {keep-alive: 10s}
            routes:
              - {name: c, match: /c, respond: 404}
              - {name: a, match: /a, pool: one}
            pools:
              one: {servers: ["10.0.0.1:80", {address: "10.0.0.9:80", weight: 3}], fallback: three}
              three: {servers: ["10.0.0.2:80"]}
            """
        )
        let words = ConfigDifference(from: before, to: after).changes.map(\.description)
        #expect(words.contains("~ timeouts.keep-alive: 75s -> 10s"), "\(words)")
        #expect(words.contains("- routes[b]") && words.contains("+ pools.three"), "\(words)")
        #expect(words.contains("- pools.two"), "\(words)")
        #expect(words.contains("+ pools.one.servers[10.0.0.9:80]"), "\(words)")
        #expect(words.contains("~ pools.one.fallback.pool: two -> three"), "\(words)")
        #expect(words.contains("~ routes: in one order -> in another"), "\(words)")
        #expect(words.count == 8, "\(words)")
        #expect(ConfigDifference(from: before, to: before).changes.isEmpty)
    }
}
