import COpenSSL

/// What a listener asks of its clients' certificates.
struct ClientPolicy {
    private let authorities: [Certificate]
    private let store: TrustStore?
    private let isRequired: Bool
    /// Sessions of listeners that ask for other things do not go on here.
    private let sessionContext: [UInt8]

    init(_ options: TLSServerOptions) throws(TLSSetupError) {
        isRequired = options.clientCertificate == .required
        guard let authority = options.clientAuthority else {
            guard options.revocations == nil else {
                throw TLSSetupError(.revocations, "revocation lists need an authority")
            }
            authorities = []
            store = nil
            sessionContext = Self.digest([])
            return
        }
        switch Certificate.all(inPEM: authority) {
        case .success(let found): authorities = found
        case .failure(let error): throw TLSSetupError(.authority, error.text)
        }
        store = try TrustStore(authorities, revocations: options.revocations)
        // A session holds what was found out of its client: with other authorities or lists that
        // might be something else.
        let demand: [UInt8] = [isRequired ? 1 : 2]
        let lists = options.revocations ?? []
        sessionContext = Self.digest(demand + Self.digest(authority) + Self.digest(lists))
    }

    /// Has `context` ask for certificates, or for none.
    func install(on context: Context) throws(TLSSetupError) {
        let pointer = context.pointer
        let count = UInt32(sessionContext.count)
        guard SSL_CTX_set_session_id_context(pointer, sessionContext, count) == 1 else {
            throw TLSSetupError(.internal, lastError())
        }
        guard let store else { return }
        SSL_CTX_set1_cert_store(pointer, store.pointer)
        for authority in authorities where SSL_CTX_add_client_CA(pointer, authority.pointer) != 1 {
            throw TLSSetupError(.internal, lastError())
        }
        let demand = isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | demand, judgeCertificate)
        let end = UnsafeMutableRawPointer(bitPattern: Int(store.listsEnd ?? 0))
        guard SSL_CTX_set_session_ticket_cb(pointer, { _, _ in 1 }, judgeTicket, end) == 1 else {
            throw TLSSetupError(.internal, lastError())
        }
    }

    /// SHA-256.
    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil)
        return digest
    }
}

/// Lets pass that an authority above the client's own has no revocation list in the file, or that
/// a trusted authority's own issuer is not there.
private func judgeCertificate(_ isGood: Int32, _ chain: OpaquePointer?) -> Int32 {
    if isGood == 1 { return 1 }
    let error = X509_STORE_CTX_get_error(chain)
    let isListMissing =
        error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER
    guard isListMissing, X509_STORE_CTX_get_error_depth(chain) > 0 else { return 0 }
    X509_STORE_CTX_set_error(chain, X509_V_OK)
    return 1
}

/// OpenSSL's callback for a ticket that came: a client whose certificate has ended, or of whom no
/// current list tells any more, is asked anew, or sessions would go on for ever by ticket after
/// ticket.
///
/// `argument` is no address but when the first list ends, in seconds since 1970; 0: there is none.
private func judgeTicket(
    _: OpaquePointer?,
    _ session: OpaquePointer?,
    _: UnsafePointer<UInt8>?,
    _: Int,
    _ status: SSL_TICKET_STATUS,
    _ argument: UnsafeMutableRawPointer?
) -> SSL_TICKET_RETURN {
    guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW, let session else {
        return SSL_TICKET_RETURN_IGNORE_RENEW
    }
    let listsEnd = Int64(Int(bitPattern: argument))
    if listsEnd > 0, X509View.isOver(listsEnd) { return SSL_TICKET_RETURN_IGNORE_RENEW }
    if let peer = SSL_SESSION_get0_peer(session), X509View.isOver(X509View(peer).notAfter) {
        return SSL_TICKET_RETURN_IGNORE_RENEW
    }
    let isRenewed = status == SSL_TICKET_SUCCESS_RENEW
    return isRenewed ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE
}
