/// The endpoint with the fewest requests in flight in relation to its weight.
///
/// HAProxy's `leastconn`, nginx's `least_conn`. In flight counts for all workers together. All
/// endpoints are compared up to 16, linear in their number; beyond that two, drawn without
/// repetition, at a cost that does not grow: with two choices the fullest of n endpoints is only
/// ln ln n / ln 2 above the mean, with one it is about ln n / ln ln n (Mitzenmacher, "The Power of
/// Two Choices in Randomized Load Balancing", IEEE TPDS 2001). `choices` decides otherwise.
public final class LeastConnections: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "least-connections",
        summary: "the endpoint with the fewest requests in flight, by weight",
        source: "HAProxy's leastconn; Mitzenmacher, IEEE TPDS 2001",
        make: { context, _ in LeastConnections(context) }
    )

    private enum InFlight: EndpointLoad {
        static func load(of index: EndpointIndex, in shared: SharedPool) -> Int64 {
            Int64(shared.inFlight(index))
        }
    }

    private var endpoints: LeastLoaded<InFlight>

    init(_ context: StrategyContext) {
        endpoints = LeastLoaded(context, choices: context.options.choices)
        super.init()
    }

    /// The least loaded endpoint of those that are compared.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        endpoints.pick(request.tried, random: &random)
    }

    /// Takes new weights.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        endpoints.weightsChanged(weights)
    }
}
