import Testing

@testable import Control

@Suite("What is cut later")
struct PendingCutsTests {
    @Test("what a reload left is taken once, by its number")
    func taken() throws {
        var cuts = PendingCuts()
        let one = try #require(cuts.add(listeners: [1], endpoints: [10, 11]))
        let two = try #require(cuts.add(listeners: [2], endpoints: []))
        let first = cuts.take(one)
        #expect(first.listeners == [1] && first.endpoints == [10, 11])
        #expect(cuts.take(one).endpoints.isEmpty && cuts.take(one).listeners.isEmpty)
        #expect(cuts.take(two).listeners == [2])
    }

    @Test("a reload that leaves nothing else leaves the time of those before")
    func again() throws {
        var cuts = PendingCuts()
        let one = try #require(cuts.add(listeners: [1], endpoints: [10]))
        #expect(cuts.add(listeners: [1], endpoints: [10]) == nil)
        #expect(cuts.add(listeners: [], endpoints: []) == nil)
        let two = try #require(cuts.add(listeners: [], endpoints: [10, 11]))
        #expect(cuts.take(two).endpoints == [11])
        #expect(cuts.take(one).endpoints == [10])
    }

    @Test("places that others have, or that are used again, are not meant")
    func forgotten() throws {
        var cuts = PendingCuts()
        let one = try #require(cuts.add(listeners: [1, 2], endpoints: [10, 11]))
        cuts.forget(listeners: [1], endpoints: [10])
        let two = try #require(cuts.add(listeners: [1], endpoints: [10]))
        let first = cuts.take(one)
        #expect(first.listeners == [2] && first.endpoints == [11])
        let second = cuts.take(two)
        #expect(second.listeners == [1] && second.endpoints == [10])
    }
}
