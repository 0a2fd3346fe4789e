/// Maglev's lookup table (Eisenbud et al., NSDI 2016, §3.4).
///
/// Each endpoint has a permutation of the table's entries, made from its name's hash; in turn,
/// each takes the next entry of its permutation that is still free. So all have the same number of
/// entries within one, and when an endpoint leaves few entries of the others change. Weights are
/// the paper's too, by the frequency of turns: turn k of an endpoint of weight w comes at k / w.
/// Each has at least one entry.
final class MaglevTable: StrategyTable {
    /// The most entries.
    static let greatestSize = 16_777_259

    /// What picks read; valid as long as the table.
    let view: View

    /// A table over the members, sorted by name.
    init(_ members: [HashMember], size: Int) {
        let owners = MaglevTable.fill(members, size: size)
        let isNarrow = members.allSatisfy { $0.index <= Int(UInt16.max) }
        view = View(
            size: size,
            narrow: FlatArray(isNarrow ? owners.map { UInt16(truncatingIfNeeded: $0) } : []),
            wide: FlatArray(isNarrow ? [] : owners)
        )
    }

    deinit {
        view.narrow.deallocate()
        view.wide.deallocate()
    }

    var memory: Int { view.narrow.memory + view.wide.memory }

    /// The entries.
    struct View {
        /// How many there are, a prime.
        let size: Int
        fileprivate let narrow: FlatArray<UInt16>
        fileprivate let wide: FlatArray<UInt32>

        /// The endpoint that has an entry; `slot` must be below ``size``.
        func owner(_ slot: Int) -> EndpointIndex {
            wide.count == 0 ? Int(narrow[slot]) : Int(wide[slot])
        }
    }

    /// A size for so many servers: a prime above 100 × servers.
    ///
    /// Another size moves nearly all keys, so that sizes grow in steps of four: a server that comes
    /// or goes changes the size only beyond 82, 327, 1,311, 5,243 and 20,971 servers. What the file
    /// asks for is raised to the next prime, and to one above the servers.
    static func size(servers: Int, wanted: Int?) -> Int {
        if let wanted {
            let least = max(wanted, servers &+ 1, 3)
            return least >= greatestSize ? greatestSize : prime(from: least)
        }
        let steps = [8_209, 32_771, 131_101, 524_309, 2_097_169]
        return steps.first { $0 / 100 >= servers } ?? greatestSize
    }

    private static func prime(from least: Int) -> Int {
        var candidate = least | 1
        while !isPrime(candidate) { candidate &+= 2 }
        return candidate
    }

    private static func isPrime(_ odd: Int) -> Bool {
        var divisor = 3
        while divisor &* divisor <= odd {
            if odd % divisor == 0 { return false }
            divisor &+= 2
        }
        return true
    }

    private static func fill(_ members: [HashMember], size: Int) -> [UInt32] {
        guard !members.isEmpty else { return [] }
        var owners = [UInt32](repeating: .max, count: size)
        var places: [Int] = []
        var skips: [Int] = []
        for member in members {
            places.append(KeyHash.place(KeyHash.mix(member.hash &+ 1), below: size))
            skips.append(1 &+ KeyHash.place(KeyHash.mix(member.hash &+ 2), below: size &- 1))
        }
        var turns = Turns(weights: members.map(\.weight))
        for _ in 0..<size {
            let member = turns.next()
            var place = places[member]
            let skip = skips[member]
            // Some entry is free, and a prime size makes every skip reach all entries.
            while owners[place] != .max {
                place &+= skip
                if place >= size { place &-= size }
            }
            owners[place] = UInt32(truncatingIfNeeded: members[member].index)
            places[member] = place
        }
        return owners
    }
}

/// Whose turn it is: turn k of a member of weight w comes at k / w, equal times in order.
private struct Turns {
    private static let unit: UInt64 = 1 << 38

    private let strides: [UInt64]
    private let isEven: Bool
    private var position = 0
    /// A binary heap of members, the first is next.
    private var heap: [Int]
    private var times: [UInt64]

    init(weights: [Int]) {
        strides = weights.map { max(1, Turns.unit / UInt64(clamping: max(1, $0))) }
        isEven = weights.allSatisfy { $0 == weights.first }
        heap = Array(weights.indices)
        times = [UInt64](repeating: 0, count: weights.count)
    }

    mutating func next() -> Int {
        if isEven {
            let member = position
            position &+= 1
            if position == strides.count { position = 0 }
            return member
        }
        let member = heap[0]
        times[member] &+= strides[member]
        sink()
        return member
    }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        (times[one], one) < (times[other], other)
    }

    /// Restores the order after the first one's time has grown.
    private mutating func sink() {
        let moving = heap[0]
        var hole = 0
        while true {
            var child = 2 &* hole &+ 1
            guard child < heap.count else { break }
            if child &+ 1 < heap.count, precedes(heap[child &+ 1], heap[child]) { child &+= 1 }
            guard precedes(heap[child], moving) else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = moving
    }
}
