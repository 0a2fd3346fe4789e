import Balancing

/// Finds endpoints whose success rate or latency is bad enough, and worse enough than the other
/// endpoints', to be ejected.
///
/// Control runs it every ``interval`` over the counters that workers write anyway; it costs
/// requests nothing. A fault that all endpoints share ejects none of them: each rule asks whether
/// the endpoint is surely worse than the middle one of the others (``SureRate``).
public struct OutlierDetector: Sendable {
    /// The parts of the window that are looked at, in steps: the shortest with enough tries shows
    /// first that a busy endpoint has turned bad.
    private static let parts = [1, 2, 4, 8, 16, 32]

    /// Nanoseconds from one look to the next: a fiftieth of the window, at least 20 ms.
    public let interval: Int64
    private let options: EjectionOptions
    private let steps: Int
    private let outlierTries: UInt32
    private let capacity: Int
    private var history: TryHistory?
    private var lastStep: Int64 = -1

    /// A detector for a pool of up to `capacity` endpoints.
    public init(_ options: EjectionOptions, capacity: Int) {
        self.options = options
        self.capacity = capacity
        let window = max(1, (options.successRate?.window ?? .seconds(10)).inNanoseconds)
        interval = max(20_000_000, window / Int64(TryHistory.mostSteps))
        steps = Int(min(Int64(TryHistory.mostSteps), max(1, window / interval)))
        // The number is one of ten seconds.
        let tries = Double(options.outlier?.minRequests ?? 0) * Double(window) / 1e10
        outlierTries = UInt32(min(Double(UInt32.max), max(1, tries)))
    }

    /// Whether there is a rule that needs it; without one, ``tick(_:endpoints:now:random:)`` does
    /// nothing.
    public var isNeeded: Bool { options.successRate != nil || options.outlier != nil }

    /// Looks at the endpoints in use, and ejects those that deserve it, the worst first.
    ///
    /// More often than every ``interval`` it does nothing.
    public mutating func tick(
        _ health: PoolHealth,
        endpoints: [EndpointIndex],
        now: Int64,
        random: UInt64
    ) -> [EjectionChange] {
        let step = max(0, now) / interval
        guard isNeeded, step > lastStep else { return [] }
        var history = self.history ?? TryHistory(health.shared)
        self.history = nil
        var look = PoolLook()
        for endpoint in endpoints where endpoint >= 0 && endpoint < capacity {
            if history.read(endpoint, step: step, last: lastStep) {
                look.endpoints.append(endpoint)
            }
        }
        lastStep = step
        let suspects = suspects(history, &look)
        self.history = history
        var random = SeededRandom(seed: random)
        return suspects.compactMap { suspect in
            health.eject(
                suspect.endpoint,
                suspect.cause,
                isForAnswers: true,
                now: now,
                random: random.next()
            )
        }
    }

    /// An endpoint that deserves ejection.
    private struct Suspect {
        var endpoint: EndpointIndex
        var cause: EjectionChange.Cause
        /// The lower, the worse.
        var rank: Double
    }

    /// Each at most once, by the first rule that says so; the worst of a rule first.
    private func suspects(_ history: TryHistory, _ look: inout PoolLook) -> [Suspect] {
        var found: [Suspect] = []
        for rule in [bySuccessRate, byDeviation, byLatency] {
            let more = rule(history, &look).filter { new in
                !found.contains { $0.endpoint == new.endpoint }
            }
            found += more.sorted { $0.rank < $1.rank }
        }
        return found
    }

    private func bySuccessRate(_ history: TryHistory, _ look: inout PoolLook) -> [Suspect] {
        guard let rule = options.successRate else { return [] }
        let least = UInt32(clamping: max(1, rule.minRequests))
        return look.endpoints.compactMap { endpoint in
            let all = history.tries(endpoint, last: steps)
            guard all.good < all.tries, all.tries >= least else { return nil }
            for part in OutlierDetector.parts + [steps] where part <= steps {
                let own = history.tries(endpoint, last: part)
                guard own.tries >= least else { continue }
                // Of the whole window the rate counts as it is, of less of it what is sure.
                let rate = part == steps ? own.rate : own.upper
                guard rate < rule.below, look.isWorse(own, history, part, least) else { continue }
                return Suspect(
                    endpoint: endpoint,
                    cause: .successRate(good: own.good, of: own.tries, below: rule.below),
                    rank: own.rate
                )
            }
            return nil
        }
    }

    private func byDeviation(_ history: TryHistory, _ look: inout PoolLook) -> [Suspect] {
        guard let rule = options.outlier, let deviations = rule.deviations else { return [] }
        let all = look.endpoints.compactMap { endpoint in
            let own = history.tries(endpoint, last: steps)
            return own.tries >= outlierTries ? (endpoint: endpoint, own: own) : nil
        }
        guard all.count >= max(2, rule.minServers) else { return [] }
        let count = Double(all.count)
        let mean = all.reduce(0) { $0 + $1.own.rate } / count
        let variance = all.reduce(0) { $0 + ($1.own.rate - mean) * ($1.own.rate - mean) } / count
        let deviation = variance.squareRoot()
        return all.compactMap { endpoint, own in
            guard own.good < own.tries, own.rate < mean - deviations * deviation,
                look.isWorse(own, history, steps, outlierTries)
            else { return nil }
            let cause = EjectionChange.Cause.outlier(
                rate: own.rate,
                mean: mean,
                deviation: deviation,
                deviations: deviations
            )
            return Suspect(endpoint: endpoint, cause: cause, rank: own.rate)
        }
    }

    private func byLatency(_ history: TryHistory, _ look: inout PoolLook) -> [Suspect] {
        guard let rule = options.outlier, let factor = rule.slowFactor else { return [] }
        let all = look.endpoints.compactMap { endpoint -> (EndpointIndex, Double)? in
            guard history.tries(endpoint, last: steps).tries >= outlierTries else { return nil }
            return history.latency(endpoint).map { (endpoint, $0) }
        }
        guard all.count >= max(2, rule.minServers) else { return [] }
        let medians = MedianOfOthers(all.map(\.1))
        return all.compactMap { endpoint, latency in
            guard let median = medians.median(without: latency), latency > factor * median else {
                return nil
            }
            let cause = EjectionChange.Cause.slow(
                latency: Int64(min(latency * 1000, 1e18)),
                median: Int64(min(median * 1000, 1e18)),
                factor: factor
            )
            return Suspect(endpoint: endpoint, cause: cause, rank: -latency)
        }
    }
}

/// One look at all endpoints of a pool: what they are compared with, computed where it is asked
/// for.
private struct PoolLook {
    /// Those in service, with a history.
    var endpoints: [EndpointIndex] = []
    private var medians: [UInt64: MedianOfOthers] = [:]

    /// Whether an endpoint is surely worse than the middle one of the others with at least so
    /// many tries in the same steps; false if there is no other.
    mutating func isWorse(
        _ own: SureRate,
        _ history: TryHistory,
        _ steps: Int,
        _ least: UInt32
    ) -> Bool {
        let key = UInt64(steps) << 32 | UInt64(least)
        let known = medians[key]
        let all =
            known
            ?? MedianOfOthers(
                endpoints.compactMap { endpoint in
                    let tries = history.tries(endpoint, last: steps)
                    return tries.tries >= least ? tries.lower : nil
                }
            )
        if known == nil { medians[key] = all }
        guard let median = all.median(without: own.lower) else { return false }
        return own.upper < median
    }
}
