/// What is compared of two endpoints.
protocol EndpointLoad {
    /// The endpoint's load, from its shared block.
    static func load(of index: EndpointIndex, in shared: SharedPool) -> Int64
}

/// Finds the endpoint with the least load in relation to its weight, among all or among some.
///
/// Ties go to one of the tied at random, by weight: an idle pool shares its few requests out as
/// the weights say.
struct LeastLoaded<Load: EndpointLoad> {
    /// Up to so many endpoints, all are compared unless the file says otherwise.
    private static var few: Int { 16 }

    private let shared: SharedPool
    private let choices: BalanceOptions.Choices
    private var sampler = WeightedSampler(weights: [])
    /// Each member's load while all are compared.
    private var loads: [Double]
    /// The number of the last pick that drew this endpoint.
    private var marks: [UInt32]
    private var mark: UInt32 = 0

    init(_ context: StrategyContext, choices: BalanceOptions.Choices) {
        shared = context.shared
        self.choices = choices
        loads = Array(repeating: 0, count: context.endpoints.count)
        marks = Array(repeating: 0, count: context.endpoints.count)
    }

    mutating func weightsChanged(_ weights: [UInt32]) {
        sampler = WeightedSampler(weights: weights)
    }

    mutating func pick(
        _ tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        let count = sampler.members.count
        switch choices {
        case .automatic where count > Self.few: return lessOfTwo(tried, random: &random)
        case .automatic, .all: return leastOfAll(tried, random: &random)
        case .sampled(let wanted) where wanted >= count: return leastOfAll(tried, random: &random)
        case .sampled(2): return lessOfTwo(tried, random: &random)
        case .sampled(let wanted): return leastOfSome(wanted, tried, random: &random)
        }
    }

    private func relativeLoad(_ index: EndpointIndex) -> Double {
        let load = Double(Load.load(of: index, in: shared))
        // Divided, not multiplied by an inverse: equal fractions have to come out equal.
        return sampler.isUniform ? load : load / Double(sampler.weights[index])
    }

    private func lessOfTwo(
        _ tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        guard let (first, second) = sampler.drawPair(excluding: tried, random: &random) else {
            return nil
        }
        guard second >= 0 else { return first }
        return relativeLoad(second) < relativeLoad(first) ? second : first
    }

    private mutating func leastOfAll(
        _ tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        let members = sampler.members
        let weights = sampler.weights
        let shared = self.shared
        let isUniform = sampler.isUniform
        var loads = self.loads.mutableSpan
        let isSecondTry = !tried.isEmpty
        var least = Double.infinity
        // The reads come first and depend on nothing, so that cache misses overlap.
        for place in members.indices {
            let index = Int(members[place])
            var load = Double(Load.load(of: index, in: shared))
            if !isUniform { load /= Double(weights[index]) }
            if isSecondTry && tried.contains(index) { load = .infinity }
            loads[place] = load
            if load < least { least = load }
        }
        guard least < .infinity else { return nil }
        var tiedWeight = 0
        for place in members.indices where loads[place] == least {
            tiedWeight &+= Int(weights[Int(members[place])])
        }
        var drawn = random.next(below: tiedWeight)
        for place in members.indices where loads[place] == least {
            let index = Int(members[place])
            drawn &-= Int(weights[index])
            if drawn < 0 { return index }
        }
        return nil
    }

    private mutating func leastOfSome(
        _ wanted: Int,
        _ tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        mark &+= 1
        for place in 0..<tried.count where tried[place] < marks.count {
            marks[tried[place]] = mark
        }
        var best: EndpointIndex?
        var least = Double.infinity
        var tied = 0
        for _ in 0..<max(1, wanted) {
            guard
                let drawn = sampler.draw(unmarked: marks.span, mark, random: &random)
            else { break }
            marks[drawn] = mark
            let load = relativeLoad(drawn)
            if load < least {
                (best, least, tied) = (drawn, load, 1)
            } else if load == least {
                // They came by weight, so each of them is as good now.
                tied &+= 1
                if random.next(below: tied) == 0 { best = drawn }
            }
        }
        return best
    }
}
