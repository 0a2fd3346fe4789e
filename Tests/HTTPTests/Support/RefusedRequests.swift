import HTTP

/// Every rule by which a request is refused.
let refusedRequests: [RequestCase] = refusedRequestLines + refusedFields + refusedMeanings

private let refusedRequestLines: [RequestCase] = [
    RequestCase("one empty line too many", "\r\n\r\n\r\n\r\n\r\n" + get(""), .tooManyEmptyLines),
    RequestCase("empty line of LF", "\n" + get(""), .bareLineFeed),
    RequestCase("empty line of CR", "\r" + get(""), .bareCarriageReturn),
    RequestCase("blank before the method", " " + get(""), .invalidMethod),
    RequestCase("method that is no token", request("G@T / HTTP/1.1"), .invalidMethod),
    RequestCase("method that is UTF-8", request("GÄT / HTTP/1.1"), .invalidMethod),
    RequestCase(
        "TLS to a plain port",
        bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 10],
        .invalidMethod
    ),
    RequestCase("method alone", "GET\r\n\r\n", .invalidMethod),
    RequestCase("tab behind the method", request("GET\t/ HTTP/1.1"), .invalidMethod),
    RequestCase("two spaces behind the method", request("GET  / HTTP/1.1"), .invalidTarget),
    RequestCase("no target", request("GET HTTP/1.1"), .invalidTarget),
    RequestCase("HTTP/0.9", "GET /\r\n\r\n", .invalidTarget),
    RequestCase("HTTP/0.9 with LF", "GET /\n", .invalidTarget),
    RequestCase("two spaces behind the target", request("GET /  HTTP/1.1"), .invalidVersion),
    RequestCase("space behind the version", request("GET / HTTP/1.1 "), .invalidVersion),
    RequestCase("space in the target", request("GET /a b HTTP/1.1"), .invalidVersion),
    RequestCase("tab in the target", request("GET /a\tb HTTP/1.1"), .invalidTarget),
    RequestCase("NUL in the target", request("GET /a\0b HTTP/1.1"), .invalidTarget),
    RequestCase("DEL in the target", request("GET /a\u{7f}b HTTP/1.1"), .invalidTarget),
    RequestCase("UTF-8 in the target", request("GET /ä HTTP/1.1"), .invalidTarget),
    RequestCase("fragment", request("GET /a#b HTTP/1.1"), .invalidTarget),
    RequestCase("CR in the target", request("GET /a\rb HTTP/1.1"), .invalidTarget),
    RequestCase("relative target", request("GET a HTTP/1.1"), .invalidTarget),
    RequestCase("asterisk with GET", request("GET * HTTP/1.1"), .invalidTarget),
    RequestCase("asterisk and more", request("OPTIONS *a HTTP/1.1"), .invalidTarget),
    RequestCase("authority form", request("GET a.b:80 HTTP/1.1"), .invalidTarget),
    RequestCase("another scheme", request("GET ftp://a.b/ HTTP/1.1"), .invalidTarget),
    RequestCase("scheme without slashes", request("GET http:a.b/ HTTP/1.1"), .invalidTarget),
    RequestCase("absolute form without host", request("GET http:///a HTTP/1.1"), .invalidHost),
    RequestCase("user in the target", request("GET http://u@a.b/ HTTP/1.1"), .invalidHost),
    RequestCase("port without host", request("GET http://:80/ HTTP/1.1"), .invalidHost),
    RequestCase("backslash for a slash", request("GET http://a\\b/ HTTP/1.1"), .invalidHost),
    RequestCase("CONNECT", request("CONNECT a.b:443 HTTP/1.1"), .connectRefused),
    RequestCase("HTTP/2.0", request("GET / HTTP/2.0"), .unsupportedVersion),
    RequestCase("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
    RequestCase("HTTP/0.9 by name", request("GET / HTTP/0.9"), .unsupportedVersion),
    RequestCase("version in lower case", request("GET / http/1.1"), .invalidVersion),
    RequestCase("version of one number", request("GET / HTTP/1"), .invalidVersion),
    RequestCase("version of long numbers", request("GET / HTTP/1.10"), .invalidVersion),
    RequestCase("another protocol", request("GET / HTCP/1.1"), .invalidVersion),
    RequestCase("LF behind the version", "GET / HTTP/1.1\n\(host)\r\n", .bareLineFeed),
    RequestCase("CR behind the version", "GET / HTTP/1.1\r\(host)\r\n", .bareCarriageReturn),
    RequestCase("CR CR LF", "GET / HTTP/1.1\r\r\n\(host)\r\n", .bareCarriageReturn),
]

private let refusedFields: [RequestCase] = [
    RequestCase("folded line", get("X: a\r\n b: c\r\n"), .foldedLine),
    RequestCase("folded line by tab", get("X: a\r\n\tb\r\n"), .foldedLine),
    RequestCase("blank before the first field", line + " Host: a\r\n\r\n", .foldedLine),
    RequestCase("space before the colon", get("X : a\r\n"), .spaceBeforeColon),
    RequestCase("tab before the colon", get("X\t: a\r\n"), .spaceBeforeColon),
    RequestCase("space in a name", get("X y: a\r\n"), .spaceBeforeColon),
    RequestCase(
        "space before Content-Length's colon",
        post("Content-Length : 5\r\n"),
        .spaceBeforeColon
    ),
    RequestCase("no name", get(": a\r\n"), .invalidFieldLine),
    RequestCase("no colon", get("Xyz\r\n"), .invalidFieldLine),
    RequestCase("parenthesis in a name", get("X(a): b\r\n"), .invalidFieldName),
    RequestCase("slash in a name", get("X/a: b\r\n"), .invalidFieldName),
    RequestCase("UTF-8 in a name", get("Xä: b\r\n"), .invalidFieldName),
    RequestCase("NUL in a name", get("X\0: b\r\n"), .controlByte),
    RequestCase(
        "CR for a hyphen in a known name",
        post("Content\rLength: 5\r\n"),
        .bareCarriageReturn
    ),
    RequestCase("NUL in a value", get("X: a\0b\r\n"), .controlByte),
    RequestCase("DEL in a value", get("X: a\u{7f}b\r\n"), .controlByte),
    RequestCase("escape in a value", get("X: a\u{1b}b\r\n"), .controlByte),
    RequestCase("vertical tab before a value", get("X: \u{b}chunked\r\n"), .controlByte),
    RequestCase("CR in a value", get("X: a\rb\r\n"), .bareCarriageReturn),
    RequestCase("LF behind a value", get("X: a\nY: b\r\n"), .bareLineFeed),
    RequestCase("LF in a name", get("X\nY: b\r\n"), .bareLineFeed),
    RequestCase("LF for the blank line", line + host + "\n", .bareLineFeed),
    RequestCase("CR for the blank line", line + host + "\rX\n", .bareCarriageReturn),
]

private let refusedMeanings: [RequestCase] = [
    RequestCase(
        "both framings",
        post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        .bothFramings
    ),
    RequestCase(
        "both framings the other way",
        post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
        .bothFramings
    ),
    RequestCase(
        "two lengths",
        post("Content-Length: 3\r\nContent-Length: 4\r\n"),
        .repeatedContentLength
    ),
    RequestCase(
        "two equal lengths",
        post("Content-Length: 3\r\ncontent-length: 3\r\n"),
        .repeatedContentLength
    ),
    RequestCase(
        "list of equal lengths",
        post("Content-Length: 3, 3\r\n"),
        .invalidContentLength
    ),
    RequestCase("no length", post("Content-Length:\r\n"), .invalidContentLength),
    RequestCase("signed length", post("Content-Length: +3\r\n"), .invalidContentLength),
    RequestCase("negative length", post("Content-Length: -3\r\n"), .invalidContentLength),
    RequestCase("hexadecimal length", post("Content-Length: 0x3\r\n"), .invalidContentLength),
    RequestCase(
        "length with a blank inside",
        post("Content-Length: 3 3\r\n"),
        .invalidContentLength
    ),
    RequestCase("length with a point", post("Content-Length: 3.0\r\n"), .invalidContentLength),
    RequestCase(
        "length one digit too long",
        post("Content-Length: 1000000000000000000\r\n"),
        .contentLengthTooLong
    ),
    RequestCase(
        "length that would overflow",
        post("Content-Length: 18446744073709551617\r\n"),
        .contentLengthTooLong
    ),
    RequestCase(
        "length long by zeros",
        post("Content-Length: 0000000000000000003\r\n"),
        .contentLengthTooLong
    ),
    RequestCase("gzip", post("Transfer-Encoding: gzip\r\n"), .invalidTransferEncoding),
    RequestCase(
        "gzip, chunked",
        post("Transfer-Encoding: gzip, chunked\r\n"),
        .invalidTransferEncoding
    ),
    RequestCase(
        "chunked, identity",
        post("Transfer-Encoding: chunked, identity\r\n"),
        .invalidTransferEncoding
    ),
    RequestCase("identity", post("Transfer-Encoding: identity\r\n"), .invalidTransferEncoding),
    RequestCase("xchunked", post("Transfer-Encoding: xchunked\r\n"), .invalidTransferEncoding),
    RequestCase("quoted", post("Transfer-Encoding: \"chunked\"\r\n"), .invalidTransferEncoding),
    RequestCase(
        "with parameter",
        post("Transfer-Encoding: chunked;a=b\r\n"),
        .invalidTransferEncoding
    ),
    RequestCase(
        "comma behind",
        post("Transfer-Encoding: chunked,\r\n"),
        .invalidTransferEncoding
    ),
    RequestCase("empty coding", post("Transfer-Encoding:\r\n"), .invalidTransferEncoding),
    RequestCase(
        "chunked twice",
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        .invalidTransferEncoding
    ),
    RequestCase(
        "chunked and then gzip",
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"),
        .invalidTransferEncoding
    ),
    RequestCase(
        "chunked in HTTP/1.0",
        "POST / HTTP/1.0\r\n\(host)Transfer-Encoding: chunked\r\n\r\n",
        .transferEncodingInOldVersion
    ),
    RequestCase("no Host", line + "\r\n", .missingHost),
    RequestCase("no Host with absolute form", "GET http://a/ HTTP/1.1\r\n\r\n", .missingHost),
    RequestCase("two Hosts", get("Host: a.b\r\n"), .repeatedHost),
    RequestCase("empty Host", line + "Host:\r\n\r\n", .invalidHost),
    RequestCase("Host with user", line + "Host: u@a\r\n\r\n", .invalidHost),
    RequestCase("Host list", line + "Host: a,b\r\n\r\n", .invalidHost),
    RequestCase("Host with blank", line + "Host: a b\r\n\r\n", .invalidHost),
    RequestCase("Host with path", line + "Host: a/b\r\n\r\n", .invalidHost),
    RequestCase("Host with query", line + "Host: a?b\r\n\r\n", .invalidHost),
    RequestCase("Host with UTF-8", line + "Host: ä\r\n\r\n", .invalidHost),
    RequestCase("Host with percent", line + "Host: a%2eb\r\n\r\n", .invalidHost),
    RequestCase("Host with quote", line + "Host: a\"\r\n\r\n", .invalidHost),
    RequestCase("Host of a port", line + "Host: :80\r\n\r\n", .invalidHost),
    RequestCase("Host with letters for a port", line + "Host: a:b\r\n\r\n", .invalidHost),
    RequestCase("Host with signed port", line + "Host: a:-1\r\n\r\n", .invalidHost),
    RequestCase("Host with two ports", line + "Host: a:1:2\r\n\r\n", .invalidHost),
    RequestCase("Host with a port too large", line + "Host: a:65536\r\n\r\n", .invalidHost),
    RequestCase("Host with a port too long", line + "Host: a:000080\r\n\r\n", .invalidHost),
    RequestCase("open bracket", line + "Host: [::1\r\n\r\n", .invalidHost),
    RequestCase("empty brackets", line + "Host: []\r\n\r\n", .invalidHost),
    RequestCase("name in brackets", line + "Host: [example]\r\n\r\n", .invalidHost),
    RequestCase("zone in brackets", line + "Host: [fe80::1%eth0]\r\n\r\n", .invalidHost),
    RequestCase("text behind brackets", line + "Host: [::1]a\r\n\r\n", .invalidHost),
    RequestCase("IPv6 without brackets", line + "Host: ::1\r\n\r\n", .invalidHost),
    RequestCase(
        "bad Host though the target counts",
        "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n",
        .invalidHost
    ),
    RequestCase("bad Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", .invalidHost),
    RequestCase("Connection names Host", get("Connection: host\r\n"), .connectionNamesFraming),
    RequestCase(
        "Connection names Content-Length",
        post("Content-Length: 1\r\nConnection: close, CONTENT-length\r\n"),
        .connectionNamesFraming
    ),
    RequestCase(
        "Connection names Transfer-Encoding",
        post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n"),
        .connectionNamesFraming
    ),
    RequestCase(
        "Connection with quotes",
        get("Connection: \"close\"\r\n"),
        .invalidConnection
    ),
    RequestCase(
        "Connection with blanks inside",
        get("Connection: a b\r\n"),
        .invalidConnection
    ),
    RequestCase("Connection with UTF-8", get("Connection: ä\r\n"), .invalidConnection),
]
