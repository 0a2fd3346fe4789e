import COpenSSL

/// What OpenSSL's queue of errors says, in our terms.
extension TLSFailure {
    /// Why the call just made on `connection` failed; takes from the queue of errors.
    init(of connection: TLSConnection) {
        let error = takeCause()
        let reason = error == 0 ? 0 : ERR_GET_REASON(error)
        let ssl = connection.ssl
        self.init(kind: .protocolError, isServer: connection.isServer, reason: reason)
        guard error != 0, ERR_GET_LIB(error) != ERR_LIB_SYS else {
            self = TLSFailure(kind: .internal, isServer: isServer, detail: "no reason given")
            return
        }
        detail = openSSLText(error)
        if ERR_GET_LIB(error) != ERR_LIB_SSL {
            let kind = otherLibrary
            self = TLSFailure(kind: kind, isServer: isServer, reason: reason, detail: detail)
        } else if reason >= SSL_AD_REASON_OFFSET {
            let alert = reason - SSL_AD_REASON_OFFSET
            self = TLSFailure(kind: Self.kind(ofAlert: alert), isServer: isServer, reason: alert)
        } else if reason == SSL_R_CERTIFICATE_VERIFY_FAILED {
            let result = SSL_get_verify_result(ssl)
            let kind = Self.kind(ofVerifyResult: Int32(truncatingIfNeeded: result))
            let words = String(cString: X509_verify_cert_error_string(result))
            self = TLSFailure(kind: kind, isServer: isServer, reason: reason, detail: words)
        } else {
            let isRefused = isServer && weir_ssl_app_data(ssl) == ServerPolicy.refusalMark
            let kind = isRefused ? .unknownName : Self.kind(ofReason: reason)
            let version = kind == .oldVersion && isServer ? SSL_client_version(ssl) : 0
            self = TLSFailure(
                kind: kind,
                isServer: isServer,
                reason: reason,
                version: version,
                detail: detail
            )
        }
    }

    /// Errors that began below libssl: bytes that do not decode are the peer's fault.
    private var otherLibrary: Kind { detail.contains("malloc") ? .internal : .protocolError }

    private static func kind(ofReason reason: Int32) -> Kind {
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: .plainHTTP
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNKNOWN_PROTOCOL, SSL_R_BAD_RECORD_TYPE: .notTLS
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_INAPPROPRIATE_FALLBACK:
            .oldVersion
        case SSL_R_NO_SHARED_CIPHER, SSL_R_WRONG_CIPHER_RETURNED, SSL_R_UNKNOWN_CIPHER_RETURNED:
            .noCommonSuite
        case SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_GROUPS:
            .noCommonGroup
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            .noCommonSignature
        case SSL_R_NO_APPLICATION_PROTOCOL: .noCommonProtocol
        case SSL_R_CALLBACK_FAILED: .internal
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .certificateMissing
        case SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL, SSL_R_CA_MD_TOO_WEAK,
            SSL_R_DH_KEY_TOO_SMALL:
            .certificateUnfit
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_DECRYPTION_FAILED,
            SSL_R_BAD_DECOMPRESSION:
            .badRecord
        case Int32(ERR_R_MALLOC_FAILURE), Int32(ERR_R_INTERNAL_ERROR): .internal
        default: .protocolError
        }
    }

    private static func kind(ofAlert alert: Int32) -> Kind {
        switch alert {
        case SSL_AD_BAD_CERTIFICATE, SSL_AD_UNSUPPORTED_CERTIFICATE, SSL_AD_CERTIFICATE_REVOKED,
            SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA,
            SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, SSL_AD_ACCESS_DENIED:
            .refusedByPeer
        default: .alert
        }
    }

    private static func kind(ofVerifyResult result: Int32) -> Kind {
        switch result {
        case X509_V_ERR_CERT_HAS_EXPIRED: .certificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID: .certificateNotYetValid
        case X509_V_ERR_CERT_REVOKED: .certificateRevoked
        case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED,
            X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_CRL_SIGNATURE_FAILURE,
            X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
            .revocationsUnknown
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH,
            X509_V_ERR_EMAIL_MISMATCH:
            .certificateName
        case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_EE_KEY_TOO_SMALL,
            X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK,
            X509_V_ERR_CERT_REJECTED, X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
            .certificateUnfit
        default: .certificateUntrusted
        }
    }
}

/// The first error of libssl's, as it tells what the errors below it meant; else the first one.
private func takeCause() -> UInt {
    let first = ERR_get_error()
    var error = first
    while error != 0, ERR_GET_LIB(error) != ERR_LIB_SSL { error = ERR_get_error() }
    return error == 0 ? first : error
}

/// OpenSSL's words for an error.
func openSSLText(_ error: UInt) -> String {
    ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
}
