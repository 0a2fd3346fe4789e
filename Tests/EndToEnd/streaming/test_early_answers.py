"""Answers that begin before their request has ended."""

import threading

import pytest

from harness import eventually, scaled
from harness.client import encode_chunks
from harness.data import Hashing, digest, pieces, whole
from harness.setups import single


def mirror(connection):
    """Sends each chunk of the request back as it comes."""
    while (request := connection.request_head()) is not None:
        connection.note(request)
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while data := connection.chunk():
            connection.send(encode_chunks([data])[:-5])
        connection.field_lines()
        connection.send("0\r\n\r\n")


def begin(client, framing="Transfer-Encoding: chunked"):
    client.send(f"POST / HTTP/1.1\r\nHost: a.test\r\n{framing}\r\n\r\n")


def test_request_and_answer_in_turns(weir, backend):
    """Each piece of the request is sent once the answer to the one before has come."""
    proxy = weir(single(backend(mirror)))
    for _ in range(3):
        client = proxy.client()
        begin(client)
        client.send("1\r\nx\r\n")
        assert client.line() == b"HTTP/1.1 200 OK"
        client.field_lines()
        assert client.chunk() == b"x"
        for number in range(50):
            data = b"piece %d" % number
            client.send(encode_chunks([data])[:-5])
            assert client.chunk() == data
        client.send("0\r\n\r\n")
        assert client.chunk() == b"" and client.field_lines() == []


def test_both_ways_at_full_speed(weir, backend):
    """30 MB up and down at once; neither side waits for the other's end."""
    size = 30_000_000
    client = weir(single(backend(mirror))).client(timeout=scaled(30))

    def write():
        begin(client)
        for piece in pieces(size):
            client.send(encode_chunks([piece])[:-5])
        client.send("0\r\n\r\n")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert client.line() == b"HTTP/1.1 200 OK"
    client.field_lines()
    body = Hashing()
    body.take_chunks(client)
    writer.join()
    assert (body.count, body.hex) == (size, digest(size))


def test_whole_answer_before_the_request_ends(weir, backend):
    """The client may still send the rest; server and client understand each other afterwards."""

    def script(connection):
        while (request := connection.request_head()) is not None:
            connection.note(request)
            connection.answer(body="early")
            connection.body(request)

    server = backend(script)
    client = weir({"workers": 1, **single(server)}).client()
    begin(client, "Content-Length: 100000")
    client.send(b"x" * 1000)
    response = client.response()
    assert (response.status, response.body) == (200, b"early")
    if response.get("connection") == "close":
        return
    client.send(b"x" * 99_000)
    assert client.ask().body == b"early"
    assert [one.method for one in server.requests] == ["POST", "GET"]


@pytest.mark.parametrize("size", [10_000, 1_000_000, 30_000_000])
def test_refusal_by_a_server_that_does_not_read(weir, backend, size):
    """The client gets the 413, though the server closed on the body that still came."""

    def script(connection):
        connection.note(connection.request_head())
        connection.answer(413, "too much", reason="Content Too Large", fields=[("Connection", "close")])
        connection.finish()
        while connection.fill():
            connection.buffer = b""

    client = weir(single(backend(script))).client(timeout=scaled(30))
    begin(client, f"Content-Length: {size}")

    def write():
        try:
            client.send(whole(size))
        except OSError:
            pass

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    response = client.response()
    assert (response.status, response.body) == (413, b"too much")
    client.close()
    writer.join(scaled(10))
    assert not writer.is_alive()


def test_refusal_and_reset(weir, backend):
    """A server that answers and resets: the answer that was there first is passed on."""
    answered = threading.Event()

    def script(connection):
        connection.note(connection.request_head())
        connection.answer(403, "no", reason="Forbidden", fields=[("Connection", "close")])
        answered.wait(scaled(10))
        connection.reset()

    proxy = weir(single(backend(script)))
    client = proxy.client()
    begin(client, "Content-Length: 50000000")
    client.send(b"x" * 1000)
    response = client.response()
    answered.set()
    assert (response.status, response.body) == (403, b"no")
    eventually(lambda: proxy.ask(method="GET").status == 403)
