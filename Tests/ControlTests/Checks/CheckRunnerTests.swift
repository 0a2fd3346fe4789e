import CLinux
import Configuration
import EventLoop
import HTTP
import Health
import Proxy
import Routing
import Testing

@testable import Control

@Suite("Who is checked, how often, and who is told")
struct CheckRunnerTests {
    /// A listening socket whose backlog takes connections; nobody answers on them.
    private struct Listener: ~Copyable {
        let socket: Socket
        let port: UInt16

        init() throws {
            var address = weir_address()
            address.family = 4
            address.low = 0x7f00_0001
            socket = try Socket.listening(
                at: .internet(address),
                backlog: 1024,
                sharesPort: false,
                userTimeout: 0
            )
            port = socket.localPort
        }

        /// Takes the connections that wait and returns how many there were.
        func drain() -> Int {
            var count = 0
            var peer = weir_address()
            while true {
                let accepted = weir_accept(socket.descriptor, &peer)
                if accepted < 0 { return count }
                weir_close(accepted)
                count += 1
            }
        }
    }

    private final class Told {
        var reports: [CheckRunner.Report] = []
    }

    private func server(_ port: UInt16, host: UInt32 = 0x7f00_0001) -> ServerConfig {
        ServerConfig(name: "s", address: .ip(.v4(host), port: port))
    }

    private func options(every: Duration = .seconds(3600)) -> CheckOptions {
        var options = CheckOptions()
        options.every = every
        options.everyDown = every
        options.everyChanging = every
        return options
    }

    /// Turns the loop until the condition holds, for a minute at most.
    private func turn(_ loop: ControlLoop, until condition: () -> Bool) {
        let end = loop.now + 60_000_000_000
        while !condition(), loop.now < end { loop.turn(until: loop.now + 5_000_000) }
        let holds = condition()
        #expect(holds)
    }

    @Test("endpoints of several pools with the same check share it, and each is told")
    func shared() throws {
        let listener = try Listener()
        let loop = try ControlLoop()
        let told = Told()
        let runner = CheckRunner(on: loop, seed: 1) { told.reports.append($0) }
        for pool in 0..<3 {
            #expect(runner.set(pool: pool, options(), members: [server(listener.port)]) == [])
        }
        var others = options()
        others.timeout = .milliseconds(700)
        _ = runner.set(pool: 3, others, members: [nil, server(listener.port)])
        #expect(runner.count == 2)
        turn(loop) { told.reports.count == 4 }
        #expect(Set(told.reports.map(\.endpoint.pool)) == [0, 1, 2, 3])
        #expect(told.reports.map(\.isGood) == [true, true, true, true])
        #expect(listener.drain() == 2)
    }

    @Test("a check says first that Weir speaks for itself, except at a port of its own")
    func introductions() throws {
        var own = options()
        own.port = 9
        let address = server(80)
        let plain = try #require(CheckKey(options(), address, tls: nil, hostName: nil))
        #expect(CheckTarget(plain).introduction == [])
        for version in ProxyProtocolVersion.allCases {
            let header = ProxyHeader.local.bytes(version.header)
            let key = CheckKey(options(), address, tls: nil, hostName: nil, proxyProtocol: version)
            #expect(try CheckTarget(#require(key)).introduction == header)
            // Pools that do not say it have checks of their own.
            #expect(key != plain)
            let apart = CheckKey(own, address, tls: nil, hostName: nil, proxyProtocol: version)
            #expect(apart == CheckKey(own, address, tls: nil, hostName: nil))
        }
    }

    @Test("what is not wanted any more is not checked, and what comes is")
    func members() throws {
        let listener = try Listener()
        let loop = try ControlLoop()
        let told = Told()
        let runner = CheckRunner(on: loop, seed: 1) { told.reports.append($0) }
        let wanted = options(every: .milliseconds(5))
        _ = runner.set(pool: 0, wanted, members: [server(listener.port)])
        _ = runner.set(pool: 1, wanted, members: [server(listener.port)])
        turn(loop) { told.reports.count >= 6 }
        _ = runner.set(pool: 0, wanted, members: [nil, server(listener.port)])
        told.reports = []
        turn(loop) { told.reports.count >= 6 }
        #expect(runner.count == 1)
        let seen = Set(told.reports.map(\.endpoint))
        #expect(seen == [.init(pool: 0, slot: 1), .init(pool: 1, slot: 0)])
        _ = runner.set(pool: 0, wanted, members: [])
        _ = runner.set(pool: 1, wanted, members: [])
        #expect(runner.count == 0)
        told.reports = []
        for _ in 0..<10 { loop.turn(until: loop.now + 5_000_000) }
        #expect(told.reports.isEmpty)
    }

    @Test("an endpoint that joins a known check is down at once if that is")
    func joins() throws {
        let loop = try ControlLoop()
        let told = Told()
        let runner = CheckRunner(on: loop, seed: 1) { told.reports.append($0) }
        // Port 1 of loopback: nobody listens there.
        #expect(runner.set(pool: 0, options(), members: [server(1)]) == [])
        turn(loop) { told.reports.count == 1 }
        #expect(told.reports.first?.change == .down)
        #expect(told.reports.first?.reason == "connection refused")
        #expect(runner.set(pool: 1, options(), members: [nil, server(1)]) == [1])
        var initial = options()
        initial.isInitiallyUp = false
        #expect(runner.set(pool: 2, initial, members: [server(1)]) == [0])
    }

    @Test("ten thousand that fail at once do not keep the loop from turning")
    func many() throws {
        let loop = try ControlLoop()
        let told = Told()
        let runner = CheckRunner(on: loop, seed: 1) { told.reports.append($0) }
        let members = (0..<10_000).map { server(1, host: 0x7f01_0000 + UInt32($0)) }
        _ = runner.set(pool: 0, options(), members: members)
        loop.turn(until: loop.now)
        #expect(told.reports.count < 1000)
        turn(loop) { told.reports.count == 10_000 }
        #expect(Set(told.reports.map(\.endpoint.slot)).count == 10_000)
    }

    @Test("the first interval is a part of the period, later ones are whole")
    func spread() throws {
        let listener = try Listener()
        let loop = try ControlLoop()
        let told = Told()
        let runner = CheckRunner(on: loop, seed: 7) { told.reports.append($0) }
        let members = (0..<20).map { server(listener.port, host: 0x7f00_0001 + UInt32($0)) }
        _ = runner.set(pool: 0, options(every: .milliseconds(300)), members: members)
        turn(loop) { told.reports.count >= 60 }
        let bySlot = Dictionary(grouping: told.reports, by: \.endpoint.slot)
            .mapValues { $0.map(\.began) }.filter { $0.value.count >= 3 }
        #expect(bySlot.count > 10)
        let firsts = bySlot.values.map { $0[1] - $0[0] }
        #expect((firsts.min() ?? .max) < 100_000_000)
        #expect((firsts.max() ?? 0) - (firsts.min() ?? 0) > 100_000_000)
        #expect(bySlot.values.map { $0[2] - $0[1] }.min() ?? 0 >= 270_000_000)
    }

    @Test("unix sockets are checked; one that is not there is down")
    func unix() throws {
        let loop = try ControlLoop()
        let told = Told()
        let runner = CheckRunner(on: loop, seed: 1) { told.reports.append($0) }
        let gone = ServerConfig(name: "u", address: .unix(path: "/nowhere/at/all.sock"))
        _ = runner.set(pool: 0, options(), members: [gone])
        turn(loop) { told.reports.count == 1 }
        #expect(told.reports.first?.reason == "no such file or directory")
    }
}
