/// The endpoint with the fewest bytes in transfer in relation to its weight.
///
/// Apache's `bytraffic` counts what was transferred; this counts the bytes that the messages under
/// way have announced (their Content-Length), so that an endpoint that is sending a large file
/// gets less while it does. Bytes count for all workers together. Up to 16 endpoints all are
/// compared, beyond that two, drawn without repetition.
public final class LeastBytes: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "least-bytes",
        summary: "the endpoint with the fewest bytes in transfer, by weight",
        source: "after Apache's bytraffic",
        make: { context, _ in LeastBytes(context) }
    )

    private enum InTransfer: EndpointLoad {
        static func load(of index: EndpointIndex, in shared: SharedPool) -> Int64 {
            shared.bytesInTransfer(index)
        }
    }

    private var endpoints: LeastLoaded<InTransfer>

    init(_ context: StrategyContext) {
        endpoints = LeastLoaded(context, choices: .automatic)
        super.init()
    }

    /// Always: they are what it compares.
    public override var countsBytes: Bool { true }

    /// The endpoint with the least in transfer of those that are compared.
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
