import COpenSSL

/// Reads a certificate of OpenSSL's without owning it, or on behalf of its owner.
struct X509View {
    let pointer: OpaquePointer
    /// Whoever frees the certificate, where nobody else holds it.
    ///
    /// A view that is made and asked in one expression may be all that is left of the owner, which
    /// the compiler lets go after its last use: each question uses it behind the last call.
    private let owner: Certificate?

    init(_ pointer: OpaquePointer, of owner: Certificate? = nil) {
        self.pointer = pointer
        self.owner = owner
    }

    private func ask<Answer>(_ question: (OpaquePointer) -> Answer) -> Answer {
        withExtendedLifetime(owner) { question(pointer) }
    }

    var subject: String { ask { Self.text(of: X509_get_subject_name($0)) } }

    var issuer: String { ask { Self.text(of: X509_get_issuer_name($0)) } }

    /// SHA-256 over the DER form, in hexadecimal digits.
    var fingerprint: String {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard ask({ X509_digest($0, EVP_sha256(), &digest, &count) }) == 1 else { return "" }
        return digest.hexadecimal
    }

    /// Hosts, addresses, mail addresses and URIs from the alternative names.
    ///
    /// Names with bytes that are not visible ASCII are left out, and those that could pass for
    /// one of another kind, or in a list for two: they are never what they seem.
    var alternativeNames: [String] { generalNames.compactMap(\.unmistakable) }

    /// The hosts that a server name is compared with, in lower case.
    ///
    /// The common name counts where there are no alternative names at all.
    var hostNames: [String] {
        let names = generalNames
        let hosts = names.compactMap { $0.type == GEN_DNS ? $0.text?.lowercased() : nil }
        if !names.isEmpty { return hosts }
        return commonName.map { [$0.lowercased()] } ?? []
    }

    /// The addresses that it is for, as ``addressText(of:)`` writes them.
    var addresses: [String] { generalNames.compactMap { $0.type == GEN_IPADD ? $0.text : nil } }

    /// An address in digits, written as those of certificates are; `nil`: it is none.
    static func addressText(of host: String) -> String? {
        guard let bytes = a2i_IPADDRESS(host) else {
            ERR_clear_error()
            return nil
        }
        defer { ASN1_OCTET_STRING_free(bytes) }
        return Self.text(ofAddress: bytes)
    }

    /// The last common name of the subject.
    private var commonName: String? { ask(Self.commonName) }

    private static func commonName(_ pointer: OpaquePointer) -> String? {
        let name = X509_get_subject_name(pointer)
        var last: Int32 = -1
        while true {
            let next = X509_NAME_get_index_by_NID(name, NID_commonName, last)
            if next < 0 { break }
            last = next
        }
        guard last >= 0, let entry = X509_NAME_get_entry(name, last) else { return nil }
        return visibleText(X509_NAME_ENTRY_get_data(entry))
    }

    /// Seconds since 1970 from which on it is valid.
    var notBefore: Int64 { ask { Self.seconds(X509_get0_notBefore($0)) } }

    /// Seconds since 1970 up to which it is valid.
    var notAfter: Int64 { ask { Self.seconds(X509_get0_notAfter($0)) } }

    /// Whether this time, in seconds since 1970, has passed.
    static func isOver(_ seconds: Int64) -> Bool {
        guard let time = ASN1_TIME_set(nil, Int(seconds)) else { return true }
        defer { ASN1_TIME_free(time) }
        return X509_cmp_current_time(time) < 0
    }

    /// Whether it is signed by whom it names itself.
    var isSelfIssued: Bool {
        ask { X509_NAME_cmp(X509_get_subject_name($0), X509_get_issuer_name($0)) } == 0
    }

    /// Whether `issuer` may have signed it, by names and key identifiers.
    func isIssued(by issuer: X509View) -> Bool {
        issuer.ask { signer in ask { X509_check_issued(signer, $0) } } == X509_V_OK
    }

    private struct GeneralName {
        var type: Int32
        var text: String?

        /// The text, if it looks like one of its type and no other.
        var unmistakable: String? {
            guard let text, !text.utf8.contains(UInt8(ascii: ",")) else { return nil }
            let isURI = text.utf8.contains(UInt8(ascii: ":"))
            let isMail = text.utf8.contains(UInt8(ascii: "@"))
            switch type {
            case GEN_DNS: return isURI || isMail || text.contains("/") ? nil : text
            case GEN_EMAIL: return isMail && !isURI ? text : nil
            case GEN_URI: return isURI ? text : nil
            default: return text
            }
        }
    }

    private var generalNames: [GeneralName] {
        guard let found = ask({ X509_get_ext_d2i($0, NID_subject_alt_name, nil, nil) }) else {
            return []
        }
        let stack = OpaquePointer(found)
        defer { GENERAL_NAMES_free(stack) }
        var names: [GeneralName] = []
        for index in 0..<max(0, OPENSSL_sk_num(stack)) {
            guard let item = OPENSSL_sk_value(stack, index) else { continue }
            let name = item.assumingMemoryBound(to: GENERAL_NAME.self)
            var type: Int32 = 0
            guard let value = GENERAL_NAME_get0_value(name, &type) else { continue }
            let text: String? =
                switch type {
                case GEN_DNS, GEN_EMAIL, GEN_URI:
                    visibleText(value.assumingMemoryBound(to: ASN1_STRING.self))
                case GEN_IPADD:
                    Self.text(ofAddress: value.assumingMemoryBound(to: ASN1_STRING.self))
                default: nil
                }
            names.append(GeneralName(type: type, text: text))
        }
        return names
    }

    private static func text(of name: OpaquePointer?) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(memory) }
        // Bytes beyond ASCII and control bytes are escaped with a backslash.
        X509_NAME_print_ex(memory, name, 0, weir_x509_name_flags())
        var bytes: UnsafeMutablePointer<CChar>?
        let count = weir_bio_content(memory, &bytes)
        guard let bytes, count > 0 else { return "" }
        let buffer = UnsafeRawBufferPointer(start: bytes, count: count)
        return String(decoding: buffer, as: UTF8.self)
    }

    /// An address of 4 or 16 bytes as text.
    fileprivate static func text(ofAddress string: UnsafePointer<ASN1_STRING>?) -> String? {
        guard let string, let bytes = ASN1_STRING_get0_data(string) else { return nil }
        switch ASN1_STRING_length(string) {
        case 4: return (0..<4).map { String(bytes[$0]) }.joined(separator: ".")
        case 16:
            return (0..<8).map {
                String(UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]), radix: 16)
            }.joined(separator: ":")
        default: return nil
        }
    }

    /// Seconds since 1970; 0 for what is no time.
    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        guard let time, let epoch = ASN1_TIME_set(nil, 0) else { return 0 }
        defer { ASN1_TIME_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }
}

/// The text if all bytes are visible ASCII.
private func visibleText(_ string: UnsafePointer<ASN1_STRING>?) -> String? {
    guard let string, let bytes = ASN1_STRING_get0_data(string) else { return nil }
    let count = Int(ASN1_STRING_length(string))
    let buffer = UnsafeBufferPointer(start: bytes, count: count)
    guard count > 0, buffer.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    return String(decoding: buffer, as: UTF8.self)
}

extension [UInt8] {
    /// Two digits for each byte, in lower case.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        let text = flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
