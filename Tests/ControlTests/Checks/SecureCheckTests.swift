import CLinux
import Configuration
import EventLoop
import Health
import Routing
import Testing

@testable import Control

@Suite("Checks of servers that speak TLS, or should")
struct SecureCheckTests {
    private func server(_ port: UInt16) -> ServerConfig {
        ServerConfig(name: "s", address: .ip(.v4(0x7f00_0001), port: port))
    }

    private func key(
        _ options: CheckOptions = CheckOptions(),
        _ change: (inout PoolTLSConfig, inout ServerConfig) -> Void = { _, _ in }
    ) -> CheckKey? {
        var tls = PoolTLSConfig()
        var server = server(443)
        change(&tls, &server)
        return CheckKey(options, server, tls: tls, hostName: nil)
    }

    @Test("checks are shared only where all of TLS is the same")
    func sharing() {
        let plain = CheckKey(CheckOptions(), server(443), tls: nil, hostName: nil)
        #expect(key() == key())
        #expect(key() != plain)
        #expect(key() != key { tls, _ in tls.verifies = false })
        #expect(key() != key { tls, _ in tls.authority = "/a.pem" })
        #expect(key() != key { tls, _ in tls.certificate = .init(certificate: "c", key: "k") })
        #expect(key() != key { tls, _ in tls.serverName = "a.test" })
        // The same name, once of the file and once found.
        let found = key { _, server in server.hostName = "a.test" }
        #expect(found == key { tls, _ in tls.serverName = "a.test" })
        var other = CheckOptions()
        other.port = 8443
        #expect(key(other) != key())
    }

    @Test("the name is the pool's, else the found one, else the address")
    func names() {
        #expect(key()?.security?.name == "127.0.0.1")
        #expect(key { _, server in server.hostName = "b.test" }?.security?.name == "b.test")
        let both = key { tls, server in
            tls.serverName = "a.test"
            server.hostName = "b.test"
        }
        #expect(both?.security?.name == "a.test")
        let unix = key { _, server in server.address = .unix(path: "/x.sock") }
        #expect(unix?.security?.name == "")
    }

    /// What the only check of a pool with TLS says of a server at this port.
    private func reason(
        _ port: UInt16,
        _ options: CheckOptions,
        turn: () -> Void = {}
    ) throws -> String? {
        var tls = PoolTLSConfig()
        tls.verifies = false
        var config = Config()
        var pool = PoolConfig(name: "p", servers: [server(port)])
        pool.tls = tls
        config.pools = [pool]
        let contexts = PoolContexts(PlacedConfig(config), files: FileSystem())
        try contexts.read()
        #expect(contexts.contexts.map { $0 != nil } == [true])
        let loop = try ControlLoop()
        var told: [CheckRunner.Report] = []
        let runner = CheckRunner(on: loop, seed: 1, contexts: contexts) { told.append($0) }
        _ = runner.set(pool: 0, options, tls: tls, members: [server(port)])
        let end = loop.now + 10_000_000_000
        while told.isEmpty, loop.now < end {
            loop.turn(until: loop.now + 5_000_000)
            turn()
        }
        return told.first?.reason
    }

    private func listening() throws -> Socket {
        var address = weir_address()
        address.family = 4
        address.low = 0x7f00_0001
        return try Socket.listening(
            at: .internet(address),
            backlog: 16,
            sharesPort: false,
            userTimeout: 0
        )
    }

    private func options(_ question: CheckOptions.Question, _ timeout: Duration) -> CheckOptions {
        var options = CheckOptions()
        options.question = question
        options.every = .seconds(3600)
        options.timeout = timeout
        return options
    }

    @Test(
        "a server that says nothing in the handshake is down, by both kinds",
        arguments: [CheckOptions.Question.tcp, .http(HTTPQuestion(path: "/"))]
    )
    func silent(_ question: CheckOptions.Question) throws {
        let socket = try listening()
        let reason = try reason(socket.localPort, options(question, .milliseconds(50)))
        #expect(reason == "TLS: no end of the handshake in 50ms")
    }

    @Test(
        "a server that answers in the clear, or ends the connection, is down",
        arguments: [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "TLS: the server sent something that is not TLS"),
            ("", "TLS: the server ended the connection in the handshake"),
        ]
    )
    func clear(_ answer: String, _ expected: String) throws {
        let socket = try listening()
        let descriptor = socket.descriptor
        var accepted: Int32 = -1
        defer { if accepted >= 0 { weir_close(accepted) } }
        var room = [UInt8](repeating: 0, count: 4096)
        let reason = try reason(socket.localPort, options(.tcp, .seconds(5))) {
            var peer = weir_address()
            if accepted < 0 { accepted = weir_accept(descriptor, &peer) }
            // Before anything is answered, what the client begins with is read, so that no reset
            // overtakes the answer.
            guard accepted >= 0, weir_recv(accepted, &room, room.count) > 0 else { return }
            let bytes = Array(answer.utf8)
            guard !bytes.isEmpty else {
                weir_close(accepted)
                accepted = -1
                return
            }
            _ = weir_send(accepted, bytes, bytes.count)
        }
        #expect(reason == expected)
    }
}
