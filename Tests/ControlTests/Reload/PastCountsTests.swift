import Configuration
import Proxy
import Testing

@testable import Control

@Suite("What was counted at places that others have")
struct PastCountsTests {
    private static func traffic(_ requests: UInt64) -> TrafficTotals {
        var totals = TrafficTotals()
        totals.outcomes[0] = requests
        totals.bytesIn = 10 * requests
        totals.durations.add(1e6, times: requests)
        return totals
    }

    private static func config(_ listeners: [String], routes: [String]) -> Config {
        var config = Config()
        config.listeners = listeners.map { name in
            ListenerConfig(name: name, address: .any(port: 1))
        }
        config.routes = routes.map { RouteConfig(name: $0, matches: [], action: .pool(0)) }
        config.pools = [PoolConfig(name: "main", servers: [])]
        return config
    }

    private static func cell(
        _ listener: String,
        _ route: String?,
        pool: String? = nil
    ) -> PastCounts.Cell {
        PastCounts.Cell(listener: listener, route: route, pool: pool)
    }

    @Test("counts of one name are summed")
    func sums() {
        var past = PastCounts()
        past.add(Self.traffic(1), Self.cell("l", "a"))
        past.add(Self.traffic(2), Self.cell("l", "a"))
        past.add(Self.traffic(4), Self.cell("l", nil))
        past.add(Self.traffic(0), Self.cell("l", "b"))
        #expect(
            past.cells.mapValues(\.requests) == [Self.cell("l", "a"): 3, Self.cell("l", nil): 4]
        )
        #expect(past.cells[Self.cell("l", "a")]?.bytesIn == 30)
        #expect(past.cells[Self.cell("l", "a")]?.durations.total == 3)
    }

    @Test("what a file does not name stays counted for those whom it names")
    func forgotten() {
        var past = PastCounts()
        past.add(Self.traffic(1), Self.cell("l", "a", pool: "main"))
        past.add(Self.traffic(2), Self.cell("l", "gone", pool: "main"))
        past.add(Self.traffic(4), Self.cell("m", "a", pool: "main"))
        past.add(Self.traffic(8), Self.cell("m", nil))
        past.add(Self.traffic(16), Self.cell("m", "a", pool: "other"))
        let config = Self.config(["l"], routes: ["a"])
        for _ in 0..<2 {
            past.keepOnly(config)
            #expect(past.cells.mapValues(\.requests) == [Self.cell("l", "a", pool: "main"): 1])
            #expect(past.lost(ofListener: "l").requests == 2)
            #expect(past.lost(ofPool: "main").requests == 6)
            #expect(past.lost(ofPool: "other").requests == 0)
            #expect(past.forgotten.requests == 28)
        }
        past.keepOnly(Self.config([], routes: []))
        #expect(past.cells.isEmpty && past.lost(ofListener: "l").requests == 0)
        #expect(past.forgotten.requests == 31 && past.lost(ofPool: "main").requests == 7)
    }

    @Test("endpoints stay counted as long as their pool is named")
    func endpoints() {
        var past = PastCounts()
        var totals = EndpointTotals()
        totals.tries = 3
        past.add(totals, pool: "main", endpoint: "one")
        past.add(totals, pool: "main", endpoint: "one")
        past.add(totals, pool: "other", endpoint: "one")
        past.add(EndpointTotals(), pool: "main", endpoint: "none")
        past.keepOnly(Self.config(["l"], routes: []))
        #expect(past.endpoint(pool: "main", "one").tries == 6)
        #expect(past.endpoint(pool: "other", "one").tries == 0)
        #expect(past.endpoint(pool: "main", "none").tries == 0)
        for number in 0..<PastCounts.mostEndpoints {
            past.add(totals, pool: "main", endpoint: "\(number)")
        }
        past.keepOnly(Self.config(["l"], routes: []))
        #expect(past.endpoint(pool: "main", "one").tries == 0)
        #expect(past.endpoint(pool: "main", "0").tries == 3)
    }
}
