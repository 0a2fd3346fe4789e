import Balancing
import Testing

@Suite("Consistent hashing")
struct ConsistentHashTests {
    typealias HashTable = BalanceOptions.HashTable

    private static let keys = HashFixture.keys(4_000)

    private func moved(_ before: [String], _ after: [String]) -> Double {
        Double(zip(before, after).count { $0 != $1 }) / Double(before.count)
    }

    @Test("keys keep their endpoints over versions of the program", arguments: HashTable.allCases)
    func golden(table: HashTable) {
        let names = ["a:1", "b:2", "c:3", "d:4", "e:5"]
        let even = HashFixture(names, table).owners(HashFixture.keys(24))
        let uneven = HashFixture(names, weights: [1, 2, 3, 10, 0], table)
            .owners(HashFixture.keys(24))
        let found = [even, uneven].map { $0.map { String($0.prefix(1)) }.joined() }
        #expect(found == Self.golden[table])
    }

    private static let golden: [HashTable: [String]] = [
        .maglev: ["aeacadcdabeecadcdeadeedb", "adddddcdadddcdddddaddddd"],
        .ring: ["dbcbabeeadccdcebebdbdbec", "dbdbdbddddcdbcdbbddbdddd"],
        .rendezvous: ["cbbabddabbdecccaaaecaeda", "cdbabdddbdddccddcddcccdd"],
    ]

    @Test(
        "the file's order, the worker and its seed do not matter",
        arguments: HashTable.allCases,
        [[1], [1, 2, 3, 5, 8]]
    )
    func order(table: HashTable, weights: [Int]) {
        let names = HashFixture.names(30)
        let own = names.indices.map { weights[$0 % weights.count] }
        let fixture = HashFixture(names, weights: own, table)
        let expected = fixture.owners(Self.keys)
        var random = SeededRandom(seed: 0x6f72)
        for _ in 0..<3 {
            let order = names.indices.shuffled(using: &random)
            let other = HashFixture(order.map { names[$0] }, weights: order.map { own[$0] }, table)
            #expect(other.owners(Self.keys) == expected, "seed 0x6f72")
        }
        let worker = HashFixture.worker(fixture.context, seed: 99)
        let picked = Self.keys.map { worker.pick(PickRequest(now: 5, key: $0), random: &random) }
        #expect(picked.map { $0.map { names[$0] } } == expected)
    }

    @Test("a worker that makes its own table has the same mapping", arguments: HashTable.allCases)
    func ownTable(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(9), table)
        var context = fixture.context
        #expect(context.table != nil)
        context.table = nil
        let worker = HashFixture.worker(context, seed: 3)
        var random = SeededRandom(seed: 4)
        let picked = Self.keys.map { worker.pick(PickRequest(now: 5, key: $0), random: &random) }
        #expect(picked == fixture.picks(Self.keys))
    }

    @Test(
        "when one of N leaves the file, only its keys move: 1/N on average",
        arguments: [HashTable.ring, .rendezvous],
        [2, 5, 20]
    )
    func leaving(table: HashTable, count: Int) {
        let names = HashFixture.names(count)
        let before = HashFixture(names, table).owners(Self.keys)
        var sum = 0.0
        for leaver in names {
            let after = HashFixture(names.filter { $0 != leaver }, table).owners(Self.keys)
            for (old, new) in zip(before, after) where old != new { #expect(old == leaver) }
            sum += moved(before, after)
        }
        #expect(sum / Double(count) <= 1 / Double(count) + 0.01)
    }

    @Test(
        "who may not be picked loses its keys, those of the others stay, and all come back",
        arguments: HashTable.allCases,
        [2, 8, 60]
    )
    func ineligible(table: HashTable, count: Int) {
        let fixture = HashFixture(HashFixture.names(count), table)
        let before = fixture.picks(Self.keys)
        for leaver in [0, count / 2, count - 1] {
            var weights = [UInt32](repeating: 1_000, count: count)
            weights[leaver] = 0
            fixture.weigh(weights)
            var heirs = [Int](repeating: 0, count: count)
            for (old, new) in zip(before, fixture.picks(Self.keys)) {
                if old == leaver { heirs[new] += 1 } else { #expect(old == new) }
            }
            #expect(heirs[leaver] == 0)
            // Nobody inherits all: with 60 endpoints about 1 % each.
            let most = heirs.max() ?? 0
            #expect(count == 2 || most * 2 < heirs.reduce(0, +), "\(heirs)")
        }
        fixture.weigh([UInt32](repeating: 1_000, count: count))
        #expect(fixture.picks(Self.keys) == before)
    }

    @Test("who was tried is not picked again, the key goes onward", arguments: HashTable.allCases)
    func tried(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(4), table)
        for key in Self.keys.prefix(200) {
            var tried = TriedEndpoints()
            for _ in 0..<4 {
                let picked = fixture.picks([key], tried: tried)[0]
                #expect((0..<4).contains(picked) && !tried.contains(picked))
                tried.insert(picked)
            }
            #expect(fixture.picks([key], tried: tried) == [-1])
        }
    }

    @Test("whatever may be picked, only that is, and something is", arguments: HashTable.allCases)
    func eligibility(table: HashTable) {
        var random = SeededRandom(seed: 0x656c)
        let configured = (0..<40).map { $0 % 4 }
        for bounded in [nil, 1.1] {
            let fixture = HashFixture(
                HashFixture.names(40),
                weights: configured,
                table,
                bounded: bounded
            )
            for _ in 0..<40 {
                let rarity = 1 + random.next(below: 30)
                let weights = configured.map { weight in
                    random.next(below: rarity) == 0 ? UInt32(weight * random.next(below: 1_001)) : 0
                }
                fixture.weigh(weights)
                let isThere = weights.contains { $0 > 0 }
                for endpoint in fixture.picks(Array(Self.keys.prefix(100))) {
                    #expect(isThere ? endpoint >= 0 && weights[endpoint] > 0 : endpoint == -1)
                }
            }
        }
    }

    @Test(
        "a returning endpoint takes its share of its keys and only gains",
        arguments: HashTable.allCases
    )
    func ramp(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(6), weights: [2, 2, 2, 2, 2, 2], table)
        let whole = fixture.picks(Self.keys)
        let own = whole.indices.filter { whole[$0] == 3 }
        var taken: Set<Int> = []
        for weight in [1, 200, 500, 1_000, 1_500, 1_999, 2_000] as [UInt32] {
            fixture.weigh([2_000, 2_000, 2_000, weight, 2_000, 2_000])
            let picked = fixture.picks(Self.keys)
            for key in whole.indices where whole[key] != 3 { #expect(picked[key] == whole[key]) }
            let now = Set(own.filter { picked[$0] == 3 })
            #expect(taken.isSubset(of: now))
            taken = now
            let share = Double(weight) / 2_000
            let deviation = (Double(own.count) * share * (1 - share)).squareRoot()
            let expected = Double(own.count) * share
            #expect(abs(Double(now.count) - expected) <= 4 * deviation + 1, "weight \(weight)")
        }
    }

    @Test("if all return at once, all keys have an endpoint", arguments: HashTable.allCases)
    func allRamping(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(3), table)
        fixture.weigh([100, 100, 100])
        let counts = fixture.counts(Self.keys)
        #expect(counts.allSatisfy { $0 > 900 } && counts.reduce(0, +) == Self.keys.count)
    }

    @Test("requests without the key are spread by weight", arguments: HashTable.allCases)
    func withoutKey(table: HashTable) {
        let fixture = HashFixture(["a", "b", "c", "d"], weights: [1, 2, 5, 0], table)
        var random = SeededRandom(seed: 0x6e6f)
        var counts = [0, 0, 0, 0]
        for _ in 0..<8_000 {
            if let picked = fixture.strategy.pick(PickRequest(now: 1), random: &random) {
                counts[picked] += 1
            }
        }
        // Five standard deviations (29.6, 38.7, 43.3).
        #expect(abs(counts[0] - 1_000) < 150 && abs(counts[1] - 2_000) < 195, "\(counts)")
        #expect(abs(counts[2] - 5_000) < 217 && counts[3] == 0, "seed 0x6e6f: \(counts)")
        var tried = TriedEndpoints()
        for _ in 0..<3 {
            let request = PickRequest(now: 1, tried: tried)
            guard let picked = fixture.strategy.pick(request, random: &random) else {
                Issue.record("none, with \(tried.count) tried")
                return
            }
            #expect(!tried.contains(picked) && picked != 3)
            tried.insert(picked)
        }
        #expect(fixture.strategy.pick(PickRequest(now: 1, tried: tried), random: &random) == nil)
    }

    @Test("keys that a split by their hash left are spread evenly", arguments: HashTable.allCases)
    func splitBefore(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(4), table)
        var random = SeededRandom(seed: 0x7370)
        for shift in [59, 0] as [UInt64] {
            let left = (0..<4_000).map { _ in random.next() & ~(31 << shift) }
            // Eight standard deviations (27.4) around 1,000 and what a ring's shares vary.
            let counts = fixture.counts(left)
            #expect(counts.allSatisfy { (780...1_220).contains($0) }, "seed 0x7370: \(counts)")
        }
    }

    @Test("no endpoint, or none with a weight, gives none", arguments: HashTable.allCases)
    func nothing(table: HashTable) {
        for weights in [[], [0], [0, 0]] {
            let fixture = HashFixture(HashFixture.names(weights.count), weights: weights, table)
            #expect(fixture.picks([1, 2]) == [-1, -1])
            var random = SeededRandom(seed: 1)
            #expect(fixture.strategy.pick(PickRequest(now: 1), random: &random) == nil)
        }
    }
}
