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

    @Test("counts of one name are summed")
    func sums() {
        var past = PastCounts()
        past.add(Self.traffic(1), listener: "l", route: "a")
        past.add(Self.traffic(2), listener: "l", route: "a")
        past.add(Self.traffic(4), listener: "l", route: nil)
        past.add(Self.traffic(0), listener: "l", route: "b")
        #expect(past.traffic(listener: "l", route: "a").requests == 3)
        #expect(past.traffic(listener: "l", route: "a").bytesIn == 30)
        #expect(past.traffic(listener: "l", route: "a").durations.total == 3)
        #expect(past.traffic(listener: "l", route: nil).requests == 4)
        #expect(past.traffic(listener: "l", route: "b").requests == 0)
        #expect(past.traffic(listener: "m", route: "a").requests == 0)
    }

    @Test("what a file does not name is counted together, and stays counted once forgotten")
    func besides() {
        var past = PastCounts()
        past.add(Self.traffic(1), listener: "l", route: "a")
        past.add(Self.traffic(2), listener: "l", route: "gone")
        past.add(Self.traffic(4), listener: "m", route: "a")
        past.add(Self.traffic(8), listener: "m", route: nil)
        let config = Self.config(["l"], routes: ["a"])
        #expect(past.traffic(besides: config).requests == 14)
        for _ in 0..<2 {
            past.keepOnly(config)
            #expect(past.traffic(besides: config).requests == 14)
            #expect(past.traffic(listener: "l", route: "a").requests == 1)
            #expect(past.traffic(listener: "l", route: "gone").requests == 0)
        }
        // A name that returns begins anew, and nothing is counted twice.
        let both = Self.config(["l", "m"], routes: ["a", "gone"])
        #expect(past.traffic(besides: both).requests == 14)
        past.keepOnly(Self.config([], routes: []))
        #expect(past.traffic(besides: both).requests == 15)
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
