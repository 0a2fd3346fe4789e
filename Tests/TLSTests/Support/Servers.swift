@testable import TLS

/// What most tests need: an authority and options with its certificates.
enum Servers {
    static let authority = TestAuthority("Test Root")
    static let example = authority.issue("example.test")

    static func files(_ certificate: TestCertificate) -> TLSServerOptions.Certificate {
        TLSServerOptions.Certificate(chain: certificate.pem, key: certificate.key.pem())
    }

    /// A context of these options, changed by `change`.
    static func context(
        _ certificates: TestCertificate...,
        change: (inout TLSServerOptions) -> Void = { _ in }
    ) throws -> TLSServerContext {
        let certificates = certificates.isEmpty ? [example] : certificates
        var options = TLSServerOptions(
            certificates: certificates.map(files),
            ticketKeys: TicketKeys(now: 0)
        )
        change(&options)
        return try TLSServerContext(options)
    }
}

/// Versions that clients speak.
let versions = [TLSVersion.tls12, .tls13]

extension TLSVersion {
    /// As on the wire.
    var number: Int32 { self == .tls12 ? 0x0303 : 0x0304 }
}
