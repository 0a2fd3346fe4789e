import Synchronization

/// Consistent hashing: the same key goes to the same endpoint, on every worker and machine.
///
/// A table (``MaglevTable``, ``RingTable`` or ``RendezvousTable``) over all endpoints that have a
/// weight, whatever their health, is built once for all workers, from names and weights only. A
/// key whose endpoint may not take it goes onward, always the same way: to the next entry, the next
/// point, the next best. So the keys of the other endpoints stay where they are when one falls ill
/// and when it comes back, and its own keys are spread over all the others.
///
/// An endpoint whose weight is below what the file says (slow start) takes that share of its keys,
/// chosen by a second hash: with a growing weight keys only come. With `bounded-load` a full
/// endpoint is passed over (``BoundedLoad``); on the ring by a jump to a place that the key's hash
/// says and not to the next point, or whatever overloads one arc would overload the one behind it
/// (Chen, Coleman, Shrivastava, arXiv 1908.08762).
///
/// Requests without the key go to an endpoint at random, by weight.
public final class ConsistentHash: BalancingStrategy {
    static let entry = StrategyEntry(
        name: "consistent-hash",
        summary: "the same key to the same endpoint, with few keys moved when endpoints change",
        source: "Maglev, NSDI 2016; Karger, 1997; Thaler, 1998; Mirrokni, 2018",
        prepare: { ConsistentHash.table($0, $1) },
        make: { context, _ in ConsistentHash(context) }
    )

    /// Entries or points that are looked at before all endpoints are.
    private static let steps = 128
    /// The share that stands for all keys.
    private static let whole = UInt32.max

    private enum Table {
        case maglev(MaglevTable.View)
        case ring(RingTable.View)
        case rendezvous(RendezvousTable.View)
        case empty
    }

    /// What an endpoint says to a request.
    private enum Verdict {
        /// It takes it.
        case take
        /// It is not there for it, or was tried.
        case skip
        /// It has as much as it may have.
        case full
        /// It takes only other ones of its keys; it serves if nobody else does.
        case reserve
    }

    // What every pick reads comes first, so that it lies in few cache lines.
    private let table: Table
    /// Whether all endpoints of the table take all of their keys, whatever they have in flight; an
    /// atomic, since it costs no exclusivity check.
    private let takesAll = Atomic<Bool>(false)
    private let isBounded: Bool
    /// By endpoint: which share of its keys it takes, 0 if it may not be picked.
    private let shares: FlatArray<UInt32>
    private let bounded: BoundedLoad
    private let shared: SharedPool
    /// By endpoint: the hash of its name.
    private let names: FlatArray<UInt64>
    /// Draws where there is no key.
    private var sampler = WeightedSampler(weights: [])
    private let configured: [UInt32]
    /// Keeps what ``table`` reads.
    private let tableOwner: (any StrategyTable)?

    /// Consistent hashing over the context's table; makes one where there is none.
    init(_ context: StrategyContext) {
        let prepared = context.table ?? ConsistentHash.table(context.endpoints, context.options)
        tableOwner = prepared
        switch prepared {
        case let maglev as MaglevTable: table = .maglev(maglev.view)
        case let ring as RingTable: table = .ring(ring.view)
        case let rendezvous as RendezvousTable: table = .rendezvous(rendezvous.view)
        default: table = .empty
        }
        shared = context.shared
        configured = context.endpoints.map { endpoint in
            let weight = UInt32(clamping: endpoint.weight)
            let (product, overflow) = weight.multipliedReportingOverflow(
                by: BalancingStrategy.unitWeight
            )
            return overflow ? .max : product
        }
        names = FlatArray(context.endpoints.map { KeyHash.hash($0.name) })
        shares = FlatArray(configured.map { $0 > 0 ? ConsistentHash.whole : 0 })
        isBounded = context.options.boundedLoad != nil
        bounded = BoundedLoad(
            factor: context.options.boundedLoad ?? 1,
            count: isBounded ? configured.count : 0
        )
        super.init()
    }

    deinit {
        names.deallocate()
        shares.deallocate()
    }

    /// The table for these endpoints; `nil` if none has a weight.
    private static func table(
        _ endpoints: [StrategyEndpoint],
        _ options: BalanceOptions
    ) -> (any StrategyTable)? {
        let members = HashMember.sorted(endpoints)
        guard !members.isEmpty else { return nil }
        switch options.table {
        case .maglev:
            // All servers of the pool count, so that taking one out by its weight keeps the size.
            let size = MaglevTable.size(servers: endpoints.count, wanted: options.tableSize)
            return MaglevTable(members, size: size)
        case .ring: return RingTable(members)
        case .rendezvous: return RendezvousTable(members)
        }
    }

    /// Always: a request without one is drawn at random.
    public override var usesKeys: Bool { true }

    /// Takes new weights: shares of keys, bounds and draws follow them.
    public override func weightsChanged(_ weights: [UInt32], random: inout SeededRandom) {
        var changed: [UInt32] = []
        for index in configured.indices {
            let whole = configured[index]
            let weight = index < weights.count && whole > 0 ? min(weights[index], whole) : 0
            changed.append(weight)
            if weight == whole {
                shares[index] = whole > 0 ? ConsistentHash.whole : 0
            } else {
                let share = UInt64(weight) * UInt64(ConsistentHash.whole) / UInt64(whole)
                shares[index] = UInt32(truncatingIfNeeded: max(share, weight > 0 ? 1 : 0))
            }
        }
        if isBounded { bounded.weightsChanged(changed) }
        sampler = WeightedSampler(weights: changed)
        takesAll.store(!isBounded && changed == configured, ordering: .relaxed)
    }

    /// The endpoint of the request's key, or one onward that may take it.
    public override func pick(
        _ request: PickRequest,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        guard request.hasKey else {
            return sampler.draw(excluding: request.tried, random: &random)
        }
        if isBounded { bounded.refresh(shared, now: request.now) }
        // Others (a split by share, priorities) use the same hash; what they choose by it must not
        // choose here too.
        let key = KeyHash.mix(request.key ^ 0x6a09_e667_f3bc_c908)
        if request.tried.isEmpty, takesAll.load(ordering: .relaxed) { return home(key) }
        let found: EndpointIndex? =
            switch table {
            case .maglev(let table): probe(table, key, request.tried)
            case .ring(let table): walk(table, key, request.tried)
            case .rendezvous(let table):
                table.inverses.count == 0
                    ? highest(table, key, request.tried) : weighted(table, key, request.tried)
            case .empty: nil
            }
        return found ?? anyEndpoint(key, request.tried)
    }

    /// The endpoint of a key that nothing keeps away from it.
    private func home(_ key: UInt64) -> EndpointIndex? {
        switch table {
        case .maglev(let table): table.owner(KeyHash.place(key, below: table.size))
        case .ring(let table): table.owner(table.locate(key))
        case .rendezvous(let table):
            table.inverses.count == 0
                ? first(table, key) : weighted(table, key, TriedEndpoints())
        case .empty: nil
        }
    }

    private func verdict(
        _ endpoint: EndpointIndex,
        _ key: UInt64,
        _ tried: TriedEndpoints
    ) -> Verdict {
        let share = shares[endpoint]
        if share == 0 || (!tried.isEmpty && tried.contains(endpoint)) { return .skip }
        if isBounded, !bounded.hasRoom(endpoint, shared) { return .full }
        if share == ConsistentHash.whole { return .take }
        let second = KeyHash.mix(~key &+ names[endpoint])
        return second >> 32 < UInt64(share) ? .take : .reserve
    }

    private func probe(
        _ table: MaglevTable.View,
        _ key: UInt64,
        _ tried: TriedEndpoints
    ) -> EndpointIndex? {
        var slot = KeyHash.place(key, below: table.size)
        var reserve: EndpointIndex?
        for _ in 0..<ConsistentHash.steps {
            let endpoint = table.owner(slot)
            switch verdict(endpoint, key, tried) {
            case .take: return endpoint
            case .reserve: reserve = reserve ?? endpoint
            // Neighbours in this table are as good as random: no jump is needed.
            case .skip, .full: break
            }
            slot &+= 1
            if slot == table.size { slot = 0 }
        }
        return reserve
    }

    private func walk(
        _ table: RingTable.View,
        _ key: UInt64,
        _ tried: TriedEndpoints
    ) -> EndpointIndex? {
        var place = key
        var point = table.locate(place)
        var reserve: EndpointIndex?
        for _ in 0..<ConsistentHash.steps {
            let endpoint = table.owner(point)
            switch verdict(endpoint, key, tried) {
            case .take: return endpoint
            case .reserve:
                reserve = reserve ?? endpoint
                point = table.following(point)
            case .skip: point = table.following(point)
            case .full:
                place = KeyHash.mix(place)
                point = table.locate(place)
            }
        }
        return reserve
    }

    private func highest(
        _ table: RendezvousTable.View,
        _ key: UInt64,
        _ tried: TriedEndpoints
    ) -> EndpointIndex? {
        // Nearly always the best of all takes it, and the loop without questions is short.
        let endpoint = first(table, key)
        if case .take = verdict(endpoint, key, tried) { return endpoint }
        return nextHighest(table, key, tried)
    }

    private func first(_ table: RendezvousTable.View, _ key: UInt64) -> EndpointIndex {
        var first = 0
        var firstScore: UInt64 = 0
        for rank in 0..<table.hashes.count {
            let score = KeyHash.mix(key ^ table.hashes[rank])
            let isBetter = score >= firstScore
            first = isBetter ? rank : first
            firstScore = isBetter ? score : firstScore
        }
        return Int(table.indices[first])
    }

    private func nextHighest(
        _ table: RendezvousTable.View,
        _ key: UInt64,
        _ tried: TriedEndpoints
    ) -> EndpointIndex? {
        var best: EndpointIndex?
        var bestScore: UInt64 = 0
        var reserve: EndpointIndex?
        var reserveScore: UInt64 = 0
        for rank in 0..<table.hashes.count {
            let score = KeyHash.mix(key ^ table.hashes[rank])
            if score < bestScore { continue }
            let endpoint = Int(table.indices[rank])
            switch verdict(endpoint, key, tried) {
            case .take:
                best = endpoint
                bestScore = score
            case .reserve where reserve == nil || score > reserveScore:
                reserve = endpoint
                reserveScore = score
            case .reserve, .skip, .full: break
            }
        }
        return best ?? reserve
    }

    private func weighted(
        _ table: RendezvousTable.View,
        _ key: UInt64,
        _ tried: TriedEndpoints
    ) -> EndpointIndex? {
        var best: EndpointIndex?
        var bestCost = Double.infinity
        var reserve: EndpointIndex?
        var reserveCost = Double.infinity
        for rank in 0..<table.hashes.count {
            let fraction = RendezvousTable.fraction(KeyHash.mix(key ^ table.hashes[rank]))
            // -ln u is at least 1 - u: nearly all need no logarithm.
            if (1 - fraction) * table.inverses[rank] >= bestCost { continue }
            let cost = -Maths.naturalLog(fraction) * table.inverses[rank]
            if cost >= bestCost { continue }
            let endpoint = Int(table.indices[rank])
            switch verdict(endpoint, key, tried) {
            case .take:
                best = endpoint
                bestCost = cost
            case .reserve where cost < reserveCost:
                reserve = endpoint
                reserveCost = cost
            case .reserve, .skip, .full: break
            }
        }
        return best ?? reserve
    }

    /// The best by key among all that may be picked at all, those with room first.
    private func anyEndpoint(_ key: UInt64, _ tried: TriedEndpoints) -> EndpointIndex? {
        var best: EndpointIndex?
        var bestScore: UInt64 = 0
        var bestHasRoom = false
        for endpoint in 0..<shares.count where shares[endpoint] > 0 {
            if tried.contains(endpoint) { continue }
            let hasRoom = !isBounded || bounded.hasRoom(endpoint, shared)
            let score = KeyHash.mix(key ^ names[endpoint])
            let isBetter = hasRoom == bestHasRoom ? score > bestScore : hasRoom
            if best == nil || isBetter {
                best = endpoint
                bestScore = score
                bestHasRoom = hasRoom
            }
        }
        return best
    }
}
