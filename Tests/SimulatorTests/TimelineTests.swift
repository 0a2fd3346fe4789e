import Balancing
import Testing

@testable import Simulator

@Suite("Timeline")
struct TimelineTests {
    @Test("it keeps its counts and its bound, however long it gets", arguments: [1, 2] as [UInt64])
    func bounds(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var timeline = Timeline(length: 1_000_000)
        var time = Simulation.epoch
        var counts = Timeline.Stretch()
        for _ in 0..<20_000 {
            time += Int64(random.next(below: 1_000_000))
            switch random.next(below: 3) {
            case 0:
                timeline.came(time)
                counts.requests += 1
            case 1:
                timeline.tried(time)
                counts.tries += 1
            default:
                let earlier = time - Int64(random.next(below: 100_000_000))
                timeline.failed(thatCame: max(Simulation.epoch, earlier))
                counts.errors += 1
            }
        }
        let all = timeline.stretches.reduce(into: Timeline.Stretch()) { sum, next in
            sum.requests += next.requests
            sum.tries += next.tries
            sum.errors += next.errors
        }
        #expect(all == counts, "seed \(seed)")
        #expect((60...240).contains(timeline.stretches.count), "seed \(seed)")
        let end = Int64(timeline.stretches.count) * timeline.width
        #expect(end > time - Simulation.epoch && end - timeline.width <= time - Simulation.epoch)
    }

    @Test(
        "its stretches are of round lengths",
        arguments: [(120, 1_000), (121, 2_000), (60, 500), (3600, 50_000), (0, 0)]
            as [(Int64, Int64)]
    )
    func widths(seconds: Int64, milliseconds: Int64) {
        let width = Timeline(length: seconds * 1_000_000_000).width
        #expect(width == max(1, milliseconds * 1_000_000))
    }
}
