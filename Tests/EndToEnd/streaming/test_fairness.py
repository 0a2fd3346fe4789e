"""One client at full speed does not starve another on the same worker.

What would starve does not end by itself here, so that the other's answers can only come in between.
"""

import threading

import pytest

from harness import eventually, scaled
from harness.client import encode_chunks
from harness.setups import single

ROUNDS = 200
BLOCK = b"x" * 262_144


class Endless:
    """A thread that goes on until it is told to stop, and counts its rounds."""

    def __init__(self, act):
        self.act = act
        self.rounds = 0
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stopping:
                self.act()
                self.rounds += 1
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        eventually(lambda: self.rounds > 5, "the busy client's speed")
        return self

    def __exit__(self, *_):
        self.stopping = True


def served_beside(busy, other):
    """The other client's requests are all answered while the busy one goes on."""
    before = busy.rounds
    for number in range(ROUNDS):
        response = other.ask(target="/small")
        assert (response.status, response.body) == (200, b"small"), number
    assert busy.thread.is_alive(), "the busy client ended by itself"
    eventually(lambda: busy.rounds > before, "the busy client's progress")


def small_or_endless(framing):
    """A server that answers /small at once and anything else without an end."""

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/small":
                connection.answer(body="small")
                continue
            field = "Transfer-Encoding: chunked" if framing == "chunked" else "X-No: length"
            connection.send(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n")
            block = encode_chunks([BLOCK])[:-5] if framing == "chunked" else BLOCK
            while True:
                connection.send(block)

    return script


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_beside_an_endless_answer(weir, backend, framing):
    proxy = weir({"workers": 1, **single(backend(small_or_endless(framing)))})
    client, other = proxy.client(), proxy.client()
    client.send_request(target="/endless")
    with Endless(lambda: client.sock.recv(1 << 20)) as busy:
        served_beside(busy, other)


def test_beside_an_endless_answer_with_a_length(weir, backend):
    """Long enough for splice, and for longer than the test."""

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/small":
                connection.answer(body="small")
                continue
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            while True:
                connection.send(BLOCK)

    proxy = weir({"workers": 1, **single(backend(script))})
    client, other = proxy.client(), proxy.client()
    client.send_request(target="/endless")
    with Endless(lambda: client.sock.recv(1 << 20)) as busy:
        served_beside(busy, other)


def test_beside_an_endless_post(weir, backend):
    def script(connection):
        while (request := connection.request_head()) is not None:
            connection.note(request)
            if request.target == "/small":
                connection.answer(body="small")
                continue
            connection.keeps = False
            while connection.fill():
                connection.buffer = b""

    proxy = weir({"workers": 1, **single(backend(script))})
    client, other = proxy.client(), proxy.client()
    client.send("POST /endless HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000000\r\n\r\n")
    with Endless(lambda: client.sock.sendall(BLOCK)) as busy:
        served_beside(busy, other)


def test_beside_endless_pipelined_requests(weir, backend):
    """Requests that Weir answers by itself, hundreds in each read, are the cheapest to flood with."""
    config = single(backend(small_or_endless("close")), timeouts={"send": "5m"})
    config["pools"] = {"main": {"servers": config.pop("servers")}}
    config["routes"] = [{"match": "/own", "respond": 204}, {"pool": "main"}]
    proxy = weir({"workers": 1, **config})
    client, other = proxy.client(timeout=scaled(60)), proxy.client()
    requests = b"GET /own HTTP/1.1\r\nHost: a.test\r\n\r\n" * 2000

    def drain():
        while client.sock.recv(1 << 20):
            pass

    threading.Thread(target=quiet(drain), daemon=True).start()
    with Endless(lambda: client.sock.sendall(requests)) as busy:
        served_beside(busy, other)


def quiet(act):
    def run():
        try:
            act()
        except OSError:
            pass

    return run


def test_fifty_equal_streams_advance_together(weir, backend):
    """Of 50 endless answers on one worker, each gets its share: none waits for another's end."""
    proxy = weir({"workers": 1, **single(backend(small_or_endless("close")))})
    clients = [proxy.client() for _ in range(50)]
    for client in clients:
        client.send_request(target="/endless")
    for client in clients:
        got = 0
        while got < 2_000_000:
            got += len(client.sock.recv(1 << 20))
