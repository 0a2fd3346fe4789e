"""HTTP/1.0 clients and servers, and how long connections are kept."""

import pytest

from harness import answer, eventually
from harness.setups import Seen, single


def test_old_client_gets_its_answer_and_the_end(weir, backend):
    server = backend()
    client = weir(single(server)).client()
    response = client.ask(version="1.0", host=None)
    assert Seen(response)["method"] == "GET"
    assert not response.chunked
    assert client.ended()
    assert server.requests[0].version == "1.1"


def test_old_client_may_ask_to_keep_the_connection(weir, backend):
    client = weir(single(backend())).client()
    for number in range(3):
        response = client.ask(
            target=f"/{number}", version="1.0", fields=[("Connection", "keep-alive")]
        )
        assert Seen(response)["target"] == f"/{number}"
        assert (response.get("connection") or "").lower() == "keep-alive"


def test_old_client_gets_no_chunks(weir, backend):
    def script(connection):
        while connection.request() is not None:
            connection.send(answer(fields=[("Transfer-Encoding", "chunked")], length=False))
            connection.send("3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n")

    client = weir(single(backend(script))).client()
    response = client.ask(version="1.0", fields=[("Connection", "keep-alive")])
    assert not response.chunked
    assert response.body == b"abcdef"
    assert client.ended()


def test_old_client_with_a_body(weir, backend):
    client = weir(single(backend())).client()
    assert Seen(client.ask("POST", body=b"hello", version="1.0"))["body"] == "hello"


@pytest.mark.parametrize("keep", [False, True])
def test_old_server(weir, backend, keep):
    fields = [("Connection", "keep-alive")] if keep else []

    def script(connection):
        while connection.request() is not None:
            connection.answer(body="old", version="1.0", fields=fields)
            if not keep:
                return

    server = backend(script)
    client = weir(single(server)).client()
    for _ in range(3):
        response = client.ask()
        assert (response.body, response.version) == (b"old", "1.1")
    assert len(server.connections) == (1 if keep else 3)


def test_old_server_without_a_length(weir, backend):
    def script(connection):
        connection.request()
        connection.answer(body="old", version="1.0", length=False)

    client = weir(single(backend(script))).client()
    for _ in range(3):
        response = client.ask()
        assert response.body == b"old"
        assert response.chunked, "an HTTP/1.1 client sees where it ends and keeps its connection"


def test_client_says_close(weir, backend):
    server = backend()
    client = weir(single(server)).client()
    response = client.ask(fields=[("Connection", "close")])
    assert response.get("connection") == "close"
    assert client.ended()
    assert "close" not in [value.lower() for value in server.requests[0].all("connection")]


def test_server_says_close(weir, backend):
    def script(connection):
        while connection.request() is not None:
            connection.answer(body="x", fields=[("Connection", "close")])
            connection.rest()

    server = backend(script)
    client = weir(single(server)).client()
    for number in range(3):
        response = client.ask()
        assert response.body == b"x"
        assert "close" not in (response.get("connection") or "")
    assert len(server.connections) == 3
    eventually(lambda: server.open_connections == 0, "the end of what the server would not keep")


def test_end_after_a_whole_request_still_gets_the_answer(weir, backend):
    client = weir(single(backend())).client()
    client.send_request("POST", body=b"x" * 1000)
    client.finish()
    assert len(Seen(client.response())["body"]) == 1000
    assert client.ended()


def test_requests_per_connection_downstream_goes_on_upstream(weir, backend):
    server = backend()
    proxy = weir({"workers": 1, **single(server)})
    for number in range(20):
        assert Seen(proxy.ask(target=f"/{number}"))["target"] == f"/{number}"
    assert len(server.connections) == 1
