"""Many streams on one connection: none stalls another, and each ends for itself."""

import socket
import threading
import time

import pytest

from harness import eventually, scaled
from harness.data import whole
from harness.http2 import CANCEL, INTERNAL_ERROR, REFUSED_STREAM, Frames, H2Client
from harness.setups import LOGGED


class Gate:
    """A server that answers /held only once `opens` is set."""

    def __init__(self):
        self.opens = threading.Event()

    def __call__(self, connection):
        while (request := connection.request()) is not None:
            if request.target == "/held":
                self.opens.wait(scaled(20))
            connection.answer(body=request.target + request.text)


def test_hundred_at_once(weir, backend, over):
    gate = Gate()
    server = backend(gate)
    client = H2Client(weir(over(server)))
    held = [client.open(target="/held") for _ in range(100)]
    eventually(lambda: len(server.requests) == 100, "a hundred requests at the server")
    assert client.ask(target="/other").text == "/other"
    gate.opens.set()
    client.finish(*held)
    assert {(one.status, one.text) for one in held} == {(200, "/held")}


def test_thousand_one_after_the_other(weir, backend, over):
    client = H2Client(weir(over(backend(Gate()), workers=1)))
    for number in range(1000):
        assert client.ask(target=f"/{number}").text == f"/{number}"


def test_bodies_of_many_streams_do_not_mix(weir, backend, over):
    client = H2Client(weir(over(backend(Gate()))))
    open_ones = [client.open("POST", f"/{n}-", end=False) for n in range(50)]
    for part in range(5):
        for number, one in enumerate(open_ones):
            client.write(one, f"{number}.{part};".encode() * 200, end=part == 4)
    client.finish(*open_ones)
    for number, one in enumerate(open_ones):
        expected = "".join(f"{number}.{part};" * 200 for part in range(5))
        assert one.text == f"/{number}-{expected}"


def large(connection):
    while (request := connection.request()) is not None:
        size = int(request.target[1:])
        try:
            connection.answer(body=whole(size))
        except OSError:
            return


def test_slow_stream_does_not_stall_others(weir, backend, over):
    """One stream's window stays shut; the connection's is opened for the rest."""
    proxy = weir(over(backend(large), workers=1))
    client = H2Client(proxy, credits=False)
    client.credit(1 << 24)
    before = proxy.resident()
    slow = [client.open(target="/30000000") for _ in range(4)]
    client.until(lambda: all(len(one.data) == 65535 for one in slow), "shut windows")
    for _ in range(50):
        assert len(client.ask(target="/10000").body) == 10_000
    assert not any(one.over for one in slow)
    # What four stalled answers of 30 MB may hold is bounded by buffers, not by their size.
    assert proxy.resident() - before < 16 << 20
    for one in slow:
        one_left = 30_000_000 - 65535
        client.h2.increment_flow_control_window(one_left + 1000, one.id)
    client.credit(1 << 27)
    client.finish(*slow)
    assert all(one.body == whole(30_000_000) for one in slow)


def test_slow_upload_does_not_stall_others(weir, backend, over):
    """A server that does not read holds up one stream only."""
    release = threading.Event()

    def script(connection):
        while (head := connection.request_head()) is not None:
            if head.method == "POST":
                release.wait(scaled(20))
            connection.body(head)
            connection.answer(body=str(len(head.body)))

    proxy = weir(over(backend(script), workers=1))
    client = H2Client(proxy)
    stuck = client.open("POST", fields=[("content-length", "50000000")], end=False)
    sent, chunk, last = 0, b"x" * 16384, time.monotonic()
    while time.monotonic() - last < 0.5:
        room = client.h2.local_flow_control_window(stuck.id)
        if room:
            client.write(stuck, chunk[:room])
            sent, last = sent + min(room, 16384), time.monotonic()
        else:
            # The answer to another request shows that the connection lives.
            assert client.ask().text == "0"
            time.sleep(0.02)
    assert sent < 50_000_000, "the window of a stalled stream opens without end"
    release.set()
    client.write(stuck, b"x" * (50_000_000 - sent), end=True)
    assert client.finish(stuck).text == "50000000"


def test_client_resets_a_waiting_stream(weir, backend, over):
    gone = threading.Event()

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/held":
                try:
                    connection.rest()
                finally:
                    gone.set()
                return
            connection.answer(body="well")

    server = backend(script)
    proxy = weir(over(server, **LOGGED))
    client = H2Client(proxy)
    held = client.open(target="/held")
    server.saw(1)
    client.reset(held)
    assert gone.wait(scaled(5)), "the upstream connection stayed"
    assert client.ask().body == b"well"
    line = proxy.access()[0]
    assert (line["path"], line["outcome"]) == ("/held", "client-aborted")


@pytest.mark.parametrize("target", ["/1000000", "/100000000"])
def test_client_resets_inside_an_answer(weir, backend, over, target):
    proxy = weir(over(backend(large), workers=1))
    client = H2Client(proxy, credits=False)
    for _ in range(20):
        one = client.open(target=target)
        client.until(lambda: one.data, "the answer's beginning")
        client.reset(one)
        client.credit(len(one.data))
    client.credits = True
    # What lay on its way counts for the connection's window still.
    client.credit(1 << 24)
    assert client.ask(target="/5").body == whole(5)


def test_client_resets_inside_a_body(weir, backend, over):
    def script(connection):
        try:
            while (request := connection.request()) is not None:
                connection.answer(body=request.target)
        except AssertionError:
            pass

    proxy = weir(over(backend(script), workers=1, **LOGGED))
    client = H2Client(proxy)
    for _ in range(50):
        one = client.open("POST", "/part", fields=[("content-length", "60000")], end=False)
        client.write(one, b"x" * 30_000)
        client.reset(one)
    # 1.5 MB of bodies that nobody wanted must have come back to the connection's window.
    assert client.ask(target="/well").text == "/well"
    lines = proxy.access(51)
    outcomes = [line["outcome"] for line in lines if line["path"] == "/part"]
    assert outcomes == ["client-aborted"] * 50


@pytest.mark.parametrize("way", ["close", "reset"])
def test_connection_lost_with_streams_open(weir, backend, over, way):
    gone = threading.Semaphore(0)

    def script(connection):
        connection.request()
        try:
            connection.rest()
        finally:
            gone.release()

    server = backend(script)
    proxy = weir(over(server, workers=1))
    before = proxy.descriptors()
    client = H2Client(proxy)
    for _ in range(20):
        client.open()
    server.saw(20)
    getattr(client.stream, way)()
    for _ in range(20):
        assert gone.acquire(timeout=scaled(5)), "an upstream connection stayed"
    eventually(lambda: proxy.descriptors() <= before, "descriptors given back")


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("way", ["close", "reset"])
def test_server_abort_resets_the_stream(weir, backend, over, framing, way):
    """Truncation must be visible: the stream never looks complete."""

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/well":
                connection.answer(body="well")
                continue
            part = "5\r\nhello\r\n" if "chunked" in framing else "hello"
            connection.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{part}")
            connection.backend.given.wait(scaled(10))
            getattr(connection, way)()
            return

    server = backend(script)
    server.given = threading.Event()
    proxy = weir(over(server, **LOGGED))
    client = H2Client(proxy)
    found = client.open()
    client.until(lambda: found.body == b"hello", "the beginning")
    server.given.set()
    client.finish(found)
    assert not found.ended and found.code == INTERNAL_ERROR
    assert client.ask(target="/well").body == b"well"
    line = proxy.access()[0]
    assert (line["status"], line["outcome"]) == (200, "upstream-reset")


def test_server_dies_before_its_answer(weir, backend, over):
    def script(connection):
        connection.request()
        connection.reset()

    client = H2Client(weir(over(backend(script))))
    found = client.ask("POST", body=b"x")
    assert found.status == 502 and found.get("x-weir-outcome") == "upstream-reset"


def test_streams_beyond_the_limit_are_refused(weir, backend, over):
    gate = Gate()
    server = backend(gate)
    proxy = weir(over(server, limits={"http2": {"streams": 3}}))
    frames = Frames(proxy)
    for stream in (1, 3, 5, 7):
        frames.send(frames.request(stream, target="/held"))
    assert frames.outcome(7) == ("reset", REFUSED_STREAM)
    gate.opens.set()
    assert frames.outcome(1) == ("status", 200)
    frames.serves(9)
    server.saw(4)


def test_cancelled_streams_make_room(weir, backend, over):
    gate = Gate()
    proxy = weir(over(backend(gate), limits={"http2": {"streams": 2}}))
    client = H2Client(proxy)
    for _ in range(30):
        client.reset(client.open(target="/held"), CANCEL)
        client.settle()
    assert client.ask(target="/well").text == "/well"
    gate.opens.set()


def test_whole_requests_are_answered_after_the_clients_end(weir, backend, over):
    """A client that shuts its sending side has asked what it wanted; what is not whole ends."""
    gate = Gate()
    server = backend(gate)
    proxy = weir(over(server, **LOGGED))
    client = H2Client(proxy, credits=False)
    client.settle()
    whole_ones = [client.open(target="/held") for _ in range(3)]
    client.open("POST", "/part", end=False)
    server.saw(3)
    client.stream.sock.shutdown(socket.SHUT_WR)
    assert proxy.access(1)[0]["outcome"] == "client-aborted"
    gate.opens.set()
    client.finish(*whole_ones)
    assert {(one.status, one.text) for one in whole_ones} == {(200, "/held")}
    while client.pump():
        pass
    assert [line["outcome"] for line in proxy.access(4)][1:] == ["ok"] * 3
