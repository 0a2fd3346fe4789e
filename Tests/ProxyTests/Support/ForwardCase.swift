import Configuration

@testable import Proxy

/// A request as it comes, what is known of its peer, and the head that must go on.
struct ForwardCase: Sendable, CustomStringConvertible {
    var description: String
    var request: [String]
    var peer: String?
    var isTrusted: Bool
    /// `x` X-Forwarded-*, `v` Via, `i` X-Request-Id, `f` Forwarded.
    var switches: String
    var expected: [String]

    init(
        _ description: String,
        _ request: [String],
        from peer: String? = "192.0.2.7",
        trusted: Bool = false,
        sending switches: String = "",
        becomes expected: [String]
    ) {
        self.description = description
        self.request = request
        self.peer = peer
        self.isTrusted = trusted
        self.switches = switches
        self.expected = expected
    }

    /// The id of a request that brings none that is believed.
    static let id = RequestID(high: 0x0123_4567_89ab_cdef, low: 0xf)
    /// The same as text.
    static let idText = "0123456789abcdef000000000000000f"

    var forwarding: ForwardingConfig {
        var config = ForwardingConfig()
        config.xForwarded = switches.contains("x")
        config.via = switches.contains("v")
        config.requestID = switches.contains("i")
        config.forwarded = switches.contains("f")
        return config
    }
}

private let get = "GET / HTTP/1.1"
private let host = "Host: a.b"

/// How request lines, hop-by-hop fields and framing go on; all forwarding fields are off.
let plainForwards: [ForwardCase] = [
    ForwardCase("smallest", [get, host], becomes: [get, host]),
    ForwardCase(
        "Host stays where it is, as sent but for the white space around it",
        ["GET /a?b HTTP/1.1", "X: 1", "hOsT: \t A.b:80 ", "Y:2"],
        becomes: ["GET /a?b HTTP/1.1", "X: 1", "hOsT: A.b:80", "Y: 2"]
    ),
    ForwardCase(
        "fields keep their case, order, inner spaces and repetition",
        [get, "x-ONE:  a  b ", host, "Cookie: a", "cookie:b", "X-Empty:"],
        becomes: [get, "x-ONE: a  b", host, "Cookie: a", "cookie: b", "X-Empty: "]
    ),
    ForwardCase(
        "a method of one's own",
        ["M-SEARCH /%2e%2e/x HTTP/1.1", host],
        becomes: ["M-SEARCH /%2e%2e/x HTTP/1.1", host]
    ),
    ForwardCase(
        "absolute form becomes origin form and its host wins",
        ["GET http://C.d:8/x/?y=/z HTTP/1.1", "Host: a.b", "X: 1"],
        becomes: ["GET /x/?y=/z HTTP/1.1", "Host: C.d:8", "X: 1"]
    ),
    ForwardCase(
        "absolute form without a path",
        ["GET http://c.d HTTP/1.1", host],
        becomes: [get, "Host: c.d"]
    ),
    ForwardCase(
        "absolute form without a path, with a query",
        ["GET http://c.d?q HTTP/1.1", host],
        becomes: ["GET /?q HTTP/1.1", "Host: c.d"]
    ),
    ForwardCase(
        "absolute form with an empty query",
        ["GET http://c.d/? HTTP/1.1", host],
        becomes: ["GET /? HTTP/1.1", "Host: c.d"]
    ),
    ForwardCase(
        "OPTIONS in absolute form without a path asks about the server",
        ["OPTIONS http://c.d HTTP/1.1", host],
        becomes: ["OPTIONS * HTTP/1.1", "Host: c.d"]
    ),
    ForwardCase(
        "OPTIONS in absolute form with a query asks about the root",
        ["OPTIONS http://c.d?q HTTP/1.1", host],
        becomes: ["OPTIONS /?q HTTP/1.1", "Host: c.d"]
    ),
    ForwardCase(
        "asterisk form",
        ["OPTIONS * HTTP/1.1", host],
        becomes: ["OPTIONS * HTTP/1.1", host]
    ),
    ForwardCase(
        "HTTP/1.0 without Host goes on as 1.1 with an empty one",
        ["GET /x HTTP/1.0", "X: 1"],
        becomes: ["GET /x HTTP/1.1", "Host: ", "X: 1"]
    ),
    ForwardCase(
        "HTTP/1.0 has no Expect",
        ["POST /x HTTP/1.0", host, "Content-Length: 1", "Expect: 100-continue"],
        becomes: ["POST /x HTTP/1.1", host, "Content-Length: 1"]
    ),
    ForwardCase(
        "Expect of HTTP/1.1 goes on",
        ["POST /x HTTP/1.1", host, "Content-Length: 1", "Expect: 100-continue"],
        becomes: ["POST /x HTTP/1.1", host, "Content-Length: 1", "Expect: 100-continue"]
    ),
    ForwardCase(
        "hop-by-hop fields stay behind",
        [
            get, "Keep-Alive: 5", host, "A: 1", "TE: trailers", "Proxy-Connection: close",
            "Connection: keep-alive", "B: 2", "HTTP2-Settings: x", "Upgrade: h2c",
        ],
        becomes: [get, host, "A: 1", "B: 2"]
    ),
    ForwardCase(
        "Trailer and proxy authentication are end to end",
        [get, host, "Trailer: x", "Proxy-Authorization: y"],
        becomes: [get, host, "Trailer: x", "Proxy-Authorization: y"]
    ),
    ForwardCase(
        "whatever Connection names stays behind, wherever it stands",
        [
            get, "X-One: 1", host, "Cookie: 2", "Connection: x-ONE, close", "connection: COOKIE",
            "X-Two: 3",
        ],
        becomes: [get, host, "X-Two: 3"]
    ),
    ForwardCase(
        "chunked is written anew",
        ["POST / HTTP/1.1", "Transfer-Encoding: CHUNKED", host, "X: 1"],
        becomes: ["POST / HTTP/1.1", host, "X: 1", "Transfer-Encoding: chunked"]
    ),
    ForwardCase(
        "a WebSocket's upgrade is written anew",
        [
            get, host, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket",
            "Sec-WebSocket-Key: k",
        ],
        becomes: [get, host, "Sec-WebSocket-Key: k", "Connection: Upgrade", "Upgrade: websocket"]
    ),
    ForwardCase(
        "an upgrade to h2c never goes on",
        [get, host, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: A"],
        becomes: [get, host]
    ),
]
