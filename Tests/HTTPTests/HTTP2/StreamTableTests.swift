import Testing

@testable import HTTP

/// The table of streams against a dictionary.
@Suite struct StreamTableTests {
    @Test("streams are found, however they came and went", arguments: 1...20)
    func random(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        var table = StreamTable()
        defer { table.deallocate() }
        var expected: [Int32: Int32] = [:]
        var next: Int32 = 1
        for step in 0..<600 {
            if random.below(2) == 0, expected.count < 1 + seed * 3 {
                // Gaps, by which streams fall onto each other's places.
                next += 2 * Int32(1 + random.below(seed % 3 == 0 ? 1 : 40))
                table.insert(next, Int32(step))
                expected[next] = Int32(step)
            } else if let id = expected.keys.sorted().randomElement(using: &random) {
                #expect(table.remove(id) == expected.removeValue(forKey: id))
                #expect(table.slot(id) == nil)
            }
            #expect(table.count == expected.count)
            #expect(expected.allSatisfy { table.slot($0.key) == $0.value }, "seed \(seed)")
        }
    }
}
