/// `listeners[]`.
enum ListenerKeys {
    static let address = Key(
        "address",
        .several(.listenAddress),
        required: true,
        example: "\":8080\"",
        "Where to listen; `:80` means IPv4 and IPv6, port 0 any free port."
    )
    static let name = Key(
        "name",
        .text,
        note: "the address",
        example: "public",
        "Label in logs and metrics; all addresses of the entry share it."
    )
    static let maxConnections = Key(
        "max-connections",
        .count(1...10_000_000),
        or: ["none"],
        standard: "none",
        example: "10000",
        "Connections at once on each address of this listener; accepting pauses beyond."
    )
    static let backlog = Key(
        "backlog",
        .count(1...65535),
        standard: "4096",
        example: "1024",
        "The kernel's queue of connections that wait to be accepted."
    )
    static let socketMode = Key(
        "socket-mode",
        .octal,
        standard: "0660",
        example: "0600",
        "Rights of a `unix:` socket, in octal."
    )
    static let tls = Key(
        "tls",
        .map(TLSKeys.set),
        or: ["off"],
        note: "`off`",
        example: "{certificate: site.pem, key: site.key}",
        "TLS with these certificates; without it the listener speaks plain HTTP."
    )
    static let http2 = Key(
        "http2",
        .bool,
        or: ["cleartext"],
        note: "`true` with `tls`, else `false`",
        example: "cleartext",
        "Whether clients may choose HTTP/2, over TLS by ALPN; `cleartext` takes HTTP/1 and HTTP/2 "
            + "with prior knowledge on one port without TLS."
    )
    static let proxyProtocol = Key(
        "proxy-protocol",
        .map(ProxyProtocolKeys.set),
        or: ["off"],
        note: "`off`",
        example: "[10.1.0.0/16]",
        "Peers that say before their first byte who the client is, by the PROXY protocol, version "
            + "1 or 2. Networks stand for `{from: …}`."
    )
    static let httpsRedirect = Key(
        "https-redirect",
        .count(1...65535),
        or: ["true", "false"],
        standard: "false",
        example: "8443",
        "Sends every request to https with 308: to this port, with `true` to 443."
    )

    static let readyPath = Key(
        "ready-path",
        .text,
        note: "none",
        example: "/lb-ready",
        "A path that Weir answers itself, for the balancer in front: with 200 while new traffic is "
            + "wanted and every worker serves, with 503 else, from the begin of `drain-delay` on. "
            + "Whatever the host and routes."
    )

    static let set = KeySet(
        "listeners[]",
        noun: "listener",
        short: .scalar("address"),
        "One entry for each place where clients connect. Text stands for `{address: …}`.",
        keys: [
            address, name, tls, http2, proxyProtocol, httpsRedirect, readyPath, maxConnections,
            backlog, socketMode,
        ]
    )
}

/// `listeners[].proxy-protocol`.
enum ProxyProtocolKeys {
    static let from = Key(
        "from",
        .several(.network),
        required: true,
        example: "[10.1.0.0/16]",
        "Who may say it; nothing is read from others."
    )
    static let isRequired = Key(
        "required",
        .bool,
        standard: "true",
        example: "false",
        "Whether these peers have to say it."
    )

    static let set = KeySet(
        "listeners[].proxy-protocol",
        noun: "proxy-protocol",
        short: .values("from"),
        "Peers that say who the client is, by the PROXY protocol.",
        keys: [from, isRequired]
    )
}

/// `forwarding`.
enum ForwardingKeys {
    static let xForwarded = Key(
        "x-forwarded",
        .bool,
        standard: "true",
        example: "false",
        "Send `X-Forwarded-For`, `-Proto` and `-Host`."
    )
    static let via = Key(
        "via",
        .bool,
        standard: "true",
        example: "false",
        "Add to `Via`."
    )
    static let requestID = Key(
        "request-id",
        .bool,
        standard: "true",
        example: "false",
        "Send `X-Request-Id`."
    )
    static let forwarded = Key(
        "forwarded",
        .bool,
        standard: "false",
        example: "true",
        "Send `Forwarded` (RFC 7239)."
    )

    static let set = KeySet(
        "forwarding",
        noun: "forwarding",
        "Which fields about the client are sent on. What a client that is no trusted proxy "
            + "says in them is replaced.",
        keys: [xForwarded, via, requestID, forwarded]
    )
}

/// `log` and `log.access`.
enum LogKeys {
    static let level = Key(
        "level",
        .word(LogConfig.Level.allCases.map(\.rawValue)),
        standard: "info",
        example: "warning",
        "The least level that Weir's own log writes."
    )
    static let target = Key(
        "to",
        .logTarget,
        standard: "stderr",
        example: "/var/log/weir/weir.log",
        "Where Weir's own log goes; a file is opened again on SIGUSR1."
    )
    static let format = Key(
        "format",
        .word(["text", "json"]),
        standard: "text",
        example: "json",
        "The form of Weir's own log."
    )
    static let access = Key(
        "access",
        .map(accessSet),
        or: ["off"],
        standard: "off",
        example: "stdout",
        "The access log; none unless asked for. Text stands for `{to: …}`."
    )

    static let accessTarget = Key(
        "to",
        .logTarget,
        required: true,
        example: "/var/log/weir/access.json",
        "Where lines go; a file is opened again on SIGUSR1."
    )
    static let accessFormat = Key(
        "format",
        .word(AccessLogConfig.Format.allCases.map(\.rawValue)),
        standard: "json",
        example: "combined",
        "JSON lines, or the combined format of web servers."
    )
    static let client = Key(
        "client",
        .word(["full", "masked"]),
        standard: "full",
        example: "masked",
        "`masked` leaves out the last 8 bits of an IPv4 and the last 80 of an IPv6 address."
    )
    static let sample = Key(
        "sample",
        .share,
        standard: "100%",
        example: "1%",
        "The share of requests that is logged; errors always are."
    )
    static let only = Key(
        "only",
        .word(["all", "errors"]),
        standard: "all",
        example: "errors",
        "`errors` logs only outcomes other than `ok` and statuses of 500 and above."
    )

    static let accessSet = KeySet(
        "log.access",
        noun: "access log",
        short: .scalar("to"),
        "The access log: a line for each request.",
        keys: [accessTarget, accessFormat, client, sample, only]
    )
    static let set = KeySet(
        "log",
        noun: "log",
        "What is written down.",
        keys: [level, target, format, access]
    )
}
