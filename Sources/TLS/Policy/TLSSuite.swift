/// The cipher suites that Weir speaks: forward secret, with authenticated encryption.
///
/// Raw values are the names in the IANA's registry. The order is the one preferred: AES-128 costs
/// least where the processor has AES.
public enum TLSSuite: String, CaseIterable, Sendable {
    case aes128 = "TLS_AES_128_GCM_SHA256"
    case aes256 = "TLS_AES_256_GCM_SHA384"
    case chaCha20 = "TLS_CHACHA20_POLY1305_SHA256"
    case ecdsaAES128 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    case rsaAES128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    case ecdsaAES256 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    case rsaAES256 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    case ecdsaChaCha20 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    case rsaChaCha20 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"

    /// The suite of this name, the IANA's or OpenSSL's; `nil`: unknown here, or weak.
    public init?(named name: String) {
        guard let suite = Self.allCases.first(where: { $0.rawValue == name || $0.openSSL == name })
        else { return nil }
        self = suite
    }

    /// Whether it belongs to TLS 1.3, whose suites say nothing of keys.
    public var isTLS13: Bool {
        switch self {
        case .aes128, .aes256, .chaCha20: true
        case .ecdsaAES128, .rsaAES128, .ecdsaAES256, .rsaAES256, .ecdsaChaCha20, .rsaChaCha20:
            false
        }
    }

    /// OpenSSL's name.
    var openSSL: String {
        switch self {
        case .aes128, .aes256, .chaCha20: rawValue
        case .ecdsaAES128: "ECDHE-ECDSA-AES128-GCM-SHA256"
        case .rsaAES128: "ECDHE-RSA-AES128-GCM-SHA256"
        case .ecdsaAES256: "ECDHE-ECDSA-AES256-GCM-SHA384"
        case .rsaAES256: "ECDHE-RSA-AES256-GCM-SHA384"
        case .ecdsaChaCha20: "ECDHE-ECDSA-CHACHA20-POLY1305"
        case .rsaChaCha20: "ECDHE-RSA-CHACHA20-POLY1305"
        }
    }
}

/// The groups of the key exchange that Weir speaks; raw values are the names in the file.
public enum TLSGroup: String, CaseIterable, Sendable {
    case x25519 = "X25519"
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"
    case x448 = "X448"

    /// What is spoken when the file says nothing, preferred ones first.
    public static let standard: [TLSGroup] = [.x25519, .p256, .p384]

    /// The group of this name, also as OpenSSL and RFC 8446 call it; `nil`: unknown here.
    public init?(named name: String) {
        switch name.lowercased() {
        case "x25519": self = .x25519
        case "p-256", "p256", "prime256v1", "secp256r1": self = .p256
        case "p-384", "p384", "secp384r1": self = .p384
        case "p-521", "p521", "secp521r1": self = .p521
        case "x448": self = .x448
        default: return nil
        }
    }
}

/// The versions that Weir speaks; raw values are the names in the file.
public enum TLSVersion: String, CaseIterable, Sendable {
    case tls12 = "1.2"
    case tls13 = "1.3"
}
