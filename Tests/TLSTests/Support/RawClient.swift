import COpenSSL

@testable import TLS

/// A client that is set up freely, also as Weir's own never is.
final class RawClient {
    let context: OpaquePointer?
    var serverName: String?
    var protocols: [String] = []
    /// A session to go on with, owned.
    private(set) var session: OpaquePointer?

    init(max: Int32 = TLS1_3_VERSION, min: Int32 = TLS1_VERSION) {
        context = SSL_CTX_new(TLS_client_method())
        SSL_CTX_set_security_level(context, 0)
        weir_ssl_ctx_set_min_version(context, min)
        weir_ssl_ctx_set_max_version(context, max)
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0")
    }

    deinit {
        SSL_SESSION_free(session)
        SSL_CTX_free(context)
    }

    func connect(_ port: TLSPort) -> TLSConnection? {
        guard let context, let connection = TLSConnection(context: context, port: port) else {
            return nil
        }
        SSL_set_connect_state(connection.ssl)
        if let serverName { weir_ssl_set_server_name(connection.ssl, serverName) }
        let list = ALPN.list(protocols)
        if !list.isEmpty { SSL_set_alpn_protos(connection.ssl, list, UInt32(list.count)) }
        if let session { SSL_set_session(connection.ssl, session) }
        return connection
    }

    /// Keeps the session of a connection for the next one.
    func keepSession(of connection: TLSConnection) {
        SSL_SESSION_free(session)
        session = SSL_get1_session(connection.ssl)
    }

    /// Shows a certificate when asked.
    func show(_ certificate: TestCertificate) {
        SSL_CTX_use_certificate(context, certificate.pointer)
        SSL_CTX_use_PrivateKey(context, certificate.key.pointer)
    }
}

/// What the server of a connection has shown, as its subject.
func shown(to connection: TLSConnection) -> String? { connection.peerCertificate?.subject }
