import COpenSSL
import Testing

@testable import TLS

@Suite("A context is made of good files only")
struct SetupTests {
    private func error(_ change: (inout TLSServerOptions) -> Void) -> TLSSetupError? {
        do {
            _ = try Servers.context(Servers.example, change: change)
            return nil
        } catch {
            return error as? TLSSetupError
        }
    }

    @Test("a certificate is needed")
    func none() {
        #expect(error { $0.certificates = [] }?.kind == .certificate)
    }

    @Test("the certificate at fault is told by its number")
    func number() {
        let other = TLSServerOptions.Certificate(chain: [], key: TestKey.ecdsa.pem())
        let found = error { $0.certificates.append(other) }
        #expect(found?.kind == .certificate && found?.certificate == 1)
        #expect(found?.text.hasPrefix("there is no certificate in PEM form") == true)
    }

    @Test("PEM errors name the block")
    func blocks() {
        let good = Servers.example.pem
        let broken = Array("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n".utf8)
        let empty = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        let cut = Array(good.dropLast(30))
        for text in [good + broken, good + empty, good + cut] {
            let found = error { $0.certificates[0].chain = text }
            #expect(found?.kind == .certificate)
            #expect(found?.text.hasPrefix("block 2 ") == true, "\(found?.text ?? "")")
        }
        let key = error { $0.certificates[0].chain = TestKey.ecdsa.pem() }
        #expect(key?.text == "there is no certificate, only: PRIVATE KEY")
        #expect(ERR_peek_error() == 0)
    }

    @Test("a certificate may lie in one file with its key, either first")
    func together() {
        let both = Servers.example.pem + Servers.example.key.pem()
        let turned = Servers.example.key.pem() + Servers.example.pem
        for text in [both, turned] {
            #expect(error { $0.certificates[0] = .init(chain: text, key: text) } == nil)
        }
    }

    @Test("a key that does not belong to the certificate is refused")
    func mismatch() {
        for key in [TestKey(.ecdsa), TestKey.rsa] {
            let found = error { $0.certificates[0].key = key.pem() }
            #expect(found?.kind == .mismatch)
            #expect(found?.text.contains("CN=example.test") == true)
        }
    }

    @Test("keys that cannot be read are told apart")
    func keys() {
        #expect(error { $0.certificates[0].key = [] }?.kind == .key)
        let found = error { $0.certificates[0].key = Servers.example.pem }
        #expect(found?.text == "there is no private key, only: CERTIFICATE")
        let cut = error { $0.certificates[0].key = Array(TestKey.ecdsa.pem().dropLast(40)) }
        #expect(cut?.kind == .key)
    }

    @Test("an encrypted key needs its passphrase, the first line of a file")
    func passphrase() {
        let key = TestKey.ecdsa.pem(passphrase: "open sesame")
        func found(_ passphrase: String?) -> TLSSetupError? {
            error {
                $0.certificates[0].key = key
                $0.certificates[0].passphrase = passphrase.map { Array($0.utf8) }
            }
        }
        for text in ["open sesame", "open sesame\n", "open sesame\r\n", "open sesame\n\nb"] {
            #expect(found(text) == nil)
        }
        #expect(found(nil)?.text == "the key is encrypted and needs a passphrase")
        for text in ["", "open", "\nopen sesame", String(repeating: "x", count: 5000)] {
            #expect(found(text)?.text == "the passphrase does not open the key")
            #expect(found(text)?.kind == .passphrase)
        }
        #expect(ERR_peek_error() == 0)
    }

    @Test("weak certificates are refused")
    func weak() {
        let weak = TestKey(.rsa, bits: 1024)
        let certificate = Servers.authority.issue("weak.test", key: weak)
        let found = error { $0.certificates = [Servers.files(certificate)] }
        #expect(found?.kind == .certificate && found?.text.contains("too small") == true)
    }

    @Test("a chain has a bound")
    func chainLimit() throws {
        let count = Credential.chainLimit / Int(i2d_X509(Servers.example.pointer, nil))
        func chain(_ count: Int) -> [UInt8] {
            (0..<count).flatMap { _ in Servers.example.pem }
        }
        #expect(error { $0.certificates[0].chain = chain(count) } == nil)
        let found = error { $0.certificates[0].chain = chain(count + 1) }
        #expect(found?.text.contains("more than 65536") == true)
    }

    @Test("the largest chain passes in one flight", arguments: versions)
    func largestChain(version: TLSVersion) throws {
        let count = Credential.chainLimit / Int(i2d_X509(Servers.example.pointer, nil))
        let chain = (0..<count).flatMap { _ in Servers.example.pem }
        let context = try Servers.context { $0.certificates[0].chain = chain }
        let client = RawClient(max: version.number)
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        #expect(pair.isDone)
    }

    @Test("the chain is sent as it is, without the root")
    func chain() throws {
        let lower = TestAuthority("Lower", below: Servers.authority)
        let leaf = lower.issue("chain.test")
        let context = try Servers.context(leaf) {
            $0.certificates[0].chain += lower.certificate.pem + Servers.authority.certificate.pem
            // Not to be added to the chain.
            $0.clientAuthority = Servers.authority.certificate.pem
            $0.clientCertificate = .optional
        }
        let client = RawClient()
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        let chain = SSL_get_peer_cert_chain(pair.client.connection.ssl)
        #expect(OPENSSL_sk_num(chain) == 2)
    }

    @Test("authorities and lists are read or refused")
    func authorities() {
        let root = Servers.authority.certificate.pem
        #expect(error { $0.clientAuthority = [] }?.kind == .authority)
        #expect(error { $0.clientAuthority = TestKey.ecdsa.pem() }?.kind == .authority)
        #expect(
            error { $0.revocations = Servers.authority.revocations(of: []) }?.kind == .revocations
        )
        for list in [
            [], root, Array("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".utf8),
        ] {
            let found = error {
                $0.clientAuthority = root
                $0.revocations = list
            }
            #expect(found?.kind == .revocations)
        }
    }

    @Test("an OCSP answer is sent until it is stale", arguments: versions)
    func staple(version: TLSVersion) throws {
        for (due, isSent) in [(86_400, true), (-60, false)] {
            let answer = Servers.authority.staple(for: Servers.example, due: due)
            let context = try Servers.context { $0.certificates[0].staple = answer }
            let client = RawClient(max: version.number)
            let pair = try #require(
                Pair(context) { port in
                    let connection = client.connect(port)
                    if let connection { weir_ssl_ask_for_staple(connection.ssl) }
                    return connection
                }
            )
            pair.run()
            var bytes: UnsafeMutablePointer<UInt8>?
            let count = weir_ssl_staple(pair.client.connection.ssl, &bytes)
            #expect(pair.isDone && count == (isSent ? answer.count : -1))
        }
    }

    @Test("an OCSP answer of something else is refused")
    func badStaple() {
        let other = Servers.authority.issue("other.test")
        for answer in [[], [1, 2, 3], Servers.authority.staple(for: other)] {
            let found = error { $0.certificates[0].staple = answer }
            #expect(found?.kind == .staple)
        }
    }
}
