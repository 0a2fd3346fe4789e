import COpenSSL

/// An `SSL_CTX` that is owned, with what all of Weir's have in common.
final class Context: @unchecked Sendable {
    // Unchecked: it is set up before it is shared, and OpenSSL counts its references.
    let pointer: OpaquePointer

    /// A context without certificates: safe versions and suites, no compression, no renegotiation,
    /// no early data.
    init(_ method: OpaquePointer?) throws(TLSSetupError) {
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(method) else {
            throw TLSSetupError(.internal, lastError())
        }
        self.pointer = pointer
        weir_ssl_ctx_set_safe_options(pointer)
        weir_ssl_ctx_set_modes(pointer)
        HandshakeFlood.watch(pointer)
        // RSA of 2048 bits and up, no SHA-1 in signatures, whatever the machine's own file says.
        SSL_CTX_set_security_level(pointer, 2)
    }

    deinit { SSL_CTX_free(pointer) }

    /// Sets versions, suites and groups; an empty list is the standard one.
    func set(
        minVersion: TLSVersion,
        suites: [TLSSuite],
        groups: [TLSGroup]
    ) throws(TLSSetupError) {
        let lowest = minVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        guard weir_ssl_ctx_set_min_version(pointer, lowest) == 1,
            weir_ssl_ctx_set_max_version(pointer, TLS1_3_VERSION) == 1
        else { throw TLSSetupError(.internal, lastError()) }
        let suites = suites.isEmpty ? TLSSuite.allCases : suites
        let new = suites.filter(\.isTLS13).map(\.openSSL).joined(separator: ":")
        let old = suites.filter { !$0.isTLS13 }.map(\.openSSL).joined(separator: ":")
        guard !new.isEmpty else {
            let names = TLSSuite.allCases.filter(\.isTLS13).map(\.rawValue)
            let choice = names.joined(separator: ", ")
            throw TLSSetupError(.suites, "no suite is for TLS 1.3: add one of \(choice)")
        }
        guard !old.isEmpty || minVersion == .tls13 else {
            throw TLSSetupError(.suites, "no suite is for TLS 1.2: add one, or start with TLS 1.3")
        }
        guard SSL_CTX_set_ciphersuites(pointer, new) == 1,
            old.isEmpty || SSL_CTX_set_cipher_list(pointer, old) == 1
        else { throw TLSSetupError(.suites, lastError()) }
        let names = (groups.isEmpty ? TLSGroup.standard : groups).map(\.rawValue)
        guard weir_ssl_ctx_set_groups(pointer, names.joined(separator: ":")) == 1 else {
            throw TLSSetupError(.groups, lastError())
        }
    }

    /// Adds a certificate with its chain and key, beside those of other kinds of key.
    func add(_ credential: Credential) throws(TLSSetupError) {
        ERR_clear_error()
        let number = credential.number
        let leaf = credential.leaf.pointer
        guard SSL_CTX_use_certificate(pointer, leaf) == 1 else {
            throw TLSSetupError(.certificate, certificate: number, lastError())
        }
        guard SSL_CTX_use_PrivateKey(pointer, credential.key.pointer) == 1 else {
            throw TLSSetupError(.key, certificate: number, lastError())
        }
        let done = withStack(of: credential.chain) { weir_ssl_ctx_set_chain(pointer, $0) }
        guard done == 1 else {
            throw TLSSetupError(.certificate, certificate: number, lastError())
        }
    }

    /// Finds out whether OpenSSL takes a certificate at all.
    static func check(_ credential: Credential) throws(TLSSetupError) {
        try Context(TLS_server_method()).add(credential)
    }
}

/// OpenSSL's words for its first error, and empties the queue.
func lastError() -> String {
    let text = openSSLText(ERR_peek_error())
    ERR_clear_error()
    return text
}
