"""What is refused before any upstream is touched, byte for byte."""

import pytest

from harness import Client
from harness.checks import assert_refused, untouched

HOST = b"Host: example.test\r\n"


def get(*lines, first=b"GET / HTTP/1.1", host=HOST, body=b""):
    return first + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def post(*lines, body=b""):
    return get(*lines, first=b"POST / HTTP/1.1", body=body)


CL, TE = b"Content-Length: 5", b"Transfer-Encoding: chunked"
HELLO, CHUNKS = b"hello", b"5\r\nhello\r\n0\r\n\r\n"

# name: (bytes, status)
ROWS = {
    # Framing.
    "both framings": (post(TE, CL, body=CHUNKS), 400),
    "both framings, length first": (post(CL, TE, body=CHUNKS), 400),
    "gzip coding": (post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS), 400),
    "chunked not last": (post(b"Transfer-Encoding: chunked, gzip", body=CHUNKS), 400),
    "chunked twice": (post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS), 400),
    "two codings fields": (post(TE, TE, body=CHUNKS), 400),
    "identity coding": (post(b"Transfer-Encoding: identity", body=b""), 400),
    "empty coding": (post(b"Transfer-Encoding:", body=b""), 400),
    "coding with parameter": (post(b"Transfer-Encoding: chunked;q=1", body=CHUNKS), 400),
    "coding behind vertical tab": (post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS), 400),
    "coding in HTTP/1.0": (get(TE, first=b"POST / HTTP/1.0", body=CHUNKS), 400),
    "two lengths": (post(CL, b"Content-Length: 6", body=HELLO), 400),
    "the same length twice": (post(CL, CL, body=HELLO), 400),
    "length list": (post(b"Content-Length: 5, 5", body=HELLO), 400),
    "length with plus": (post(b"Content-Length: +5", body=HELLO), 400),
    "negative length": (post(b"Content-Length: -5", body=HELLO), 400),
    "hexadecimal length": (post(b"Content-Length: 0x5", body=HELLO), 400),
    "empty length": (post(b"Content-Length:"), 400),
    "length with blank": (post(b"Content-Length: 5 5", body=HELLO), 400),
    "length with decimals": (post(b"Content-Length: 5.0", body=HELLO), 400),
    "length too long": (post(b"Content-Length: " + b"9" * 30), 400),
    "length beyond 64 bits": (post(b"Content-Length: 18446744073709551616"), 400),
    # Line ends and control bytes.
    "bare LF after the request line": (b"GET / HTTP/1.1\n" + HOST + b"\r\n", 400),
    "bare LF after a field": (b"GET / HTTP/1.1\r\nHost: example.test\n\r\n", 400),
    "bare LF as blank line": (b"GET / HTTP/1.1\r\n" + HOST + b"\n", 400),
    "bare LF everywhere": (b"GET / HTTP/1.1\nHost: example.test\n\n", 400),
    "bare CR in a value": (get(b"A: b\rc"), 400),
    "bare CR in the request line": (b"GET /\r HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CR CR LF": (b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n", 400),
    "NUL in a value": (get(b"A: b\0c"), 400),
    "NUL in a name": (get(b"A\0: b"), 400),
    "NUL in the target": (get(first=b"GET /\0 HTTP/1.1"), 400),
    "bell in a value": (get(b"A: \x07"), 400),
    "DEL in a value": (get(b"A: \x7f"), 400),
    "escape in the target": (get(first=b"GET /\x1b HTTP/1.1"), 400),
    # Fields.
    "blank before the colon": (get(b"A : b"), 400),
    "tab before the colon": (get(b"A\t: b"), 400),
    "blank before the name": (b"GET / HTTP/1.1\r\n A: b\r\n" + HOST + b"\r\n", 400),
    "folded line": (get(b"A: b", b" c"), 400),
    "folded with tab": (get(b"A: b", b"\tc"), 400),
    "no colon": (get(b"abc"), 400),
    "empty name": (get(b": b"), 400),
    "name with a brace": (get(b"A{}: b"), 400),
    "name beyond ASCII": (get(b"\xc3\xa4: b"), 400),
    "Connection names Host": (get(b"Connection: host"), 400),
    "Connection names Content-Length": (post(CL, b"Connection: Content-Length", body=HELLO), 400),
    "Connection names the coding": (post(TE, b"Connection: x, transfer-encoding"), 400),
    # Host.
    "no Host": (get(host=b""), 400),
    "two Hosts": (get(b"Host: example.test"), 400),
    "Host with a blank": (get(host=b"Host: a b\r\n"), 400),
    "Host with userinfo": (get(host=b"Host: user@example.test\r\n"), 400),
    "Host with a path": (get(host=b"Host: example.test/x\r\n"), 400),
    "Host with a comma": (get(host=b"Host: a.test,b.test\r\n"), 400),
    "Host with a bad port": (get(host=b"Host: example.test:8o\r\n"), 400),
    "Host with a port too large": (get(host=b"Host: example.test:65536\r\n"), 400),
    "Host with an open bracket": (get(host=b"Host: [::1\r\n"), 400),
    "empty Host": (get(host=b"Host:\r\n"), 400),
    # The request line.
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "two blanks": (get(first=b"GET  / HTTP/1.1"), 400),
    "tab as separator": (get(first=b"GET\t/\tHTTP/1.1"), 400),
    "blank in the target": (get(first=b"GET /a b HTTP/1.1"), 400),
    "blank behind the version": (get(first=b"GET / HTTP/1.1 "), 400),
    "blank before the method": (get(first=b" GET / HTTP/1.1"), 400),
    "lower-case version": (get(first=b"GET / http/1.1"), 400),
    "version of one digit": (get(first=b"GET / HTTP/1"), 400),
    "method that is no token": (get(first=b"G@T / HTTP/1.1"), 400),
    "target without a slash": (get(first=b"GET example HTTP/1.1"), 400),
    "target with a fragment": (get(first=b"GET /#x HTTP/1.1"), 400),
    "asterisk for GET": (get(first=b"GET * HTTP/1.1"), 400),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "CONNECT": (get(first=b"CONNECT example.test:443 HTTP/1.1"), 405),
    "HTTP/2.0": (get(first=b"GET / HTTP/2.0"), 505),
    "HTTP/3.0": (get(first=b"GET / HTTP/3.0"), 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    # Paths.
    "encoded NUL": (get(first=b"GET /a%00 HTTP/1.1"), 400),
    "slash that hides dots": (get(first=b"GET /a/..%2fb HTTP/1.1"), 400),
    "slash behind which dots hide": (get(first=b"GET /a%2F../b HTTP/1.1"), 400),
    "encoded backslash that hides dots": (get(first=b"GET /a/..%5cb HTTP/1.1"), 400),
    "backslash that hides dots": (get(first=b"GET /a/..\\b HTTP/1.1"), 400),
    "encoded dots behind an encoded slash": (get(first=b"GET /a%2f%2e%2e/b HTTP/1.1"), 400),
    # Over the limits.
    "target too long": (get(first=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    "target too long, unended": (b"GET /" + b"a" * 9000, 414),
    "head too large": (get(*[b"A%d: " % n + b"b" * 900 for n in range(20)]), 431),
    "head too large, unended": (b"GET / HTTP/1.1\r\nA: " + b"b" * 17000, 431),
    "too many fields": (get(*[b"A%d: b" % number for number in range(100)]), 431),
    "body too large": (post(b"Content-Length: 1025", body=b"x" * 1025), 413),
}

# Rows whose fault lies in a chunked body: the head may have gone on already.
CHUNK_ROWS = {
    "size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size with plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "size with a blank before": b" 5\r\nhello\r\n0\r\n\r\n",
    "size that is no number": b"g\r\nhello\r\n0\r\n\r\n",
    "size too long": b"00000000000000000005\r\nhello\r\n0\r\n\r\n",
    "size beyond 64 bits": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF behind the data": b"5\r\nhello\n0\r\n\r\n",
    "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
    "data longer than its size": b"5\r\nhellooo\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a\0\r\nhello\r\n0\r\n\r\n",
    "folded trailer": b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
    "trailer without colon": b"5\r\nhello\r\n0\r\nabc\r\n\r\n",
    "bare LF in trailers": b"5\r\nhello\r\n0\r\nA: b\n\r\n",
}

BYTE_BY_BYTE = [name for number, name in enumerate(ROWS) if number % 5 == 0]


def start(shared_weir, shared_backend):
    server = shared_backend()
    config = {"listen": "127.0.0.1:0", "servers": [server.address], "limits": {"body-size": "1KiB"}}
    return shared_weir(config), server


@pytest.fixture(scope="module")
def setting(shared_weir, shared_backend):
    return start(shared_weir, shared_backend)


@pytest.mark.parametrize("name", ROWS)
def test_refused(setting, name):
    proxy, server = setting
    data, status = ROWS[name]
    client = Client(proxy.address)
    client.send(data)
    assert_refused(client, status)
    client.close()
    untouched(server)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get(first=b"HEAD / HTTP/1.1", host=b"Host: a b\r\n"), 400),
        (b"\r\n" + get(*[b"A: b"] * 101, first=b"HEAD / HTTP/1.1"), 431),
        (get(first=b"HEAD /" + b"a" * 9000 + b" HTTP/1.1"), 414),
        (b"HEAD / HTTP/1.1\n\n", 400),
    ],
    ids=["host", "fields", "target", "line end"],
)
def test_refused_head(setting, data, status):
    """Whatever is wrong behind the method, the answer to HEAD has no body."""
    client = Client(setting[0].address)
    client.send(data)
    response = assert_refused(client, status, to="HEAD")
    assert int(response.get("content-length")) > 0


@pytest.mark.parametrize("name", BYTE_BY_BYTE)
def test_refused_byte_by_byte(setting, name):
    proxy, server = setting
    data, status = ROWS[name]
    client = Client(proxy.address)
    try:
        for number in range(len(data)):
            client.send(data[number : number + 1])
    except OSError:
        pass  # refused before its last byte, as it should
    assert_refused(client, status)
    client.close()
    untouched(server)


@pytest.fixture(scope="module")
def other(shared_weir, shared_backend):
    """As `setting`, where the backend may be asked."""
    return start(shared_weir, shared_backend)


@pytest.mark.parametrize("name", ROWS)
def test_refused_behind_a_good_request(other, name):
    """The fault is the second request's: the first is answered, in order."""
    proxy, _ = other
    data, status = ROWS[name]
    client = Client(proxy.address)
    client.send(get(first=b"GET /robots HTTP/1.1"), data)
    assert client.response().status == 200
    assert_refused(client, status)
    client.close()


@pytest.mark.parametrize("name", CHUNK_ROWS)
def test_bad_chunks(weir, backend, name):
    """The client gets 400, or an aborted connection; no whole request reaches the server."""
    server = backend()
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address]})
    client = proxy.client()
    client.send(post(TE, body=CHUNK_ROWS[name]))
    assert_refused(client, 400)
    client.close()
    assert not server.requests, server.requests
    server.problems.clear()


def test_a_refused_client_may_go_on_sending(other):
    """The answer is not lost to a reset, though the client goes on sending."""
    proxy, _ = other
    client = Client(proxy.address)
    client.send(post(b"Content-Length: 200000"), b"x" * 200000)
    assert client.response().status == 413
    client.close()


def test_control_request_passes(other):
    """The rows differ from one that passes in nothing but their fault."""
    proxy, server = other
    client = Client(proxy.address)
    client.send(get(b"A: b"), post(CL, body=HELLO), post(TE, body=CHUNKS))
    assert [client.response().status for _ in range(3)] == [200, 200, 200]
    client.close()
    assert [one.body for one in server.requests[-3:]] == [b"", HELLO, HELLO]
