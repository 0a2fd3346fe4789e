import COpenSSL

/// What OpenSSL's callbacks of one listener decide by.
///
/// The listener's first context keeps it alive, and every connection keeps that context, also
/// when it goes on with another one after the choice by name.
final class ServerPolicy: Sendable {
    /// What a name leads to.
    enum Choice: Equatable {
        /// The certificates in place already.
        case front
        /// The certificates of the context of this number.
        case other(Int)
        case refuse
    }

    let ticketKeys: TicketKeys
    let http2: Bool
    private let unknownName: TLSServerOptions.UnknownName
    /// Names in lower case, wildcards with their star, and the set of certificates for each; 0 is
    /// the front's.
    private let sets: [String: Int]
    /// The addresses that the certificates are for.
    private let addresses: Set<String>
    /// The contexts of the sets from 1 on.
    private let others: [Context]
    /// By the address of the certificate that each belongs to.
    private let staples: [UInt: Staple]

    init(
        options: TLSServerOptions,
        sets: [String: Int],
        others: [Context],
        credentials: [Credential]
    ) {
        ticketKeys = options.ticketKeys
        http2 = options.http2
        unknownName = options.unknownName
        self.sets = sets
        self.others = others
        addresses = Set(credentials.flatMap(\.leaf.view.addresses))
        var staples: [UInt: Staple] = [:]
        for credential in credentials {
            staples[UInt(bitPattern: credential.leaf.pointer)] = credential.staple
        }
        self.staples = staples
    }

    /// The certificates for a client that asks for `name`, or for none.
    func choice(_ name: String?) -> Choice {
        guard let name, let set = set(covering: name) else {
            return unknownName == .refuse ? .refuse : .front
        }
        return set == 0 ? .front : .other(set)
    }

    /// The set of certificates that cover `name`: exactly, else by a wildcard for its first label.
    func set(covering name: String) -> Int? {
        var name = name.lowercased()
        if name.utf8.last == UInt8(ascii: ".") { name.removeLast() }
        if let set = sets[name] { return set }
        guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot > name.startIndex else {
            return nil
        }
        return sets["*" + name[dot...]]
    }

    /// Whether a certificate is for this address, in brackets if it is one of IPv6.
    func covers(address: String) -> Bool {
        guard !addresses.isEmpty else { return false }
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
        let digits = isBracketed ? String(address.dropFirst().dropLast()) : address
        return X509View.addressText(of: digits).map(addresses.contains) ?? false
    }

    func context(_ number: Int) -> OpaquePointer { others[number - 1].pointer }

    /// The OCSP answer for a certificate, unless it is stale.
    func staple(for certificate: OpaquePointer) -> [UInt8]? {
        staples[UInt(bitPattern: certificate)].flatMap { $0.isFresh ? $0.bytes : nil }
    }

    /// Makes `context` decide by this policy, without keeping the policy alive.
    func install(on context: Context) {
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        weir_ssl_ctx_set_app_data(context.pointer, pointer)
        weir_ssl_ctx_set_name_callback(context.pointer, chooseByName, pointer)
        SSL_CTX_set_alpn_select_cb(context.pointer, chooseProtocol, pointer)
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context.pointer, useTicketKey)
        if !staples.isEmpty {
            weir_ssl_ctx_set_staple_callback(context.pointer, addStaple, pointer)
        }
    }

    /// Makes `front` keep the policy alive for as long as the context lives itself.
    func keep(with front: Context) -> Bool {
        let retained = Unmanaged.passRetained(self)
        guard Self.slot >= 0,
            SSL_CTX_set_ex_data(front.pointer, Self.slot, retained.toOpaque()) == 1
        else {
            retained.release()
            return false
        }
        return true
    }

    /// What a connection bears as its data when its client was refused by name; never followed.
    static var refusalMark: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

    private static let slot = weir_ssl_ctx_new_slot { _, content, _, _, _, _ in
        if let content { Unmanaged<ServerPolicy>.fromOpaque(content).release() }
    }
}

private func policy(_ pointer: UnsafeMutableRawPointer?) -> ServerPolicy? {
    pointer.map { Unmanaged<ServerPolicy>.fromOpaque($0).takeUnretainedValue() }
}

private func chooseByName(
    _ ssl: OpaquePointer?,
    _ alert: UnsafeMutablePointer<Int32>?,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let ssl, let policy = policy(argument) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    switch policy.choice(name) {
    case .front: return SSL_TLSEXT_ERR_OK
    case .other(let number):
        if SSL_set_SSL_CTX(ssl, policy.context(number)) != nil { return SSL_TLSEXT_ERR_OK }
        alert?.pointee = SSL_AD_INTERNAL_ERROR
        return SSL_TLSEXT_ERR_ALERT_FATAL
    case .refuse:
        alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
        // OpenSSL's error says no more than that a callback failed.
        weir_ssl_set_app_data(ssl, ServerPolicy.refusalMark)
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}

private func chooseProtocol(
    _: OpaquePointer?,
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?,
    _ count: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let policy = policy(argument), let offered, let chosen, let chosenCount else {
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    let list = UnsafeBufferPointer(start: offered, count: Int(count))
    for name in policy.http2 ? spokenProtocols[...] : spokenProtocols.dropFirst() {
        guard let position = ALPN.position(of: name, in: list) else { continue }
        chosen.pointee = offered + position
        chosenCount.pointee = UInt8(name.count)
        return SSL_TLSEXT_ERR_OK
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Preferred ones first; some clients that speak HTTP/1.0 say so.
private let spokenProtocols = ["h2", "http/1.1", "http/1.0"].map { Array($0.utf8) }

private func useTicketKey(
    _ ssl: OpaquePointer?,
    _ name: UnsafeMutablePointer<UInt8>?,
    _ vector: UnsafeMutablePointer<UInt8>?,
    _ cipher: OpaquePointer?,
    _ mac: OpaquePointer?,
    _ isSealing: Int32
) -> Int32 {
    guard let ssl, let name, let vector, let cipher, let mac, let context = SSL_get_SSL_CTX(ssl),
        let keys = policy(weir_ssl_ctx_app_data(context))?.ticketKeys
    else { return -1 }
    if isSealing == 1 {
        guard let key = keys.sealing() else { return -1 }
        return key.prepare(name: name, vector: vector, cipher, mac, isSealing: true) ? 1 : -1
    }
    guard let (key, isNewest) = keys.opening(name) else { return 0 }
    guard key.prepare(name: name, vector: vector, cipher, mac, isSealing: false) else { return -1 }
    // 2 renews the ticket: of TLS 1.3 each is used once, so that they cannot be linked
    // (RFC 8446 §C.4).
    return isNewest && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2
}

private func addStaple(_ ssl: OpaquePointer?, _ argument: UnsafeMutableRawPointer?) -> Int32 {
    guard let ssl, let policy = policy(argument), let certificate = SSL_get_certificate(ssl),
        let bytes = policy.staple(for: certificate), let copy = weir_openssl_malloc(bytes.count)
    else { return SSL_TLSEXT_ERR_NOACK }
    copy.copyMemory(from: bytes, byteCount: bytes.count)
    let owned = copy.assumingMemoryBound(to: UInt8.self)
    guard weir_ssl_set_staple(ssl, owned, bytes.count) == 1 else {
        weir_openssl_free(copy)
        return SSL_TLSEXT_ERR_NOACK
    }
    return SSL_TLSEXT_ERR_OK
}
