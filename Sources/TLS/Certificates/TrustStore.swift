import COpenSSL

/// Authorities that are trusted, perhaps with their revocation lists.
final class TrustStore: @unchecked Sendable {
    // Unchecked: it is filled before it is shared; OpenSSL locks it.
    let pointer: OpaquePointer
    /// When the first of the lists ends, in seconds since 1970; `nil`: there is none that does.
    private(set) var listsEnd: Int64?

    /// Trusts each of `authorities`, roots or not.
    ///
    /// With `revocations` (PEM) a certificate passes only if its own authority has a current list
    /// among them that does not name it; authorities above are checked where they have a list.
    init(_ authorities: [Certificate], revocations: [UInt8]? = nil) throws(TLSSetupError) {
        ERR_clear_error()
        guard let store = X509_STORE_new() else { throw TLSSetupError(.internal, lastError()) }
        pointer = store
        for authority in authorities where X509_STORE_add_cert(store, authority.pointer) != 1 {
            throw TLSSetupError(.authority, lastError())
        }
        // Chains go up to a root where there is one, so that its list is asked as well.
        let needsNoRoot = authorities.contains { authority in
            !authority.view.isSelfIssued
                && !authorities.contains { authority.view.isIssued(by: $0.view) }
        }
        var flags = needsNoRoot ? UInt(X509_V_FLAG_PARTIAL_CHAIN) : 0
        if let revocations {
            flags |= UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)
            try add(lists: revocations)
        }
        X509_STORE_set_flags(store, flags)
    }

    deinit { X509_STORE_free(pointer) }

    private func add(lists text: [UInt8]) throws(TLSSetupError) {
        let blocks: [PEM.Block]
        switch PEM.blocks(text) {
        case .success(let found): blocks = found
        case .failure(let error): throw TLSSetupError(.revocations, error.text)
        }
        var count = 0
        for (index, block) in blocks.enumerated() where block.label == "X509 CRL" {
            let list: OpaquePointer? = block.bytes.withUnsafeBufferPointer { buffer in
                var position = buffer.baseAddress
                return d2i_X509_CRL(nil, &position, buffer.count)
            }
            guard let list else {
                ERR_clear_error()
                throw TLSSetupError(.revocations, "block \(index + 1) is no revocation list")
            }
            defer { X509_CRL_free(list) }
            guard X509_STORE_add_crl(pointer, list) == 1 else {
                throw TLSSetupError(.revocations, lastError())
            }
            if let end = X509_CRL_get0_nextUpdate(list) {
                let seconds = X509View.seconds(end)
                listsEnd = min(listsEnd ?? seconds, seconds)
            }
            count += 1
        }
        guard count > 0 else {
            let text = "there is no revocation list in PEM form (-----BEGIN X509 CRL-----)"
            throw TLSSetupError(.revocations, text)
        }
    }
}
