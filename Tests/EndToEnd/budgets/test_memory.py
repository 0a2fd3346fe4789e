"""Allocations per request, and descriptors and memory after many requests."""

import contextlib
import os
import struct
import threading
from pathlib import Path

import pytest

from budgets.conftest import settled
from harness import Client, Closed, eventually

pytestmark = pytest.mark.release

LOGS = {"no log": {}, "access log": {"log": {"access": "access.json"}}}
LOADS = {"100 B": {"size": 100}, "10 KiB": {"size": 10240}, "post": {"size": 100, "post": 16384}}


def config(port, **more):
    return {"workers": 2, "listen": "127.0.0.1:0", "servers": [f"127.0.0.1:{port}"], **more}


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("kind", LOADS)
def test_allocations(weir, tools, fast_backend, load, tmp_path, kind, log):
    """From request 10,000 to request 110,000, opening 64 connections anew among them."""
    counter = tmp_path / "allocations"
    environment = {
        "LD_PRELOAD": str(tools / "count_allocations.so"),
        "COUNT_ALLOCATIONS": str(counter),
    }
    proxy = weir(config(fast_backend, **LOGS[log]), environment=environment)

    def count():
        return struct.unpack("Q", counter.read_bytes())[0]

    load(proxy.address[1], 10_000, **LOADS[kind])
    before = settled(count)
    assert before > 100, "the counter does not count"
    load(proxy.address[1], 100_000, **LOADS[kind])
    assert settled(count) - before < 100


BALANCE = {
    "least-connections": {"balance": "least-connections"},
    "latency-weighted": {"balance": "latency-weighted"},
    "maglev, bounded": {"balance": {"strategy": "consistent-hash", "bounded-load": 1.25}},
    "ring": {"balance": {"strategy": "consistent-hash", "table": "ring", "key": "path"}},
    "rendezvous": {"balance": {"strategy": "consistent-hash", "table": "rendezvous"}},
    "random": {"balance": "random"},
    "prequal": {"balance": "prequal"},
    "least-bytes": {"balance": "least-bytes"},
    "sticky": {"sticky": True},
}


@pytest.mark.parametrize("kind", BALANCE)
def test_allocations_of_strategies(
    weir, tools, fast_backend, other_fast_backend, load, tmp_path, kind
):
    """As above, with two servers to choose from."""
    counter = tmp_path / "allocations"
    environment = {
        "LD_PRELOAD": str(tools / "count_allocations.so"),
        "COUNT_ALLOCATIONS": str(counter),
    }
    servers = [
        f"127.0.0.1:{fast_backend}",
        {"address": f"127.0.0.1:{other_fast_backend}", "weight": 3},
    ]
    pools = {"main": {"servers": servers, **BALANCE[kind]}}
    proxy = weir(
        {"workers": 2, "listen": "127.0.0.1:0", "pools": pools}, environment=environment
    )

    def count():
        return struct.unpack("Q", counter.read_bytes())[0]

    load(proxy.address[1], 10_000, size=100)
    before = settled(count)
    assert before > 100, "the counter does not count"
    load(proxy.address[1], 100_000, size=100)
    assert settled(count) - before < 100


def abort(proxy, number):
    """A client that leaves, each time elsewhere in its request or the answer."""
    with contextlib.suppress(OSError, Closed):
        client = Client(proxy.address)
        kind = number % 6
        if kind == 0:
            client.send("GET /b/100 HTT")
        elif kind == 1:
            client.send("POST /b/100 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        elif kind == 2:
            client.send("GET /b/1048576 HTTP/1.1\r\nHost: a\r\n\r\n")
        elif kind == 3:
            client.send("GET /b/1048576 HTTP/1.1\r\nHost: a\r\n\r\n")
            client.fill()
        elif kind == 4:
            client.send("BAD REQUEST\r\n\r\n")
            client.fill()
        if number % 2:
            client.reset()
        else:
            client.close()


def kinds(proxy):
    """Descriptors that are pipes, which are kept for the next long answer, and all others."""
    names = []
    for entry in Path(f"/proc/{proxy.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            names.append(os.readlink(entry))
    pipes = sum(name.startswith("pipe:") for name in names)
    return pipes, len(names) - pipes


# Two workers keep 64 pipes each, of two ends.
PIPES = 2 * 64 * 2 + 3


@pytest.mark.alone
def test_nothing_is_left_behind(weir, fast_backend, load):
    """100,000 requests and 3,000 clients that leave early: descriptors and memory are as
    before. Before means after a shorter run of the same, which fills pools and buffers."""
    proxy = weir(config(fast_backend, **{"pool-defaults": {"timeouts": {"idle": "500ms"}}}))
    port = proxy.address[1]
    empty = settled(lambda: kinds(proxy)[1])

    def both(requests, aborted):
        leaving = threading.Thread(
            target=lambda: [abort(proxy, number) for number in range(aborted)], daemon=True
        )
        leaving.start()
        half = requests // 2
        load(port, half, size=100)
        load(port, requests - half, size=10240)
        leaving.join(100)
        assert not leaving.is_alive()
        eventually(lambda: kinds(proxy)[1] == empty, f"{empty} descriptors again")
        assert kinds(proxy)[0] <= PIPES
        return settled(proxy.resident)

    before = both(30_000, 3_000)
    after = both(100_000, 3_000)
    grown = after - before
    assert grown < 1 << 19, f"{grown >> 10} KiB more after 100,000 requests, from {before >> 10}"
