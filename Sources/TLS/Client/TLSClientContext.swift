import COpenSSL

/// TLS to servers: whom to trust, what to show, and sessions to go on with.
///
/// Shared by all workers. Connections keep what they need of it.
public final class TLSClientContext: Sendable {
    private let context: Context
    private let sessions = ClientSessions()
    private let verifies: Bool

    /// A context of these options, checked.
    public init(_ options: TLSClientOptions) throws(TLSSetupError) {
        context = try Context(TLS_client_method())
        try context.set(minVersion: options.minVersion, suites: [], groups: [])
        switch options.trust {
        case .authorities(let authorities):
            verifies = true
            SSL_CTX_set1_cert_store(context.pointer, authorities.store.pointer)
            SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        case .anyone:
            verifies = false
            SSL_CTX_set_verify(context.pointer, SSL_VERIFY_NONE, nil)
        }
        if let certificate = options.certificate {
            try context.add(try Credential(certificate, number: 0))
        }
        let list = ALPN.list(options.protocols)
        // This function alone gives 0 when it has succeeded.
        guard
            list.isEmpty
                || SSL_CTX_set_alpn_protos(context.pointer, list, UInt32(list.count)) == 0
        else { throw TLSSetupError(.internal, "a protocol's name is empty or too long") }
        guard ClientSessions.keep(sessions, with: context) else {
            throw TLSSetupError(.internal, "no memory")
        }
        weir_ssl_ctx_keep_client_sessions(context.pointer, keepSession)
    }

    /// The client's side of a new connection on `port`; `nil`: no memory, or the name is none.
    ///
    /// `serverName` is a host name, which is sent (SNI) and must be covered by the server's
    /// certificate, or an address in digits, which must be covered too but is not sent.
    /// Without verification it may be empty. `machine` tells servers of one name apart whose
    /// sessions differ. A session that an earlier connection to the same one left is gone on with,
    /// unless `resumes` is false: then the server shows its certificate. `protocols`: what is
    /// offered in place of the context's own.
    public func connect(
        _ port: TLSPort,
        serverName: String,
        machine: UInt64 = 0,
        protocols: [String] = [],
        resumes: Bool = true
    ) -> TLSConnection? {
        // The dot at the end of a full name is DNS's alone (RFC 6066 §3).
        let isFull = serverName.utf8.last == UInt8(ascii: ".")
        let serverName = isFull ? String(serverName.dropLast()) : serverName
        guard !serverName.utf8.contains(0),
            let connection = TLSConnection(context: context.pointer, port: port)
        else { return nil }
        let ssl = connection.ssl
        SSL_set_connect_state(ssl)
        guard setName(serverName, ssl), offer(protocols, ssl) else {
            connection.free()
            ERR_clear_error()
            return nil
        }
        guard resumes else { return connection }
        let server = ClientSessions.Server(name: serverName.lowercased(), machine: machine)
        let (number, session) = sessions.begin(server)
        weir_ssl_set_app_data(ssl, UnsafeMutableRawPointer(bitPattern: number))
        if let session, SSL_set_session(ssl, session.pointer) != 1 { ERR_clear_error() }
        return connection
    }

    /// Offers these protocols in place of the context's; none changes nothing.
    private func offer(_ protocols: [String], _ ssl: OpaquePointer) -> Bool {
        if protocols.isEmpty { return true }
        let list = ALPN.list(protocols)
        return SSL_set_alpn_protos(ssl, list, UInt32(list.count)) == 0
    }

    /// Sends and checks the name, or only checks the address.
    private func setName(_ name: String, _ ssl: OpaquePointer) -> Bool {
        if name.isEmpty { return !verifies }
        if let address = a2i_IPADDRESS(name) {
            ASN1_OCTET_STRING_free(address)
            return !verifies || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
        }
        ERR_clear_error()
        guard weir_ssl_set_server_name(ssl, name) == 1 else { return false }
        guard verifies else { return true }
        SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return SSL_set1_host(ssl, name) == 1
    }
}

extension ClientSessions {
    private static let slot = weir_ssl_ctx_new_slot { _, content, _, _, _, _ in
        if let content { Unmanaged<ClientSessions>.fromOpaque(content).release() }
    }

    /// Makes `context` keep the sessions alive for as long as it lives itself.
    fileprivate static func keep(_ sessions: ClientSessions, with context: Context) -> Bool {
        let retained = Unmanaged.passRetained(sessions)
        guard slot >= 0, SSL_CTX_set_ex_data(context.pointer, slot, retained.toOpaque()) == 1
        else {
            retained.release()
            return false
        }
        weir_ssl_ctx_set_app_data(context.pointer, retained.toOpaque())
        return true
    }
}

/// OpenSSL's callback for each session that a server gives; 1: it is kept.
private func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let ssl, let session, let context = SSL_get_SSL_CTX(ssl),
        let data = weir_ssl_ctx_app_data(context)
    else { return 0 }
    let sessions = Unmanaged<ClientSessions>.fromOpaque(data).takeUnretainedValue()
    let number = UInt(bitPattern: weir_ssl_app_data(ssl))
    sessions.add(ClientSession(adopting: session), of: number)
    return 1
}
