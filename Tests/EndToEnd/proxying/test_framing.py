"""Messages and their bodies in every framing, both ways."""

import hashlib
import threading

import pytest

from harness import Closed, answer
from harness.client import encode_chunks
from harness.setups import Seen, single


def mirror(connection):
    """Answers with the request's body, framed as the request was."""
    while (request := connection.request()) is not None:
        if request.chunked:
            lines = [("Transfer-Encoding", "chunked"), ("Trailer", "x-sum")]
            connection.send(answer(fields=lines, length=False))
            connection.send(encode_chunks(request.chunks, request.trailers))
        else:
            connection.answer(body=request.body)


@pytest.mark.parametrize("size", [0, 1, 2047, 16384, 65536, 300_000])
def test_length_both_ways(weir, backend, size):
    server = backend(mirror)
    client = weir(single(server)).client()
    data = hashlib.shake_128(b"x").digest(size)
    for _ in range(3):
        response = client.ask("POST", body=data)
        assert response.status == 200 and response.body == data
        assert response.get("content-length") == str(size)
        assert not response.chunked
    assert server.requests[-1].get("content-length") == str(size)
    assert len(server.connections) == 1


@pytest.mark.parametrize("sizes", [[], [1], [5, 1, 300], [65536] * 4, [1] * 500], ids=len)
def test_chunked_both_ways(weir, backend, sizes):
    client = weir(single(backend(mirror))).client()
    data = [bytes([65 + number % 26]) * size for number, size in enumerate(sizes)]
    for _ in range(3):
        response = client.ask("POST", body=data)
        assert response.status == 200 and response.body == b"".join(data)
        assert response.get("transfer-encoding") == "chunked"
        assert not response.has("content-length")


def test_trailers_go_both_ways(weir, backend):
    server = backend(mirror)
    client = weir(single(server)).client()
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n")
    client.send("Trailer: x-sum, x-more\r\n\r\n")
    client.send(encode_chunks([b"abc"], [("X-Sum", "42"), ("x-more", "a, b")]))
    trailers = [(name.lower(), value) for name, value in client.response().trailers]
    assert trailers == [("x-sum", "42"), ("x-more", "a, b")]
    seen = [(name.lower(), value) for name, value in server.requests[0].trailers]
    assert seen == trailers


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Host", "Connection"])
def test_trailers_that_would_rule_the_message_stay_out(weir, backend, name):
    server = backend()
    client = weir(single(server)).client()
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(encode_chunks([b"abc"], [(name, "0"), ("X-Sum", "42")]))
    response = client.response()
    if response.status == 200:
        trailers = [field.lower() for field, _ in server.requests[0].trailers]
        assert name.lower() not in trailers
    else:
        assert response.status == 400 and not server.requests


def test_chunk_extensions_are_dropped(weir, backend):
    server = backend(mirror)
    client = weir(single(server)).client()
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send('3;a=b;c="d;e"\r\nabc\r\n0;last\r\n\r\n')
    assert client.response().body == b"abc"
    # The backend's reader takes no extension, so the answer above proves it for the request.
    assert b";" not in server.connections[0].received.split(b"\r\n\r\n", 1)[1]


def test_chunk_extensions_of_an_answer_are_dropped(weir, backend):
    def script(connection):
        while connection.request() is not None:
            connection.send(answer(fields=[("Transfer-Encoding", "chunked")], length=False))
            connection.send("3;a=b\r\nabc\r\n0;c\r\n\r\n")

    client = weir(single(backend(script))).client()
    assert client.ask().body == b"abc"
    assert client.ask().body == b"abc"


def test_pipelined_requests_are_answered_in_order(weir, backend):
    client = weir(single(backend())).client()
    for number in range(200):
        body = b"x" * number if number % 3 == 0 else None
        client.send_request("POST" if body else "GET", f"/{number}", body=body)
    for number in range(200):
        seen = Seen(client.response())
        assert seen["target"] == f"/{number}"
        assert len(seen["body"]) == (number if number % 3 == 0 else 0)


def test_pipelined_over_several_turns(weir, backend):
    """Far more than one turn's worth at once, read late."""
    client = weir(single(backend())).client()
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(1000)))
    for number in range(1000):
        assert Seen(client.response())["target"] == f"/{number}"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(weir, backend, status):
    def script(connection):
        while connection.request() is not None:
            fields = [("ETag", '"x"')] + ([("Content-Length", "5")] if status == 304 else [])
            connection.answer(status, reason="None", fields=fields, length=False)

    server = backend(script)
    client = weir(single(server)).client()
    for _ in range(3):
        response = client.ask()
        assert response.status == status and response.get("etag") == '"x"'
        assert not response.chunked
    assert len(server.connections) == 1


@pytest.mark.parametrize("fields", [[("Content-Length", "10")], [("Transfer-Encoding", "chunked")]])
def test_head_has_no_body(weir, backend, fields):
    def script(connection):
        while connection.request() is not None:
            connection.answer(fields=fields, length=False)

    server = backend(script)
    client = weir(single(server)).client()
    for _ in range(3):
        assert client.ask("HEAD").status == 200
    assert client.ask("HEAD").get("content-length") == dict(fields).get("Content-Length")
    assert len(server.connections) == 1


def test_answer_that_ends_with_the_connection(weir, backend):
    """An HTTP/1.1 client gets it in a framing from which it sees that the answer is whole."""
    size = 500_000

    def script(connection):
        connection.request()
        connection.send(answer(length=False, fields=[("Connection", "close")]), b"x" * size)

    server = backend(script)
    client = weir(single(server)).client()
    response = client.ask()
    assert response.body == b"x" * size
    assert response.chunked or client.ended()


def test_unfinished_answer_without_length_is_not_passed_off_as_whole(weir, backend):
    """The server resets inside an answer that ends with the connection."""

    def script(connection):
        connection.request()
        connection.send(answer(length=False), b"x" * 1000)
        connection.backend.client_has_read.wait(10)
        connection.reset()

    server = backend(script)
    server.client_has_read = threading.Event()
    client = weir(single(server)).client()
    client.send_request()
    while b"xxx" not in client.buffer:
        client.fill()
    server.client_has_read.set()
    with pytest.raises(Closed):
        response = client.response()
        if not response.chunked:
            raise Closed("an HTTP/1.1 answer that the connection's end delimits cannot tell")


def test_answer_begins_before_the_request_has_ended(weir, backend):
    def script(connection):
        request = connection.request_head()
        connection.send(answer(fields=[("Transfer-Encoding", "chunked")], length=False))
        while data := connection.chunk():
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
        connection.field_lines()
        connection.note(request)
        connection.send("0\r\n\r\n")

    client = weir(single(backend(script))).client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send("3\r\none\r\n")
    while b"one" not in client.buffer:
        assert client.fill()
    client.send("3\r\ntwo\r\n0\r\n\r\n")
    assert client.response().body == b"onetwo"
