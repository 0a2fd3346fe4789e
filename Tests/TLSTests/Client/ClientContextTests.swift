import COpenSSL
import Testing

@testable import TLS

@Suite("Servers are verified, and sessions go on")
struct ClientContextTests {
    private static func trust(_ authority: TestAuthority) throws -> TLSClientOptions.Trust {
        .authorities(try TLSAuthorities(pem: authority.certificate.pem))
    }

    private func client(
        _ authority: TestAuthority = Servers.authority,
        change: (inout TLSClientOptions) -> Void = { _ in }
    ) throws -> TLSClientContext {
        var options = TLSClientOptions(trust: try Self.trust(authority))
        change(&options)
        return try TLSClientContext(options)
    }

    private func pair(
        _ server: TLSServerContext,
        _ client: TLSClientContext,
        name: String = "example.test",
        machine: UInt64 = 0
    ) throws -> Pair {
        let pair = try #require(
            Pair(server) { client.connect($0, serverName: name, machine: machine) }
        )
        pair.run()
        return pair
    }

    private func server(_ version: TLSVersion) throws -> TLSServerContext {
        try Servers.context { if version == .tls13 { $0.minVersion = .tls13 } }
    }

    @Test("a server of a trusted authority and the right name is taken")
    func good() throws {
        let pair = try pair(try Servers.context(), try client())
        #expect(pair.isDone)
        #expect(pair.server.connection.serverName == "example.test")
        #expect(pair.client.connection.peerCertificate?.subject == "CN=example.test")
    }

    @Test("the dot at the end of a full name is not sent")
    func fullName() throws {
        let pair = try pair(try Servers.context(), try client(), name: "example.test.")
        #expect(pair.isDone && pair.server.connection.serverName == "example.test")
    }

    @Test("others are refused with the reason")
    func bad() throws {
        let context = try Servers.context()
        let foreign = try pair(context, try client(TestAuthority("Others")))
        #expect(foreign.client.failure?.kind == .certificateUntrusted)
        #expect(foreign.server.failure?.kind == .refusedByPeer)
        for name in ["other.test", "test", "a.example.test", "192.0.2.1"] {
            let pair = try pair(context, try client(), name: name)
            #expect(pair.client.failure?.kind == .certificateName)
        }
        var order = TestAuthority.Order()
        order.names = ["DNS:example.test"]
        (order.from, order.to) = (-200, -100)
        let expired = try Servers.context(Servers.authority.issue(order))
        let pair = try pair(expired, try client())
        #expect(pair.client.failure?.kind == .certificateExpired)
        #expect(pair.client.failure?.text == "the certificate of the server has expired")
    }

    @Test("an address is checked, and not sent", arguments: ["192.0.2.1", "2001:db8::1"])
    func address(text: String) throws {
        var order = TestAuthority.Order()
        order.names = ["IP:\(text)"]
        let context = try Servers.context(Servers.authority.issue(order))
        let pair = try pair(context, try client(), name: text)
        #expect(pair.isDone && pair.server.connection.serverName == nil)
        #expect(try self.pair(context, try client(), name: "192.0.2.2").client.failure != nil)
    }

    @Test("without verification anyone is believed, but the name is sent")
    func anyone() throws {
        let context = try TLSClientContext(TLSClientOptions(trust: .anyone))
        let pair = try pair(try Servers.context(), context, name: "other.test")
        #expect(pair.isDone && pair.server.connection.serverName == "other.test")
        #expect(try self.pair(try Servers.context(), context, name: "192.0.2.1").isDone)
    }

    @Test(
        "names that are none are refused",
        arguments: ["", "a\0b", String(repeating: "a", count: 256)]
    )
    func badNames(name: String) throws {
        #expect(try client().connect(TLSPort(), serverName: name) == nil)
        #expect(ERR_peek_error() == 0)
    }

    @Test("a session goes on once more", arguments: versions)
    func resumption(version: TLSVersion) throws {
        let server = try server(version)
        let client = try client { $0.protocols = ["h2", "http/1.1"] }
        #expect(try !pair(server, client).client.connection.isResumed)
        for _ in 0..<3 {
            let pair = try pair(server, client)
            #expect(pair.isDone && pair.client.connection.isResumed)
            #expect(pair.client.connection.isHTTP2)
        }
    }

    @Test("a connection can do without a session and offer less", arguments: versions)
    func fullHandshake(version: TLSVersion) throws {
        let server = try server(version)
        let client = try client { $0.protocols = ["h2", "http/1.1"] }
        // Pairs are held: a connection goes with its pair.
        let first = try pair(server, client)
        #expect(first.isDone && first.client.connection.isHTTP2)
        for _ in 0..<2 {
            let found = try #require(
                Pair(server) {
                    client.connect(
                        $0,
                        serverName: "example.test",
                        protocols: ["http/1.1"],
                        resumes: false
                    )
                }
            )
            found.run()
            #expect(found.isDone && !found.client.connection.isResumed)
            #expect(!found.client.connection.isHTTP2)
        }
        let last = try pair(server, client)
        #expect(last.isDone && last.client.connection.isResumed)
    }

    @Test("a server without a name is only for those who do not verify")
    func nameless() throws {
        let port = TLSPort()
        defer { withExtendedLifetime(port) {} }
        let isRefused = try client().connect(port, serverName: "") == nil
        #expect(isRefused)
        let anyone = try TLSClientContext(TLSClientOptions(trust: .anyone))
        let pair = try pair(try Servers.context(), anyone, name: "")
        #expect(pair.isDone && pair.server.connection.serverName == nil)
    }

    @Test("not with another name, machine or context", arguments: versions)
    func apart(version: TLSVersion) throws {
        let certificate = Servers.authority.issue("example.test", "other.test")
        let server = try Servers.context(certificate)
        let client = try client()
        #expect(try !pair(server, client).client.connection.isResumed)
        #expect(try !pair(server, client, name: "other.test").client.connection.isResumed)
        #expect(try !pair(server, client, machine: 1).client.connection.isResumed)
        #expect(try !pair(server, try self.client()).client.connection.isResumed)
        #expect(try pair(server, client, name: "Example.test").client.connection.isResumed)
        #expect(try pair(server, client, machine: 1).client.connection.isResumed)
    }

    @Test("a session of TLS 1.3 is used once")
    func once() throws {
        let server = try server(.tls13)
        let client = try client()
        _ = try pair(server, client)
        let ports = [TLSPort(), TLSPort()]
        let both = try ports.map { try #require(client.connect($0, serverName: "example.test")) }
        #expect(both.map { hasSession($0) } == [true, false])
        for connection in both { connection.free() }
        // The connections point at them, and hold none.
        withExtendedLifetime(ports) {}
    }

    private func hasSession(_ connection: TLSConnection) -> Bool {
        SSL_get_session(connection.ssl) != nil
    }

    @Test("sessions have bounds")
    func bounds() throws {
        let sessions = ClientSessions()
        let first = sessions.begin(ClientSessions.Server(name: "a", machine: 0)).number
        func session() throws -> ClientSession {
            ClientSession(adopting: try #require(SSL_SESSION_new()))
        }
        sessions.add(try session(), of: first)
        sessions.add(try session(), of: 999_999)
        for machine in 1..<UInt64(ClientSessions.serverLimit) {
            _ = sessions.begin(ClientSessions.Server(name: "a", machine: machine))
        }
        #expect(sessions.begin(ClientSessions.Server(name: "a", machine: 0)).session != nil)
        _ = sessions.begin(ClientSessions.Server(name: "b", machine: 0))
        let again = sessions.begin(ClientSessions.Server(name: "a", machine: 0))
        #expect(again.session == nil && again.number != first)
        // A late session of the one that went is dropped.
        sessions.add(try session(), of: first)
        #expect(sessions.begin(ClientSessions.Server(name: "a", machine: 0)).session == nil)
    }

    @Test("of each server the newest sessions are kept, up to a bound")
    func sessionBound() throws {
        let sessions = ClientSessions()
        let server = ClientSessions.Server(name: "a", machine: 0)
        let number = sessions.begin(server).number
        for _ in 0..<(ClientSessions.sessionLimit + 3) {
            let session = try #require(SSL_SESSION_new())
            SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION)
            sessions.add(ClientSession(adopting: session), of: number)
        }
        var count = 0
        while sessions.begin(server).session != nil { count += 1 }
        #expect(count == ClientSessions.sessionLimit)
    }

    @Test("a connection outlives its context", arguments: versions)
    func replacement(version: TLSVersion) throws {
        var client: TLSClientContext? = try client()
        let server = try server(version)
        let pair = try #require(
            Pair(server) { client?.connect($0, serverName: "example.test") }
        )
        pair.run(limit: 300)
        client = nil
        pair.run()
        #expect(pair.isDone)
    }

    @Test("a handshake that is given up at any byte leaves nothing", arguments: versions)
    func aborts(version: TLSVersion) throws {
        let client = try client()
        let server = try server(version)
        var limit = 0
        while true {
            let pair = try #require(
                Pair(server) { client.connect($0, serverName: "example.test") }
            )
            pair.run(limit: limit)
            if pair.isDone { break }
            #expect(pair.server.failure == nil && pair.client.failure == nil)
            pair.client.shutdown()
            #expect(ERR_peek_error() == 0)
            limit += 7
        }
        #expect(limit > 500)
    }

    @Test("a certificate is shown to servers that ask")
    func certificate() throws {
        var order = TestAuthority.Order()
        order.subject = [("CN", "weir")]
        order.usage = "clientAuth"
        let own = Servers.authority.issue(order)
        let server = try Servers.context {
            $0.clientAuthority = Servers.authority.certificate.pem
        }
        let pair = try pair(server, try client { $0.certificate = Servers.files(own) })
        #expect(pair.isDone)
        #expect(pair.server.connection.peerCertificate?.subject == "CN=weir")
        let without = try self.pair(server, try client())
        #expect(without.server.failure?.kind == .certificateMissing)
    }

    @Test("the protocol is what the server chose")
    func protocols() throws {
        let server = try Servers.context { $0.http2 = false }
        let pair = try pair(server, try client { $0.protocols = ["h2", "http/1.1"] })
        #expect(pair.isDone && !pair.client.connection.isHTTP2)
        let none = try self.pair(server, try client { $0.protocols = ["h2"] })
        #expect(none.client.failure?.kind == .alert)
    }

    @Test("a server that speaks no TLS is told so")
    func plainServer() throws {
        let port = TLSPort()
        defer { withExtendedLifetime(port) {} }
        let connection = try #require(try client().connect(port, serverName: "a"))
        let side = Side(connection, port)
        side.feed([])
        #expect(side.step == .needMore && !side.outgoing.isEmpty)
        side.feed(Array("HTTP/1.1 400 Bad Request\r\n".utf8))
        #expect(side.failure?.kind == .notTLS)
        #expect(side.failure?.text == "the server sent something that is not TLS")
    }

    @Test("authorities are counted, and refused when there are none")
    func authorities() throws {
        let two = Servers.authority.certificate.pem + TestAuthority("Two").certificate.pem
        #expect(try TLSAuthorities(pem: two).count == 2)
        #expect(throws: TLSSetupError.self) { try TLSAuthorities(pem: []) }
    }
}
