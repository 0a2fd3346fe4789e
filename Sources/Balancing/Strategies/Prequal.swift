/// Prequal: the fastest endpoint of those that are not overloaded, by recent load reports.
///
/// Wydrowski, Kleinberg, Rumble and Archer, "Load is not what you should balance: Introducing
/// Prequal", NSDI 2024. A pool keeps the newest reports of up to `pool` endpoints. One is hot if it
/// has more requests in flight than the quantile of recent reports; the fastest cold one is
/// picked, or, if all are hot, the one with the fewest in flight. A report counts one more in
/// flight when it was used, is used b times, b = 2 / ((1 − m/n) × probes − 1) but 1 to 16, ages,
/// and with each pick the oldest or the worst one goes, in turn. With fewer than two reports, the
/// endpoint with fewer in flight of two at random is picked.
///
/// Where probes ask the endpoints, their answers are the reports. Otherwise Weir's own traffic
/// tells: each pick looks at as many endpoints at random as there would be probes (at one where the
/// pool has room for all), by what they have in flight, exactly known and refreshed at each pick,
/// and by the median latency of requests that met about as many.
///
/// Failing fast looks like being idle. So an endpoint that fails loses its report, and the failure
/// counts as a latency of `penalty`; after two failures in a row, three of eight results, or
/// Retry-After it is left alone for `penalty` or Retry-After, on all workers, while another is
/// left. A single failure does not do that, or pools with few errors would lose much capacity.
///
/// In flight and latency are weighed by the mean weight ÷ weight. Linear in `pool`.
public final class Prequal: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "prequal",
        summary: "the fastest endpoint that is not overloaded, by recent load reports",
        source: "Wydrowski et al., NSDI 2024",
        make: { context, _ in Prequal(context) }
    )

    /// Not checked for overlapping access, which takes a tenth of a pick: only the methods below
    /// touch it, and it calls nothing that could come back to them.
    @exclusivity(unchecked) private var core: PrequalCore

    init(_ context: StrategyContext) {
        unsafe core = PrequalCore(context)
        super.init()
    }

    deinit { unsafe core.deallocate() }

    /// Always: they are reports, and failures are to be avoided.
    public override var observesResults: Bool { true }

    /// Always; without them own traffic tells.
    public override var wantsReports: Bool { true }

    /// The best reported endpoint.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        unsafe core.pick(request, random: &random)
    }

    /// Takes new weights.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        unsafe core.weightsChanged(weights)
    }

    /// Remembers the latency; after a failure drops the endpoint's report and avoids it.
    public override func answered(
        _ endpoint: EndpointIndex,
        _ result: TryResult,
        random: inout SeededRandom
    ) {
        unsafe core.answered(endpoint, result, random: &random)
    }

    /// Takes a probe's answer into the pool.
    public override func reported(
        _ endpoint: EndpointIndex,
        _ report: LoadReport,
        random: inout SeededRandom
    ) {
        unsafe core.reported(endpoint, report, random: &random)
    }

    /// The next endpoint to ask, all in turn in random order.
    public override func probeTarget(random: inout SeededRandom) -> EndpointIndex? {
        unsafe core.probeTarget(random: &random)
    }
}
