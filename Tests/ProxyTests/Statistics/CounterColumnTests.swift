import Testing

@testable import Proxy

@Suite("Columns of counters")
struct CounterColumnTests {
    @Test("every outcome has a place in a worker's row")
    func outcomes() {
        let last = Outcome.allCases.map { Int($0.rawValue) }.max() ?? 0
        #expect(WorkerColumn.localResponses + last < WorkerColumn.width)
    }
}
