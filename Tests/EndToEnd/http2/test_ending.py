"""HTTP/2 connections end without losing a request, and within their times."""

import signal
import socket
import threading
import time

import pytest
from hyperframe.frame import GoAwayFrame

from harness import DEADLINE, Closed, gated, scaled
from harness.http2 import ENHANCE_YOUR_CALM, NO_ERROR, Frames, H2Client, frame
from harness.secure import secure_listener
from harness.setups import LOGGED

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


def test_drain_lets_streams_end(weir, backend, over, gate):
    server = backend(gated(gate))
    proxy = weir({**over(server), "shutdown-timeout": "20s"})
    client = H2Client(proxy)
    held = [client.open(target=f"/{number}") for number in range(20)]
    server.saw(20)
    proxy.drain()
    client.until(lambda: client.goaways, "GOAWAY")
    assert client.goaways[0][0] == NO_ERROR
    gate.set()
    client.finish(*held)
    assert [one.text for one in held] == [f"/{number}" for number in range(20)]
    while client.pump():
        pass
    assert all(code == NO_ERROR for code, _ in client.goaways)
    assert proxy.wait(scaled(5)) == 0


def test_drain_ends_idle_connections(weir, over):
    proxy = weir({**over(**RESPOND), "shutdown-timeout": "20s"})
    client = H2Client(proxy)
    assert client.ask().status == 200
    proxy.drain()
    while client.pump():
        pass
    assert client.goaways and all(code == NO_ERROR for code, _ in client.goaways)
    assert proxy.wait(scaled(5)) == 0


def test_drain_ends_connections_that_never_asked(weir, over):
    proxy = weir({**over(**RESPOND), "shutdown-timeout": "20s"})
    client = H2Client(proxy)
    client.settle()
    proxy.drain()
    while client.pump():
        pass
    assert client.goaways
    assert proxy.wait(scaled(5)) == 0


def test_drain_under_load_without_a_lost_request(weir, backend, over):
    """Each request meets an answer, or GOAWAY says that it was not looked at."""
    proxy = weir({**over(backend()), "shutdown-timeout": "1m"})
    problems, counts = [], []

    def work():
        client, count = H2Client(proxy), 0
        try:
            while not client.goaways:
                batch = [client.open(target=f"/{number}") for number in range(10)]
                for one in batch:
                    try:
                        client.until(
                            lambda: one.over or client.goaways and one.id > client.goaways[-1][1],
                            "an answer or a word that none comes",
                        )
                    except Closed:
                        # Only what the last GOAWAY leaves out may stay without an answer.
                        assert client.goaways and one.id > client.goaways[-1][1], one
                        continue
                    assert not one.over or one.status == 200 and one.ended, one
                    count += one.over
        except BaseException as problem:
            problems.append(problem)
        counts.append(count)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    proxy.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(DEADLINE)
    assert not problems, problems[0]
    assert len(counts) == 6 and min(counts) > 0
    assert proxy.wait(scaled(10)) == 0
    with pytest.raises(ConnectionError):
        socket.create_connection(proxy.address, 1)


def test_requests_between_the_two_goaways_are_answered(weir, over):
    """The first GOAWAY only warns: what a client sent before it saw it is served (§6.8)."""
    proxy = weir({**over(**RESPOND), "shutdown-timeout": "20s"})
    frames = Frames(proxy)
    frames.serves(1)
    proxy.drain()
    one = frames.until(GoAwayFrame)
    assert one.error_code == NO_ERROR
    if one.last_stream_id == (1 << 31) - 1:
        frames.send(frames.request(3))
        assert frames.until(GoAwayFrame).last_stream_id <= 3
    frames.close()


def test_keep_alive_ends_idle_connections_politely(weir, over):
    proxy = weir(over(timeouts={"keep-alive": "500ms"}, **RESPOND))
    client = H2Client(proxy)
    assert client.ask().status == 200
    begun = time.monotonic()
    while client.pump():
        pass
    assert 0.3 < time.monotonic() - begun < scaled(5)
    assert [code for code, _ in client.goaways][-1] == NO_ERROR


def test_keep_alive_leaves_busy_connections_alone(weir, backend, over):
    def script(connection):
        while connection.request() is not None:
            time.sleep(1.2)
            connection.answer(body="late")

    proxy = weir(over(backend(script), timeouts={"keep-alive": "300ms"}))
    client = H2Client(proxy)
    assert client.ask().body == b"late"


def test_requests_per_connection(weir, over):
    proxy = weir(over(limits={"requests-per-connection": 3}, **RESPOND))
    client = H2Client(proxy)
    for _ in range(3):
        assert client.ask().status == 200
    while client.pump():
        pass
    assert client.goaways and client.goaways[-1] == (NO_ERROR, 5)


def test_clients_goaway_lets_its_streams_end(weir, backend, over, gate):
    server = backend(gated(gate))
    frames = Frames(weir(over(server)))
    frames.send(frames.request(1))
    server.saw(1)
    frames.send(frame(7, 0, 0, b"\0" * 8))
    gate.set()
    assert frames.outcome(1) == ("status", 200)
    frames.close()


def test_body_that_never_comes(weir, backend, over):
    def script(connection):
        try:
            while connection.request() is not None:
                connection.answer()
        except AssertionError:
            pass

    proxy = weir(over(backend(script), timeouts={"body": "500ms"}, **LOGGED))
    client = H2Client(proxy)
    stuck = client.open("POST", fields=[("content-length", "10")], end=False)
    client.write(stuck, b"abc")
    client.finish(stuck)
    assert stuck.status == 408 and stuck.get("x-weir-outcome") == "body-timeout"
    assert client.ask().status == 200
    assert proxy.access(2)[0]["outcome"] == "body-timeout"


def trickle(frames, begun):
    """Sends a byte of a head every now and then; the code with which the connection ends."""
    frames.send(frame(1, 1, 1001, frames.head()) + frame(9, 0, 1001, length=10_000))

    def send():
        while time.monotonic() - begun < scaled(8):
            frames.send(b"x")
            time.sleep(0.05)

    threading.Thread(target=send, daemon=True).start()
    return frames.goaway()


def test_head_that_never_ends(weir, over):
    """A head begun and not finished is bounded in time, like one of HTTP/1."""
    proxy = weir(over(timeouts={"head": "500ms"}, **RESPOND, **LOGGED))
    frames, begun = Frames(proxy, timeout=scaled(8)), time.monotonic()
    assert trickle(frames, begun) == ENHANCE_YOUR_CALM
    assert 0.3 < time.monotonic() - begun < scaled(5)
    assert proxy.access()[0]["outcome"] == "head-timeout"


def test_head_that_never_ends_beside_a_stream(weir, backend, over):
    """Nothing else can come on the connection, so that what runs on it ends too."""

    def script(connection):
        connection.request()
        connection.rest()

    server = backend(script)
    proxy = weir(over(server, timeouts={"head": "500ms"}, **LOGGED))
    frames, begun = Frames(proxy, timeout=scaled(8)), time.monotonic()
    frames.send(frames.request(1))
    server.saw(1)
    assert trickle(frames, begun) == ENHANCE_YOUR_CALM
    assert 0.3 < time.monotonic() - begun < scaled(5)
    outcomes = [line["outcome"] for line in proxy.access(2)]
    assert sorted(outcomes) == ["client-aborted", "head-timeout"]


def test_heads_in_pieces_have_their_time(weir, over):
    """Each head has the whole time, however many came before it."""
    frames = Frames(weir(over(timeouts={"head": "1s"}, **RESPOND)), timeout=scaled(8))
    for stream in range(1, 9, 2):
        block = frames.head()
        frames.send(frame(1, 1, stream, block[:5]))
        time.sleep(0.4)
        frames.send(frame(9, 4, stream, block[5:]))
        assert frames.outcome(stream) == ("status", 200)
    frames.close()


def test_preface_that_never_comes(weir, certificates):
    """A connection by TLS that chose HTTP/2 and stays silent ends like an idle one."""
    listener = secure_listener(certificates.site)
    proxy = weir({"listeners": [listener], "timeouts": {"keep-alive": "500ms"}, **RESPOND})
    frames = Frames(proxy, preface=False, timeout=scaled(8))
    while frames.next() is not None:
        pass


def test_slow_server_meets_its_time(weir, backend, over):
    def script(connection):
        request = connection.request()
        if request.target == "/slow":
            connection.rest()
        else:
            connection.answer(body="well")

    pools = {"main": {"servers": [backend(script).address], "timeouts": {"response": "300ms"}}}
    client = H2Client(weir(over(pools=pools)))
    slow = client.open(target="/slow")
    assert client.ask().body == b"well"
    client.finish(slow)
    assert slow.status == 504 and slow.get("x-weir-outcome") == "response-timeout"
