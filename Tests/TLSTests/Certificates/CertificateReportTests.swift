import COpenSSL
import Testing

@testable import TLS

@Suite("A report tells what is wrong with a certificate")
struct CertificateReportTests {
    /// The time at which the tests' certificates are made, to some minutes.
    private let now = X509View(Servers.example.pointer).notBefore + 3600

    private func report(
        _ certificate: TestCertificate = Servers.example,
        later seconds: Int64 = 0,
        change: (inout TLSServerOptions.Certificate) -> Void = { _ in }
    ) -> CertificateReport {
        var files = Servers.files(certificate)
        change(&files)
        return CertificateReport(files, now: now + seconds)
    }

    private func kinds(_ report: CertificateReport) -> [CertificateReport.Kind] {
        report.findings.map(\.kind)
    }

    /// A certificate of an authority below the root, with its chain.
    private static let lower = TestAuthority("Lower", below: Servers.authority)
    private static let leaf = lower.issue("Chain.test", "*.chain.test")

    @Test("nothing, where all is well")
    func good() {
        let report = report(Self.leaf) { $0.chain += Self.lower.certificate.pem }
        #expect(report.findings.isEmpty && report.isGood)
        #expect(report.names == ["chain.test", "*.chain.test"])
        #expect(report.subject == "CN=Chain.test")
        #expect(report.notAfter == X509View(Self.leaf.pointer).notAfter)
    }

    @Test("what a file's owner shows is its first certificate")
    func first() throws {
        let chain = Self.leaf.pem + Self.lower.certificate.pem
        let shown = try PeerCertificate(pem: chain)
        #expect(shown.subject == "CN=Chain.test")
        #expect(shown.fingerprint == X509View(Self.leaf.pointer).fingerprint)
        #expect(throws: TLSSetupError.self) { try PeerCertificate(pem: Self.leaf.key.pem()) }
    }

    @Test("how long it is valid")
    func time() {
        let change = { (files: inout TLSServerOptions.Certificate) in
            files.chain += Servers.authority.certificate.pem
        }
        let end = X509View(Servers.example.pointer).notAfter - now
        #expect(report(later: end - CertificateReport.warningTime, change: change).findings.isEmpty)
        let soon = report(later: end - CertificateReport.warningTime + 1, change: change)
        #expect(kinds(soon) == [.endsSoon] && soon.isGood)
        let date = dateText(X509View(Servers.example.pointer).notAfter)
        #expect(soon.findings.first?.text == "the certificate ends on \(date)")
        #expect(kinds(report(later: end, change: change)) == [.endsSoon])
        let over = report(later: end + 3 * 86_400, change: change)
        #expect(kinds(over) == [.expired] && !over.isGood)
        #expect(over.findings.first?.text == "the certificate ended on \(date)")
        let early = report(later: -3 * 86_400, change: change)
        #expect(kinds(early) == [.notYetValid] && !early.isGood)
    }

    @Test("that a certificate of its chain has ended")
    func chainTime() {
        let end = X509View(Self.lower.certificate.pointer).notAfter - now
        let report = report(Self.leaf, later: end + 1) { $0.chain += Self.lower.certificate.pem }
        let texts = report.findings.map(\.text)
        #expect(texts.contains { $0.contains("certificate 2 of the chain, CN=Lower,") })
    }

    @Test("that a chain is not there, or in disorder")
    func chain() {
        let alone = report(Self.leaf)
        #expect(kinds(alone) == [.chainIncomplete] && alone.isGood)
        #expect(alone.findings.first?.text.contains("CN=Lower") == true)
        let turned = report(Self.leaf) {
            $0.chain += Servers.authority.certificate.pem + Self.lower.certificate.pem
        }
        #expect(kinds(turned) == [.chainOrder] && turned.isGood)
        #expect(turned.findings.first?.text.contains("certificate 2 of the chain") == true)
    }

    @Test("that it signs itself is no fault")
    func selfSigned() {
        let root = Servers.authority.certificate
        #expect(kinds(report(root)) == [.noNames] || kinds(report(root)).isEmpty)
        #expect(report(root).isGood)
    }

    @Test("that the key is another one, cannot be read, or is closed")
    func key() {
        let mismatch = report { $0.key = TestKey(.ecdsa).pem() }
        #expect(kinds(mismatch).contains(.mismatch) && !mismatch.isGood)
        let unreadable = report { $0.key = [] }
        #expect(kinds(unreadable).contains(.unreadable))
        #expect(unreadable.findings.first?.part == .key)
        let encrypted = TestKey.ecdsa.pem(passphrase: "secret")
        let missing = report { $0.key = encrypted }
        #expect(kinds(missing).contains(.passphraseMissing))
        let wrong = report {
            $0.key = encrypted
            $0.passphrase = Array("other".utf8)
        }
        #expect(kinds(wrong).contains(.passphraseWrong))
        #expect(wrong.findings.first?.part == .passphrase)
        let right = report {
            $0.key = encrypted
            $0.passphrase = Array("secret".utf8)
        }
        #expect(right.isGood)
    }

    @Test("which block cannot be read, and the key's fault beside it")
    func blocks() {
        let report = report {
            $0.chain += Array("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".utf8)
            $0.key = []
        }
        #expect(kinds(report) == [.unreadable, .unreadable])
        #expect(report.findings.last?.text.hasPrefix("block 2 cannot be read") == true)
        #expect(report.notAfter == nil && report.names.isEmpty)
    }

    @Test("that it is weak")
    func weak() {
        let report = report(Servers.authority.issue("a.test", key: TestKey(.rsa, bits: 1024)))
        #expect(kinds(report).contains(.unfit) && !report.isGood)
    }

    @Test("that the OCSP answer is about something else")
    func staple() {
        let good = report { $0.staple = Servers.authority.staple(for: Servers.example) }
        #expect(good.isGood)
        let bad = report { $0.staple = Servers.authority.staple(for: Self.leaf) }
        #expect(bad.findings.contains { $0.part == .staple && $0.isError })
    }

    @Test(
        "dates are those of the calendar",
        arguments: [
            (0, "1970-01-01"), (-1, "1969-12-31"), (951_782_400, "2000-02-29"),
            (951_868_799, "2000-02-29"), (951_868_800, "2000-03-01"), (1_798_761_600, "2027-01-01"),
            (253_402_300_799, "9999-12-31"),
        ] as [(Int64, String)]
    )
    func dates(seconds: Int64, text: String) {
        #expect(dateText(seconds) == text)
    }

    @Test("authorities and lists that cannot be read")
    func others() {
        let root = Servers.authority.certificate.pem
        let list = Servers.authority.revocations(of: [])
        #expect(CertificateReport.problem(ofAuthorities: root) == nil)
        #expect(CertificateReport.problem(ofAuthorities: list)?.contains("X509 CRL") == true)
        #expect(CertificateReport.problem(ofRevocations: list, now: 0) == nil)
        #expect(CertificateReport.problem(ofRevocations: root, now: 0)?.isError == true)
        let ended = CertificateReport.problem(ofRevocations: list, now: 1_800_000_000_000)
        #expect(ended?.isError == false && ended?.text.hasPrefix("a list ended on ") == true)
    }

    @Test("that no host is covered")
    func names() {
        var order = TestAuthority.Order()
        order.names = ["URI:spiffe://a"]
        #expect(kinds(report(Servers.authority.issue(order))).contains(.noNames))
    }
}
