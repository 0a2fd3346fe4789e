/// `admin`.
enum AdminKeys {
    static let address = Key(
        "address",
        .listenAddress,
        required: true,
        example: "127.0.0.1:9900",
        "Where the admin API listens: beyond loopback and `unix:` only with a token."
    )
    static let tokenFile = Key(
        "token-file",
        .file,
        note: "no token",
        example: "admin.token",
        "16 to 4096 bytes that requests bear as `Authorization: Bearer …`; blanks around them "
            + "do not count."
    )
    static let tls = Key(
        "tls",
        .map(AdminTLSKeys.set),
        or: ["off"],
        note: "`off`",
        example: "{certificate: admin.pem, key: admin.key}",
        "TLS with this certificate; without it the API speaks plain HTTP."
    )
    static let isPublic = Key(
        "public",
        .several(.word(AdminConfig.Public.allCases.map(\.rawValue))),
        standard: "health",
        example: "[health, metrics]",
        "What is answered without the token: `health` is `/livez`, `/healthz` and `/readyz`, "
            + "`metrics` is `/metrics`. A `unix:` socket without a token answers everything anyway."
    )
    static let keepsChanges = Key(
        "keep-changes",
        .bool,
        standard: "true",
        example: "false",
        "Whether states and weights that operators changed outlive a reload."
    )

    static let set = KeySet(
        "admin",
        noun: "admin",
        short: .scalar("address"),
        "The admin API: statistics, metrics, states of servers.",
        keys: [address, tokenFile, tls, isPublic, keepsChanges, ListenerKeys.socketMode]
    )

    /// Bytes of a token.
    static let tokenSize = 16...4096
}

/// `admin.tls`.
enum AdminTLSKeys {
    static let certificate = Key(
        "certificate",
        .file,
        required: true,
        example: "admin.pem",
        "The certificate and those up to its authority's, as PEM; commands that find the API by "
            + "the configuration trust just this one."
    )
    static let key = Key(
        "key",
        .file,
        required: true,
        example: "admin.key",
        "The certificate's private key, as PEM."
    )

    static let set = KeySet(
        "admin.tls",
        noun: "tls",
        "TLS of the admin API. Files that change are read again; connections that stand go on.",
        keys: [certificate, key]
    )
}
