import Configuration
import Routing
import Testing

@testable import Control
@testable import Proxy

@Suite("Inherited sockets")
struct InheritedSocketsTests {
    private static let everywhere4 = ListenAddress.ip(.v4(0), port: 80)
    private static let everywhere6 = ListenAddress.ip(.v6(high: 0, low: 0), port: 80)

    private func sockets(_ addresses: ListenAddress...) -> InheritedSockets {
        var sockets = InheritedSockets()
        for (number, address) in addresses.enumerated() {
            sockets.add(Int32(number), at: address, from: "web.socket")
        }
        return sockets
    }

    @Test("a listener has what is at its address")
    func matching() {
        let local = ListenAddress.ip(.v4(0x7F00_0001), port: 80)
        let all = sockets(.any(port: 80), local, .unix(path: "/run/a"), .any(port: 81))
        #expect(all.descriptors(for: .unix(path: "/run/b")) == [])
        #expect(all.descriptors(for: .unix(path: "/run/a")) == [2])
        #expect(all.descriptors(for: local) == [1])
        #expect(all.descriptors(for: .any(port: 80)) == [0])
        #expect(all.descriptors(for: .any(port: 82)) == [])
        #expect(all.descriptors(for: .any(port: 81)) == [3])
    }

    @Test("a bare port takes both versions, and [::] what listens at both")
    func everywhere() {
        let both = sockets(Self.everywhere4, Self.everywhere6)
        #expect(both.descriptors(for: .any(port: 80)) == [0, 1])
        let dual = sockets(.any(port: 80))
        #expect(dual.descriptors(for: Self.everywhere4) == [])
        #expect(dual.descriptors(for: Self.everywhere6) == [0])
    }

    @Test("a socket that no listener is for is refused by its address and its unit")
    func strays() throws {
        var config = Config()
        config.listeners = [ListenerConfig(name: "a", address: .any(port: 80))]
        config.admin = AdminConfig(address: .unix(path: "/run/admin"))
        try sockets(Self.everywhere4, .unix(path: "/run/admin")).check(config)
        let stray = sockets(.any(port: 80), .ip(.v4(0x7F00_0001), port: 81))
        let error = #expect(throws: StartError.self) { try stray.check(config) }
        #expect(error?.description.contains("127.0.0.1:81 (web.socket)") == true)
    }

    @Test(
        "nothing is taken from an environment that is meant for another process",
        arguments: [
            [:], ["LISTEN_FDS": "2"], ["LISTEN_FDS": "2", "LISTEN_PID": "8"],
            ["LISTEN_FDS": "x", "LISTEN_PID": "7"], ["LISTEN_FDS": "0", "LISTEN_PID": "7"],
            ["LISTEN_FDS": "-1", "LISTEN_PID": "7"],
        ]
    )
    func otherProcess(variables: [String: String]) throws {
        let passed = try InheritedSockets.passed(environment: { variables[$0] }, process: 7)
        try passed.check(Config())
    }
}
