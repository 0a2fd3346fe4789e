import Testing

@testable import Balancing

/// How evenly the tables spread keys, and how many move.
@Suite("Spread and disruption of hash tables")
struct HashSpreadTests {
    typealias HashTable = BalanceOptions.HashTable

    private static let keys = HashFixture.keys(60_000)

    private func moved(_ before: [String], _ after: [String]) -> Double {
        Double(zip(before, after).count { $0 != $1 }) / Double(before.count)
    }

    @Test(
        "an endpoint's keys are its weight's share",
        arguments: HashTable.allCases,
        [[1, 1, 1, 1, 1], [1, 2, 3, 4, 10], [100, 50, 1, 100, 250]]
    )
    func weights(table: HashTable, weights: [Int]) {
        let counts = HashFixture(HashFixture.names(5), weights: weights, table).counts(Self.keys)
        let total = Double(weights.reduce(0, +))
        for (index, weight) in weights.enumerated() {
            let share = Double(weight) / total
            let expected = share * Double(Self.keys.count)
            let drawn = (expected * (1 - share)).squareRoot()
            // A ring's share itself varies: 1 / √points of it; Maglev's by one entry of 8,209.
            let own: Double =
                switch table {
                case .ring: expected * (1 - share) / Double(160 * weight).squareRoot()
                case .maglev: Double(Self.keys.count) / 8_209
                case .rendezvous: 0
                }
            let tolerance = 4 * (drawn * drawn + own * own).squareRoot()
            #expect(abs(Double(counts[index]) - expected) <= tolerance, "\(index): \(counts)")
        }
    }

    @Test(
        "another weight moves what it has to",
        arguments: [(HashTable.maglev, 0.006), (.ring, 0.001), (.rendezvous, 0.001)]
    )
    func weightChange(table: HashTable, extra: Double) {
        let names = HashFixture.names(10)
        let weights = [Int](repeating: 4, count: 10)
        let before = HashFixture(names, weights: weights, table).owners(Self.keys)
        for changed in [3, 5, 8] {
            var own = weights
            own[6] = changed
            let after = HashFixture(names, weights: own, table).owners(Self.keys)
            let least = abs(Double(changed) / Double(36 + changed) - 0.1)
            let found = moved(before, after)
            #expect(found <= least + extra)
            if table != .maglev {
                // Nothing is exchanged between the others.
                for (old, new) in zip(before, after) where old != new {
                    #expect(old == names[6] || new == names[6])
                }
            }
        }
    }

    @Test("Maglev at 65,537 entries: all have as many entries within one")
    func maglevSpread() {
        for count in [10, 100, 655] {
            let endpoints = HashFixture.names(count).map { StrategyEndpoint(name: $0, weight: 1) }
            let table = MaglevTable(HashMember.sorted(endpoints), size: 65_537)
            var counts = [Int](repeating: 0, count: count)
            for slot in 0..<table.view.size { counts[table.view.owner(slot)] += 1 }
            let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
            #expect(most - least <= 1 && counts.reduce(0, +) == 65_537)
            #expect(Double(most) * Double(count) / 65_537 <= 1.01)
        }
    }

    /// By keys and for small pools too; ``MaglevFigureTests`` holds the table to its paper.
    ///
    /// One endpoint of 1,000 that leaves moves 0.7 % of the keys at 65,537 entries, its own 0.1 %
    /// included; ten move 3.1 % (1.6 % at 655,373), twenty 4.6 %.
    @Test(
        "Maglev moves few keys of those that stay",
        arguments: [
            (1_000, 65_537, 1, 0.009), (1_000, 65_537, 10, 0.029), (1_000, 65_537, 20, 0.036),
            (1_000, 655_373, 10, 0.009), (8, nil, 1, 0.012), (50, nil, 1, 0.02),
        ] as [(Int, Int?, Int, Double)]
    )
    func maglevDisruption(count: Int, size: Int?, leaving: Int, most: Double) {
        let names = HashFixture.names(count)
        let before = HashFixture(names, .maglev, size: size).owners(Self.keys)
        var random = SeededRandom(seed: 0x6d61)
        let leavers = Set(names.shuffled(using: &random).prefix(leaving))
        let rest = names.filter { !leavers.contains($0) }
        let after = HashFixture(rest, .maglev, size: size).owners(Self.keys)
        let left = before.count { leavers.contains($0) }
        let disturbed = Double(zip(before, after).count { $0 != $1 } - left)
        #expect(disturbed / Double(before.count) <= most)
        #expect(after.allSatisfy { !leavers.contains($0) })
    }

    @Test("Maglev's default size is a prime above 100 × servers and rarely another")
    func maglevSizes() {
        var sizes: Set<Int> = []
        for servers in 0...25_000 {
            let size = MaglevTable.size(servers: servers, wanted: nil)
            #expect(size >= 100 * servers)
            sizes.insert(size)
        }
        #expect(sizes.count == 6)
        #expect(sizes.allSatisfy { MaglevTable.size(servers: 1, wanted: $0) == $0 })
    }

    @Test(
        "a size that the file asks for is raised to a prime above the servers, and has a limit",
        arguments: [
            (3, 65_537, 65_537), (3, 65_536, 65_537), (3, 0, 5), (3, -1, 5), (1, 1, 3),
            (100, 50, 101), (0, 1, 3), (5, .max, 16_777_259), (5, 16_777_259, 16_777_259),
        ]
    )
    func wantedSize(servers: Int, wanted: Int, expected: Int) {
        #expect(MaglevTable.size(servers: servers, wanted: wanted) == expected)
    }

    @Test("with weights far apart each endpoint still has an entry")
    func lightest() {
        let endpoints = HashFixture.names(81).enumerated().map {
            StrategyEndpoint(name: $0.element, weight: $0.offset == 40 ? 1 : 1_000)
        }
        let table = MaglevTable(HashMember.sorted(endpoints), size: 8_209)
        #expect((0..<8_209).contains { table.view.owner($0) == 40 })
    }

    @Test("a ring's points follow the weight, halved for all beyond the limit")
    func ringPoints() {
        func points(_ weights: [Int]) -> Int {
            let endpoints = zip(HashFixture.names(weights.count), weights).map {
                StrategyEndpoint(name: $0, weight: $1)
            }
            return RingTable(HashMember.sorted(endpoints)).view.count
        }
        #expect(points([1]) == 160 && points([1, 2, 3]) == 960)
        #expect(points([819]) == 131_040 && points([820]) == 65_600)
        #expect(points([819, 1]) == 65_520 + 80)
        #expect(points([Int](repeating: 2, count: 500)) == 160_000)
        #expect(points([Int](repeating: 3, count: 500)) == 120_000)
        #expect(points([.max, 1]) > 1)
    }

    @Test("a ring's index finds the point that a search through all points finds")
    func ringIndex() {
        let endpoints = HashFixture.names(7).map { StrategyEndpoint(name: $0, weight: 3) }
        let table = RingTable(HashMember.sorted(endpoints))
        let ring = table.view
        defer { withExtendedLifetime(table) {} }
        var random = SeededRandom(seed: 0x7269)
        let hashes: [UInt64] = [0, 1, .max, .max - 1] + (0..<500).map { _ in random.next() }
        let places = (0..<ring.count).map { ring.place($0) }
        #expect(places == places.sorted())
        for hash in hashes {
            let expected = places.firstIndex { $0 >= hash >> 32 } ?? 0
            #expect(ring.locate(hash) == expected, "hash \(hash)")
        }
        #expect(ring.following(ring.count - 1) == 0)
    }
}
