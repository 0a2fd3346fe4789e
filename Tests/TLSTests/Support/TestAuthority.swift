import COpenSSL

/// Kinds of keys that tests use.
enum KeyKind {
    case ecdsa
    case rsa
}

/// A key that is owned.
final class TestKey: @unchecked Sendable {
    let pointer: OpaquePointer?

    /// One of each kind serves all tests that need no other one.
    static let ecdsa = TestKey(.ecdsa)
    static let rsa = TestKey(.rsa)

    init(_ kind: KeyKind, bits: Int32 = 2048) {
        let context = EVP_PKEY_CTX_new_id(kind == .rsa ? EVP_PKEY_RSA : EVP_PKEY_EC, nil)
        defer { EVP_PKEY_CTX_free(context) }
        EVP_PKEY_keygen_init(context)
        switch kind {
        case .rsa: EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits)
        case .ecdsa: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
        }
        var key: OpaquePointer?
        EVP_PKEY_keygen(context, &key)
        pointer = key
    }

    deinit { EVP_PKEY_free(pointer) }

    /// PEM, encrypted if there is a passphrase.
    func pem(passphrase: String? = nil) -> [UInt8] {
        written { memory in
            guard let passphrase else {
                PEM_write_bio_PrivateKey(memory, pointer, nil, nil, 0, nil, nil)
                return
            }
            let bytes = Array(passphrase.utf8)
            let count = Int32(bytes.count)
            PEM_write_bio_PrivateKey(memory, pointer, EVP_aes_256_cbc(), bytes, count, nil, nil)
        }
    }
}

/// A certificate that is owned, with its key.
final class TestCertificate: @unchecked Sendable {
    let pointer: OpaquePointer
    let key: TestKey

    init(_ pointer: OpaquePointer, _ key: TestKey) {
        self.pointer = pointer
        self.key = key
    }

    deinit { X509_free(pointer) }

    var pem: [UInt8] { written { PEM_write_bio_X509($0, pointer) } }
}

/// What OpenSSL writes into a memory BIO.
func written(_ body: (OpaquePointer?) -> Void) -> [UInt8] {
    let memory = BIO_new(BIO_s_mem())
    defer { BIO_free(memory) }
    body(memory)
    var bytes: UnsafeMutablePointer<CChar>?
    let count = weir_bio_content(memory, &bytes)
    return Array(UnsafeRawBufferPointer(start: bytes, count: count))
}

/// An authority made for a test.
final class TestAuthority: @unchecked Sendable {
    let certificate: TestCertificate

    /// A root, or an authority below `parent`.
    init(_ name: String, below parent: TestAuthority? = nil) {
        let key = TestKey(.ecdsa)
        var order = Order()
        order.subject = [("CN", name)]
        order.isAuthority = true
        certificate = build(order, key, signer: parent?.certificate, serial: Serials.next())
    }

    /// What a certificate is to be like.
    struct Order {
        var subject: [(String, String)] = []
        /// As OpenSSL writes them, such as `DNS:a.example`.
        var names: [String] = []
        var key: TestKey = .ecdsa
        var isAuthority = false
        /// Seconds from now.
        var from = -3600
        var to = 30 * 86_400
        /// `serverAuth` or `clientAuth`.
        var usage = "serverAuth"
    }

    /// A certificate for host names.
    func issue(_ hosts: String..., key: TestKey = .ecdsa) -> TestCertificate {
        var order = Order()
        order.subject = [("CN", hosts.first ?? "nobody")]
        order.names = hosts.map { "DNS:\($0)" }
        order.key = key
        return issue(order)
    }

    func issue(_ order: Order) -> TestCertificate {
        build(order, order.key, signer: certificate, serial: Serials.next())
    }

    /// A revocation list, PEM, due again in `due` seconds.
    func revocations(of revoked: [TestCertificate], due: Int = 86_400) -> [UInt8] {
        let list = X509_CRL_new()
        defer { X509_CRL_free(list) }
        X509_CRL_set_version(list, 1)
        X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate.pointer))
        let last = X509_gmtime_adj(nil, -86_400)
        let next = X509_gmtime_adj(nil, due)
        X509_CRL_set1_lastUpdate(list, last)
        X509_CRL_set1_nextUpdate(list, next)
        for certificate in revoked {
            let entry = X509_REVOKED_new()
            let serial = UnsafeMutablePointer(mutating: X509_get0_serialNumber(certificate.pointer))
            X509_REVOKED_set_serialNumber(entry, serial)
            X509_REVOKED_set_revocationDate(entry, last)
            X509_CRL_add0_revoked(list, entry)
        }
        X509_CRL_sort(list)
        X509_CRL_sign(list, certificate.key.pointer, EVP_sha256())
        ASN1_TIME_free(last)
        ASN1_TIME_free(next)
        return written { PEM_write_bio_X509_CRL($0, list) }
    }

    /// An OCSP answer for one of the authority's certificates, DER.
    func staple(for subject: TestCertificate, due: Int = 86_400) -> [UInt8] {
        let basic = OCSP_BASICRESP_new()
        defer { OCSP_BASICRESP_free(basic) }
        let id = OCSP_cert_to_id(nil, subject.pointer, certificate.pointer)
        defer { OCSP_CERTID_free(id) }
        let from = X509_gmtime_adj(nil, -86_400)
        let end = X509_gmtime_adj(nil, due)
        let to = ASN1_TIME_to_generalizedtime(end, nil)
        let begin = ASN1_TIME_to_generalizedtime(from, nil)
        OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, nil, begin, to)
        OCSP_basic_sign(basic, certificate.pointer, certificate.key.pointer, EVP_sha256(), nil, 0)
        let response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)
        defer { OCSP_RESPONSE_free(response) }
        var bytes = [UInt8](repeating: 0, count: Int(i2d_OCSP_RESPONSE(response, nil)))
        bytes.withUnsafeMutableBufferPointer { buffer in
            var position = buffer.baseAddress
            i2d_OCSP_RESPONSE(response, &position)
        }
        ASN1_TIME_free(from)
        ASN1_TIME_free(end)
        ASN1_GENERALIZEDTIME_free(to)
        ASN1_GENERALIZEDTIME_free(begin)
        return bytes
    }
}

private func build(
    _ order: TestAuthority.Order,
    _ key: TestKey,
    signer: TestCertificate?,
    serial: Int
) -> TestCertificate {
    guard let certificate = X509_new() else { fatalError("no memory") }
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
    X509_gmtime_adj(X509_getm_notBefore(certificate), order.from)
    X509_gmtime_adj(X509_getm_notAfter(certificate), order.to)
    X509_set_pubkey(certificate, key.pointer)
    let subject = X509_get_subject_name(certificate)
    for (field, value) in order.subject {
        X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, value, -1, -1, 0)
    }
    let issuer = signer?.pointer ?? certificate
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer))
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
    var extensions: [(Int32, String)] = [(NID_subject_key_identifier, "hash")]
    if order.isAuthority {
        extensions.append((NID_basic_constraints, "critical,CA:TRUE"))
        extensions.append((NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"))
    } else {
        extensions.append((NID_basic_constraints, "critical,CA:FALSE"))
        extensions.append((NID_ext_key_usage, order.usage))
    }
    if !order.names.isEmpty {
        extensions.append((NID_subject_alt_name, order.names.joined(separator: ",")))
    }
    for (kind, text) in extensions {
        let part = X509V3_EXT_conf_nid(nil, &context, kind, text)
        X509_add_ext(certificate, part, -1)
        X509_EXTENSION_free(part)
    }
    X509_sign(certificate, (signer?.key ?? key).pointer, EVP_sha256())
    return TestCertificate(certificate, key)
}
