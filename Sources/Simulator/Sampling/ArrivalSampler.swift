import Balancing
import Configuration

/// Draws when requests come.
struct ArrivalSampler {
    private let kind: ArrivalConfig.Kind
    /// Nanoseconds between two requests on the sampler's own clock.
    private let gap: Double
    private let on: Double
    private let period: Double
    /// The sampler's clock, which stands still between bursts.
    private var clock = 0.0

    /// Arrivals of `rate` requests a second.
    init(_ config: ArrivalConfig, rate: Double) {
        kind = config.kind
        on = Double(config.on.wholeNanoseconds)
        period = on + Double(config.off.wholeNanoseconds)
        let mean = 1e9 / max(rate, 1e-9)
        gap = kind == .bursts ? mean * on / period : mean
    }

    /// When the next request comes, in nanoseconds since the beginning.
    mutating func next(_ random: inout SeededRandom) -> Int64 {
        switch kind {
        case .fixed: clock += gap
        case .poisson, .bursts: clock += gap * random.exponential()
        }
        guard clock < 9e18 else { return Int64.max }
        guard kind == .bursts else { return Int64(clock) }
        let burst = Double(Int64(clock / on))
        let time = burst * period + (clock - burst * on)
        return time < 9e18 ? Int64(time) : Int64.max
    }
}
