import Balancing
import Configuration

/// Draws how long a request takes at a machine of speed 1.
struct ServiceSampler {
    private let kind: ServiceConfig.Kind
    private let mean: Double
    private let location: Double
    private let scale: Double

    init(_ config: ServiceConfig) {
        kind = config.kind
        mean = Double(config.mean.wholeNanoseconds)
        switch config.kind {
        case .logNormal:
            let share = Double(config.deviation.wholeNanoseconds) / max(1, mean)
            let variance = Maths.naturalLog(1 + share * share)
            location = Maths.naturalLog(max(1, mean)) - variance / 2
            scale = variance.squareRoot()
        case .pareto:
            // The mean of a Pareto distribution is its least value × shape ÷ (shape - 1).
            location = mean * (config.shape - 1) / config.shape
            scale = -1 / config.shape
        case .fixed, .exponential:
            location = 0
            scale = 0
        }
    }

    /// A service time in nanoseconds.
    func draw(_ random: inout SeededRandom) -> Double {
        switch kind {
        case .fixed: mean
        case .exponential: mean * random.exponential()
        case .logNormal: Maths.exponential(location + scale * random.normal())
        case .pareto: location * Maths.power(random.unit(), scale)
        }
    }
}
