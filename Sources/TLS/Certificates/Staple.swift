import COpenSSL

/// An OCSP answer that is sent along with its certificate (RFC 6066 §8).
final class Staple: @unchecked Sendable {
    // Unchecked: nothing changes after it is made.
    let bytes: [UInt8]
    /// When it becomes stale; `nil`: never said.
    private let nextUpdate: UnsafeMutablePointer<ASN1_TIME>?

    private init(bytes: [UInt8], nextUpdate: UnsafeMutablePointer<ASN1_TIME>?) {
        self.bytes = bytes
        self.nextUpdate = nextUpdate
    }

    deinit { ASN1_GENERALIZEDTIME_free(nextUpdate) }

    /// Whether it may still be sent: a stale one does more harm than none.
    var isFresh: Bool { nextUpdate.map { X509_cmp_current_time($0) > 0 } ?? true }

    /// An answer from DER bytes, if it is about `certificate`.
    static func read(der: [UInt8], for certificate: Certificate) -> Result<Staple, PEMError> {
        defer { ERR_clear_error() }
        let parsed: OpaquePointer? = der.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return d2i_OCSP_RESPONSE(nil, &position, buffer.count)
        }
        guard let response = parsed else {
            return .failure(PEMError(text: "this is no OCSP answer in DER form"))
        }
        defer { OCSP_RESPONSE_free(response) }
        guard OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = OCSP_response_get1_basic(response)
        else { return .failure(PEMError(text: "the OCSP responder answered with an error")) }
        defer { OCSP_BASICRESP_free(basic) }
        let own = X509_get0_serialNumber(certificate.pointer)
        for index in 0..<max(0, OCSP_resp_count(basic)) {
            guard let single = OCSP_resp_get0(basic, index) else { continue }
            var serial: UnsafeMutablePointer<ASN1_INTEGER>?
            let id = OCSP_SINGLERESP_get0_id(single)
            OCSP_id_get0_info(nil, nil, nil, &serial, id)
            guard let serial, ASN1_INTEGER_cmp(serial, own) == 0 else { continue }
            var next: UnsafeMutablePointer<ASN1_TIME>?
            OCSP_single_get0_status(single, nil, nil, nil, &next)
            return .success(Staple(bytes: der, nextUpdate: next.flatMap { ASN1_STRING_dup($0) }))
        }
        return .failure(PEMError(text: "the OCSP answer is about another certificate"))
    }
}
