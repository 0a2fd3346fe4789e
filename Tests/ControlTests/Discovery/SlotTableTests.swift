import Configuration
import Routing
import Testing

@testable import Control

@Suite("Slots of endpoints that come and go")
struct SlotTableTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private static func server(_ number: Int, weight: Int = 1) -> ServerConfig {
        let address = IPAddress.v4(0x0a00_0000 + UInt32(number))
        var server = ServerConfig(
            name: address.text(port: 80),
            address: .ip(address, port: 80)
        )
        server.weight = weight
        return server
    }

    private func servers(_ numbers: Int...) -> [ServerConfig] { numbers.map { Self.server($0) } }

    private func table(capacity: Int = 8) -> SlotTable { SlotTable(capacity: capacity) }

    /// By slot: the numbers of the servers, -1 where nobody is.
    private func members(_ table: SlotTable) -> [Int] {
        table.members.map { member in
            guard case .ip(.v4(let bits), _) = member?.address else { return -1 }
            return Int(bits) - 0x0a00_0000
        }
    }

    @Test("newcomers get slots in their order, behind those who are there")
    func order() {
        var table = table()
        _ = table.apply(servers(1000, 1001), now: 0) { _ in true }
        let changes = table.apply(servers(1000, 1001, 1, 2), now: 0) { _ in true }
        #expect(members(table) == [1000, 1001, 1, 2])
        #expect(changes.entered.map(\.slot) == [2, 3])
        #expect(changes.entered.map(\.isNew) == [true, true])
        #expect(changes.left == [] && changes.changed == [] && changes.waiting == 0)
        #expect(table.apply(servers(2, 1, 1001, 1000), now: 0) { _ in true }.isEmpty)
    }

    @Test("an address that is there already is there once")
    func twice() {
        var table = table()
        let changes = table.apply(servers(1, 2, 1), now: 0) { _ in true }
        #expect(members(table) == [1, 2])
        #expect(changes.entered.map(\.slot) == [0, 1])
    }

    @Test("the first of several with one address counts")
    func first() {
        var table = table()
        let wanted = [Self.server(1, weight: 7), Self.server(1, weight: 9)]
        _ = table.apply(wanted, now: 0) { _ in true }
        #expect(table.members.map { $0?.weight } == [7])
    }

    @Test("one that comes back gets its old slot, whatever goes on there")
    func back() {
        var table = table()
        _ = table.apply(servers(1, 2, 3), now: 0) { _ in true }
        var changes = table.apply(servers(1, 3), now: 1) { _ in false }
        #expect(changes.left == [1])
        #expect(members(table) == [1, -1, 3])
        changes = table.apply(servers(1, 2, 3), now: 2) { _ in false }
        #expect(changes.entered.map(\.slot) == [1])
        #expect(changes.entered.map(\.isNew) == [false])
        #expect(members(table) == [1, 2, 3])
    }

    @Test("another one gets a slot only after a minute, when nobody uses it")
    func reuse() {
        var table = table(capacity: 2)
        _ = table.apply(servers(1, 2), now: 0) { _ in true }
        var changes = table.apply(servers(2, 3), now: 10) { _ in true }
        #expect(changes.waiting == 1)
        #expect(members(table) == [-1, 2])
        changes = table.apply(servers(2, 3), now: 10 + SlotTable.rest - 1) { _ in true }
        #expect(changes.waiting == 1 && changes.isEmpty)
        changes = table.apply(servers(2, 3), now: 10 + SlotTable.rest) { $0 != 0 }
        #expect(changes.waiting == 1 && changes.isEmpty)
        changes = table.apply(servers(2, 3), now: 10 + SlotTable.rest) { _ in true }
        #expect(changes.waiting == 0)
        #expect(members(table) == [3, 2])
        // Its old slot is gone: it waits as every other one.
        changes = table.apply(servers(1, 2, 3), now: 20 + SlotTable.rest) { _ in true }
        #expect(changes.waiting == 1)
    }

    @Test("changes of a server are told and keep its slot")
    func changed() {
        var table = table()
        _ = table.apply(servers(1, 2), now: 0) { _ in true }
        let changes = table.apply(
            [Self.server(1), Self.server(2, weight: 5)],
            now: 0
        ) { _ in true }
        #expect(changes.changed == [1])
        #expect(changes.entered.isEmpty && changes.left.isEmpty)
        #expect(table.members.map { $0?.weight } == [1, 5])
    }

    @Test("any sequence keeps the rules", arguments: 1...6)
    func sequences(seed: Int) {
        var random = Generator(state: UInt64(seed))
        var table = table(capacity: 10)
        var owners: [Int: Int] = [:]
        var leftAt: [Int: Int64] = [:]
        var now: Int64 = 0
        for _ in 0..<500 {
            now += Int64.random(in: 0...(SlotTable.rest / 2), using: &random)
            let busy = Set((0..<10).filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
            let count = Int.random(in: 0...12, using: &random)
            let wanted = (0..<count).map { _ in Int.random(in: 0..<20, using: &random) }
            let changes = table.apply(wanted.map { Self.server($0) }, now: now) {
                !busy.contains($0)
            }
            let present = members(table)
            #expect(present.count <= 10)
            let found = present.filter { $0 >= 0 }
            #expect(Set(found).count == found.count)
            #expect(Set(found).isSubset(of: Set(wanted)))
            #expect(found.count + changes.waiting == Set(wanted).count)
            for slot in changes.left { leftAt[slot] = now }
            for (slot, isNew) in changes.entered {
                let before = owners[slot]
                #expect(isNew == (before != present[slot]))
                if before != nil, isNew {
                    #expect(!busy.contains(slot))
                    #expect(now - (leftAt[slot] ?? now) >= SlotTable.rest)
                }
                owners[slot] = present[slot]
            }
        }
    }
}
