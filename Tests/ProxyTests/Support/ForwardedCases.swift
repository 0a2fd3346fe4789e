private let get = "GET / HTTP/1.1"
private let host = "Host: a.b"
private let proto = "X-Forwarded-Proto: http"
private let claims = [
    "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
    "Forwarded: for=10.0.0.1", "X-Request-Id: theirs", "Via: 1.1 them",
]

/// How fields about the client go on, by who the peer is and what the file switches on.
let clientForwards: [ForwardCase] = [
    ForwardCase(
        "everything on, from a stranger without claims",
        [get, host],
        sending: "xvif",
        becomes: [
            get, host, "X-Forwarded-For: 192.0.2.7", proto, "X-Forwarded-Host: a.b",
            "Forwarded: for=192.0.2.7;host=\"a.b\";proto=http", "Via: 1.1 weir",
            "X-Request-Id: \(ForwardCase.idText)",
        ]
    ),
    ForwardCase(
        "a stranger's claims are replaced",
        [get, host] + claims,
        sending: "xvif",
        becomes: [
            get, host, "Via: 1.1 them", "X-Forwarded-For: 192.0.2.7", proto,
            "X-Forwarded-Host: a.b", "Forwarded: for=192.0.2.7;host=\"a.b\";proto=http",
            "Via: 1.1 weir", "X-Request-Id: \(ForwardCase.idText)",
        ]
    ),
    ForwardCase(
        "a stranger's claims go even where nothing replaces them",
        [get, host] + claims,
        becomes: [get, host, "Via: 1.1 them"]
    ),
    ForwardCase(
        "a trusted proxy's claims are carried on",
        [get, host] + claims,
        trusted: true,
        sending: "xvif",
        becomes: [
            get, host, "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "Via: 1.1 them",
            "X-Forwarded-For: 10.0.0.1, 192.0.2.7",
            "Forwarded: for=10.0.0.1, for=192.0.2.7;host=\"a.b\";proto=http", "Via: 1.1 weir",
            "X-Request-Id: theirs",
        ]
    ),
    ForwardCase(
        "a trusted proxy's claims pass where Weir writes none",
        [get, host] + claims,
        trusted: true,
        becomes: [
            get, host, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https",
            "X-Forwarded-Host: evil", "Forwarded: for=10.0.0.1", "Via: 1.1 them",
            "X-Request-Id: theirs",
        ]
    ),
    ForwardCase(
        "a trusted proxy without claims gets Weir's",
        [get, host],
        trusted: true,
        sending: "x",
        becomes: [get, host, "X-Forwarded-For: 192.0.2.7", proto, "X-Forwarded-Host: a.b"]
    ),
    ForwardCase(
        "several lists of a trusted proxy become one, empty ones count for nothing",
        [get, "X-Forwarded-For: 1.1.1.1, 2.2.2.2", host, "x-forwarded-for:", "X-Forwarded-For: 3"],
        trusted: true,
        sending: "x",
        becomes: [
            get, host, "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3, 192.0.2.7", proto,
            "X-Forwarded-Host: a.b",
        ]
    ),
    ForwardCase(
        "X-Forwarded alone",
        [get, host, "Forwarded: for=x"],
        sending: "x",
        becomes: [get, host, "X-Forwarded-For: 192.0.2.7", proto, "X-Forwarded-Host: a.b"]
    ),
    ForwardCase("Via alone", [get, host], sending: "v", becomes: [get, host, "Via: 1.1 weir"]),
    ForwardCase(
        "Via of HTTP/1.0",
        ["GET / HTTP/1.0", host],
        sending: "v",
        becomes: [get, host, "Via: 1.0 weir"]
    ),
    ForwardCase(
        "the request id alone",
        [get, host],
        sending: "i",
        becomes: [get, host, "X-Request-Id: \(ForwardCase.idText)"]
    ),
    ForwardCase(
        "Forwarded alone, with a port in the host",
        [get, "Host: a.b:81"],
        sending: "f",
        becomes: [
            get, "Host: a.b:81", "Forwarded: for=192.0.2.7;host=\"a.b:81\";proto=http",
        ]
    ),
    ForwardCase(
        "a peer of IPv6",
        [get, host],
        from: "2001:db8::7",
        sending: "xf",
        becomes: [
            get, host, "X-Forwarded-For: 2001:db8::7", proto, "X-Forwarded-Host: a.b",
            "Forwarded: for=\"[2001:db8::7]\";host=\"a.b\";proto=http",
        ]
    ),
    ForwardCase(
        "a peer behind a unix socket has no address",
        [get, host],
        from: nil,
        sending: "xf",
        becomes: [
            get, host, proto, "X-Forwarded-Host: a.b",
            "Forwarded: for=unknown;host=\"a.b\";proto=http",
        ]
    ),
    ForwardCase(
        "a trusted peer behind a unix socket adds an unknown one",
        [get, host, "X-Forwarded-For: 10.0.0.1"],
        from: nil,
        trusted: true,
        sending: "x",
        becomes: [
            get, host, "X-Forwarded-For: 10.0.0.1, unknown", proto, "X-Forwarded-Host: a.b",
        ]
    ),
    ForwardCase(
        "HTTP/1.0 without Host says no host",
        ["GET / HTTP/1.0"],
        sending: "xf",
        becomes: [
            get, "Host: ", "X-Forwarded-For: 192.0.2.7", proto,
            "Forwarded: for=192.0.2.7;proto=http",
        ]
    ),
    ForwardCase(
        "the host that counts is the target's",
        ["GET http://c.d/ HTTP/1.1", host],
        sending: "x",
        becomes: [
            get, "Host: c.d", "X-Forwarded-For: 192.0.2.7", proto, "X-Forwarded-Host: c.d",
        ]
    ),
    ForwardCase(
        "Weir's own fields stand although Connection names them",
        [get, host, "Connection: x-forwarded-for, x-forwarded-proto, via, x-request-id"],
        sending: "xvi",
        becomes: [
            get, host, "X-Forwarded-For: 192.0.2.7", proto, "X-Forwarded-Host: a.b",
            "Via: 1.1 weir", "X-Request-Id: \(ForwardCase.idText)",
        ]
    ),
    ForwardCase(
        "what a trusted proxy's Connection names is as if it were not there",
        [
            get, host,
            "Connection: x-forwarded-for, x-forwarded-proto, x-forwarded-host,"
                + " forwarded, x-request-id",
        ] + claims,
        trusted: true,
        sending: "xif",
        becomes: [
            get, host, "Via: 1.1 them", "X-Forwarded-For: 192.0.2.7", proto,
            "X-Forwarded-Host: a.b", "Forwarded: for=192.0.2.7;host=\"a.b\";proto=http",
            "X-Request-Id: \(ForwardCase.idText)",
        ]
    ),
    ForwardCase(
        "the longest request id that is believed",
        [get, host, "X-Request-Id: " + String(repeating: "~", count: 128)],
        trusted: true,
        sending: "i",
        becomes: [get, host, "X-Request-Id: " + String(repeating: "~", count: 128)]
    ),
    ForwardCase(
        "one character more is not believed",
        [get, host, "X-Request-Id: " + String(repeating: "~", count: 129)],
        trusted: true,
        sending: "i",
        becomes: [get, host, "X-Request-Id: \(ForwardCase.idText)"]
    ),
    ForwardCase(
        "a request id with a space is not believed",
        [get, host, "X-Request-Id: a b"],
        trusted: true,
        sending: "i",
        becomes: [get, host, "X-Request-Id: \(ForwardCase.idText)"]
    ),
    ForwardCase(
        "an unbelievable request id is not passed on either",
        [get, host, "X-Request-Id: ä"],
        trusted: true,
        becomes: [get, host]
    ),
]
