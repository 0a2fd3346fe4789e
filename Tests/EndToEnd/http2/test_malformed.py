"""Requests that RFC 9113 §8 calls malformed: their stream ends, and no server hears of them."""

import pytest

from harness.checks import untouched
from harness.http2 import PROTOCOL_ERROR, Frames, frame
from harness.setups import LOGGED

METHOD, SCHEME = (":method", "GET"), (":scheme", "http")
AUTHORITY, PATH = (":authority", "example.test"), (":path", "/")
GOOD = [METHOD, SCHEME, AUTHORITY, PATH]
POST = [(":method", "POST"), SCHEME, AUTHORITY, PATH]

# name: fields of a request that ends with its head.
HEADS = {
    # Pseudo-header fields, §8.3.
    "no method": [SCHEME, AUTHORITY, PATH],
    "no scheme": [METHOD, AUTHORITY, PATH],
    "no path": [METHOD, SCHEME, AUTHORITY],
    "no fields at all": [],
    "empty path": [METHOD, SCHEME, AUTHORITY, (":path", "")],
    "empty method": [(":method", ""), SCHEME, AUTHORITY, PATH],
    "empty scheme": [METHOD, (":scheme", ""), AUTHORITY, PATH],
    "two methods": [METHOD, *GOOD],
    "two schemes": [*GOOD, SCHEME],
    "two paths": [*GOOD, PATH],
    "two authorities": [*GOOD, AUTHORITY],
    "unknown pseudo-header field": [*GOOD, (":version", "2")],
    "status in a request": [*GOOD, (":status", "200")],
    "protocol without CONNECT": [*GOOD, (":protocol", "websocket")],
    "pseudo-header field behind a field": [METHOD, SCHEME, AUTHORITY, ("x", "y"), PATH],
    "upper-case pseudo-header field": [(":Method", "GET"), SCHEME, AUTHORITY, PATH],
    "path without a slash": [METHOD, SCHEME, AUTHORITY, (":path", "example")],
    "asterisk for GET": [METHOD, SCHEME, AUTHORITY, (":path", "*")],
    "path with a blank": [METHOD, SCHEME, AUTHORITY, (":path", "/a b")],
    "path that smuggles a line": [
        METHOD, SCHEME, AUTHORITY, (":path", "/ HTTP/1.1\r\nx: y\r\n\r\nGET /admin")
    ],
    "path with a fragment": [METHOD, SCHEME, AUTHORITY, (":path", "/a#b")],
    "method that is no token": [(":method", "G T"), SCHEME, AUTHORITY, PATH],
    "method that smuggles a target": [
        (":method", "GET /admin HTTP/1.1\r\nx:"), SCHEME, AUTHORITY, PATH
    ],
    "CONNECT with a path": [(":method", "CONNECT"), AUTHORITY, PATH],
    "CONNECT with a scheme": [(":method", "CONNECT"), SCHEME, AUTHORITY],
    "CONNECT without an authority": [(":method", "CONNECT")],
    # The authority, §8.3.1.
    "no authority and no host": [METHOD, SCHEME, PATH],
    "host that differs": [*GOOD, ("host", "other.test")],
    "two hosts": [METHOD, SCHEME, PATH, ("host", "a.test"), ("host", "a.test")],
    "empty authority": [METHOD, SCHEME, (":authority", ""), PATH],
    "authority with userinfo": [METHOD, SCHEME, (":authority", "me@example.test"), PATH],
    "authority with a path": [METHOD, SCHEME, (":authority", "example.test/x"), PATH],
    "authority with a blank": [METHOD, SCHEME, (":authority", "a b"), PATH],
    "authority that smuggles a line": [METHOD, SCHEME, (":authority", "a\r\nx: y"), PATH],
    "authority with a bad port": [METHOD, SCHEME, (":authority", "a.test:8o"), PATH],
    # Field names and values, §8.2.1.
    "upper-case name": [*GOOD, ("X-Upper", "1")],
    "empty name": [*GOOD, ("", "1")],
    "name with a blank": [*GOOD, ("a b", "1")],
    "name with a colon": [*GOOD, ("a:b", "1")],
    "name with a line end": [*GOOD, ("a\r\nb", "1")],
    "name with NUL": [*GOOD, ("a\0", "1")],
    "name beyond ASCII": [*GOOD, (b"\xc3\xa4", b"1")],
    "value with CR": [*GOOD, ("a", "b\rc")],
    "value with LF": [*GOOD, ("a", "b\nc")],
    "value with a line": [*GOOD, ("a", "b\r\nx: y")],
    "value with NUL": [*GOOD, ("a", "b\0c")],
    "value with a blank before": [*GOOD, ("a", " b")],
    "value with a blank behind": [*GOOD, ("a", "b ")],
    "value with a tab behind": [*GOOD, ("a", "b\t")],
    # Fields of a connection, §8.2.2.
    "connection": [*GOOD, ("connection", "close")],
    "keep-alive": [*GOOD, ("keep-alive", "timeout=5")],
    "proxy-connection": [*GOOD, ("proxy-connection", "keep-alive")],
    "transfer-encoding": [*GOOD, ("transfer-encoding", "chunked")],
    "upgrade": [*GOOD, ("upgrade", "websocket")],
    "te with more than trailers": [*GOOD, ("te", "trailers, deflate")],
    "te with another coding": [*GOOD, ("te", "gzip")],
    # Content-Length, §8.1.1.
    "length of a body that never comes": [*POST, ("content-length", "5")],
    "length that is no number": [*POST, ("content-length", "x")],
    "length with a plus": [*POST, ("content-length", "+0")],
    "length beyond 64 bits": [*POST, ("content-length", "99999999999999999999")],
    "two lengths": [*POST, ("content-length", "0"), ("content-length", "0")],
    "length list": [*POST, ("content-length", "0, 0")],
}

# name: (fields of the head, what follows on stream 1)
BODIES = {
    "body beyond its length": ([*POST, ("content-length", "4")], frame(0, 1, 1, b"hello")),
    "body short of its length": ([*POST, ("content-length", "6")], frame(0, 1, 1, b"hello")),
    "body short of its length, in parts": (
        [*POST, ("content-length", "11")],
        frame(0, 0, 1, b"hello") + frame(0, 1, 1, b"world"),
    ),
    "body beyond its length, in parts": (
        [*POST, ("content-length", "6")],
        frame(0, 0, 1, b"hello") + frame(0, 1, 1, b"world"),
    ),
    "empty body with a length": ([*POST, ("content-length", "1")], frame(0, 1, 1)),
}

TRAILERS = {
    "pseudo-header field in trailers": [(":path", "/admin")],
    "upper-case name in trailers": [("X-Upper", "1")],
    "connection in trailers": [("connection", "close")],
    "transfer-encoding in trailers": [("transfer-encoding", "chunked")],
    "line end in trailers": [("x", "a\r\nb: c")],
}


@pytest.fixture(scope="module")
def setting(shared_weir, shared_backend):
    server = shared_backend()
    listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
    return shared_weir({"listeners": [listener], "servers": [server.address]}), server


@pytest.fixture(scope="module")
def responder(shared_weir):
    """A proxy that answers by itself, so that whether a server was asked does not matter."""
    listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
    return shared_weir({"listeners": [listener], "routes": [{"respond": {"body": "hi"}}]})


def refused(outcome):
    return outcome == ("reset", PROTOCOL_ERROR) or outcome[0] == "status" and (
        outcome[1] in (400, 405)
    )


@pytest.mark.parametrize("name", HEADS)
def test_malformed_head(setting, name):
    proxy, server = setting
    frames = Frames(proxy)
    frames.send(frame(1, 5, 1, frames.block(HEADS[name])))
    outcome = frames.outcome()
    assert refused(outcome), outcome
    frames.close()
    untouched(server)


@pytest.mark.parametrize("name", HEADS)
def test_the_connection_goes_on(responder, name):
    """A malformed request is its stream's fault, and HPACK's table stays in step."""
    frames = Frames(responder)
    frames.send(frames.request(1, fields=[("x-table", "kept")]))
    assert frames.outcome(1) == ("status", 200)
    frames.send(frame(1, 5, 3, frames.block(HEADS[name])))
    assert refused(frames.outcome(3))
    frames.send(frames.request(5, fields=[("x-table", "kept")]))
    assert frames.outcome(5) == ("status", 200)
    frames.close()


@pytest.mark.parametrize("name", BODIES)
def test_body_against_content_length(weir, backend, cleartext, name):
    """No server ever sees such a request whole."""
    server = backend()
    proxy = weir(cleartext(server))
    frames = Frames(proxy)
    fields, rest = BODIES[name]
    frames.send(frame(1, 4, 1, frames.block(fields)), rest)
    assert frames.outcome() == ("reset", PROTOCOL_ERROR)
    frames.serves(3)
    assert [request.method for request in server.requests] == ["GET"]
    server.problems.clear()


@pytest.mark.parametrize("name", TRAILERS)
def test_malformed_trailers(weir, backend, cleartext, name):
    server = backend()
    frames = Frames(weir(cleartext(server)))
    frames.send(frame(1, 4, 1, frames.block(POST)), frame(0, 0, 1, b"hello"))
    frames.send(frame(1, 5, 1, frames.block(TRAILERS[name])))
    assert frames.outcome() == ("reset", PROTOCOL_ERROR)
    frames.serves(3)
    assert [request.method for request in server.requests] == ["GET"]
    server.problems.clear()


def test_trailers_that_do_not_end_the_stream(weir, backend, cleartext):
    server = backend()
    frames = Frames(weir(cleartext(server)))
    frames.send(frame(1, 4, 1, frames.block(POST)), frame(0, 0, 1, b"hello"))
    frames.send(frame(1, 4, 1, frames.block([("x", "y")])))
    assert frames.outcome()[1] == PROTOCOL_ERROR
    assert not server.requests
    server.problems.clear()


def test_control_requests_pass(weir, backend, cleartext):
    """The rows differ from requests that pass in nothing but their fault."""
    server = backend()
    frames = Frames(weir(cleartext(server)))
    frames.send(frame(1, 5, 1, frames.block(GOOD)))
    assert frames.outcome(1) == ("status", 200)
    frames.send(frame(1, 5, 3, frames.block([METHOD, SCHEME, PATH, ("host", "example.test")])))
    assert frames.outcome(3) == ("status", 200)
    frames.send(frame(1, 5, 5, frames.block([*GOOD, ("host", "example.test"), ("te", "trailers")])))
    assert frames.outcome(5) == ("status", 200)
    frames.send(frame(1, 4, 7, frames.block([*POST, ("content-length", "5")])))
    frames.send(frame(0, 1, 7, b"hello"))
    assert frames.outcome(7) == ("status", 200)
    frames.send(frame(1, 4, 9, frames.block(POST)), frame(0, 0, 9, b"hello"))
    frames.send(frame(1, 5, 9, frames.block([("x-trailer", "y")])))
    assert frames.outcome(9) == ("status", 200)
    frames.send(frame(1, 5, 11, frames.block([(":method", "OPTIONS"), SCHEME, AUTHORITY, (":path", "*")])))
    assert frames.outcome(11) == ("status", 200)
    assert [request.body for request in server.requests[3:5]] == [b"hello", b"hello"]
    assert all(request.get("host") == "example.test" for request in server.requests)
    assert server.requests[4].trailers == [("x-trailer", "y")]
    assert server.requests[5].target == "*"


def test_the_log_tells_of_each_once(weir):
    listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
    routes = [{"respond": {"body": "hi"}}]
    proxy = weir({"listeners": [listener], "routes": routes, "workers": 1, **LOGGED})
    frames = Frames(proxy)
    frames.send(frame(1, 5, 1, frames.block(HEADS["upper-case name"])), frames.request(3))
    assert frames.outcome(3) == ("status", 200)
    head = frames.block(BODIES["body beyond its length"][0])
    frames.send(frame(1, 4, 5, head) + frame(0, 1, 5, b"hello"))
    frames.send(frames.request(7))
    assert frames.outcome(7) == ("status", 200)
    frames.close()
    lines = proxy.access(4)
    assert sorted(line["outcome"] for line in lines) == [
        "bad-request", "client-aborted", "ok", "ok"
    ]
    line = next(line for line in lines if line["outcome"] == "bad-request")
    assert line["reason"] == "A field name is not in lower case."
    assert line["client"] == "127.0.0.1" and line["status"] == 400
