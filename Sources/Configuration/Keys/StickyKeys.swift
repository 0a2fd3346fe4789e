/// `pools.<name>.sticky`.
enum StickyKeys {
    static let cookie = Key(
        "cookie",
        .text,
        standard: "weir",
        example: "backend",
        "The cookie that names the server; it is signed."
    )
    static let header = Key(
        "header",
        .text,
        example: "x-backend",
        "Instead of a cookie, a field of answers that clients send back."
    )
    static let secretFile = Key(
        "secret-file",
        .file,
        note: "a secret of this process",
        example: "sticky.secret",
        "16 to 4096 bytes that sign; several machines, and restarts, need the same."
    )
    static let maxAge = Key(
        "max-age",
        .duration(.seconds(1)...Bounds.longest),
        or: ["session"],
        standard: "session",
        example: "1h",
        "The cookie's age; `session` is until the browser ends."
    )
    static let sameSite = Key(
        "same-site",
        .word(StickyConfig.SameSite.allCases.map(\.rawValue)),
        standard: "lax",
        example: "strict",
        "The cookie's `SameSite`."
    )

    static let set = KeySet(
        "pools.<name>.sticky",
        noun: "sticky",
        short: .truth("cookie"),
        "How a client comes back to its server, over any strategy: by a cookie or by a header.",
        keys: [cookie, header, secretFile, maxAge, sameSite]
    )

    /// What makes no sense of a header.
    static let ofCookies = [cookie, maxAge, sameSite]

    /// Bytes of a secret.
    static let secretSize = 16...4096
}
