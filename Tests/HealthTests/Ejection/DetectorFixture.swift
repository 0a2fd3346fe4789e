import Balancing

@testable import Health

/// A pool under traffic, with its detector.
final class DetectorFixture {
    /// What an endpoint does with its traffic.
    struct Behaviour {
        /// Tries a second.
        var rate: Double
        /// The share of good ones.
        var good = 1.0
        var latency: Int64 = 10_000_000
    }

    let pool: EjectionFixture
    var detector: OutlierDetector
    var behaviours: [Behaviour]
    private var random: SeededRandom
    private var owed: [Double]

    init(
        _ behaviours: [Behaviour],
        options: EjectionOptions = EjectionOptions(),
        seed: Int = 1
    ) {
        pool = EjectionFixture(behaviours.count, rise: 1, options: options)
        detector = OutlierDetector(options, capacity: behaviours.count)
        self.behaviours = behaviours
        random = SeededRandom(seed: UInt64(seed))
        owed = behaviours.map { _ in 0 }
    }

    /// Lets traffic go on for so long, in steps of 10 ms; what was changed, and when.
    @discardableResult
    func run(_ time: Double) -> [(time: Double, change: EjectionChange)] {
        var changes: [(Double, EjectionChange)] = []
        let start = pool.now
        while pool.now < start + seconds(time) {
            pool.now += 10_000_000
            for endpoint in behaviours.indices { traffic(endpoint) }
            let new = detector.tick(
                pool.health,
                endpoints: Array(behaviours.indices),
                now: pool.now,
                random: 0
            )
            let passed = Double(pool.now - start) / 1e9
            changes += new.map { (passed, $0) }
        }
        return changes
    }

    private func traffic(_ endpoint: EndpointIndex) {
        guard pool.state(endpoint).availability == .up else { return }
        let behaviour = behaviours[endpoint]
        owed[endpoint] += behaviour.rate / 100
        while owed[endpoint] >= 1 {
            owed[endpoint] -= 1
            let isGood = Double(random.next(below: 1_000_000)) < behaviour.good * 1e6
            pool.end(endpoint, isGood ? .good : .errorAnswer, latency: behaviour.latency)
        }
    }

    /// Those that the changes say were ejected.
    static func ejected(_ changes: [(time: Double, change: EjectionChange)]) -> [EndpointIndex] {
        changes.filter { $0.change.kind == .ejected }.map(\.change.endpoint)
    }
}
