import Synchronization

/// Picks endpoints for one pool and worker: what all strategies have in common.
///
/// It decides who may be picked and with which weight (weight 0, availability, slow start, panic),
/// shares the traffic out among priorities, and leaves the choice within a priority to the
/// strategy. What it computes changes rarely: a pick compares one number with the shared one.
public final class PoolBalancer {
    /// The weights that a ramp goes through.
    private static let rampSteps: Int64 = 32
    /// A returning endpoint's weight begins at this share.
    private static let rampStart = 0.1

    private let plan: PoolPlan
    private let tiers: [BalancingStrategy]
    /// By endpoint: which of ``tiers`` is its.
    private let tierOfEndpoint: [Int]
    /// By tier: what its endpoints weigh.
    private var weights: [[UInt32]]
    private var shares: TierShares
    private var version: UInt32
    /// When weights change by themselves next, `Int64.max` if none does.
    private var nextRamp = Int64.max

    /// Whether results are to be told: ``answered(_:_:random:)``.
    public let observesResults: Bool
    /// Whether bytes in transfer are to be counted: ``EndpointBlock/bytesInTransfer``.
    public let countsBytes: Bool
    /// Whether requests are to bring their key.
    public let usesKeys: Bool
    /// Whether probes are to be told: ``reported(_:_:random:)``.
    public let wantsReports: Bool
    /// Whether health is being ignored, since too few endpoints are healthy.
    public private(set) var isInPanic = false
    private var isAnyHealthy = false

    /// A balancer of one worker.
    public init(_ plan: PoolPlan, now: Int64, random: inout SeededRandom) {
        self.plan = plan
        var tiers: [BalancingStrategy] = []
        for (tier, priority) in plan.priorities.enumerated() {
            let context = StrategyContext(
                endpoints: plan.members(priority),
                options: plan.options,
                shared: plan.shared,
                table: plan.tables[tier]
            )
            // The file was checked against the registry, so the first choice exists.
            tiers.append(
                StrategyRegistry.make(context, random: &random)
                    ?? RoundRobin()
            )
        }
        self.tiers = tiers
        tierOfEndpoint = plan.endpoints.map { plan.priorities.firstIndex(of: $0.priority) ?? 0 }
        observesResults = tiers.contains { $0.observesResults }
        countsBytes = tiers.contains { $0.countsBytes }
        usesKeys = tiers.contains { $0.usesKeys }
        wantsReports = tiers.contains { $0.wantsReports }
        weights = tiers.map { _ in [] }
        shares = TierShares(healthy: [], spillBelow: 1)
        version = 0
        refresh(now, &random)
    }

    /// The endpoint for a request, or `nil` if none is left that may take it.
    ///
    /// Allocates nothing unless an endpoint's weight or availability changed.
    public func pick(_ request: PickRequest, random: inout SeededRandom) -> EndpointIndex? {
        if plan.shared.version.load(ordering: .acquiring) != version || request.now >= nextRamp {
            refresh(request.now, &random)
        }
        if tiers.count == 1 { return tiers[0].pick(request, random: &random) }
        guard !tiers.isEmpty else { return nil }
        // The same key has to come out at the same priority each time.
        let place = request.hasKey ? KeyHash.mix(request.key) : random.next()
        let first = shares.tier(at: Double(place >> 11) * 0x1p-53)
        if let picked = tiers[first].pick(request, random: &random) { return picked }
        for tier in tiers.indices where tier != first {
            if let picked = tiers[tier].pick(request, random: &random) { return picked }
        }
        return nil
    }

    /// Whether any endpoint that takes part is well.
    public func hasHealthy(now: Int64, random: inout SeededRandom) -> Bool {
        if plan.shared.version.load(ordering: .acquiring) != version || now >= nextRamp {
            refresh(now, &random)
        }
        return isAnyHealthy
    }

    /// Whether the file gives an endpoint any traffic.
    public func isWeighted(_ endpoint: EndpointIndex) -> Bool {
        endpoint >= 0 && endpoint < plan.endpoints.count && plan.endpoints[endpoint].weight > 0
    }

    /// An endpoint besides these that may be picked, whatever the strategy says; `nil` if there is
    /// none.
    ///
    /// O(endpoints); allocates nothing.
    public func any(where isSuitable: (EndpointIndex) -> Bool) -> EndpointIndex? {
        for tier in weights.indices {
            for (index, weight) in weights[tier].enumerated()
            where weight > 0 && isSuitable(index) {
                return index
            }
        }
        return nil
    }

    /// Whether a client that sticks to this endpoint may go there.
    public func accepts(sticky endpoint: EndpointIndex) -> Bool {
        guard endpoint >= 0, endpoint < plan.endpoints.count else { return false }
        switch plan.shared.availability(endpoint) {
        case .up, .draining: return true
        case .unhealthy: return isInPanic
        case .down: return false
        }
    }

    /// A try at this endpoint was answered or failed; needed only if ``observesResults``.
    public func answered(
        _ endpoint: EndpointIndex,
        _ result: TryResult,
        random: inout SeededRandom
    ) {
        guard endpoint >= 0, endpoint < tierOfEndpoint.count else { return }
        tiers[tierOfEndpoint[endpoint]].answered(endpoint, result, random: &random)
    }

    /// A probe has told the endpoint's load; needed only if ``wantsReports``.
    public func reported(
        _ endpoint: EndpointIndex,
        _ report: LoadReport,
        random: inout SeededRandom
    ) {
        guard endpoint >= 0, endpoint < tierOfEndpoint.count else { return }
        tiers[tierOfEndpoint[endpoint]].reported(endpoint, report, random: &random)
    }

    /// An endpoint that is worth asking for its load, `nil` if there is none.
    ///
    /// Consecutive calls give different endpoints as long as there are any. Of several priorities
    /// one is drawn, as for a request. Allocates nothing.
    public func probeTarget(random: inout SeededRandom) -> EndpointIndex? {
        if tiers.count == 1 { return tiers[0].probeTarget(random: &random) }
        guard !tiers.isEmpty else { return nil }
        let tier = shares.tier(at: Double(random.next() >> 11) * 0x1p-53)
        return tiers[tier].probeTarget(random: &random)
    }

    private func refresh(_ now: Int64, _ random: inout SeededRandom) {
        version = plan.shared.version.load(ordering: .acquiring)
        let states = plan.endpoints.indices.map { plan.shared.availability($0) }
        let condition = PoolCondition(plan, states)
        isAnyHealthy = condition.healthyWeight > 0
        isInPanic = condition.isInPanic
        shares = condition.shares
        nextRamp = Int64.max
        let effective = plan.endpoints.indices.map { weight($0, states[$0], now) }
        for tier in tiers.indices {
            let own = effective.indices.map { tierOfEndpoint[$0] == tier ? effective[$0] : 0 }
            guard own != weights[tier] else { continue }
            weights[tier] = own
            tiers[tier].weightsChanged(own, random: &random)
        }
    }

    /// An endpoint's weight now, in thousandths; notes when it will be another.
    private func weight(_ index: EndpointIndex, _ state: Availability, _ now: Int64) -> UInt32 {
        guard state == .up || (isInPanic && state == .unhealthy) else { return 0 }
        let whole = plan.endpoints[index].weight * Int(BalancingStrategy.unitWeight)
        let returned = plan.shared.returned(index)
        guard returned != 0, plan.slowStart > 0 else { return UInt32(clamping: whole) }
        let passed = max(0, now &- returned)
        guard passed < plan.slowStart else { return UInt32(clamping: whole) }
        nextRamp = min(nextRamp, now &+ max(1, plan.slowStart / PoolBalancer.rampSteps))
        let share = max(PoolBalancer.rampStart, Double(passed) / Double(plan.slowStart))
        return UInt32(clamping: max(whole > 0 ? 1 : 0, Int(Double(whole) * share)))
    }
}
