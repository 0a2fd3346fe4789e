/// `pools.<name>.tls`.
enum PoolTLSKeys {
    static let verify = Key(
        "verify",
        .bool,
        standard: "true",
        example: "false",
        "Whether a server must prove who it is; with `false` anybody may answer in its place."
    )
    static let serverName = Key(
        "server-name",
        .text,
        note: "the server's host name",
        example: "api.internal",
        "The name that servers are asked for (SNI) and that their certificates must cover; "
            + "required where a server has an address only."
    )
    static let authority = Key(
        "authority",
        .file,
        note: "the system's",
        example: "internal-ca.pem",
        "Authorities that servers' certificates are signed by, as PEM."
    )
    static let certificate = Key(
        "certificate",
        .file,
        example: "client.pem",
        "Weir's own certificate for servers that ask for one, with those up to its authority's."
    )
    static let key = Key(
        "key",
        .file,
        example: "client.key",
        "The private key of `certificate`."
    )

    static let set = KeySet(
        "pools.<name>.tls",
        noun: "tls",
        short: .truth("verify"),
        "TLS to the servers, to which checks and load probes keep too. Files that change are read "
            + "again; connections that stand go on.",
        keys: [verify, serverName, authority, certificate, key]
    )
}
