/// Why a handshake or a connection failed: a stable kind, and words for the log.
public struct TLSFailure: Error, Equatable, Sendable {
    /// What went wrong; raw values are stable names for logs and metrics.
    public enum Kind: String, CaseIterable, Sendable {
        /// Nothing failed yet.
        case none
        /// What came is HTTP without TLS.
        case plainHTTP = "plain-http"
        /// What came is neither TLS nor HTTP.
        case notTLS = "not-tls"
        /// The peer's newest version is older than what this side wants.
        case oldVersion = "old-version"
        /// The sides have no cipher suite in common that fits a certificate.
        case noCommonSuite = "no-common-suite"
        /// The sides have no group for the key exchange in common.
        case noCommonGroup = "no-common-group"
        /// No certificate fits the signature algorithms that the peer takes.
        case noCommonSignature = "no-common-signature"
        /// None of the offered protocols (ALPN) is spoken here.
        case noCommonProtocol = "no-common-protocol"
        /// No certificate covers the name that the client asked for.
        case unknownName = "unknown-name"
        /// The peer refused our certificate.
        case refusedByPeer = "refused-by-peer"
        /// The peer ended the handshake with another alert.
        case alert
        /// The peer showed no certificate where one is required.
        case certificateMissing = "certificate-missing"
        /// The peer's certificate is no longer valid.
        case certificateExpired = "certificate-expired"
        /// The peer's certificate is not valid yet.
        case certificateNotYetValid = "certificate-not-yet-valid"
        /// The peer's certificate has been revoked.
        case certificateRevoked = "certificate-revoked"
        /// The list of revocations is too old, or has none of the peer's authority.
        case revocationsUnknown = "revocations-unknown"
        /// The peer's certificate is signed by nobody who is trusted here.
        case certificateUntrusted = "certificate-untrusted"
        /// The peer's certificate is for other names.
        case certificateName = "certificate-name"
        /// The peer's certificate may not be used for this, or is too weak.
        case certificateUnfit = "certificate-unfit"
        /// A record did not decrypt: it was changed on its way.
        case badRecord = "bad-record"
        /// The peer did not keep to the protocol.
        case protocolError = "protocol-error"
        /// OpenSSL could not go on, such as for want of memory.
        case `internal`
    }

    /// What went wrong.
    public let kind: Kind
    /// Which side this one is.
    var isServer = true
    /// OpenSSL's reason, or the number of the alert received.
    var reason: Int32 = 0
    /// The newest version that the peer offered, as on the wire (0x0302 is TLS 1.1); 0: not known.
    var version: Int32 = 0
    /// OpenSSL's words for what no kind of ours says better.
    var detail = ""

    /// What happened, in plain words without an end stop.
    public var text: String {
        let peer = isServer ? "the client" : "the server"
        switch kind {
        case .none: return "nothing failed"
        case .plainHTTP: return "\(peer) sent plain HTTP to a TLS port"
        case .notTLS: return "\(peer) sent something that is not TLS"
        case .oldVersion: return versionText(peer)
        case .noCommonSuite: return "\(peer) offers no cipher suite that is allowed here"
        case .noCommonGroup: return "\(peer) offers no key exchange group that is allowed here"
        case .noCommonSignature: return "\(peer) takes no signature that our certificate can make"
        case .noCommonProtocol: return "\(peer) offers no protocol that is spoken here (ALPN)"
        case .unknownName: return "\(peer) asked for a name that no certificate covers"
        case .refusedByPeer: return "\(peer) does not trust our certificate (alert \(alertName))"
        case .alert: return "\(peer) ended the handshake (alert \(alertName))"
        case .certificateMissing: return "\(peer) showed no certificate"
        case .certificateExpired: return "the certificate of \(peer) has expired"
        case .certificateNotYetValid: return "the certificate of \(peer) is not valid yet"
        case .certificateRevoked: return "the certificate of \(peer) has been revoked"
        case .revocationsUnknown: return "no current revocation list tells of \(peer) (\(detail))"
        case .certificateUntrusted:
            return "the certificate of \(peer) is signed by no trusted authority (\(detail))"
        case .certificateName: return "the certificate of \(peer) is for other names"
        case .certificateUnfit: return "the certificate of \(peer) does not fit (\(detail))"
        case .badRecord: return "a record of \(peer) was damaged on its way"
        case .protocolError: return "\(peer) broke the protocol (\(detail))"
        case .internal: return "OpenSSL failed (\(detail))"
        }
    }

    private func versionText(_ peer: String) -> String {
        let offered: String? =
            switch version {
            case 0x0300: "SSL 3.0"
            case 0x0301: "TLS 1.0"
            case 0x0302: "TLS 1.1"
            case 0x0303: "TLS 1.2"
            default: nil
            }
        guard let offered else { return "\(peer) speaks no version of TLS that is allowed here" }
        return "\(peer) offers only \(offered), which is too old here"
    }

    /// The alert's name in RFC 8446 §6, or its number.
    private var alertName: String { alertNames[reason] ?? String(reason) }
}

/// Alerts that end a connection (RFC 8446 §6.2 and what came before it).
private let alertNames: [Int32: String] = [
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
    40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
    50: "decode_error", 51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
    100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension",
    112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
]
