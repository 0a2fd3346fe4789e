"""What is under way, and what the memory is for."""

import json
import threading

from harness import answer, eventually, fixed
from harness.admin import Admin
from harness.backend import gated
from harness.reload import Reloader


def test_requests_under_way(routed, backend):
    """They are counted as such also across a file with more routes than counters had room for."""
    gate = threading.Event()
    proxy, admin, _ = routed(backend(gated(gate)))
    more = [{"name": f"r{place}", "match": f"=/r{place}", "respond": 204} for place in range(60)]
    config = json.loads(proxy.file.read_text())
    clients = [proxy.client() for _ in range(3)]
    try:
        for client in clients:
            client.send_request(target="/api/held")

        def under_way():
            stats = admin.stats()
            parts = stats["routes"] + stats["listeners"] + stats["pools"] + [stats["total"]]
            return {one.get("name"): one["in-flight"] for one in parts if one["in-flight"]}

        held = {"api": 3, "public": 3, "main": 3, None: 3}
        eventually(lambda: under_way() == held, "requests under way")
        labels = 'listener="public",route="api",pool="main"'
        assert admin.metrics()[f"weir_requests_in_flight{{{labels}}}"] == 3
        Reloader(proxy).take({**config, "routes": config["routes"] + more})
        assert under_way() == held
    finally:
        gate.set()
    assert [client.response().status for client in clients] == [200] * 3
    eventually(lambda: under_way() == {}, "no requests under way")
    assert admin.stats()["total"]["requests"] == 3
    eventually(lambda: admin.stats()["reload"]["snapshots"] == 1, "the end of the first snapshot")


def test_memory_by_purpose(routed, backend):
    """A body that ends with its connection goes through buffers, not through a pipe."""
    endless = answer(body=b"x" * (4 << 20), length=False)
    proxy, admin, _ = routed(backend(fixed(endless, close=True)))
    assert proxy.ask(target="/own").status == 418
    before = admin.stats(requests=1)["memory-by-purpose"]
    assert all(size > 0 for name, size in before.items() if name not in ("frames", "statistics"))
    slow = [proxy.client(receive_buffer=32_768) for _ in range(8)]
    for client in slow:
        client.send_request(target="/api/")
        client.fill()

    def now():
        return admin.stats()["memory-by-purpose"]

    eventually(lambda: now()["buffers"] >= before["buffers"] + 8 * 16_384, "what nobody reads")
    assert now()["connections"] > before["connections"]
    for client in slow:
        client.reset()
    eventually(lambda: now()["buffers"] <= before["buffers"], "buffers given back")
    stats = admin.stats()
    assert stats["memory-by-purpose"]["statistics"] > 0
    assert sum(stats["memory-by-purpose"].values()) >= stats["memory"]
    assert admin.metrics()['weir_memory_bytes{purpose="logs"}'] > 0
