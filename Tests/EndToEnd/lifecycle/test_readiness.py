"""`ready-path` and `drain-delay`: the balancer in front is told first, and traffic goes on."""

import signal
import time

import pytest

from harness import Client, Weir, eventually
from harness.admin import Admin
from harness.http2 import H2Client
from harness.setups import LOGGED


def listening(weir, backend, **more):
    listener = {"address": "127.0.0.1:0", "ready-path": "/lb-ready"}
    servers = {"pools": {"main": {"servers": [backend().address]}}}
    return weir({"listeners": [listener], **servers, "admin": "127.0.0.1:0", **more})


@pytest.mark.parametrize("target", ["/lb-ready", "/lb-ready?at=1", "/%6cb-ready", "//lb-ready"])
def test_ready_path(weir, backend, target):
    proxy = listening(weir, backend, **LOGGED)
    found = proxy.ask(target=target)
    assert (found.status, found.body) == (200, b"ready\n")
    assert found.get("cache-control") == "no-store"
    assert proxy.ask("HEAD", target).status == 200
    # Other paths go their way, and the log has these only.
    assert b"backend" in proxy.ask(target="/lb-ready/x").body
    assert [line["path"] for line in proxy.access(1)] == ["/lb-ready/x"]


def test_it_goes_before_a_redirect_to_https(weir):
    listener = {"address": "127.0.0.1:0", "ready-path": "/up", "https-redirect": True}
    proxy = weir({"listeners": [listener], "routes": [{"respond": 404}]})
    assert proxy.ask(target="/up").status == 200
    assert proxy.ask(target="/other").status == 308


def test_drain_delay(weir, backend):
    proxy = listening(weir, backend, **{"drain-delay": "1s"})
    kept = Client(proxy.address)
    assert kept.ask(target="/lb-ready").status == 200
    admin = Admin(proxy)
    assert admin.ask(target="/readyz").status == 200
    proxy.signal(signal.SIGTERM)
    begin = time.monotonic()
    eventually(lambda: any("not ready any more" in line for line in proxy.lines), "the delay")
    # Not ready, but alive and serving, old connections and new ones.
    assert kept.ask(target="/lb-ready").status == 503
    assert admin.ask(target="/readyz").status == 503
    assert admin.ask(target="/livez").status == 200
    assert kept.ask().status == 200 and proxy.ask().status == 200
    assert kept.ask().get("connection") is None
    assert proxy.wait() == 0
    assert time.monotonic() - begin >= 0.9


def test_a_second_signal_ends_the_delay(weir, backend):
    proxy = listening(weir, backend, **{"drain-delay": "1h"})
    proxy.signal(signal.SIGTERM)
    eventually(lambda: any("not ready any more" in line for line in proxy.lines), "the delay")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == 0


def test_over_http2(weir, backend):
    listener = {"address": "127.0.0.1:0", "http2": "cleartext", "ready-path": "/up"}
    proxy = weir({"listeners": [listener], "pools": {"main": {"servers": [backend().address]}}})
    client = H2Client(proxy)
    stream = client.open(target="/up")
    client.finish(stream)
    client.close()
    assert stream.status == 200


def test_a_start_without_all_workers(tmp_path):
    """The descriptors are enough for the mailboxes of all workers, but not for their pollers."""
    config = {"workers": 60, "listen": f"unix:{tmp_path}/a.sock", "routes": [{"respond": 404}]}
    proxy = Weir(config, tmp_path, descriptors=100)
    try:
        assert proxy.wait() == 1
    finally:
        proxy.kill()
    assert any("a worker cannot start" in line for line in proxy.lines), proxy.lines
    assert not proxy.urls and not proxy.faults(), proxy.lines
    assert not (tmp_path / "a.sock").exists()
