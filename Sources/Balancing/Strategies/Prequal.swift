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
/// tells: each pick looks at as many endpoints at random as there would be probes, by what they
/// have in flight, exactly known and refreshed at each pick, and by the median latency of requests
/// that met about as many.
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

    /// A report is used at most so often, also where the paper's formula has no value.
    private static let mostUses = 16.0
    /// The paper's δ and r_remove.
    private static let delta = 1.0
    private static let removals = 1.0
    /// The longest that an endpoint is left alone after a failure, in nanoseconds.
    private static let mostPenalty: Int64 = 300_000_000_000
    /// After so many ages without a report of a probe, own traffic tells again.
    private static let probeAges: Int64 = 10

    /// How many pairs are drawn at most to find an endpoint that is not avoided.
    private static let draws = 8
    /// So many failures among the last eight results of an endpoint are no accident.
    private static let mostFailures = 3

    private let shared: SharedPool
    private let options: PrequalOptions
    private let penalty: Int64
    private var weights: [UInt32] = []
    private var sampler = WeightedSampler(weights: [])
    /// Mean weight ÷ weight, by endpoint.
    private var scales: [Float] = []
    /// The endpoints in the order in which they are asked; shuffled as it is gone through.
    private var order: [UInt32] = []
    private var asked = 0
    private var uses = 1.0
    private var reports: ReportPool
    private var quantile: LoadQuantile
    private var latencies: LatencyByLoad
    /// The last eight results of each endpoint on this worker, a bit each, 1 for a failure.
    private var failures: [UInt8]
    private var lastProbe: Int64?

    init(_ context: StrategyContext) {
        shared = context.shared
        options = context.options.prequal
        penalty = max(0, context.options.penalty)
        reports = ReportPool(capacity: options.pool)
        quantile = LoadQuantile(options.quantile)
        failures = Array(repeating: 0, count: context.shared.count)
        latencies = LatencyByLoad(
            endpoints: context.shared.count,
            freshness: Prequal.times(Prequal.probeAges, options.age)
        )
        super.init()
    }

    private static func times(_ count: Int64, _ time: Int64) -> Int64 {
        let product = max(1, time).multipliedReportingOverflow(by: count)
        return product.overflow ? .max : product.partialValue
    }

    /// Always: they are reports, and failures are to be avoided.
    public override var observesResults: Bool { true }

    /// Always; without them own traffic tells.
    public override var wantsReports: Bool { true }

    /// The best reported endpoint.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        if !hasProbes(request.now) { lookAround(request.now, &random) }
        let best = bestReport(request)
        guard let best, reports.count >= 2 else { return lessOfTwo(request, &random) }
        var report = reports[best]
        let picked = Int(report.endpoint)
        report.inFlight += scales[picked]
        report.uses &-= 1
        if report.uses > 0 {
            reports[best] = report
        } else {
            reports.remove(at: best)
        }
        reports.removeOne(quantile)
        return picked
    }

    /// Takes new weights.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        guard weights != self.weights else { return }
        self.weights = weights
        sampler = WeightedSampler(weights: weights)
        order = sampler.members
        asked = 0
        let count = Double(max(1, order.count))
        let mean = weights.reduce(0.0) { $0 + Double($1) } / count
        scales = weights.map { $0 == 0 ? 1 : Float(mean / Double($0)) }
        let kept = min(Double(max(1, options.pool)), count)
        let net = (1 - kept / count) * options.probes - Prequal.removals
        let most = Prequal.mostUses
        uses = net > 0 ? min(most, max(1, (1 + Prequal.delta) / net)) : most
        var place = 0
        while place < reports.count {
            if weights[Int(reports[place].endpoint)] == 0 {
                reports.remove(at: place)
            } else {
                place += 1
            }
        }
    }

    /// Remembers the latency; after a failure drops the endpoint's report and avoids it.
    public override func answered(
        _ endpoint: EndpointIndex,
        _ result: TryResult,
        random: inout SeededRandom
    ) {
        guard endpoint >= 0 && endpoint < weights.count else { return }
        let (now, inFlight) = (result.now, result.inFlight)
        switch result.kind {
        case .answered:
            failures[endpoint] <<= 1
            remember(endpoint, inFlight, result.latency, now)
            if !hasProbes(now) { report(own: endpoint, now, &random) }
        case .failed:
            let wait = max(penalty, min(result.retryAfter, Prequal.mostPenalty))
            if isFailing(endpoint) || result.retryAfter > 0 {
                shared.avoid(endpoint, until: now &+ wait)
            }
            reports.remove(endpoint: endpoint)
            remember(endpoint, inFlight, max(result.latency, wait), now)
        case .abandoned:
            let estimate = latencies.estimate(endpoint, inFlight: inFlight, now: now)
            guard Float(result.latency) > estimate else { return }
            remember(endpoint, inFlight, result.latency, now)
        }
    }

    /// Takes a probe's answer into the pool.
    public override func reported(
        _ endpoint: EndpointIndex,
        _ report: LoadReport,
        random: inout SeededRandom
    ) {
        guard endpoint >= 0 && endpoint < weights.count else { return }
        let (now, inFlight) = (report.now, report.inFlight)
        guard inFlight >= 0 else {
            // Without any probe's answer, picks look at own traffic anyway.
            if hasProbes(now) { self.report(own: endpoint, now, &random) }
            return
        }
        lastProbe = now
        let latency =
            report.latency >= 0
            ? Float(report.latency)
            : latencies.estimate(endpoint, inFlight: inFlight, now: now)
        add(endpoint, Float(inFlight), latency, now, isOwn: false, &random)
    }

    /// The next endpoint to ask, all in turn in random order.
    public override func probeTarget(random: inout SeededRandom) -> EndpointIndex? {
        guard !order.isEmpty else { return nil }
        if asked >= order.count { asked = 0 }
        order.swapAt(asked, asked &+ random.next(below: order.count &- asked))
        asked &+= 1
        return Int(order[asked &- 1])
    }
}

extension Prequal {
    private func hasProbes(_ now: Int64) -> Bool {
        guard let lastProbe else { return false }
        return now &- lastProbe <= Prequal.times(Prequal.probeAges, options.age)
    }

    private func remember(
        _ endpoint: EndpointIndex,
        _ inFlight: Int32,
        _ latency: Int64,
        _ now: Int64
    ) {
        latencies.record(endpoint, inFlight: inFlight, latency: latency, now: now)
    }

    /// Does what probes would do, with what is known of own traffic.
    private func lookAround(_ now: Int64, _ random: inout SeededRandom) {
        var count = Int(max(0, min(options.probes, 8)))
        let fraction = options.probes - Double(count)
        if fraction > 0 && Double(random.next() >> 11) * 0x1p-53 < fraction { count += 1 }
        for _ in 0..<min(count, order.count) {
            guard let endpoint = probeTarget(random: &random) else { return }
            report(own: endpoint, now, &random)
        }
    }

    private func report(own endpoint: EndpointIndex, _ now: Int64, _ random: inout SeededRandom) {
        let inFlight = max(0, shared.inFlight(endpoint))
        let latency = latencies.estimate(endpoint, inFlight: inFlight, now: now)
        add(endpoint, Float(inFlight), latency, now, isOwn: true, &random)
    }

    private func add(
        _ endpoint: EndpointIndex,
        _ inFlight: Float,
        _ latency: Float,
        _ now: Int64,
        isOwn: Bool,
        _ random: inout SeededRandom
    ) {
        guard weights[endpoint] > 0, shared.avoidedUntil(endpoint) <= now else { return }
        let scale = scales[endpoint]
        quantile.add(inFlight * scale)
        var uses = Int32(self.uses)
        let fraction = self.uses - Double(uses)
        if fraction > 0 && Double(random.next() >> 11) * 0x1p-53 < fraction { uses &+= 1 }
        reports.add(
            ReportPool.Report(
                endpoint: UInt32(truncatingIfNeeded: endpoint),
                uses: uses,
                inFlight: inFlight * scale,
                latency: latency * scale,
                made: now,
                isOwn: isOwn
            )
        )
    }

    /// The place of the best report that may be used; removes those out of date on the way.
    private func bestReport(_ request: PickRequest) -> Int? {
        let isSecondTry = !request.tried.isEmpty
        var best: Int?
        var bestIsHot = true
        var place = 0
        while place < reports.count {
            var one = reports[place]
            let endpoint = Int(one.endpoint)
            if request.now &- one.made > options.age
                || shared.avoidedUntil(endpoint) > request.now
            {
                reports.remove(at: place)
                continue
            }
            if one.isOwn {
                one.inFlight = Float(max(0, shared.inFlight(endpoint))) * scales[endpoint]
                reports[place] = one
            }
            if !isSecondTry || !request.tried.contains(endpoint) {
                let isHot = quantile.isHot(one.inFlight)
                if let other = best.map({ reports[$0] }) {
                    let isBetter =
                        isHot == bestIsHot ? Prequal.isBetter(one, other, isHot) : !isHot
                    if isBetter { (best, bestIsHot) = (place, isHot) }
                } else {
                    (best, bestIsHot) = (place, isHot)
                }
            }
            place &+= 1
        }
        return best
    }

    private static func isBetter(
        _ one: ReportPool.Report,
        _ other: ReportPool.Report,
        _ areHot: Bool
    ) -> Bool {
        if areHot || one.latency == other.latency { return one.inFlight < other.inFlight }
        return one.latency < other.latency
    }

    /// The less loaded of two at random; of avoided ones only if no other is found.
    private func lessOfTwo(
        _ request: PickRequest,
        _ random: inout SeededRandom
    ) -> EndpointIndex? {
        var found: EndpointIndex?
        for _ in 0..<Prequal.draws {
            guard let pair = sampler.drawPair(excluding: request.tried, random: &random)
            else { return nil }
            let picked = pair.second < 0 ? pair.first : lessOf(pair.first, pair.second, request.now)
            if shared.avoidedUntil(picked) <= request.now { return picked }
            found = found ?? picked
            if pair.second < 0 { break }
        }
        return found
    }

    private func lessOf(
        _ first: EndpointIndex,
        _ second: EndpointIndex,
        _ now: Int64
    ) -> EndpointIndex {
        let firstIsAvoided = shared.avoidedUntil(first) > now
        guard firstIsAvoided == (shared.avoidedUntil(second) > now) else {
            return firstIsAvoided ? second : first
        }
        let firstLoad = Float(shared.inFlight(first)) * scales[first]
        return Float(shared.inFlight(second)) * scales[second] < firstLoad ? second : first
    }

    /// Notes a failure; `true` if it is not just one among answers.
    private func isFailing(_ endpoint: EndpointIndex) -> Bool {
        failures[endpoint] = failures[endpoint] << 1 | 1
        return failures[endpoint] & 0b11 == 0b11
            || failures[endpoint].nonzeroBitCount >= Prequal.mostFailures
    }
}
