import COpenSSL
import Testing

@testable import TLS

@Suite("The certificate is chosen by name and kind of key")
struct NameTests {
    private static let exact = Servers.authority.issue("www.example.test", "example.test")
    private static let wildcard = Servers.authority.issue("*.example.test")
    private static let first = Servers.authority.issue("first.test")
    private static let rsa = Servers.authority.issue("both.test", "rsa.test", key: .rsa)
    private static let ecdsa = Servers.authority.issue("both.test", key: .ecdsa)

    private func context(refuse: Bool = false) throws -> TLSServerContext {
        try Servers.context(Self.first, Self.exact, Self.wildcard, Self.rsa, Self.ecdsa) {
            if refuse { $0.unknownName = .refuse }
        }
    }

    private func pair(_ name: String?, _ context: TLSServerContext, max: Int32) throws -> Pair {
        let client = RawClient(max: max)
        client.serverName = name
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        return pair
    }

    @Test(
        "exact before wildcard before default",
        arguments: [
            ("www.example.test", "CN=www.example.test"),
            ("WWW.EXAMPLE.test", "CN=www.example.test"),
            ("example.test", "CN=www.example.test"),
            ("api.example.test", "CN=*.example.test"),
            ("a.b.example.test", "CN=first.test"),
            ("other.test", "CN=first.test"),
            ("first.test", "CN=first.test"),
            (nil, "CN=first.test"),
        ]
    )
    func choice(name: String?, subject: String) throws {
        let context = try context()
        for version in versions {
            let pair = try pair(name, context, max: version.number)
            #expect(shown(to: pair.client.connection) == subject)
        }
    }

    @Test("unknown names are refused where that is asked for", arguments: versions)
    func refusal(version: TLSVersion) throws {
        let context = try context(refuse: true)
        for name in ["other.test", "a.b.example.test", nil] {
            let pair = try pair(name, context, max: version.number)
            #expect(pair.server.failure?.kind == .unknownName)
            #expect(pair.client.failure?.text.contains("unrecognized_name") == true)
        }
        #expect(try pair("api.example.test", context, max: version.number).isDone)
    }

    @Test("RSA and ECDSA serve one name side by side", arguments: versions)
    func kinds(version: TLSVersion) throws {
        let context = try context()
        for (signatures, kind) in [
            ("ecdsa_secp256r1_sha256", EVP_PKEY_EC), ("rsa_pss_rsae_sha256", EVP_PKEY_RSA),
        ] {
            let client = RawClient(max: version.number)
            client.serverName = "both.test"
            weir_ssl_ctx_set_signatures(client.context, signatures)
            let pair = try #require(Pair(context) { client.connect($0) })
            pair.run()
            #expect(pair.isDone)
            let shown = SSL_get0_peer_certificate(pair.client.connection.ssl)
            #expect(EVP_PKEY_get_base_id(X509_get0_pubkey(shown)) == kind)
        }
    }

    @Test("what is covered is known without a connection")
    func coverage() throws {
        let context = try context()
        for name in ["first.test", "Api.Example.test", "rsa.test", "example.test."] {
            #expect(context.covers(name))
        }
        for name in ["", ".", "*", "test", "a.b.example.test", ".example.test", "first.test.evil"] {
            #expect(!context.covers(name))
        }
    }

    @Test("addresses are covered as the certificate has them")
    func addresses() throws {
        var order = TestAuthority.Order()
        order.names = ["DNS:a.test", "IP:192.0.2.1", "IP:2001:db8::1"]
        let pair = Servers.files(Servers.authority.issue(order))
        let context = try TLSServerContext(
            TLSServerOptions(certificates: [pair], ticketKeys: TicketKeys(now: 0))
        )
        for host in ["a.test", "192.0.2.1", "[2001:db8::1]", "[2001:DB8:0:0::0:1]"] {
            #expect(context.covers(host), "\(host)")
        }
        for host in ["192.0.2.10", "[2001:db8::2]", "[192.0.2.1", "[]", "0x7f.1", "192.0.2.1."] {
            #expect(!context.covers(host), "\(host)")
        }
    }

    @Test("the default serves both kinds of key if its name has them")
    func defaultKinds() throws {
        let credentials = try [Self.rsa, Self.ecdsa, Self.first].enumerated().map {
            try Credential(Servers.files($0.element), number: $0.offset)
        }
        let choice = CertificateChoice(credentials)
        #expect(choice.sets == [[0, 1], [0], [2]])
        #expect(choice.setOfName == ["both.test": 0, "rsa.test": 1, "first.test": 2])
    }

    @Test("a certificate without alternative names serves its common name")
    func commonName() throws {
        var order = TestAuthority.Order()
        order.subject = [("O", "Old Ltd"), ("CN", "Old.test")]
        let certificate = Servers.authority.issue(order)
        #expect(X509View(certificate.pointer).hostNames == ["old.test"])
        order.names = ["IP:192.0.2.1"]
        let other = Servers.authority.issue(order)
        #expect(X509View(other.pointer).hostNames.isEmpty)
    }

    @Test("a connection outlives its listener's context", arguments: versions)
    func replacement(version: TLSVersion) throws {
        for cut in [0, 100, 400, 1200] {
            var context: TLSServerContext? = try context()
            weak let gone = context
            let client = RawClient(max: version.number)
            client.serverName = "api.example.test"
            client.protocols = ["http/1.1"]
            let pair = try #require(context.flatMap { Pair($0) { client.connect($0) } })
            pair.run(limit: cut)
            context = nil
            #expect(gone == nil)
            pair.run()
            #expect(pair.isDone)
            #expect(shown(to: pair.client.connection) == "CN=*.example.test")
        }
    }
}
