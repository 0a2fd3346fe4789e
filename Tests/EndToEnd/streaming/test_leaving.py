"""A client that leaves cancels what was done for it."""

import threading

import pytest

from harness import Client, eventually, scaled
from harness.checks import outcome_of
from harness.setups import LOGGED, single


class Waiting:
    """A server that answers only when told, and sees when its connection ends."""

    def __init__(self, first=b""):
        self.first = first
        self.arrived = threading.Event()
        self.ended = threading.Event()

    def __call__(self, connection):
        if connection.request() is None:
            return
        self.arrived.set()
        connection.send(self.first)
        connection.rest_or_reset()
        self.ended.set()


@pytest.fixture(autouse=True)
def rest_or_reset(monkeypatch):
    from harness import Closed
    from harness.backend import Connection

    def read(self):
        try:
            self.rest()
        except Closed:
            pass

    monkeypatch.setattr(Connection, "rest_or_reset", read, raising=False)


PARTS = {
    "before the answer": b"",
    "inside the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "inside the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "inside the chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


@pytest.mark.parametrize("part", PARTS)
def test_reset_cancels_at_once(weir, backend, part):
    """The server need not send anything for the cancellation to reach it."""
    waiting = Waiting(PARTS[part])
    proxy = weir(single(backend(waiting), **LOGGED))
    client = Client(proxy.address)
    client.send_request()
    assert waiting.arrived.wait(scaled(5))
    if part.endswith(("body", "chunks")):
        assert client.line() == b"HTTP/1.1 200 OK"
    client.reset()
    assert waiting.ended.wait(scaled(5)), "the upstream connection stayed"
    assert outcome_of(proxy) == "client-aborted"


def test_reset_inside_the_request_cancels(weir, backend):
    ended = threading.Event()

    def script(connection):
        connection.request_head()
        connection.rest_or_reset()
        ended.set()

    proxy = weir(single(backend(script), **LOGGED))
    client = Client(proxy.address)
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nabc")
    client.reset()
    assert ended.wait(scaled(5)), "the upstream connection stayed"
    assert outcome_of(proxy) == "client-aborted"


def test_end_inside_the_request_cancels(weir, backend):
    """A FIN within a body says that the rest never comes."""
    ended = threading.Event()

    def script(connection):
        connection.request_head()
        connection.rest_or_reset()
        ended.set()

    proxy = weir(single(backend(script), **LOGGED))
    client = proxy.client()
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nabc")
    client.finish()
    assert ended.wait(scaled(5)), "the upstream connection stayed"
    assert outcome_of(proxy) == "client-aborted"


def test_closed_socket_is_noticed_when_sending(weir, backend):
    """A client that closes in silence is found out by the next events, and the stream is cut."""
    ended = threading.Event()

    def script(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.send("5\r\nevent\r\n")
        finally:
            ended.set()

    proxy = weir(single(backend(script), **LOGGED))
    client = Client(proxy.address)
    client.send_request()
    assert client.line() == b"HTTP/1.1 200 OK"
    client.close()
    assert ended.wait(scaled(10)), "the server still sends"
    assert outcome_of(proxy) == "client-aborted"


def test_half_close_after_the_request_still_gets_the_answer(weir, backend):
    going = threading.Event()

    def script(connection):
        connection.request()
        going.wait(scaled(10))
        connection.answer(body="late")

    client = weir(single(backend(script))).client()
    client.send_request()
    client.finish()
    going.set()
    assert client.response().body == b"late"
    assert client.ended()


def test_others_are_served_on(weir, backend):
    """200 clients that leave at every stage harm nobody else, and nothing stays open."""
    server = backend()
    proxy = weir({"workers": 1, **single(server)})
    other = proxy.client()
    assert other.ask().status == 200
    before = proxy.descriptors()
    request = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    for number in range(200):
        client = Client(proxy.address)
        client.send(request[: number % (len(request) + 1)])
        client.reset() if number % 2 else client.close()
        assert other.ask().status == 200
    eventually(lambda: proxy.descriptors() <= before + 2, "closed descriptors")
