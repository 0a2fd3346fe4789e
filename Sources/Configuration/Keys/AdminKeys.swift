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
        keys: [address, tokenFile, isPublic, keepsChanges, ListenerKeys.socketMode]
    )

    /// Bytes of a token.
    static let tokenSize = 16...4096
}
