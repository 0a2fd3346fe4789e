/// The better of two endpoints by latency, load and weight.
///
/// Power of two choices, drawn without repetition, on peak EWMA × (in-flight + 1) ÷ weight, as
/// Finagle and linkerd do it; both figures are those of all workers. A failure counts as
/// `penalty`, or as Retry-After if that is longer, not as the time that it took: an endpoint that
/// fails fast does not attract the traffic.
///
/// An endpoint without history is the cheapest while it has nothing in flight and the most
/// expensive while it has: it gets one request and then waits for what becomes of it. Workers that
/// pick in the same instant may each send one. A slow endpoint is forgotten by `decay`: with 10 s
/// one that takes ten times as long as the others is asked again after about 23 s, and only until
/// its requests in flight outweigh what was forgotten.
public final class LatencyWeighted: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "latency-weighted",
        summary: "the better of two by recent latency, requests in flight and weight",
        source: "Finagle's Peak EWMA with power of two choices",
        keepsLatency: true,
        make: { context, _ in LatencyWeighted(context) }
    )

    /// The cost of an endpoint that is waiting for its first result: more than any latency.
    private static let pendingCost = 1e18

    private let shared: SharedPool
    private let latency: PeakEWMA
    private var sampler = WeightedSampler(weights: [])

    init(_ context: StrategyContext) {
        shared = context.shared
        latency = PeakEWMA(decay: context.options.decay, penalty: context.options.penalty)
        super.init()
    }

    /// Always: it lives on them.
    public override var observesResults: Bool { true }

    /// The cheaper of two endpoints.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        guard let (first, second) = sampler.drawPair(excluding: request.tried, random: &random)
        else { return nil }
        guard second >= 0 else { return first }
        return cost(second, request.now) < cost(first, request.now) ? second : first
    }

    /// Takes new weights.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        sampler = WeightedSampler(weights: weights)
    }

    /// Records latency or penalty.
    public override func answered(
        _ endpoint: EndpointIndex,
        _ result: TryResult,
        random: inout SeededRandom
    ) {
        guard endpoint >= 0 && endpoint < shared.capacity else { return }
        unsafe latency.record(result, in: shared.block(endpoint))
    }

    private func cost(_ index: EndpointIndex, _ now: Int64) -> Double {
        let inFlight = Double(max(0, shared.inFlight(index)))
        let weight = Double(sampler.weights[index])
        guard let average = latency.cost(shared.latency(index), now: now) else {
            return LatencyWeighted.pendingCost * inFlight / weight
        }
        return average * (inFlight + 1) / weight
    }
}
