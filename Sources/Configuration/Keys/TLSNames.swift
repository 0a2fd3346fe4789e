/// Names of cipher suites and groups.
enum TLSNames {
    /// Suites with authenticated encryption and forward secrecy, in the default's order: those of
    /// TLS 1.3 (RFC 8446 §B.4), then those of TLS 1.2 by OpenSSL's names.
    static let suites = [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ]
    /// Groups of at least 128 bits of security.
    static let groups = ["X25519", "P-256", "P-384", "P-521", "X448"]
    /// Those of ``groups`` that the default offers: clients know them all, and larger ones cost
    /// more than they give.
    static let defaultGroups = ["X25519", "P-256", "P-384"]

    /// Whether the suite is one of TLS 1.3.
    static func isOfTLS13(_ suite: String) -> Bool { suite.hasPrefix("TLS_") }

    /// The suite that another naming scheme (IANA's for TLS 1.2) means by this name.
    static func suite(alias name: String) -> String? {
        let name = name.uppercased()
        let parts = name.split(separator: "_")
        guard parts.count > 5, parts[0] == "TLS", parts[1] == "ECDHE", parts[3] == "WITH" else {
            return suites.first { $0 == name }
        }
        return suites.first { suite in
            let wanted = "TLS_" + suite.replacing("-", with: "_")
            let spoken = name.replacing("_WITH_", with: "_").replacing("AES_", with: "AES")
            return spoken == wanted || spoken == wanted + "_SHA256"
        }
    }

    /// The group that another name (SECG's, ANSI's) means.
    static func group(alias name: String) -> String? {
        switch name.lowercased() {
        case "prime256v1", "secp256r1", "p256": "P-256"
        case "secp384r1", "p384": "P-384"
        case "secp521r1", "p521": "P-521"
        case let lower: groups.first { $0.lowercased() == lower }
        }
    }

    /// Why a suite of this name is weak; `nil` if it does not look like one.
    static func weakness(ofSuite name: String) -> String? {
        let name = name.uppercased().replacing("_", with: "-")
        func has(_ parts: [String]) -> Bool { parts.contains { name.contains($0) } }
        if has(["ADH", "AECDH", "ANON"]) { return "it proves nobody's identity" }
        if has(["NULL"]) { return "it encrypts nothing" }
        if has(["RC4", "RC2", "DES", "IDEA", "SEED", "MD5", "EXP"]) { return "it is broken" }
        if has(["PSK", "SRP"]) { return "it is not for certificates" }
        let isAuthenticated = has(["GCM", "CHACHA20", "CCM"])
        if has(["ECDHE-"]) {
            return isAuthenticated ? nil : "it has no authenticated encryption"
        }
        if has(["DHE-", "EDH-"]) { return "it exchanges keys by finite fields" }
        if name.hasPrefix("TLS-"), !name.hasPrefix("TLS-RSA") { return nil }
        return has(["AES", "CAMELLIA", "ARIA", "RSA"]) ? "it has no forward secrecy" : nil
    }

    /// Whether a group of this name gives less than 128 bits of security.
    static func isWeak(group name: String) -> Bool {
        let name = name.lowercased()
        let weak = ["secp1", "secp224", "sect1", "sect2", "prime192", "prime239", "p-192", "p-224"]
        return weak.contains { name.hasPrefix($0) }
    }
}
