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
            sockets.add([Int32(number)], at: address, from: "web.socket")
        }
        return sockets
    }

    @Test("a listener takes what is at its address, once")
    func take() {
        let local = ListenAddress.ip(.v4(0x7F00_0001), port: 80)
        var all = sockets(.any(port: 80), local, .unix(path: "/run/a"), .any(port: 81))
        #expect(all.take(.unix(path: "/run/b")) == [])
        #expect(all.take(.unix(path: "/run/a")) == [[2]])
        #expect(all.take(.unix(path: "/run/a")) == [])
        #expect(all.take(local) == [[1]])
        #expect(all.take(.any(port: 80)) == [[0]])
        #expect(all.take(.any(port: 82)) == [])
        #expect(all.take(.any(port: 81)) == [[3]])
    }

    @Test("a bare port takes both versions, and [::] what listens at both")
    func everywhere() {
        var both = sockets(Self.everywhere4, Self.everywhere6)
        #expect(both.take(.any(port: 80)) == [[0], [1]])
        var dual = sockets(.any(port: 80))
        #expect(dual.take(Self.everywhere4) == [])
        #expect(dual.take(Self.everywhere6) == [[0]])
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

    @Test("every socket has a worker and every worker a socket", arguments: 1...5, 1...5)
    func share(count: Int, workers: Int) {
        let descriptors = (0..<count).map { Int32(10 + $0) }
        let shares = InheritedSockets.share(descriptors, index: 7, workers: workers)
        #expect(shares.count == workers && shares.allSatisfy { !$0.isEmpty })
        let all = shares.flatMap { $0 }
        #expect(Set(all.map(\.descriptor)) == Set(descriptors))
        #expect(all.allSatisfy { $0.index == 7 && $0.isShared == (count < workers) })
        // One that is not shared is closed by its worker, and by nobody else.
        if count >= workers { #expect(all.count == count) }
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
