/// One worker's state of ``Prequal``.
///
/// A struct with mutating methods: in the class each access to a property would be checked for
/// exclusivity, at ten times the cost of the access.
struct PrequalCore {
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
    /// As many endpoints a pick looks at by itself at most.
    private static let mostLooks = 8
    /// Up to so many endpoints, all are looked at if the draws found none.
    private static let few = 64
    /// So many failures among the last eight results of an endpoint are no accident.
    private static let mostFailures = 3

    private let shared: SharedPool
    private let options: PrequalOptions
    private let penalty: Int64
    private var weights: [UInt32] = []
    private var sampler = WeightedSampler(weights: [])
    /// Mean weight ÷ weight, by endpoint.
    private let scales: FlatArray<Float>
    /// The endpoints in the order in which they are asked; shuffled as it is gone through.
    private let order: FlatArray<UInt32>
    private var orderCount = 0
    private var asked = 0
    /// Whether there are more endpoints than reports, and caches may not hold what is read of them.
    private var isLarge = false
    /// How many endpoints a pick looks at without probes, and with which chance at one more.
    private var looks = 0
    private var oneMoreLook = 0.0
    /// How often a report is used, and with which chance once more.
    private var uses: Int32 = 1
    private var oneMoreUse = 0.0
    private var reports: ReportPool
    private var quantile: LoadQuantile
    private let latencies: LatencyByLoad
    /// The last eight results of each endpoint on this worker, a bit each, 1 for a failure.
    private let failures: FlatArray<UInt8>
    private var lastProbe: Int64?
    /// For so long after a probe's answer own traffic does not tell, in nanoseconds.
    private let probeTime: Int64
    /// Whether a report has come since one was removed.
    private var hasNews = false

    init(_ context: StrategyContext) {
        shared = context.shared
        options = context.options.prequal
        penalty = max(0, context.options.penalty)
        probeTime = PrequalCore.times(PrequalCore.probeAges, options.age)
        reports = ReportPool(capacity: options.pool)
        quantile = LoadQuantile(options.quantile)
        failures = FlatArray(Array(repeating: 0, count: context.endpoints.count))
        scales = FlatArray(Array(repeating: 1, count: context.endpoints.count))
        order = FlatArray(Array(repeating: 0, count: context.endpoints.count))
        latencies = LatencyByLoad(
            endpoints: context.endpoints.count,
            freshness: probeTime
        )
    }

    /// Frees the memory; after the last use.
    func deallocate() {
        reports.deallocate()
        quantile.deallocate()
        latencies.deallocate()
        scales.deallocate()
        order.deallocate()
        failures.deallocate()
    }

    private static func times(_ count: Int64, _ time: Int64) -> Int64 {
        let product = max(1, time).multipliedReportingOverflow(by: count)
        return product.overflow ? .max : product.partialValue
    }

    /// The best reported endpoint.
    mutating func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        if hasProbes(request.now) {
            prefetchReported()
        } else {
            lookAround(request.now, &random)
        }
        let best = bestReport(request)
        guard let best, reports.count >= 2 else { return lessOfTwo(request, &random) }
        let picked = reports.use(best)
        // Where reports come more slowly than picks, removing with each pick would empty the pool.
        if hasNews {
            reports.removeOne(quantile)
            hasNews = false
        }
        return picked
    }

    /// Takes new weights.
    mutating func weightsChanged(_ weights: [UInt32]) {
        self.weights = weights
        sampler = WeightedSampler(weights: weights)
        orderCount = sampler.members.count
        for place in 0..<orderCount { order[place] = sampler.members[place] }
        asked = 0
        let count = Double(max(1, orderCount))
        let mean = weights.reduce(0.0) { $0 + Double($1) } / count
        for (index, weight) in weights.enumerated() {
            scales[index] = weight == 0 ? 1 : Float(mean / Double(weight))
        }
        let kept = min(Double(max(1, options.pool)), count)
        let net = (1 - kept / count) * options.probes - PrequalCore.removals
        let most = PrequalCore.mostUses
        let uses = net > 0 ? min(most, max(1, (1 + PrequalCore.delta) / net)) : most
        self.uses = Int32(uses)
        oneMoreUse = uses - Double(self.uses)
        isLarge = orderCount > options.pool
        // Where the pool has room for all of them, it is refreshed at each pick anyway.
        let wanted = isLarge ? options.probes : min(1, options.probes)
        looks = Int(max(0, min(wanted, Double(PrequalCore.mostLooks))))
        oneMoreLook = wanted - Double(looks)
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
    mutating func answered(
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
            if weights[endpoint] > 0 && !hasProbes(now) { report(own: endpoint, now, &random) }
        case .failed:
            let wait = max(penalty, min(result.retryAfter, PrequalCore.mostPenalty))
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
    mutating func reported(
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
        guard weights[endpoint] > 0 else { return }
        let latency =
            report.latency >= 0
            ? Float(report.latency)
            : latencies.estimate(endpoint, inFlight: inFlight, now: now)
        guard shared.avoidedUntil(endpoint) <= now else { return }
        add(endpoint, Float(inFlight), latency, now, isOwn: false, &random)
    }

    /// The next endpoint to ask, all in turn in random order.
    mutating func probeTarget(random: inout SeededRandom) -> EndpointIndex? {
        guard orderCount > 0 else { return nil }
        if asked >= orderCount { asked = 0 }
        let drawn = asked &+ random.next(below: orderCount &- asked)
        let endpoint = order[drawn]
        order[drawn] = order[asked]
        order[asked] = endpoint
        asked &+= 1
        return Int(endpoint)
    }
}

extension PrequalCore {
    private func hasProbes(_ now: Int64) -> Bool {
        guard let lastProbe else { return false }
        return now &- lastProbe <= probeTime
    }

    /// Asks for the blocks that ``bestReport(_:)`` reads.
    private func prefetchReported() {
        guard isLarge else { return }
        for place in 0..<reports.count { shared.prefetch(Int(reports[place].endpoint)) }
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
    @inline(__always)
    private mutating func lookAround(_ now: Int64, _ random: inout SeededRandom) {
        var count = looks
        if oneMoreLook > 0 && random.nextUnit() < oneMoreLook { count &+= 1 }
        count = min(count, orderCount)
        if isLarge { return lookFar(count, now, &random) }
        for _ in 0..<count {
            guard let endpoint = probeTarget(random: &random) else { return }
            report(own: endpoint, now, &random)
        }
    }

    /// Looks at so many of more endpoints than caches may hold.
    ///
    /// All are drawn and asked for before the first is read, so that cache misses overlap.
    @inline(never)
    private mutating func lookFar(_ count: Int, _ now: Int64, _ random: inout SeededRandom) {
        prefetchReported()
        var targets = InlineArray<8, UInt32>(repeating: 0)
        for place in 0..<count {
            guard let endpoint = probeTarget(random: &random) else { return }
            targets[place] = UInt32(truncatingIfNeeded: endpoint)
            shared.prefetch(endpoint)
            latencies.prefetch(endpoint)
            scales.prefetch(endpoint)
        }
        for place in 0..<count { report(own: Int(targets[place]), now, &random) }
    }

    @inline(never)
    private mutating func report(
        own endpoint: EndpointIndex,
        _ now: Int64,
        _ random: inout SeededRandom
    ) {
        let load = shared.load(endpoint)
        guard load.avoidedUntil <= now else { return }
        let latency = latencies.estimate(endpoint, inFlight: load.inFlight, now: now)
        add(endpoint, Float(load.inFlight), latency, now, isOwn: true, &random)
    }

    /// Adds a report of an endpoint that is not avoided.
    @inline(__always)
    private mutating func add(
        _ endpoint: EndpointIndex,
        _ inFlight: Float,
        _ latency: Float,
        _ now: Int64,
        isOwn: Bool,
        _ random: inout SeededRandom
    ) {
        let scale = scales[endpoint]
        quantile.add(inFlight * scale)
        var uses = uses
        if oneMoreUse > 0 && random.nextUnit() < oneMoreUse { uses &+= 1 }
        hasNews = true
        let place = reports.place(for: UInt32(truncatingIfNeeded: endpoint))
        reports[place] = ReportPool.Report(
            endpoint: UInt32(truncatingIfNeeded: endpoint),
            uses: uses,
            inFlight: inFlight * scale,
            latency: latency * scale,
            made: now,
            isOwn: isOwn,
            scale: scale
        )
    }

    /// The place of the best report that may be used.
    @inline(__always)
    private mutating func bestReport(_ request: PickRequest) -> Int? {
        guard !request.tried.isEmpty else { return best(request.now) { _ in true } }
        return bestUntried(request)
    }

    /// Of its own, so that first tries are not slowed down by what second ones need.
    @inline(never)
    private mutating func bestUntried(_ request: PickRequest) -> Int? {
        best(request.now) { !request.tried.contains($0) }
    }

    /// The place of the best report of those that may be used.
    ///
    /// Removes those out of date on the way, and brings those of own traffic up to date.
    @inline(__always)
    private mutating func best(_ now: Int64, _ mayBeUsed: (EndpointIndex) -> Bool) -> Int? {
        let hotFrom = quantile.hotFrom
        let oldest = now &- options.age
        var best = -1
        var bestRank = UInt64.max
        var place = 0
        while place < reports.count {
            let one = reports[place]
            let endpoint = Int(one.endpoint)
            let known = shared.load(endpoint)
            if one.made < oldest || known.avoidedUntil > now {
                reports.remove(at: place)
                continue
            }
            var inFlight = one.inFlight
            if one.isOwn {
                inFlight = Float(known.inFlight) * one.scale
                reports.update(place, inFlight: inFlight)
            }
            if mayBeUsed(endpoint) {
                let rank = ReportPool.rank(inFlight, one.latency, isHot: inFlight >= hotFrom)
                let isBetter = rank < bestRank
                best = isBetter ? place : best
                bestRank = isBetter ? rank : bestRank
            }
            place &+= 1
        }
        return best < 0 ? nil : best
    }

    /// The less loaded of two at random; of avoided ones only if no other is found.
    ///
    /// Rarely needed: of its own, so that picks that do not need it do not load its code.
    @inline(never)
    private func lessOfTwo(
        _ request: PickRequest,
        _ random: inout SeededRandom
    ) -> EndpointIndex? {
        var found: EndpointIndex?
        for _ in 0..<PrequalCore.draws {
            guard let pair = sampler.drawPair(excluding: request.tried, random: &random)
            else { return nil }
            let picked = pair.second < 0 ? pair.first : lessOf(pair.first, pair.second, request.now)
            if shared.avoidedUntil(picked) <= request.now { return picked }
            found = found ?? picked
            if pair.second < 0 { return found }
        }
        guard sampler.members.count <= PrequalCore.few else { return found }
        for member in sampler.members
        where shared.avoidedUntil(Int(member)) <= request.now
            && !request.tried.contains(Int(member))
        {
            return Int(member)
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
    private mutating func isFailing(_ endpoint: EndpointIndex) -> Bool {
        failures[endpoint] = failures[endpoint] << 1 | 1
        return failures[endpoint] & 0b11 == 0b11
            || failures[endpoint].nonzeroBitCount >= PrequalCore.mostFailures
    }
}
