/// `routes[]`.
enum RouteKeys {
    static let name = Key(
        "name",
        .text,
        note: "from `match`",
        example: "api",
        "Label in logs that survives reordering; each route has its own."
    )
    static let match = Key(
        "match",
        .several(.map(MatchKeys.set)),
        note: "everything",
        example: "api.example.com/v1/",
        "What a request must be like. In a list one suffices."
    )
    static let pool = Key(
        "pool",
        .pool,
        note: "one action is required",
        example: "api",
        "Action: forward to this pool."
    )
    static let redirect = Key(
        "redirect",
        .map(RedirectKeys.set),
        example: "https://www.example.com",
        "Action: send the client elsewhere. Text stands for `{to: …}`."
    )
    static let respond = Key(
        "respond",
        .map(RespondKeys.set),
        example: "404",
        "Action: answer here. A number stands for `{status: …}`."
    )
    static let include = Key(
        "include",
        .several(.file),
        example: "sites/*.yaml",
        "Action: the routes of these files stand here; the other keys of the files join."
    )
    static let requestHeaders = Key(
        "request-headers",
        .map(HeaderEditKeys.requestSet),
        example: "{set: {x-client: \"{tls.subject}\"}}",
        "Changes of the head that goes to a server."
    )
    static let responseHeaders = Key(
        "response-headers",
        .map(HeaderEditKeys.answerSet),
        example: "{remove: [x-powered-by]}",
        "Changes of the head that goes to the client."
    )
    static let hsts = Key(
        "hsts",
        .duration(.zero...Bounds.longestHSTS),
        or: ["off"],
        standard: "off",
        example: "365d",
        "How long browsers are told to come by https only; sent in answers to https alone. `0s` "
            + "has them forget it."
    )
    static let accessLog = Key(
        "access-log",
        .bool,
        standard: "true",
        example: "false",
        "Whether the route's requests are in the access log."
    )
    static let timeouts = Key(
        "timeouts",
        .map(PoolTimeoutKeys.set),
        note: "the pool's",
        example: "{response: 5s}",
        "Laid over the pool's, key by key."
    )
    static let retries = Key(
        "retries",
        .map(RetryKeys.set),
        note: "the pool's",
        example: "{attempts: 1}",
        "Laid over the pool's, key by key."
    )

    static let fallback = Key(
        "fallback",
        .map(FallbackKeys.set),
        or: ["none"],
        note: "the pool's",
        example: "{respond: 503}",
        "In place of the pool's."
    )

    static let set = KeySet(
        "routes[]",
        noun: "route",
        "In written order; the first that matches is taken. Each has one action.",
        keys: [
            name, match, pool, redirect, respond, include, requestHeaders, responseHeaders, hsts,
            accessLog, fallback, timeouts, retries,
        ]
    )

    /// The keys of which a route has exactly one.
    static let actions = [pool, redirect, respond, include]
}

/// `routes[].match`.
enum MatchKeys {
    static let host = Key(
        "host",
        .several(.host),
        note: "any",
        example: "\"*.example.com\"",
        "`a.b`, `*.a.b` (one or more labels before), `.a.b` (both); port and case ignored."
    )
    static let path = Key(
        "path",
        .several(.path),
        note: "any",
        example: "/v1/",
        "`/p` and `/p/`: `/p` and all below it, by whole segments; `=/p` exactly that."
    )
    static let method = Key(
        "method",
        .several(.method),
        note: "any",
        example: "[GET, POST]",
        "Case counts; `GET` takes `HEAD` along."
    )

    static let set = KeySet(
        "routes[].match",
        noun: "match",
        short: .match,
        "All keys must hold; of each list one entry suffices. Text is a host, a host with a "
            + "path behind it, or, beginning with `/` or `=`, a path.",
        keys: [host, path, method]
    )
}

/// `routes[].redirect`.
enum RedirectKeys {
    static let target = Key(
        "to",
        .template,
        required: true,
        example: "\"https://{host}\"",
        "A URL or a path, as a template; a URL without a path keeps path and query."
    )
    static let status = Key(
        "status",
        .word(["301", "302", "303", "307", "308"]),
        standard: "302",
        example: "308",
        "The answer's status."
    )

    static let set = KeySet(
        "routes[].redirect",
        noun: "redirect",
        short: .scalar("to"),
        "Sends the client elsewhere.",
        keys: [target, status]
    )
}

/// `routes[].respond`.
enum RespondKeys {
    static let status = Key(
        "status",
        .count(200...599),
        standard: "200",
        example: "404",
        "The answer's status."
    )
    static let body = Key(
        "body",
        .template,
        note: "empty",
        example: "\"User-agent: *\\n\"",
        "The body, as a template."
    )
    static let file = Key(
        "file",
        .file,
        example: "sorry.html",
        "The body from a file of at most 4 MiB, read once, as it is; its ending gives the type."
    )
    static let headers = Key(
        "headers",
        .named(.template),
        example: "{cache-control: no-store}",
        "Fields of the answer, as templates."
    )

    static let set = KeySet(
        "routes[].respond",
        noun: "respond",
        short: .scalar("status"),
        "Answers here, without a pool.",
        keys: [status, body, file, headers]
    )
}

/// `routes[].request-headers` and `routes[].response-headers`.
enum HeaderEditKeys {
    static let remove = Key(
        "remove",
        .several(.text),
        example: "[x-debug, x-internal]",
        "Fields that go away, by name."
    )
    static let set = Key(
        "set",
        .named(.template),
        example: "{x-client: \"{tls.subject}\"}",
        "Fields that take the place of all that came with their names, whatever their case."
    )
    static let add = Key(
        "add",
        .named(.template),
        example: "{x-via: \"{pool}\"}",
        "Fields that join those that came."
    )

    static let requestSet = KeySet(
        "routes[].request-headers",
        noun: "request-headers",
        "Changes of the head that goes to a server, made in this order; see "
            + "[Changed heads](#changed-heads).",
        keys: [remove, set, add]
    )
    static let answerSet = KeySet(
        "routes[].response-headers",
        noun: "response-headers",
        "Changes of the head that goes to the client, made in this order; see "
            + "[Changed heads](#changed-heads).",
        keys: [remove, set, add]
    )
}
