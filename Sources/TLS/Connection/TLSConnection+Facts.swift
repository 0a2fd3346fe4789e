import COpenSSL

/// What was agreed in the handshake. Strings are made at each call.
extension TLSConnection {
    /// Whether both sides speak HTTP/2 (ALPN `h2`, RFC 9113 §3.2).
    public var isHTTP2: Bool {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name, count == 2 else { return false }
        return name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
    }

    /// Whether what a server writes last in a handshake is session tickets, which no client waits
    /// for (RFC 8446 §4.6.1); before TLS 1.3 it is what ends the handshake.
    public var endsWithTickets: Bool { SSL_version(ssl) == TLS1_3_VERSION }

    /// The host that the client asked for (SNI), as it was sent; `nil`: none.
    public var serverName: String? {
        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }

    /// The version agreed upon, such as `TLSv1.3`.
    public var version: String { SSL_get_version(ssl).map { String(cString: $0) } ?? "" }

    /// The suite agreed upon by its name in the IANA's registry; empty before that.
    public var cipher: String {
        guard let cipher = SSL_get_current_cipher(ssl), let name = SSL_CIPHER_standard_name(cipher)
        else { return "" }
        return String(cString: name)
    }

    /// Whether an earlier session went on, without certificates.
    public var isResumed: Bool { SSL_session_reused(ssl) != 0 }

    /// The peer's certificate, also that of a resumed session; `nil`: it has shown none.
    public var peerCertificate: PeerCertificate? {
        SSL_get0_peer_certificate(ssl).map { PeerCertificate(X509View($0)) }
    }
}

/// Who the other side is by its certificate, in text.
public struct PeerCertificate: Equatable, Sendable {
    /// The subject as in RFC 2253, such as `CN=acme,O=Acme Ltd`.
    public let subject: String
    /// Who signed it, in the same form.
    public let issuer: String
    /// Alternative names: hosts, addresses, mail addresses and URIs.
    public let names: [String]
    /// SHA-256 of the certificate, 64 hexadecimal digits.
    public let fingerprint: String

    init(_ certificate: X509View) {
        subject = certificate.subject
        issuer = certificate.issuer
        names = certificate.alternativeNames
        fingerprint = certificate.fingerprint
    }

    /// The first certificate in PEM text, which is the one that its owner shows.
    ///
    /// - Throws: ``TLSSetupError`` if there is none.
    public init(pem: [UInt8]) throws(TLSSetupError) {
        switch Certificate.all(inPEM: pem) {
        case .success(let found):
            guard let first = found.first else {
                throw TLSSetupError(.certificate, "there is no certificate")
            }
            self.init(first.view)
        case .failure(let error): throw TLSSetupError(.certificate, error.text)
        }
    }
}

extension PeerCertificate {
    /// The most bytes of a subject, or of a list of names, that a template gives.
    public static let templateLimit = 4096

    /// The subject as templates give it; empty where it is too long, as a part of it might be
    /// another's.
    ///
    /// A blank at its end is written by its number, since no field's value ends with one.
    public var templateSubject: String {
        guard subject.utf8.count <= Self.templateLimit else { return "" }
        return subject.hasSuffix("\\ ") ? subject.dropLast() + "20" : subject
    }

    /// The names as templates give them: a list; empty where it is too long.
    public var templateNames: String {
        let list = names.joined(separator: ", ")
        return list.utf8.count <= Self.templateLimit ? list : ""
    }
}
