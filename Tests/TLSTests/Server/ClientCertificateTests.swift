import COpenSSL
import Testing

@testable import TLS

@Suite("Clients show certificates where they are asked")
struct ClientCertificateTests {
    private static let authority = TestAuthority("Clients")
    private static let good = issue()

    private static func issue(
        by signer: TestAuthority = authority,
        change: (inout TestAuthority.Order) -> Void = { _ in }
    ) -> TestCertificate {
        var order = TestAuthority.Order()
        order.subject = [("O", "Acme, Ltd"), ("CN", "acme")]
        order.names = [
            "DNS:acme.test", "URI:spiffe://acme/api", "IP:192.0.2.7", "email:a@acme.test",
        ]
        order.usage = "clientAuth"
        change(&order)
        return signer.issue(order)
    }

    private func pair(
        _ version: TLSVersion,
        _ certificate: TestCertificate?,
        change: (inout TLSServerOptions) -> Void = { _ in }
    ) throws -> Pair {
        let context = try Servers.context {
            $0.clientAuthority = Self.authority.certificate.pem
            change(&$0)
        }
        let client = RawClient(max: version.number)
        if let certificate { client.show(certificate) }
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        return pair
    }

    @Test("a good one is taken, and told", arguments: versions)
    func good(version: TLSVersion) throws {
        let pair = try pair(version, Self.good)
        #expect(pair.isDone)
        let shown = try #require(pair.server.connection.peerCertificate)
        #expect(shown.subject == #"CN=acme,O=Acme\, Ltd"#)
        #expect(shown.issuer == "CN=Clients")
        #expect(shown.names == ["acme.test", "spiffe://acme/api", "192.0.2.7", "a@acme.test"])
        #expect(shown.fingerprint.count == 64)
        #expect(shown.fingerprint == X509View(Self.good.pointer).fingerprint)
    }

    @Test("none is refused where it is required", arguments: versions)
    func missing(version: TLSVersion) throws {
        let pair = try pair(version, nil)
        #expect(pair.server.failure?.kind == .certificateMissing)
        #expect(pair.server.failure?.text == "the client showed no certificate")
    }

    @Test("none is well where it is optional, a bad one is not", arguments: versions)
    func optional(version: TLSVersion) throws {
        let without = try pair(version, nil) { $0.clientCertificate = .optional }
        #expect(without.isDone && without.server.connection.peerCertificate == nil)
        let with = try pair(version, Self.good) { $0.clientCertificate = .optional }
        #expect(with.isDone && with.server.connection.peerCertificate != nil)
        let foreign = Self.issue(by: TestAuthority("Others"))
        let bad = try pair(version, foreign) { $0.clientCertificate = .optional }
        #expect(bad.server.failure?.kind == .certificateUntrusted)
    }

    @Test("bad ones are refused with the reason", arguments: versions)
    func bad(version: TLSVersion) throws {
        let cases: [(TestCertificate, TLSFailure.Kind)] = [
            (Self.issue(by: TestAuthority("Others")), .certificateUntrusted),
            // The same name, another key.
            (Self.issue(by: TestAuthority("Clients")), .certificateUntrusted),
            (Self.issue { ($0.from, $0.to) = (-200, -100) }, .certificateExpired),
            (Self.issue { ($0.from, $0.to) = (1000, 2000) }, .certificateNotYetValid),
            (Self.issue { $0.usage = "serverAuth" }, .certificateUnfit),
        ]
        for (certificate, kind) in cases {
            let pair = try pair(version, certificate)
            #expect(pair.server.failure?.kind == kind)
            #expect(pair.client.failure != nil || pair.client.end == TLSConnection.broken)
        }
    }

    @Test("revoked ones are refused", arguments: versions)
    func revoked(version: TLSVersion) throws {
        let bad = Self.issue()
        let list = Self.authority.revocations(of: [bad])
        #expect(try pair(version, Self.good) { $0.revocations = list }.isDone)
        let refused = try pair(version, bad) { $0.revocations = list }
        #expect(refused.server.failure?.kind == .certificateRevoked)
        #expect(refused.server.failure?.text == "the certificate of the client has been revoked")
    }

    @Test("a list that is too old, or another authority's, lets nobody in", arguments: versions)
    func staleList(version: TLSVersion) throws {
        let stale = Self.authority.revocations(of: [], due: -60)
        let foreign = TestAuthority("Others").revocations(of: [])
        for list in [stale, foreign] {
            let pair = try pair(version, Self.good) { $0.revocations = list }
            #expect(pair.server.failure?.kind == .revocationsUnknown)
        }
    }

    @Test("an authority below another one needs no list of the upper one", arguments: versions)
    func upperList(version: TLSVersion) throws {
        let lower = TestAuthority("Lower", below: Self.authority)
        let certificate = Self.issue(by: lower)
        let authorities = Self.authority.certificate.pem + lower.certificate.pem
        let list = lower.revocations(of: [])
        let good = try pair(version, certificate) {
            $0.clientAuthority = authorities
            $0.revocations = list
        }
        #expect(good.isDone)
        // But if there is one, it counts, for and against.
        let clean = try pair(version, certificate) {
            $0.clientAuthority = authorities
            $0.revocations = list + Self.authority.revocations(of: [])
        }
        #expect(clean.isDone)
        let upper = Self.authority.revocations(of: [lower.certificate])
        let bad = try pair(version, certificate) {
            $0.clientAuthority = authorities
            $0.revocations = list + upper
        }
        #expect(bad.server.failure?.kind == .certificateRevoked)
    }

    @Test("an authority that is no root is trusted by itself", arguments: versions)
    func lowerAlone(version: TLSVersion) throws {
        let lower = TestAuthority("Lower", below: TestAuthority("Upper"))
        let pair = try pair(version, Self.issue(by: lower)) {
            $0.clientAuthority = lower.certificate.pem
        }
        #expect(pair.isDone)
        let checked = try self.pair(version, Self.issue(by: lower)) {
            $0.clientAuthority = lower.certificate.pem
            $0.revocations = lower.revocations(of: [])
        }
        #expect(checked.isDone)
    }

    @Test("a resumed session still knows its client, unless the lists changed", arguments: versions)
    func resumption(version: TLSVersion) throws {
        let keys = TicketKeys(now: 0)
        func context(_ list: [UInt8]) throws -> TLSServerContext {
            try Servers.context {
                $0.ticketKeys = keys
                $0.clientAuthority = Self.authority.certificate.pem
                $0.revocations = list
            }
        }
        let client = RawClient(max: version.number)
        client.show(Self.good)
        let list = Self.authority.revocations(of: [])
        let first = try #require(Pair(try context(list)) { client.connect($0) })
        first.run()
        client.keepSession(of: first.client.connection)
        let second = try #require(Pair(try context(list)) { client.connect($0) })
        second.run()
        #expect(second.server.connection.isResumed)
        #expect(second.server.connection.peerCertificate?.names.first == "acme.test")
        client.keepSession(of: second.client.connection)
        let revoked = try context(Self.authority.revocations(of: [Self.good]))
        let third = try #require(Pair(revoked) { client.connect($0) })
        third.run()
        #expect(third.server.failure?.kind == .certificateRevoked)
    }

    @Test("names with bytes that are not visible are left out")
    func strangeNames() throws {
        let certificate = Self.issue { $0.names = ["DNS:a b", "DNS:good.test", "URI:x\ny"] }
        #expect(X509View(certificate.pointer).alternativeNames == ["good.test"])
        let subject = Self.issue { $0.subject = [("CN", "a\r\nb: c")] }
        let text = X509View(subject.pointer).subject
        #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }
}
