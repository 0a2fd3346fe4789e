/// Authorities that sign servers' certificates; shared by all contexts that trust the same ones.
public final class TLSAuthorities: Sendable {
    /// Where Linux distributions keep the system's authorities in one file; the first one there
    /// is the one to read.
    public static let systemFiles = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// How many authorities there are.
    public let count: Int
    let store: TrustStore

    /// The authorities in PEM text; the system's take some 10 ms to read.
    public init(pem: [UInt8]) throws(TLSSetupError) {
        switch Certificate.all(inPEM: pem) {
        case .success(let found):
            store = try TrustStore(found)
            count = found.count
        case .failure(let error): throw TLSSetupError(.authority, error.text)
        }
    }
}
