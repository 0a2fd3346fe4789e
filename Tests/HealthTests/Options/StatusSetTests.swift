import Health
import Testing

@Suite("Sets of status codes")
struct StatusSetTests {
    @Test("what was put in is in, and nothing else")
    func members() {
        let set = StatusSet([100, 200, 255, 256, 599])
        #expect(set.codes == [100, 200, 255, 256, 599])
        #expect(!set.contains(201))
    }

    @Test("what is no status code is left out", arguments: [-1, 0, 99, 600, Int.max])
    func outside(code: Int) {
        var set = StatusSet()
        set.insert(code)
        #expect(set.isEmpty)
        #expect(!set.contains(code))
    }
}
