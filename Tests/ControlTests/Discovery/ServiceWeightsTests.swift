import Testing

@testable import Control

@Suite("Weights and priorities of SRV records")
struct ServiceWeightsTests {
    private func weights(_ records: [(UInt16, UInt16)]) -> [[Int]] {
        let records = records.enumerated().map { index, pair in
            ServiceRecord(
                priority: pair.0,
                weight: pair.1,
                port: 80,
                target: String(Character(Unicode.Scalar(UInt8(97 + index))))
            )
        }
        return ranked(records).map { [$0.priority, $0.weight] }
    }

    @Test("priorities become ranks, whatever their values")
    func priorities() {
        #expect(weights([(10, 1), (65_535, 1), (20, 1)]) == [[0, 1], [1, 1], [2, 1]])
        #expect(weights([(7, 5), (7, 5)]) == [[0, 5], [0, 5]])
        #expect(weights([]) == [])
    }

    @Test("weights stay as they are, or keep their proportions within 1000")
    func scaled() {
        #expect(weights([(0, 1), (0, 1000)]) == [[0, 1], [0, 1000]])
        #expect(weights([(0, 65_535), (0, 32_768), (0, 1)]) == [[0, 1000], [0, 500], [0, 1]])
    }

    @Test("0 is a small chance, not none; where all weigh 0 they are equal")
    func zero() {
        #expect(weights([(0, 0), (0, 1), (0, 3)]) == [[0, 1], [0, 333], [0, 1000]])
        #expect(weights([(0, 0), (0, 0)]) == [[0, 1], [0, 1]])
        #expect(weights([(0, 0), (1, 7)]) == [[0, 1], [1, 7]])
    }

    @Test("the order of the answer does not matter")
    func order() {
        let records = (0..<5).map {
            ServiceRecord(priority: $0 % 2, weight: 1 + $0, port: 80 + $0 % 3, target: "t")
        }
        #expect(ranked(records) == ranked(records.reversed()))
    }
}
