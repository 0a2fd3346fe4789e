import COpenSSL
import Testing

@testable import TLS

@Suite("A failed handshake says why")
struct FailureTests {
    /// A server that is sent `bytes` first.
    private func failure(
        sending bytes: [UInt8],
        inPieces pieces: Int = .max
    ) throws -> (TLSFailure?, [UInt8]) {
        let port = TLSPort()
        defer { withExtendedLifetime(port) {} }
        let connection = try #require(try Servers.context().accept(port))
        let side = Side(connection, port)
        var rest = bytes[...]
        while !rest.isEmpty, side.step == .needMore {
            side.feed(Array(rest.prefix(pieces)))
            rest = rest.dropFirst(pieces)
        }
        return (side.failure, side.outgoing)
    }

    @Test(
        "plain HTTP is told apart, with nothing written",
        arguments: ["GET / HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "P"]
    )
    func plainHTTP(text: String) throws {
        let (whole, answer) = try failure(sending: Array(text.utf8))
        #expect(whole?.kind == .plainHTTP && answer.isEmpty)
        #expect(whole?.text == "the client sent plain HTTP to a TLS port")
        let (cut, _) = try failure(sending: Array(text.utf8), inPieces: 1)
        #expect(cut == whole)
    }

    @Test(
        "what is not TLS is told apart",
        arguments: [Array("\r\n\r\n\r\n".utf8), [5, 1, 0, 0, 0], Array("ssh-2.0-x".utf8)]
    )
    func garbage(bytes: [UInt8]) throws {
        let (failure, _) = try failure(sending: bytes)
        #expect(failure?.kind == .notTLS)
        #expect(ERR_peek_error() == 0)
    }

    @Test("any byte in front, and any damage to a hello, ends or waits")
    func damagedHello() throws {
        let client = RawClient()
        let port = TLSPort()
        defer { withExtendedLifetime(port) {} }
        let connection = try #require(client.connect(port))
        defer { connection.free() }
        #expect(connection.handshake() == .needMore)
        let hello = Array(port.output)
        let context = try Servers.context()
        for index in 0..<hello.count {
            var damaged = hello
            damaged[index] ^= 0x55
            let serverPort = TLSPort()
            defer { withExtendedLifetime(serverPort) {} }
            let side = Side(try #require(context.accept(serverPort)), serverPort)
            side.feed(damaged)
            #expect(side.step != .done)
            #expect(side.failure?.text.isEmpty != true)
        }
    }

    @Test(
        "a client that is too old is told by its version",
        arguments: [(TLS1_VERSION, "TLS 1.0"), (TLS1_1_VERSION, "TLS 1.1")]
    )
    func oldVersion(version: Int32, name: String) throws {
        let client = RawClient(max: version)
        let pair = try #require(Pair(try Servers.context()) { client.connect($0) })
        pair.run()
        #expect(pair.server.failure?.kind == .oldVersion)
        #expect(
            pair.server.failure?.text == "the client offers only \(name), which is too old here"
        )
        #expect(pair.client.failure?.kind == .alert)
    }

    @Test("a listener may want TLS 1.3")
    func minVersion() throws {
        let context = try Servers.context { $0.minVersion = .tls13 }
        let old = RawClient(max: TLS1_2_VERSION)
        let pair = try #require(Pair(context) { old.connect($0) })
        pair.run()
        #expect(pair.server.failure?.kind == .oldVersion)
        let new = RawClient()
        let other = try #require(Pair(context) { new.connect($0) })
        other.run()
        #expect(other.isDone)
    }

    @Test("a client without a common suite is told so")
    func noSuite() throws {
        let client = RawClient(max: TLS1_2_VERSION)
        SSL_CTX_set_cipher_list(client.context, "AES128-SHA:@SECLEVEL=0")
        let pair = try #require(Pair(try Servers.context()) { client.connect($0) })
        pair.run()
        #expect(pair.server.failure?.kind == .noCommonSuite)
        #expect(pair.client.failure?.text.contains("handshake_failure") == true)
    }

    @Test("a client without a common group is told so")
    func noGroup() throws {
        let client = RawClient()
        weir_ssl_ctx_set_groups(client.context, "X448")
        let pair = try #require(Pair(try Servers.context()) { client.connect($0) })
        pair.run()
        #expect(pair.server.failure?.kind == .noCommonGroup)
    }

    @Test("a client that takes no signature of our key is told so")
    func noSignature() throws {
        let client = RawClient(min: TLS1_3_VERSION)
        weir_ssl_ctx_set_signatures(client.context, "rsa_pss_rsae_sha256")
        let pair = try #require(Pair(try Servers.context()) { client.connect($0) })
        pair.run()
        #expect(pair.server.failure?.kind == .noCommonSignature)
    }

    @Test("a client that does not trust us is told by its alert", arguments: versions)
    func untrusted(version: TLSVersion) throws {
        let client = RawClient(max: version.number)
        SSL_CTX_set_verify(client.context, SSL_VERIFY_PEER, nil)
        let pair = try #require(Pair(try Servers.context()) { client.connect($0) })
        pair.run()
        let failure = pair.server.failure
        #expect(failure?.kind == .refusedByPeer)
        #expect(failure?.text == "the client does not trust our certificate (alert unknown_ca)")
        #expect(pair.client.failure?.kind == .certificateUntrusted)
        #expect(ERR_peek_error() == 0)
    }

    @Test("each kind has a name and words of its own")
    func words() {
        let kinds = TLSFailure.Kind.allCases
        #expect(Set(kinds.map(\.rawValue)).count == kinds.count)
        #expect(Set(kinds.map { TLSFailure(kind: $0).text }).count == kinds.count)
        for kind in kinds {
            #expect(kind.rawValue.allSatisfy { $0 == "-" || $0.isLowercase })
        }
    }
}
