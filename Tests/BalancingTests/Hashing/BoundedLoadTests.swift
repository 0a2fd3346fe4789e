import Testing

@testable import Balancing

@Suite("Bounded loads")
struct BoundedLoadTests {
    typealias HashTable = BalanceOptions.HashTable

    private func begin(_ shared: SharedPool, _ endpoint: Int) {
        unsafe shared.block(endpoint).pointee.inFlight.wrappingAdd(1, ordering: .relaxed)
    }

    private func end(_ shared: SharedPool, _ endpoint: Int) {
        unsafe shared.block(endpoint).pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
    }

    private func bound(_ factor: Double, _ total: Int, _ weight: Int, _ all: Int) -> Int {
        Int((factor * Double(total) * Double(weight) / Double(all)).rounded(.up))
    }

    @Test(
        "up to 8 endpoints: two workers never go beyond the bound",
        arguments: HashTable.allCases,
        [1.0, 1.05, 1.25, 2]
    )
    func exact(table: HashTable, factor: Double) throws {
        let weights = [1, 1, 2, 4, 1, 3, 1, 5]
        let fixture = HashFixture(
            HashFixture.names(8),
            weights: weights,
            table,
            bounded: factor
        )
        let workers = [fixture.strategy, HashFixture.worker(fixture.context, seed: 2)]
        let shared = fixture.shared
        let keys = HashFixture.keys(40)
        var random = SeededRandom(seed: 0x626f)
        var open: [Int] = []
        var passedOver = 0
        for step in 0..<6_000 {
            // Long phases of growing and of shrinking.
            if random.next(below: 10) < (step / 500 % 2 == 0 ? 7 : 3) {
                // A few keys have most of the requests.
                let key = keys[min(random.next(below: 40), random.next(below: 40))]
                let request = PickRequest(now: Int64(step), key: key)
                let worker = workers[random.next(below: 2)]
                let picked = try #require(worker.pick(request, random: &random))
                begin(shared, picked)
                open.append(picked)
                let load = Int(shared.inFlight(picked))
                let most = bound(factor, open.count, weights[picked], 18)
                #expect(load <= most, "step \(step), endpoint \(picked), seed 0x626f")
                if picked != fixture.home(key) { passedOver += 1 }
            } else if !open.isEmpty {
                end(shared, open.remove(at: random.next(below: open.count)))
            }
        }
        #expect(passedOver > 10)
    }

    @Test(
        "more endpoints: within the bound, plus what changed since a load was read",
        arguments: HashTable.allCases,
        [20, 100]
    )
    func sampled(table: HashTable, count: Int) throws {
        let factor = 1.25
        let fixture = HashFixture(HashFixture.names(count), table, bounded: factor)
        let shared = fixture.shared
        let keys = HashFixture.keys(count)
        let age = (count + BoundedLoad.readings - 1) / BoundedLoad.readings
        var random = SeededRandom(seed: 0x7361)
        var open: [Int] = []
        /// Changes since each of the last picks.
        var changes: [Int] = []
        for step in 0..<4_000 {
            changes = changes.suffix(age).map { $0 + 1 }
            if random.next(below: 10) < (step / 500 % 2 == 0 ? 7 : 3) {
                changes.append(0)
                let key = keys[min(random.next(below: count), random.next(below: count))]
                let request = PickRequest(now: Int64(step), key: key)
                let picked = try #require(fixture.strategy.pick(request, random: &random))
                begin(shared, picked)
                open.append(picked)
                let most = bound(factor, open.count + (changes.first ?? 0), 1, count)
                #expect(Int(shared.inFlight(picked)) <= most, "step \(step), seed 0x7361")
            } else if !open.isEmpty {
                end(shared, open.remove(at: random.next(below: open.count)))
            }
        }
    }

    @Test(
        "a request that finds all others tried goes beyond the bound",
        arguments: HashTable.allCases
    )
    func triedOthers(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(3), table, bounded: 1.1)
        for _ in 0..<50 { begin(fixture.shared, 1) }
        var tried = TriedEndpoints()
        tried.insert(0)
        tried.insert(2)
        #expect(fixture.picks([1, 2, 3], tried: tried) == [1, 1, 1])
    }

    @Test("after a pause the loads are read anew", arguments: HashTable.allCases)
    func pause(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(100), table, bounded: 1.25)
        var random = SeededRandom(seed: 3)
        let key = HashFixture.keys(1)[0]
        let home = fixture.strategy.pick(PickRequest(now: 1, key: key), random: &random)
        for endpoint in 0..<100 {
            for _ in 0..<9 { begin(fixture.shared, endpoint) }
        }
        let later = PickRequest(now: 2 + BoundedLoad.longestGap, key: key)
        // The bound is 1.25 × 901 / 100, so nine in flight are no hindrance.
        #expect(fixture.strategy.pick(later, random: &random) == home)
    }

    @Test(
        "a full endpoint's keys are spread over the others, on the ring too",
        arguments: HashTable.allCases
    )
    func overflow(table: HashTable) {
        let fixture = HashFixture(HashFixture.names(10), table, bounded: 2)
        let keys = HashFixture.keys(20_000)
        let homes = HashFixture(HashFixture.names(10), table).picks(keys)
        for _ in 0..<5 { begin(fixture.shared, 4) }
        var heirs = [Int](repeating: 0, count: 10)
        for (home, now) in zip(homes, fixture.picks(keys)) {
            if home == 4 { heirs[now] += 1 } else { #expect(home == now) }
        }
        #expect(heirs[4] == 0)
        let mean = Double(heirs.reduce(0, +)) / 9
        let most = Double(heirs.max() ?? 0) / mean
        #expect(most < 1.35, "\(heirs)")
    }

    @Test("the bound is the least whole number that is not below its formula")
    func capacity() {
        let load = BoundedLoad(factor: 1.25, count: 4)
        let shared = SharedPool(capacity: 4)
        load.weightsChanged([1_000, 1_000, 2_000, 0])
        load.refresh(shared, now: 0)
        #expect((0..<4).map { load.capacity($0) } == [1, 1, 1, 0])
        for _ in 0..<15 { begin(shared, 2) }
        // What cannot be picked does not count.
        begin(shared, 3)
        load.refresh(shared, now: 1)
        #expect((0..<4).map { load.capacity($0) } == [5, 5, 10, 0])
        #expect(load.hasRoom(0, shared) && !load.hasRoom(2, shared) && !load.hasRoom(3, shared))
    }
}
