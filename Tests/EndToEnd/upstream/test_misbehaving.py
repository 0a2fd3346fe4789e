"""Servers that answer wrongly, late, in part or not at all."""

import socket
import threading

import pytest

from harness import Closed, answer, eventually
from harness.backend import refused_address
from harness.checks import assert_own_answer
from harness.setups import LOGGED, pooled, single

CHUNKED = [("Transfer-Encoding", "chunked")]
ONE_TRY = {"retries": {"attempts": 1}}

# What a server answers instead of a valid head.
BAD_HEADS = {
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "length list": b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
    "length beyond 64 bits": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "coding that is not chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "coding in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "garbage": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
    "text": b"hello, this is no HTTP\r\n\r\n",
    "bad version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bad status": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "bare CR in a value": b"HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n",
    "blank before a colon": b"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nabc\r\nContent-Length: 0\r\n\r\n",
    "unasked 101": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "head over the size": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 17000 + b"\r\nContent-Length: 0\r\n\r\n",
    "head over the size, unended": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 40000,
    "too many fields": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
}


def once(data, then=lambda connection: connection.rest()):
    """A server whose every connection gets one answer of these bytes."""

    def script(connection):
        if connection.request() is not None:
            connection.send(data)
            then(connection)

    return script


@pytest.mark.parametrize("name", BAD_HEADS)
def test_bad_head(weir, backend, name):
    """The client gets 502 and keeps its connection; the server's is never used again."""
    server = backend(once(BAD_HEADS[name]))
    proxy = weir(pooled(server, {}, **LOGGED))
    client = proxy.client()
    for count in [1, 2]:
        assert_own_answer(client.ask("POST", body=b"x"), 502, "bad-answer", closes=False)
        line = proxy.access(count)[count - 1]
        assert (line["status"], line["outcome"], line["tries"]) == (502, "bad-answer", 1)
        assert line["endpoint"] == server.address
    assert len(server.connections) == 2, "each request had a connection of its own"
    eventually(lambda: server.open_connections == 0, "the end of both connections")


# What a server sends behind a valid head, with the body that the client may see.
BAD_BODIES = {
    "bad chunk size": answer(fields=CHUNKED, length=False) + b"3\r\nabc\r\nxyz\r\n",
    "chunk without its end": answer(fields=CHUNKED, length=False) + b"3\r\nabcd\r\n0\r\n\r\n",
    "bare LF behind a chunk size": answer(fields=CHUNKED, length=False) + b"3\nabc\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": answer(fields=CHUNKED, length=False) + b"f" * 17 + b"\r\n",
    "bad trailer": answer(fields=CHUNKED, length=False) + b"3\r\nabc\r\n0\r\nno colon\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_body(weir, backend, name):
    """502 where the head had not gone, an aborted connection where it had; never a whole answer."""
    server = backend(once(BAD_BODIES[name]))
    proxy = weir(single(server, **LOGGED))
    client = proxy.client()
    client.send_request()
    try:
        assert_own_answer(client.response(), 502, "bad-answer")
    except Closed:
        pass
    assert proxy.access()[0]["outcome"] == "bad-answer"
    eventually(lambda: server.open_connections == 0, "the end of the connection")


@pytest.mark.parametrize(
    ("name", "head"),
    [("length", [("Content-Length", "100")]), ("chunked", CHUNKED), ("chunk", CHUNKED)],
)
@pytest.mark.parametrize("reset", [False, True])
def test_truncated_body(weir, backend, name, head, reset):
    part = {"length": b"x" * 50, "chunked": b"5\r\nhello\r\n", "chunk": b"9\r\nhello"}[name]
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.send(answer(fields=head, length=False), part)
        go.wait(10)
        if reset:
            connection.reset()

    proxy = weir(single(backend(script), **LOGGED))
    client = proxy.client()
    client.send_request()
    while b"\r\n\r\n" not in client.buffer:
        assert client.fill()
    go.set()
    with pytest.raises(Closed):
        client.response()
    line = proxy.access()[0]
    assert (line["status"], line["outcome"]) == (200, "upstream-reset")


def test_bytes_behind_the_answer(weir, backend):
    """They never become the answer to the next request; the connection is not used again."""

    def script(connection):
        while connection.request() is not None:
            connection.send(answer(body="mine") + answer(body="evil"))

    server = backend(script)
    client = weir(single(server)).client()
    for _ in range(20):
        response = client.ask()
        assert response.status == 502 and b"evil" not in response.body
    assert len(server.connections) == 20


def test_bytes_on_an_idle_connection(weir, backend):
    def script(connection):
        connection.request()
        connection.answer(body="mine")
        if connection.number == 0:
            connection.backend.go.wait(10)
            connection.answer(body="evil")
        while connection.request() is not None:
            connection.answer(body="worse")

    server = backend(script)
    server.go = threading.Event()
    proxy = weir({"workers": 1, **single(server)})
    client = proxy.client()
    assert client.ask().body == b"mine"
    server.go.set()
    eventually(lambda: server.open_connections == 0, "the end of the connection with extra bytes")
    assert client.ask().body == b"mine"


def test_reset_before_the_head(weir, backend):
    def script(connection):
        connection.request()
        connection.reset()

    server = backend(script)
    proxy = weir(single(server, **LOGGED))
    assert_own_answer(proxy.ask("POST", body=b"x"), 502, "upstream-reset")
    assert len(server.requests) == 1, "a POST that may have been processed is never sent twice"
    line = proxy.access()[0]
    assert (line["outcome"], line["tries"]) == ("upstream-reset", 1)


def test_reset_inside_the_head(weir, backend):
    def script(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Le")
        connection.backend.sent.set()
        connection.reset()

    server = backend(script)
    server.sent = threading.Event()
    proxy = weir(pooled(server, ONE_TRY))
    assert_own_answer(proxy.ask("POST", body=b"x"), 502, "upstream-reset", "bad-answer")


def test_close_without_an_answer(weir, backend):
    def script(connection):
        connection.request()

    server = backend(script)
    proxy = weir(single(server))
    assert_own_answer(proxy.ask("POST", body=b"x"), 502, "upstream-reset")
    assert len(server.requests) == 1


def test_slow_server_is_waited_for(weir, backend):
    """A byte at a time is slow but right."""

    def script(connection):
        while connection.request() is not None:
            for byte in answer(body="slow", fields=[("X-A", "b")]):
                connection.send(bytes([byte]))

    response = weir(single(backend(script))).ask()
    assert response.body == b"slow" and response.get("x-a") == "b"


def test_server_that_never_answers(weir, backend):
    def script(connection):
        connection.request()
        connection.rest()

    server = backend(script)
    proxy = weir(pooled(server, {"timeouts": {"connect": "300ms", "response": "300ms"}}, **LOGGED))
    assert_own_answer(proxy.ask("POST", body=b"x"), 504, "response-timeout", closes=None)
    assert proxy.access()[0]["outcome"] == "response-timeout"
    eventually(lambda: server.open_connections == 0, "the end of the request that timed out")
    assert len(server.requests) == 1


def test_server_that_falls_silent(weir, backend):
    def script(connection):
        connection.request()
        connection.send(answer(fields=[("Content-Length", "100")], length=False), b"x" * 10)
        connection.rest()

    server = backend(script)
    proxy = weir(pooled(server, {"timeouts": {"stream": "300ms"}}, **LOGGED))
    client = proxy.client()
    client.send_request()
    with pytest.raises(Closed):
        client.response()
    line = proxy.access()[0]
    assert (line["status"], line["outcome"]) == (200, "stream-timeout")


def test_server_that_refuses_connections(weir, backend):
    held, address = refused_address()
    proxy = weir(single(address, **LOGGED))
    client = proxy.client()
    assert_own_answer(client.ask(), 503, "connect-failed", closes=False)
    assert_own_answer(client.ask("POST", body=b"x"), 503, "connect-failed")
    assert proxy.access(2)[0]["outcome"] == "connect-failed"
    held.close()


def test_server_that_does_not_accept(weir):
    """A full accept queue: connecting ends in `timeouts.connect`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fill = [socket.socket() for _ in range(4)]
    for one in fill:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    proxy = weir(pooled(address, {"timeouts": {"connect": "300ms"}, **ONE_TRY}, **LOGGED))
    response = proxy.ask("POST", body=b"x")
    assert_own_answer(response, 504, "connect-timeout")
    for one in [*fill, listener]:
        one.close()
