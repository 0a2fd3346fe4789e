import HTTP

/// Every rule by which a request is accepted.
let acceptedRequests: [RequestCase] = [
    RequestCase(
        "smallest",
        get(""),
        says: "get GET / origin path=/ query=false",
        "1.1 0..<29",
        "authority=a.b",
        "none keep=true continue=false upgrade=none"
    ),
    RequestCase(
        "HTTP/1.0 without Host",
        "GET / HTTP/1.0\r\n\r\n",
        says: "authority= 1.0",
        "keep=false"
    ),
    RequestCase(
        "HTTP/1.0 with keep-alive",
        "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
        says: "keep=true"
    ),
    RequestCase(
        "HTTP/1.0 with both options",
        "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
        says: "keep=false"
    ),
    RequestCase("a later minor version", "GET / HTTP/1.9\r\n\(host)\r\n", says: "1.1 0..<"),
    RequestCase("close", get("Connection: ClOsE\r\n"), says: "keep=false"),
    RequestCase("close among others", get("Connection: x , ,\tclose,\r\n"), says: "keep=false"),
    RequestCase("empty lines before", "\r\n\r\n" + get(""), says: "1.1 4..<33"),
    RequestCase(
        "as many empty lines as are skipped",
        "\r\n\r\n\r\n\r\n" + get(""),
        says: "8..<37"
    ),
    RequestCase("query", request("GET /a?b=c?d HTTP/1.1"), says: "path=/a query=trueb=c?d"),
    RequestCase("empty query", request("GET /a? HTTP/1.1"), says: "path=/a query=true auth"),
    RequestCase("doubled slash", request("GET //a//b HTTP/1.1"), says: "origin path=//a//b "),
    RequestCase(
        "characters that browsers leave",
        request("GET /{|}\"<>\\^` HTTP/1.1"),
        says: "path=/{|}\"<>\\^` "
    ),
    RequestCase(
        "absolute form",
        "GET http://C.d:8/x?y HTTP/1.1\r\n\(host)\r\n",
        says: "absolute path=/x query=truey authority=C.d:8 "
    ),
    RequestCase(
        "absolute form without path",
        "GET HTTPS://c.d HTTP/1.1\r\n\(host)\r\n",
        says: "absolute path= query=false authority=c.d "
    ),
    RequestCase(
        "absolute form with query at once",
        "GET http://c.d?e=/f HTTP/1.1\r\n\(host)\r\n",
        says: "absolute path= query=truee=/f authority=c.d "
    ),
    RequestCase(
        "absolute form in HTTP/1.0 without Host",
        "GET http://c/ HTTP/1.0\r\n\r\n",
        says: "authority=c 1.0"
    ),
    RequestCase(
        "asterisk form",
        request("OPTIONS * HTTP/1.1"),
        says: "options OPTIONS * asterisk path=* "
    ),
    RequestCase("method of one's own", request("M-SEARCH / HTTP/1.1"), says: "other M-SEARCH"),
    RequestCase("method in lower case is another", request("get / HTTP/1.1"), says: "other get"),
    RequestCase("IPv6 host", line + "Host: [::1]:8080\r\n\r\n", says: "authority=[::1]:8080 "),
    RequestCase(
        "IPv6 host with IPv4 end",
        line + "Host: [::ffff:1.2.3.4]\r\n\r\n",
        says: "authority=[::ffff:1.2.3.4] "
    ),
    RequestCase("host with an empty port", line + "Host: a:\r\n\r\n", says: "authority=a: "),
    RequestCase(
        "host with the last port",
        line + "Host: a:65535\r\n\r\n",
        says: "authority=a:65535 "
    ),
    RequestCase(
        "host with underscore and dot",
        line + "Host: _a-b.c.\r\n\r\n",
        says: "authority=_a-b.c. "
    ),
    RequestCase(
        "host between white space",
        line + "hOST:\t a.b \t\r\n\r\n",
        says: "authority=a.b "
    ),
    RequestCase("Content-Length", post("Content-Length: 42\r\n"), says: "length(42)"),
    RequestCase("Content-Length of 0", post("content-length:0\r\n"), says: "length(0)"),
    RequestCase(
        "Content-Length with zeros before",
        post("Content-Length: 0042\r\n"),
        says: "length(42)"
    ),
    RequestCase(
        "longest Content-Length",
        post("Content-Length: 999999999999999999\r\n"),
        says: "length(999999999999999999)"
    ),
    RequestCase(
        "chunked",
        post("Transfer-Encoding: chunked\r\n"),
        says: " chunked keep=true",
        "-transferEncoding"
    ),
    RequestCase(
        "chunked in capitals",
        post("TRANSFER-ENCODING:\tCHUNKED \r\n"),
        says: " chunked keep"
    ),
    RequestCase("empty value", get("X:\r\n"), says: "+other X=@"),
    RequestCase("value of blanks", get("X: \t \r\n"), says: "+other X=@"),
    RequestCase("tab inside a value", get("X: a\tb\r\n"), says: "X=a\tb@"),
    RequestCase("UTF-8 in a value", get("X: ä€\r\n"), says: "X=ä€@"),
    RequestCase("colon in a value", get("X::a:b\r\n"), says: "X=:a:b@"),
    RequestCase(
        "all token characters in a name",
        get("!#$%&'*+-.^_`|~09azAZ: v\r\n"),
        says: "+other !#$%&'*+-.^_`|~09azAZ=v@"
    ),
    RequestCase(
        "Expect",
        post("Expect: 100-Continue\r\nContent-Length: 1\r\n"),
        says: "continue=true"
    ),
    RequestCase(
        "Expect without a body",
        post("Expect: 100-continue\r\n"),
        says: "continue=false"
    ),
    RequestCase(
        "Expect with an empty body",
        post("Expect: 100-continue\r\nContent-Length: 0\r\n"),
        says: "continue=false"
    ),
    RequestCase(
        "Expect in HTTP/1.0",
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        says: "continue=false"
    ),
    RequestCase(
        "Expect of something else",
        post("Expect: tea\r\nContent-Length: 1\r\n"),
        says: "continue=false"
    ),
    RequestCase(
        "hop-by-hop fields",
        get(
            "TE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nTrailer: x\r\n"
                + "HTTP2-Settings: a\r\nProxy-Authorization: b\r\nUpgrade: h2c\r\n"
        ),
        says: "-te ",
        "-keepAlive ",
        "-proxyConnection ",
        "+trailer ",
        "-http2Settings ",
        "+proxyAuthorization ",
        "-upgrade ",
        "upgrade=other"
    ),
    RequestCase(
        "names that Connection lists, known and unknown, wherever",
        get(
            "X-One: 1\r\nCookie: 2\r\nConnection: x-ONE,close\r\nconnection: COOKIE , X-two\r\n"
                + "X-Two: 3\r\nX-Three: 4\r\n"
        ),
        says: "-other X-One",
        "-cookie Cookie",
        "-other X-Two",
        "+other X-Three",
        "keep=false"
    ),
    RequestCase(
        "close lists no field",
        get("Close: 1\r\nX-A: 2\r\nConnection: close, x-a\r\n"),
        says: "+other Close",
        "-other X-A"
    ),
    RequestCase(
        "websocket",
        get("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"),
        says: "upgrade=websocket",
        "-upgrade Upgrade"
    ),
    RequestCase(
        "websocket that Connection does not name",
        get("Upgrade: websocket\r\n"),
        says: "upgrade=other"
    ),
    RequestCase(
        "websocket twice",
        get("Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n"),
        says: "upgrade=other"
    ),
    RequestCase(
        "websocket in a list",
        get("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"),
        says: "upgrade=other"
    ),
    RequestCase(
        "websocket by POST",
        post("Connection: upgrade\r\nUpgrade: websocket\r\n"),
        says: "upgrade=other"
    ),
    RequestCase(
        "websocket with a body",
        get("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n"),
        says: "upgrade=other"
    ),
    RequestCase(
        "websocket in HTTP/1.0",
        "GET / HTTP/1.0\r\n\(host)Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        says: "upgrade=other"
    ),
    RequestCase(
        "h2c",
        get("Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n"),
        says: "upgrade=other"
    ),
    RequestCase("bytes of the next message behind", get("") + "GET /next", says: "0..<29"),
]
