/// An endpoint at random, by weight.
///
/// One random number and one read of an alias table, whatever the number of endpoints.
public final class RandomChoice: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "random",
        summary: "an endpoint at random, as often as its weight says",
        source: "Walker's alias method, 1977; Vose 1991",
        make: { _, _ in RandomChoice() }
    )

    private var sampler = WeightedSampler(weights: [])

    /// Any endpoint that has weight and was not tried.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        guard !request.tried.isEmpty else { return sampler.draw(&random) }
        return sampler.draw(excluding: request.tried, random: &random)
    }

    /// Takes new weights.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        sampler = WeightedSampler(weights: weights)
    }
}
