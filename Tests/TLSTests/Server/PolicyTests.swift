import COpenSSL
import Testing

@testable import TLS

@Suite("Suites, groups and versions are what the options say")
struct PolicyTests {
    private func context(
        suites: [TLSSuite] = [],
        groups: [TLSGroup] = [],
        minVersion: TLSVersion = .tls12
    ) throws -> TLSServerContext {
        try Servers.context {
            $0.suites = suites
            $0.groups = groups
            $0.minVersion = minVersion
        }
    }

    @Test("the server's order of suites counts", arguments: versions)
    func order(version: TLSVersion) throws {
        let suites: [TLSSuite] = [.aes256, .aes128, .ecdsaAES256, .ecdsaAES128]
        for list in [suites, [.aes128, .aes256, .ecdsaAES128, .ecdsaAES256]] {
            let client = RawClient(max: version.number)
            let pair = try #require(Pair(try context(suites: list)) { client.connect($0) })
            pair.run()
            let first = list.first { $0.isTLS13 == (version == .tls13) }
            #expect(pair.server.connection.cipher == first?.rawValue)
        }
    }

    @Test("each suite can be agreed on alone", arguments: TLSSuite.allCases)
    func each(suite: TLSSuite) throws {
        let rsa = Servers.authority.issue("example.test", key: .rsa)
        let suites = suite.isTLS13 ? [suite, .ecdsaAES128] : [suite, .aes128]
        let context = try Servers.context(Servers.example, rsa) { $0.suites = suites }
        let client = RawClient(max: suite.isTLS13 ? TLS1_3_VERSION : TLS1_2_VERSION)
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        #expect(pair.server.connection.cipher == suite.rawValue)
    }

    @Test("a version that is spoken needs a suite")
    func missingSuites() throws {
        #expect { try context(suites: [.ecdsaAES128]) } throws: { error in
            (error as? TLSSetupError)?.kind == .suites
        }
        #expect { try context(suites: [.aes128]) } throws: { error in
            (error as? TLSSetupError)?.text.contains("TLS 1.2") == true
        }
        _ = try context(suites: [.aes128], minVersion: .tls13)
    }

    @Test("names of suites are known in both spellings, weak ones are not")
    func suiteNames() {
        for suite in TLSSuite.allCases {
            #expect(TLSSuite(named: suite.rawValue) == suite)
            #expect(TLSSuite(named: suite.openSSL) == suite)
        }
        for name in [
            "", "AES128-SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-SHA256",
        ] {
            #expect(TLSSuite(named: name) == nil)
        }
    }

    @Test("names of groups are known in all spellings, others are not")
    func groupNames() {
        for group in TLSGroup.allCases { #expect(TLSGroup(named: group.rawValue) == group) }
        #expect(TLSGroup(named: "prime256v1") == .p256)
        #expect(TLSGroup(named: "secp384r1") == .p384)
        #expect(TLSGroup(named: "x25519") == .x25519)
        for name in ["", "secp192r1", "ffdhe2048", "P-224"] {
            #expect(TLSGroup(named: name) == nil)
        }
    }

    @Test("a group that was not chosen is not spoken", arguments: versions)
    func groups(version: TLSVersion) throws {
        let context = try context(groups: [.p384])
        let client = RawClient(max: version.number)
        weir_ssl_ctx_set_groups(client.context, "X25519:P-256")
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        #expect(pair.server.failure != nil)
        // P-256 is the certificate's: before TLS 1.3 the list is about that as well.
        weir_ssl_ctx_set_groups(client.context, "X25519:P-256:P-384")
        let other = try #require(Pair(context) { client.connect($0) })
        other.run()
        #expect(other.isDone)
    }

    @Test("SSL 2 and 3, compression, early data and renegotiation are off")
    func off() throws {
        let pair = try #require(Pair(try context()) { RawClient().connect($0) })
        let ssl = pair.server.connection.ssl
        let options = SSL_get_options(ssl)
        for bit in [17, 30, 22] as [UInt64] { #expect(options & (1 << bit) != 0) }
        #expect(SSL_get_max_early_data(ssl) == 0)
        #expect(SSL_get_security_level(ssl) == 2)
    }
}
