import COpenSSL

/// Bounds what a peer may ask for once the handshake is done: new keys (RFC 8446 §4.6.3), and
/// handshakes within the connection, which are refused but cost an answer each.
///
/// OpenSSL bounds records without content and warnings by itself, but not these: each takes some
/// 30 bytes to ask for, and a derivation of keys and an answer to serve.
enum HandshakeFlood {
    /// What one connection may ask for: keys for thousands of terabytes.
    static let limit = 128

    /// Has the connections of `context` count.
    static func watch(_ context: OpaquePointer) {
        if slot >= 0 { SSL_CTX_set_info_callback(context, count) }
    }

    private static let slot = weir_ssl_new_slot()

    /// OpenSSL's callback before each step of a handshake.
    private static let count: @convention(c) (OpaquePointer?, Int32, Int32) -> Void = {
        ssl,
        occasion,
        _ in
        guard let ssl, occasion & SSL_CB_LOOP != 0, isAsked(ssl) else { return }
        let before = UInt(bitPattern: SSL_get_ex_data(ssl, slot))
        SSL_set_ex_data(ssl, slot, UnsafeMutableRawPointer(bitPattern: before &+ 1))
        if before >= UInt(limit) { stop(ssl) }
    }

    /// Whether the peer has just asked for new keys, or for a handshake after the first one.
    private static func isAsked(_ ssl: OpaquePointer) -> Bool {
        switch SSL_get_state(ssl) {
        case TLS_ST_SR_KEY_UPDATE, TLS_ST_CR_KEY_UPDATE: true
        case TLS_ST_SR_CLNT_HELLO: SSL_get_finished(ssl, nil, 0) > 0
        default: false
        }
    }

    /// Takes what is unread away, so that the call under way ends, and has it fail.
    private static func stop(_ ssl: OpaquePointer) {
        guard let bio = SSL_get_rbio(ssl),
            let state = BIO_get_data(bio)?.assumingMemoryBound(to: PortState.self)
        else { return }
        state.pointee.isFlooded = true
        state.pointee.input = nil
        state.pointee.inputCount = 0
    }
}
