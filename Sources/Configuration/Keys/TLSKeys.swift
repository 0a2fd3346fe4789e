/// `listeners[].tls`.
enum TLSKeys {
    static let certificates = Key(
        "certificates",
        .several(.map(CertificateKeys.set)),
        note: "required, or `certificate` and `key`",
        example: "[{certificate: site.pem, key: site.key}, {folder: certs}]",
        "Certificates with their keys; a client gets the one for the name that it asks for, see "
            + "[Certificates](#certificates)."
    )
    static let unknownName = Key(
        "unknown-name",
        .word(ListenerTLSConfig.UnknownName.allCases.map(\.rawValue)),
        standard: "default",
        example: "refuse",
        "A name that no certificate covers: `default` gets the first one, `refuse` an alert."
    )
    static let clientAuthority = Key(
        "client-authority",
        .file,
        example: "partners.pem",
        "Asks clients for a certificate that one of these authorities signed."
    )
    static let clientCertificate = Key(
        "client-certificate",
        .word(["required", "optional"]),
        standard: "required",
        example: "optional",
        "Whether clients without a certificate are refused; only with `client-authority`."
    )
    static let clientRevocations = Key(
        "client-revocations",
        .file,
        example: "partners.crl",
        "Client certificates that hold no longer (CRLs); only with `client-authority`."
    )
    static let minVersion = Key(
        "min-version",
        .word(TLSVersion.allCases.map(\.rawValue)),
        standard: "1.2",
        example: "1.3",
        "The oldest version of TLS that is spoken."
    )
    static let suites = Key(
        "suites",
        .several(.suite),
        note: "all safe ones of the versions",
        example: "[TLS_AES_128_GCM_SHA256, ECDHE-ECDSA-AES128-GCM-SHA256]",
        "Cipher suites in the order of preference; weak ones are refused."
    )
    static let groups = Key(
        "groups",
        .several(.group),
        standard: "[" + TLSNames.defaultGroups.joined(separator: ", ") + "]",
        example: "[P-256, P-384]",
        "Groups for key exchange in the order of preference; weak ones are refused."
    )
    static let ticketKeys = Key(
        "ticket-keys",
        .file,
        note: "own ones, changed every 12 h",
        example: "tickets.keys",
        "Keys of session tickets, for machines that resume each other's sessions."
    )
    static let maxHandshakes = Key(
        "max-handshakes",
        .count(1...1_000_000),
        standard: "1000",
        example: "200",
        "Handshakes under way at once in each worker."
    )
    static let handshakeRate = Key(
        "handshake-rate",
        .rate,
        or: ["none"],
        standard: "none",
        example: "500/s",
        "Handshakes that are admitted in a time."
    )

    static let set = KeySet(
        "listeners[].tls",
        noun: "tls",
        "TLS towards clients. `{certificate: c, key: k}` stands for "
            + "`{certificates: [{certificate: c, key: k}]}`.",
        keys: [
            certificates, CertificateKeys.certificate, CertificateKeys.key,
            CertificateKeys.passphraseFile, CertificateKeys.stapleFile, unknownName,
            clientAuthority, clientCertificate, clientRevocations, minVersion, suites, groups,
            ticketKeys, maxHandshakes, handshakeRate,
        ]
    )

    /// Bytes of a key of tickets: a name of 16, a key of 32 that signs, one of 32 that encrypts.
    static let ticketKeySize = 80
    /// Keys in a file of them.
    static let ticketKeyCountMax = 16
}

/// `listeners[].tls.certificates[]`.
enum CertificateKeys {
    static let certificate = Key(
        "certificate",
        .file,
        note: "required, or `folder`",
        example: "site.pem",
        "The certificate and those up to its authority's, as PEM."
    )
    static let key = Key(
        "key",
        .file,
        note: "required, or `folder`",
        example: "site.key",
        "The certificate's private key, as PEM."
    )
    static let folder = Key(
        "folder",
        .file,
        example: "certs",
        "Instead of one pair all pairs `x.pem` and `x.key` of a folder."
    )
    static let passphraseFile = Key(
        "passphrase-file",
        .file,
        example: "site.pass",
        "What decrypts the key; the first line of the file counts."
    )
    static let stapleFile = Key(
        "ocsp-staple",
        .file,
        example: "site.ocsp",
        "An OCSP answer (DER) that is sent along with the certificate."
    )

    /// What a certificate of its own may have, and `tls` in its short form.
    static let ofOne = [certificate, key, passphraseFile, stapleFile]

    static let set = KeySet(
        "listeners[].tls.certificates[]",
        noun: "an entry of certificates",
        "A certificate with its key, or a folder of them.",
        keys: [certificate, key, folder, passphraseFile, stapleFile]
    )
}
