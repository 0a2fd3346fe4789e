import Testing

@testable import Control

@Suite("What is cut later")
struct PendingCutsTests {
    @Test("what a reload left is taken once, by its number")
    func taken() throws {
        var cuts = PendingCuts()
        let oneAdded = cuts.add(listeners: [1], endpoints: [10, 11])
        let one = try #require(oneAdded)
        let twoAdded = cuts.add(listeners: [2], endpoints: [])
        let two = try #require(twoAdded)
        let first = cuts.take(one)
        #expect(first.listeners == [1] && first.endpoints == [10, 11])
        let again = cuts.take(one)
        #expect(again.endpoints.isEmpty && again.listeners.isEmpty)
        #expect(cuts.take(two).listeners == [2])
    }

    @Test("a reload that leaves nothing else leaves the time of those before")
    func again() throws {
        var cuts = PendingCuts()
        let oneAdded = cuts.add(listeners: [1], endpoints: [10])
        let one = try #require(oneAdded)
        let repeated = cuts.add(listeners: [1], endpoints: [10])
        #expect(repeated == nil)
        let nothing = cuts.add(listeners: [], endpoints: [])
        #expect(nothing == nil)
        let twoAdded = cuts.add(listeners: [], endpoints: [10, 11])
        let two = try #require(twoAdded)
        #expect(cuts.take(two).endpoints == [11])
        #expect(cuts.take(one).endpoints == [10])
    }

    @Test("places that others have, or that are used again, are not meant")
    func forgotten() throws {
        var cuts = PendingCuts()
        let oneAdded = cuts.add(listeners: [1, 2], endpoints: [10, 11])
        let one = try #require(oneAdded)
        cuts.forget(listeners: [1], endpoints: [10])
        let twoAdded = cuts.add(listeners: [1], endpoints: [10])
        let two = try #require(twoAdded)
        let first = cuts.take(one)
        #expect(first.listeners == [2] && first.endpoints == [11])
        let second = cuts.take(two)
        #expect(second.listeners == [1] && second.endpoints == [10])
    }
}
