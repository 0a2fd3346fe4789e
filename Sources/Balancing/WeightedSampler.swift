/// Draws endpoints at random, each as often as its weight says.
///
/// Where weights differ it keeps an alias table (Walker 1977, built as by Vose 1991), so that a
/// draw is one random number and one read, whatever the number of endpoints. 16 bytes an endpoint.
struct WeightedSampler {
    /// How often a draw that hit an excluded endpoint is repeated before all are looked at.
    private static let tries = 16
    /// Up to so many endpoints, looking at all is as cheap as repeating.
    private static let few = 8

    private struct Slot {
        /// Below this part of 2³² the slot gives `own`, else `other`.
        var threshold: UInt32
        var own: UInt32
        var other: UInt32
    }

    /// The endpoints that have weight, in their pool's order.
    let members: [UInt32]
    /// Whether all of them weigh the same.
    let isUniform: Bool
    private let slots: [Slot]
    /// What each endpoint of the pool weighs.
    let weights: [UInt32]

    /// A sampler of endpoints with these weights.
    init(weights: [UInt32]) {
        self.weights = weights
        members = weights.indices.filter { weights[$0] > 0 }.map { UInt32(truncatingIfNeeded: $0) }
        let first = members.first.map { weights[Int($0)] } ?? 0
        isUniform = members.allSatisfy { weights[Int($0)] == first }
        slots = isUniform ? [] : WeightedSampler.aliases(members, weights)
    }

    /// An endpoint by weight; `nil` if none has any.
    func draw(_ random: inout SeededRandom) -> EndpointIndex? {
        guard members.count > 1 else { return members.first.map { Int($0) } }
        // The product's high word is the slot, its low one says where in the slot: one random
        // number serves for both.
        let place = random.next().multipliedFullWidth(by: UInt64(members.count))
        guard !isUniform else { return Int(members[Int(place.high)]) }
        let slot = slots[Int(place.high)]
        return Int(
            UInt32(truncatingIfNeeded: place.low >> 32) < slot.threshold
                ? slot.own : slot.other
        )
    }

    /// An endpoint by weight, but none that was tried and not `besides`; `nil` if none is left.
    func draw(
        excluding tried: TriedEndpoints,
        besides: EndpointIndex = -1,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        if members.count > WeightedSampler.few {
            for _ in 0..<WeightedSampler.tries {
                guard let drawn = draw(&random) else { return nil }
                if drawn != besides && !tried.contains(drawn) { return drawn }
            }
        }
        var total = 0
        for member in members where Int(member) != besides && !tried.contains(Int(member)) {
            total &+= Int(weights[Int(member)])
        }
        guard total > 0 else { return nil }
        var place = random.next(below: total)
        for member in members where Int(member) != besides && !tried.contains(Int(member)) {
            place &-= Int(weights[Int(member)])
            if place < 0 { return Int(member) }
        }
        return nil
    }

    /// An endpoint by weight that is not marked with `mark`; `nil` if none is left.
    ///
    /// `marks` has one for each endpoint.
    func draw(
        unmarked marks: Span<UInt32>,
        _ mark: UInt32,
        random: inout SeededRandom
    ) -> EndpointIndex? {
        for _ in 0..<WeightedSampler.tries {
            guard let drawn = draw(&random) else { return nil }
            if marks[drawn] != mark { return drawn }
        }
        var total = 0
        for member in members where marks[Int(member)] != mark {
            total &+= Int(weights[Int(member)])
        }
        guard total > 0 else { return nil }
        var place = random.next(below: total)
        for member in members where marks[Int(member)] != mark {
            place &-= Int(weights[Int(member)])
            if place < 0 { return Int(member) }
        }
        return nil
    }

    /// Two different endpoints, each drawn by weight from those that are left.
    ///
    /// Drawn without repetition: with it, two endpoints would be one and the same in half of the
    /// cases, and the busier one picked in a quarter of them (envoy#11004). `second` is -1 if only
    /// one is left.
    func drawPair(
        excluding tried: TriedEndpoints,
        random: inout SeededRandom
    ) -> (first: EndpointIndex, second: EndpointIndex)? {
        if tried.isEmpty && isUniform && members.count > 1 {
            let first = random.next(below: members.count)
            var second = random.next(below: members.count &- 1)
            if second >= first { second &+= 1 }
            return (Int(members[first]), Int(members[second]))
        }
        guard let first = draw(excluding: tried, random: &random) else { return nil }
        return (first, draw(excluding: tried, besides: first, random: &random) ?? -1)
    }

    /// Vose's construction: each endpoint that has less than a slot shares it with one that has
    /// more.
    private static func aliases(_ members: [UInt32], _ weights: [UInt32]) -> [Slot] {
        let total = members.reduce(0.0) { $0 + Double(weights[Int($1)]) }
        let scale = Double(members.count) / total
        var parts = members.map { Double(weights[Int($0)]) * scale }
        var slots = members.map { Slot(threshold: .max, own: $0, other: $0) }
        var small = parts.indices.filter { parts[$0] < 1 }
        var large = parts.indices.filter { parts[$0] >= 1 }
        while let less = small.popLast(), let more = large.last {
            slots[less].threshold = UInt32(min(parts[less] * 0x1p32, Double(UInt32.max)))
            slots[less].other = slots[more].own
            parts[more] = (parts[more] + parts[less]) - 1
            if parts[more] < 1 {
                large.removeLast()
                small.append(more)
            }
        }
        return slots
    }
}
