/// `tracing`.
enum TracingKeys {
    static let propagate = Key(
        "propagate",
        .bool,
        standard: "true",
        example: "false",
        "Tell servers of the trace by `traceparent`: the client's is passed on, and where none "
            + "came that is valid, a trace begins. `false` passes on what came."
    )
    static let export = Key(
        "export",
        .text,
        note: "nothing is exported",
        example: "\"http://127.0.0.1:4318/v1/traces\"",
        "Where spans are sent, by OTLP over HTTP in JSON: `http://` or `https://`; without a path "
            + "`/v1/traces`."
    )
    static let sample = Key(
        "sample",
        .share,
        standard: "1%",
        example: "100%",
        "The share of traces beginning here that is marked as recorded, and exported; where a "
            + "client says whether its trace is recorded, that counts."
    )
    static let service = Key(
        "service",
        .text,
        standard: "weir",
        example: "edge",
        "`service.name` of the spans."
    )

    static let set = KeySet(
        "tracing",
        noun: "tracing",
        "Traces by W3C Trace Context, and their spans.",
        keys: [propagate, export, sample, service]
    )
}
