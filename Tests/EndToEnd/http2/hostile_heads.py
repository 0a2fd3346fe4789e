"""Requests that lie about themselves (RFC 9113 §8), and what the server behind may see of them.

A row is the fields of a head, what follows it, the outcomes that its stream may have, and the
requests that reach the server, as (method, target, body).
"""

from harness.frames import data, headers

METHOD, SCHEME = (":method", "GET"), (":scheme", "http")
AUTHORITY, PATH = (":authority", "example.test"), (":path", "/")
POST = (":method", "POST")
MALFORMED = {("reset", 1)}
BAD = {("status", 400)}
PASSED = {("status", 200)}
SMUGGLED = b"GET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n"


class Row:
    """One request."""

    def __init__(
        self, fields, outcomes=MALFORMED, reaches=(), body=None, trailers=None, begins=None
    ):
        self.fields = fields
        self.outcomes = outcomes
        self.reaches = list(reaches)
        # What the server may have taken for whole before the fault showed.
        self.begins = begins
        self.pieces = ([body] if isinstance(body, bytes) else body) or []
        self.trailers = trailers

    def bytes(self, frames):
        """HEADERS, DATA and trailers."""
        ends = not self.pieces and self.trailers is None
        sent = headers(1, frames.block(self.fields), end=ends)
        last = len(self.pieces) - 1
        for number, piece in enumerate(self.pieces):
            sent += data(1, piece, end=number == last and self.trailers is None)
        if self.trailers is not None:
            sent += headers(1, frames.block(self.trailers))
        return sent


def head(*more, method=METHOD, scheme=SCHEME, authority=AUTHORITY, path=PATH):
    return [one for one in (method, scheme, authority, path) if one is not None] + list(more)


def malformed(values, make):
    """A row each for these values."""
    return {f"{make.__doc__} {value!r}": Row(make(value)) for value in values}


def value_row(value):
    "value"
    return head(("x-value", value))


def cookie_row(value):
    "cookie"
    return head(("cookie", "a=1"), ("cookie", value))


def name_row(name):
    "name"
    return head((name, "1"))


def method_row(value):
    "method"
    return head(method=(":method", value))


def scheme_row(value):
    "scheme"
    return head(scheme=(":scheme", value))


def path_row(value):
    "path"
    return head(path=(":path", value))


def authority_row(value):
    "authority"
    return head(authority=(":authority", value))


def host_row(value):
    "host"
    return head(("host", value), authority=None)


def te_row(value):
    "te"
    return head(("te", value))


def length_row(value):
    "length"
    return head(("content-length", value), method=POST)


CONTROLS = [*(f"a{chr(n)}b" for n in range(32) if n != 9), "a\x7fb"]
NAMES = ["a b", "a\tb", "a:b", ":", ":a", "a\r", "a\n", "a\0", "a\x7f", "a\"b", "a(b", "a)b"]
NAMES += ["a,b", "a/b", "a;b", "a<b", "a=b", "a>b", "a?b", "a@b", "a[b", "a\\b", "a]b", "a{b", "a}b"]
NAMES += ["X-Upper", "x-uppeR", "Transfer-Encoding", "hOst", "transfer-encoding ", " host", "\x80"]
AUTHORITIES = ["a b", "a@b", "me:secret@a", "a/b", "a?b", "a#b", "a\\b", "a,b", "a\0", "a\r\n", ""]
AUTHORITIES += ["a:b", "a:-1", "a:8o", "a:1:2", "[::1", "::1", "[::1]x", "a\tb", "a;b c", "\x80"]

CASES = {
    **malformed(CONTROLS, value_row),
    **malformed([" a", "a ", "\ta", "a\t", " ", "\t", "a\r\n b", "a\r\n\r\n" + "GET /"], value_row),
    **malformed(["b=2\r\nevil: 1", "b=2\0", "b=\n", " b=2"], cookie_row),
    **malformed(NAMES, name_row),
    **malformed(["G T", " GET", "GET ", "G\tT", "G\0T", "G@T", "GET\r\n", "", "G/T", "G:T"], method_row),
    **malformed(["", "ht tp", "1http", "http:", "http://", "ht\r\ntp", "http\0", "-a"], scheme_row),
    **malformed(
        ["", "a", "evil.test/", "?q", "*", "http://evil.test/", "/a b", "/a\tb", "/a\0b", "/\x7f"]
        + ["/a#b", "#", "/a\r\nx: y", "/a HTTP/1.1", "/ HTTP/1.1\r\nHost: evil.test\r\n\r\nGET /"],
        path_row,
    ),
    **malformed(AUTHORITIES, authority_row),
    **malformed(AUTHORITIES, host_row),
    **malformed(["gzip", "trailers, gzip", "trailers;q=1", "chunked", "trailers,trailers", ""], te_row),
    **malformed(
        ["-1", "+1", "0x0", "1.0", "1 1", "0,0", "1, 1", "", "a", "18446744073709551616"]
        + ["9" * 400, "\u0661", "00 ", "1"],
        length_row,
    ),
    # §8.3, §8.3.1
    "authority that differs from host": Row(head(("host", "evil.test"))),
    "authority of another port than host": Row(head(("host", "example.test:81"))),
    "host twice": Row(head(("host", "a"), ("host", "a"), authority=None)),
    "host beside authority twice": Row(
        head(("host", "example.test"), ("host", "example.test"))
    ),
    "authority twice": Row(head(AUTHORITY)),
    "neither authority nor host": Row(head(authority=None)),
    "pseudo-header field last": Row([SCHEME, AUTHORITY, PATH, ("x", "y"), METHOD]),
    "pseudo-header field of the answer": Row(head((":status", "200"))),
    "upper-case pseudo-header field": Row(head(method=(":METHOD", "GET"))),
    "pseudo-header field without a name": Row(head((":", "x"))),
    "as HTTP/1 has it": Row([("GET / HTTP/1.1", ""), ("host", "example.test")]),
    # §8.5, RFC 8441 §4
    "CONNECT with all fields": Row(head(method=(":method", "CONNECT"))),
    "CONNECT with a path": Row([(":method", "CONNECT"), AUTHORITY, PATH]),
    "CONNECT with a scheme": Row([(":method", "CONNECT"), AUTHORITY, SCHEME]),
    "CONNECT without an authority": Row([(":method", "CONNECT"), ("host", "a:80")]),
    "CONNECT": Row([(":method", "CONNECT"), (":authority", "a:80")], {("status", 405)}),
    "protocol without CONNECT": Row(head((":protocol", "websocket"))),
    "protocol twice": Row(
        head((":protocol", "websocket"), (":protocol", "websocket"), method=(":method", "CONNECT"))
    ),
    "empty protocol": Row(head((":protocol", ""), method=(":method", "CONNECT"))),
    "protocol without a path": Row(
        head((":protocol", "websocket"), method=(":method", "CONNECT"), path=None)
    ),
    "protocol without a scheme": Row(
        head((":protocol", "websocket"), method=(":method", "CONNECT"), scheme=None)
    ),
    "protocol without an authority": Row(
        head((":protocol", "websocket"), method=(":method", "CONNECT"), authority=None)
    ),
    "unknown protocol": Row(
        head((":protocol", "connect-udp"), method=(":method", "CONNECT")), {("status", 501)}
    ),
    # §8.2.2
    **{
        f"field of a connection: {name}": Row(head((name, value)))
        for name, value in [
            ("connection", "close"), ("connection", ""), ("connection", "x-secret"),
            ("keep-alive", "1"), ("proxy-connection", "close"), ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"),
            ("transfer-encoding", ""), ("transfer-encoding", "\x0bchunked"),
        ]
    },
    "chunked body of HTTP/1": Row(
        head(("transfer-encoding", "chunked"), method=POST), body=b"0\r\n\r\n" + SMUGGLED
    ),
    "both framings": Row(
        head(("transfer-encoding", "chunked"), ("content-length", "5"), method=POST), body=b"hello"
    ),
    # Content-Length, §8.1.1
    "length twice": Row(
        head(("content-length", "5"), ("content-length", "5"), method=POST), body=b"hello"
    ),
    "length twice, different": Row(
        head(("content-length", "5"), ("content-length", "0"), method=POST), body=b"hello"
    ),
    "length of nothing and a request behind": Row(
        head(("content-length", "0"), method=POST), body=SMUGGLED, begins=("POST", "/", b"")
    ),
    "length shorter than the body": Row(
        head(("content-length", "3"), method=POST), body=[b"abc", SMUGGLED],
        begins=("POST", "/", b"abc"),
    ),
    "length longer than the body": Row(
        head(("content-length", "300"), method=POST), body=[b"abc", SMUGGLED]
    ),
    "length and no body at all": Row(head(("content-length", "5"))),
    "length of GET, with a longer body": Row(
        head(("content-length", "1")), body=b"hello", begins=("GET", "/", b"h")
    ),
    "length and trailers instead of a body": Row(
        head(("content-length", "5"), method=POST), trailers=[("x", "y")]
    ),
    # Trailers, §8.1
    **{
        f"trailers with {name}": Row(head(method=POST), body=b"hello", trailers=[(name, value)])
        for name, value in [
            (":path", "/evil"), (":status", "200"), ("connection", "close"), ("te", "gzip"),
            ("transfer-encoding", "chunked"), ("X-Upper", "1"), ("x", "a\r\nb: c"), ("a b", "c"),
            ("upgrade", "h2c"), ("", "1"), ("x", "a\0"), ("x\r\n", "a"),
        ]
    },
}

# These are no faults of the message: what passes must be the same request and no other.
TAKEN = {
    "body that looks like a request": Row(
        head(method=POST), PASSED, [("POST", "/", SMUGGLED)], body=SMUGGLED
    ),
    "body that looks like the last chunk": Row(
        head(method=POST), PASSED, [("POST", "/", b"0\r\n\r\n" + SMUGGLED)],
        body=[b"0\r\n\r\n", SMUGGLED],
    ),
    "body of known length that looks like a request": Row(
        head(("content-length", str(len(SMUGGLED))), method=POST), PASSED,
        [("POST", "/", SMUGGLED)], body=SMUGGLED,
    ),
    "GET with a body": Row(head(), PASSED, [("GET", "/", SMUGGLED)], body=SMUGGLED),
    "GET with length 0": Row(head(("content-length", "0")), PASSED, [("GET", "/", b"")]),
    "length with zeros before": Row(
        head(("content-length", "005"), method=POST), PASSED | MALFORMED,
        [("POST", "/", b"hello")], body=b"hello",
    ),
    "empty value": Row(head(("x-value", "")), PASSED, [("GET", "/", b"")]),
    "value beyond ASCII": Row(head((b"x-value", b"\xff\xfe")), PASSED, [("GET", "/", b"")]),
    "method in lower case": Row(head(method=(":method", "get")), PASSED, [("get", "/", b"")]),
    "unknown method": Row(head(method=(":method", "BREW")), PASSED, [("BREW", "/", b"")]),
    "path of two slashes": Row(
        head(path=(":path", "//evil.test/")), PASSED, [("GET", "//evil.test/", b"")]
    ),
    "path with dots": Row(
        head(path=(":path", "/a/../b")), PASSED, [("GET", "/a/../b", b"")]
    ),
    "path with a line end, coded": Row(
        head(path=(":path", "/%0d%0aevil:%201")), PASSED, [("GET", "/%0d%0aevil:%201", b"")]
    ),
    "OPTIONS of the server": Row(
        head(method=(":method", "OPTIONS"), path=(":path", "*")), PASSED, [("OPTIONS", "*", b"")]
    ),
    "host equal to the authority but for case": Row(
        head(("host", "EXAMPLE.test")), PASSED, [("GET", "/", b"")]
    ),
    "host equal to the authority but for the port": Row(
        head(("host", "example.test:80")), PASSED, [("GET", "/", b"")]
    ),
    "host alone": Row(
        head(("host", "example.test"), authority=None), PASSED, [("GET", "/", b"")]
    ),
    "te of trailers": Row(head(("te", "trailers")), PASSED, [("GET", "/", b"")]),
    "te of Trailers": Row(head(("te", "Trailers")), PASSED, [("GET", "/", b"")]),
    "other scheme": Row(head(scheme=(":scheme", "ftp")), BAD),
    "https in the clear": Row(head(scheme=(":scheme", "https")), PASSED, [("GET", "/", b"")]),
    "scheme in capitals": Row(head(scheme=(":scheme", "HTTP")), PASSED, [("GET", "/", b"")]),
    "trailers that name the framing": Row(
        head(method=POST), PASSED | MALFORMED, [("POST", "/", b"hello")], body=b"hello",
        trailers=[("content-length", "500"), ("host", "evil.test"), ("x-good", "1")],
    ),
    "trailers and no body": Row(
        head(method=POST), PASSED, [("POST", "/", b"")], trailers=[("x-good", "1")]
    ),
    "empty trailers": Row(
        head(method=POST), PASSED, [("POST", "/", b"hello")], body=b"hello", trailers=[]
    ),
    "Expect of the unexpected": Row(
        head(("expect", "evil")), PASSED | {("status", 417)}, [("GET", "/", b"")]
    ),
    "fields that HTTP/1 proxies look at": Row(
        head(
            ("http2-settings", "AAMAAABkAAQAAP__"), ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-host", "evil.test"), ("forwarded", "for=6.6.6.6"), ("via", "evil"),
        ),
        PASSED, [("GET", "/", b"")],
    ),
}
