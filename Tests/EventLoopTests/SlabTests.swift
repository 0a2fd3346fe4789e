import Testing

@testable import EventLoop

/// An entry that remembers who took it.
private struct Entry: SlabEntry {
    var generation: UInt32 = 0
    var nextFree: Int32 = -1
    var value = 0
}

@Suite("Slab")
struct SlabTests {
    @Test("slots run out at the capacity, and one that is freed comes back fresh")
    func capacity() {
        var slab = Slab<Entry>(capacity: 3)
        #expect([slab.allocate(), slab.allocate(), slab.allocate()] == [0, 1, 2])
        #expect(slab.allocate() == -1)
        #expect(slab.count == 3)
        slab[1].pointee.value = 7
        slab.free(1)
        #expect(slab.count == 2)
        #expect(slab.allocate() == 1)
        #expect(slab[1].pointee.value == 0)
        #expect(slab.allocate() == -1)
    }

    @Test("a slab has room for one at least", arguments: [-5, 0, 1])
    func least(capacity: Int) {
        var slab = Slab<Entry>(capacity: capacity)
        #expect(slab.capacity == 1)
        #expect(slab.allocate() == 0)
        #expect(slab.allocate() == -1)
    }

    @Test("last freed comes first, before slots that were never used")
    func order() {
        var slab = Slab<Entry>(capacity: 8)
        for _ in 0..<4 { _ = slab.allocate() }
        slab.free(0)
        slab.free(2)
        #expect([slab.allocate(), slab.allocate(), slab.allocate()] == [2, 0, 4])
        #expect(slab.usedLimit == 5)
    }

    @Test("a stale generation finds nothing, nor does a slot outside")
    func stale() {
        var slab = Slab<Entry>(capacity: 4)
        let slot = slab.allocate()
        let generation = slab[slot].pointee.generation
        #expect(slab.find(slot, generation: generation) == slab[slot])
        slab.free(slot)
        #expect(slab.find(slot, generation: generation) == nil)
        #expect(slab.isInUse(slot) == false)
        #expect(slab.allocate() == slot)
        #expect(slab.find(slot, generation: generation) == nil)
        #expect(slab.find(slot, generation: slab[slot].pointee.generation) != nil)
        for outside in [-1, 1, 3, 4, Int32.max] as [Int32] {
            #expect(slab.find(outside, generation: generation) == nil)
            #expect(slab.find(outside, generation: 0) == nil)
            #expect(slab.isInUse(outside) == false)
        }
    }

    @Test("random uses: entries keep their values, every past use stays dead", arguments: 1...20)
    func sequences(seed: UInt64) {
        var random = TestRandom(seed: seed)
        var slab = Slab<Entry>(capacity: 50)
        var live: [Int32: (generation: UInt32, value: Int)] = [:]
        var dead: [(slot: Int32, generation: UInt32)] = []
        for step in 1...5000 {
            if random.once(in: 2) {
                let slot = slab.allocate()
                #expect((slot < 0) == (live.count == 50), "seed \(seed)")
                guard slot >= 0 else { continue }
                #expect(live[slot] == nil, "seed \(seed): slot \(slot) was given out twice")
                slab[slot].pointee.value = step
                live[slot] = (slab[slot].pointee.generation, step)
            } else if let slot = live.keys.sorted().randomElement(using: &random) {
                if let use = live.removeValue(forKey: slot) { dead.append((slot, use.generation)) }
                slab.free(slot)
            }
        }
        #expect(slab.count == live.count)
        for (slot, use) in live {
            #expect(slab.isInUse(slot) == true)
            #expect(slab.find(slot, generation: use.generation)?.pointee.value == use.value)
        }
        let risen = dead.filter { slab.find($0.slot, generation: $0.generation) != nil }
        #expect(risen.isEmpty, "seed \(seed)")
    }
}
