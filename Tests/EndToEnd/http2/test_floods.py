"""Floods end with ENHANCE_YOUR_CALM, memory stays bounded, and another client is served."""

import threading
import time

import pytest
from hyperframe.frame import RstStreamFrame

from harness import eventually, scaled
from harness.client import Client
from harness.data import whole
from harness.http2 import CANCEL, ENHANCE_YOUR_CALM, Frames, H2Client, frame
from harness.setups import LOGGED
from harness.wire import Closed

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 2, 3, 4, 6, 7
WINDOW_UPDATE = 8


def rapid_reset(frames, turn):
    """CVE-2023-44487."""
    streams = range(turn * 200 + 1, turn * 200 + 201, 2)
    cancel = CANCEL.to_bytes(4, "big")
    return b"".join(frames.request(n) + frame(RST_STREAM, 0, n, cancel) for n in streams)


def faulty_requests(frames, turn):
    """Requests that the proxy itself has to reset."""
    streams = range(turn * 200 + 1, turn * 200 + 201, 2)
    return b"".join(frames.request(n, fields=[("connection", "close")]) for n in streams)


def continuation(frames, turn):
    """CVE-2024-27316: a head without end."""
    begin = frame(HEADERS, 1, 1, frames.head()) if turn == 0 else b""
    return begin + b"".join(frame(9, 0, 1, b"") for _ in range(100))


def made_you_reset(frames, turn):
    """CVE-2025-8671."""
    streams = range(turn * 200 + 1, turn * 200 + 201, 2)
    return b"".join(frames.request(n) + frame(WINDOW_UPDATE, 0, n, b"\x7f\xff\xff\xff") for n in streams)


def bombs(frames, turn):
    """Heads that unfold to 62 MB each."""
    large = ("x-bomb", "b" * 3900)
    begin = frames.request(1, fields=[large]) if turn == 0 else b""
    block = frames.head() + frames.block([large]) * 16_000
    return begin + frame(HEADERS, 5, 2 * turn + 3, block)


def unfinished_data(frames, turn):
    begin = frames.request(1, "POST", end=False) if turn == 0 else b""
    return begin + frame(DATA, 0, 1) * 100


def padded_data(frames, turn):
    """DATA of nothing but padding."""
    begin = frames.request(1, "POST", end=False) if turn == 0 else b""
    return begin + frame(DATA, 8, 1, b"\0") * 100


def goaways(frames, turn):
    """While something is under way: else the first one ends the connection well."""
    begin = frames.request(1, "POST", end=False) if turn == 0 else b""
    return begin + frame(GOAWAY, 0, 0, bytes(8)) * 100


FLOODS = {
    "rapid reset": rapid_reset,
    "faulty requests": faulty_requests,
    "streams that the proxy is made to reset": made_you_reset,
    "heads that unfold": bombs,
    "settings": lambda f, turn: frame(SETTINGS, 0, 0) * 100,
    "settings that say something": lambda f, turn: frame(SETTINGS, 0, 0, b"\0\4\0\0\xff\xff") * 100,
    "ping": lambda f, turn: frame(PING, 0, 0, b"12345678") * 100,
    "ping without reading": lambda f, turn: frame(PING, 0, 0, b"12345678") * 1000,
    "priority": lambda f, turn: frame(PRIORITY, 0, 3, b"\0\0\0\x01\x10") * 100,
    "goaway": goaways,
    "window updates": lambda f, turn: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 100,
    "empty data": unfinished_data,
    "padding only": padded_data,
    "continuation": continuation,
    "unknown frames": lambda f, turn: frame(0xBB, 0, 0) * 100,
}


class Bystander:
    """Another client, which asks all the time and notes how long answers take."""

    def __init__(self, proxy):
        self.client = Client(proxy.address)
        self.longest, self.count, self.problem = 0, 0, None
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.ends.is_set():
                begun = time.monotonic()
                assert self.client.ask(target="/bystander").status == 200
                self.longest = max(self.longest, time.monotonic() - begun)
                self.count += 1
                time.sleep(0.005)
        except (Closed, OSError, AssertionError) as problem:
            self.problem = problem

    def end(self):
        self.ends.set()
        self.thread.join()
        self.client.close()
        assert self.problem is None and self.count > 0, self.problem


def attack(proxy, flood, turns=50):
    """Floods until the connection ends; returns the code of its GOAWAY."""
    frames = Frames(proxy, timeout=scaled(10))
    for turn in range(turns):
        frames.send(flood(frames, turn))
    try:
        return frames.goaway()
    finally:
        frames.close()


@pytest.mark.parametrize("name", FLOODS)
def test_flood(weir, backend, cleartext, name):
    server = backend()
    proxy = weir(cleartext(server, workers=1))
    other = Bystander(proxy)
    eventually(lambda: other.count > 5, "another client's answers")
    before = proxy.resident()
    for _ in range(5):
        assert attack(proxy, FLOODS[name]) == ENHANCE_YOUR_CALM
    assert proxy.resident() - before < 8 << 20
    count = other.count
    eventually(lambda: other.count > count + 5, "another client's answers")
    other.end()
    assert other.longest < scaled(1), f"another client waited {other.longest:.2f} s"


def test_a_flood_is_cut_off_early(weir, backend, cleartext):
    """Of a rapid reset only about as many requests as the budget allows reach a server."""
    server = backend()
    proxy = weir(cleartext(server, limits={"http2": {"budget": "50/s"}}))
    assert attack(proxy, rapid_reset) == ENHANCE_YOUR_CALM
    told = "1 connections of HTTP/2 ended for the frames that came, the last from 127.0.0.1"
    eventually(lambda: any(told in line for line in proxy.lines), "a line of the log")
    assert len(server.connections) <= 200, len(server.connections)
    server.problems.clear()


def test_requests_that_are_over_unseen_reach_no_server(weir, backend, cleartext):
    """What is reset in the same breath is written down, and that is all."""
    server = backend()
    proxy = weir(cleartext(server, workers=1, **LOGGED))
    frames = Frames(proxy)
    cancel = CANCEL.to_bytes(4, "big")
    requests = [frames.request(n) + frame(RST_STREAM, 0, n, cancel) for n in range(1, 101, 2)]
    frames.send(b"".join(requests))
    frames.serves(101)
    lines = proxy.access(51)
    assert [line["outcome"] for line in lines].count("client-aborted") == 50
    assert {line["path"] for line in lines} == {"/"}
    assert len(server.requests) == 1 and len(server.connections) == 1


@pytest.mark.parametrize("kind", ["ping", "settings", "priority"])
def test_within_the_budget_nothing_ends(weir, cleartext, kind):
    proxy = weir(cleartext(routes=[{"respond": 200}], limits={"http2": {"budget": "100/s"}}))
    frames = Frames(proxy)
    for turn in range(4):
        hundred = FLOODS[kind](frames, turn)
        frames.send(hundred[: len(hundred) // 5])
        frames.serves(2 * turn + 1)
        time.sleep(0.25)
    frames.close()


def test_window_updates_of_a_large_answer_cost_nothing(weir, backend, cleartext):
    """A careful client that opens its windows for every frame is no attacker."""

    def script(connection):
        while connection.request() is not None:
            connection.answer(body=whole(20_000_000))

    proxy = weir(cleartext(backend(script), limits={"http2": {"budget": "10/s"}}))
    client = H2Client(proxy)
    assert client.ask().body == whole(20_000_000)
    assert not client.goaways


def test_head_that_unfolds(weir, cleartext):
    """An HPACK bomb gets 431, and the connection's table stays in step."""
    proxy = weir(cleartext(routes=[{"respond": 200}], workers=1, **LOGGED))
    frames = Frames(proxy)
    before = proxy.resident()
    large = ("x-bomb", "b" * 3900)
    frames.send(frames.request(1, fields=[large]))
    assert frames.outcome(1) == ("status", 200)
    for stream in range(3, 43, 2):
        bomb = frames.head() + frames.block([large]) + frames.block([large]) * 1000
        pieces = [bomb[start : start + 16000] for start in range(0, len(bomb), 16000)]
        assert len(pieces) == 1, len(bomb)
        frames.send(frame(HEADERS, 5, stream, bomb))
        assert frames.outcome(stream) == ("status", 431)
    frames.serves(101)
    assert proxy.resident() - before < 8 << 20
    outcomes = [line["outcome"] for line in proxy.access(22)]
    assert outcomes.count("head-too-large") == 20


def test_zero_window_ends_after_its_time(weir, backend, over):
    """A client that never opens its window holds nothing for longer than `timeouts.send`."""

    def script(connection):
        while connection.request() is not None:
            connection.answer(body=b"x" * 100_000)

    server = backend(script)
    proxy = weir(over(server, timeouts={"send": "700ms"}, **LOGGED))
    frames = Frames(proxy, settings=b"\0\4\0\0\0\0", timeout=scaled(10))
    begun = time.monotonic()
    frames.send(frames.request(1))
    one = frames.until(RstStreamFrame, 1)
    assert 0.5 < time.monotonic() - begun < scaled(5)
    assert one.error_code != 0
    assert proxy.access()[0]["outcome"] == "send-timeout"
    frames.close()


def test_client_that_never_reads(weir, backend, over):
    """Answers that nobody takes end with their connection, and hold little until then."""

    def script(connection):
        while connection.request() is not None:
            try:
                connection.answer(body=whole(3_000_000))
            except OSError:
                return

    proxy = weir(over(backend(script), workers=1, timeouts={"send": "1s"}, **LOGGED))
    descriptors, before = proxy.descriptors(), proxy.resident()
    frames = Frames(proxy, settings=b"\0\4\x7f\xff\xff\xff", receive_buffer=4096)
    frames.send(frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\0\0"))
    for stream in range(1, 65, 2):
        frames.send(frames.request(stream))
    lines = proxy.access(32)
    assert proxy.resident() - before < 24 << 20
    outcomes = [line["outcome"] for line in lines]
    assert set(outcomes) <= {"send-timeout", "client-aborted", "ok"}
    assert "send-timeout" in outcomes
    assert outcomes.count("ok") <= 2, "more than the kernel's own buffers can have taken"
    frames.close()
    eventually(lambda: proxy.descriptors() <= descriptors + 1, "descriptors given back")
