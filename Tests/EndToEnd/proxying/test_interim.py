"""`Expect: 100-continue` and the other interim answers."""

import threading

import pytest

from harness import answer
from harness.checks import assert_own_answer
from harness.setups import pooled, single

def head(client, body_length, version="1.1"):
    client.send(
        f"POST / HTTP/{version}\r\nHost: a.test\r\nExpect: 100-continue\r\n"
        f"Content-Length: {body_length}\r\n\r\n"
    )


def patient(connection):
    """Asks for each body with a 100 of its own."""
    while (request := connection.request_head()) is not None:
        if request.has("expect"):
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        connection.body(request)
        connection.note(request)
        connection.answer(body=request.body)


def test_continue_comes_before_the_body_is_sent(weir, backend):
    server = backend(patient)
    client = weir(single(server)).client()
    for number in range(3):
        head(client, 5)
        while b"\r\n\r\n" not in client.buffer:
            assert client.fill()
        assert client.buffer.startswith(b"HTTP/1.1 100 "), client.buffer
        client.send("hello")
        response = client.response()
        assert response.body == b"hello"
        assert [one.status for one in response.informational] == [100]
    assert server.requests[0].get("expect") == "100-continue"


def test_refusal_instead_of_continue(weir, backend):
    def script(connection):
        while connection.request_head() is not None:
            connection.answer(417, "no", reason="Expectation Failed", fields=[("Connection", "close")])
            return

    client = weir(single(backend(script))).client()
    head(client, 5_000_000)
    response = client.response()
    assert response.status == 417 and response.body == b"no"
    assert client.ended(), "the body was never sent: the connection cannot be kept"


def test_old_client_gets_no_continue(weir, backend):
    client = weir(single(backend(patient))).client()
    client.send("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
    response = client.response()
    assert (response.status, response.body, response.informational) == (200, b"ok", [])


def hinting(count):
    def script(connection):
        while connection.request() is not None:
            for number in range(count):
                connection.send(f"HTTP/1.1 103 Early Hints\r\nLink: </{number}.css>\r\n\r\n")
            connection.answer(body="x")

    return script


@pytest.mark.parametrize("count", [1, 16])
def test_interim_answers_are_passed_on(weir, backend, count):
    client = weir(single(backend(hinting(count)))).client()
    for _ in range(2):
        response = client.ask()
        assert response.body == b"x"
        links = [one.get("link") for one in response.informational]
        assert links == [f"</{number}.css>" for number in range(count)]
        assert all(not one.has("transfer-encoding") for one in response.informational)


def test_more_than_sixteen_interim_answers_are_too_many(weir, backend):
    client = weir(pooled(backend(hinting(17)), {"retries": {"attempts": 1}})).client()
    response = client.ask()
    assert_own_answer(response, 502)
    assert len(response.informational) <= 16


def test_old_client_gets_no_interim_answers(weir, backend):
    client = weir(single(backend(hinting(3)))).client()
    response = client.ask(version="1.0")
    assert (response.body, response.informational) == (b"x", [])


def test_interim_answer_comes_before_the_final_one_is_there(weir, backend):
    def script(connection):
        connection.request()
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        connection.backend.go.wait(10)
        connection.answer(body="x")

    server = backend(script)
    server.go = threading.Event()
    client = weir(single(server)).client()
    client.send_request()
    while b"\r\n\r\n" not in client.buffer:
        assert client.fill()
    assert client.buffer.startswith(b"HTTP/1.1 103")
    server.go.set()
    assert client.response().body == b"x"


def test_interim_answer_in_pieces(weir, backend):
    def script(connection):
        while connection.request() is not None:
            for byte in b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(body="x"):
                connection.send(bytes([byte]))

    response = weir(single(backend(script))).ask()
    assert (response.body, len(response.informational)) == (b"x", 1)
