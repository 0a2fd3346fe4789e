import Balancing
import Testing

@Suite("How well a pool is")
struct PoolConditionTests {
    private func condition(
        _ states: [Availability],
        weights: [Int] = [1, 1, 1, 1],
        priorities: [Int] = [0, 0, 7, 7],
        panic: Double = 0.5
    ) -> PoolCondition {
        let endpoints = zip(weights, priorities).enumerated().map { index, pair in
            PlannedEndpoint(name: "\(index)", weight: pair.0, priority: pair.1)
        }
        let plan = PoolPlan(
            endpoints: endpoints,
            options: BalanceOptions(),
            panicThreshold: panic,
            spillBelow: 0.7
        )
        for (index, state) in states.enumerated() { plan.shared.set(index, state, now: 0) }
        return PoolCondition(plan)
    }

    private func parts(_ condition: PoolCondition) -> [[Int]] {
        condition.parts.map { [$0.priority, Int(($0.share * 100).rounded())] }
    }

    @Test("the first priority takes all while it is well enough")
    func first() {
        #expect(parts(condition([.up, .up, .up, .up])) == [[0, 100]])
        #expect(parts(condition([.up, .unhealthy, .up, .up])) == [[0, 71], [7, 29]])
        #expect(parts(condition([.unhealthy, .unhealthy, .up, .up])) == [[7, 100]])
    }

    @Test("weights are counted; what the operator took out is not")
    func weights() {
        let condition = condition([.up, .unhealthy, .down, .draining], weights: [3, 5, 9, 9])
        #expect(condition.healthyWeight == 3)
        #expect(condition.weight == 8)
        #expect(condition.isInPanic)
    }

    @Test("panic begins below the threshold and shares by who is there")
    func panic() {
        #expect(!condition([.up, .up, .unhealthy, .unhealthy]).isInPanic)
        let condition = condition([.unhealthy, .unhealthy, .unhealthy, .up])
        #expect(condition.isInPanic)
        #expect(parts(condition) == [[0, 100]])
        #expect(!self.condition([.down, .down, .down, .down]).isInPanic)
    }

    @Test("a pool of nobody is in no panic")
    func empty() {
        let condition = condition([], weights: [], priorities: [])
        #expect(!condition.isInPanic && condition.parts.isEmpty && condition.weight == 0)
    }
}
