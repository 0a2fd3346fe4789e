"""Pools that are spoken to by HTTP/2, whose connections carry many requests."""

import time

import pytest

from harness import eventually, scaled
from harness.http2 import H2Client
from harness.loads import Loads, kept, streams
from harness.reload import ADMIN, Reloader


@pytest.fixture
def servers(backend2, gate):
    """Two servers that speak HTTP/2; requests for `/late` wait for the gate."""

    def handler(request):
        request.whole()
        if request.target == "/late":
            gate.wait(30)
        request.answer(body=request.target)

    return [backend2(handler, name=name) for name in ("one", "two")]


def file(*servers, shutdown="1m", **keys):
    pool = {"servers": [one.address for one in servers], "http2": "cleartext", **keys}
    return {
        "workers": 1,
        "listeners": [{"address": "127.0.0.1:0", "http2": "cleartext"}],
        "pools": {"main": {"slow-start": "0s", **pool}},
        "shutdown-timeout": shutdown,
        **ADMIN,
    }


@pytest.mark.parametrize(
    "also",
    [{}, {"balance": "random"}, {"http2": False, "balance": "random"}],
    ids=["kept", "replaced", "HTTP/1"],
)
def test_streams_finish_where_they_began(weir, backend, servers, gate, also):
    one, two = servers
    proxy = weir(file(one))
    admin = Reloader(proxy)
    client, plain = H2Client(proxy), proxy.client()
    held = [client.open(target="/late") for _ in range(20)]
    plain.send_request(target="/late")
    eventually(lambda: len(one.requests) == 21, "all at the server")
    other = backend(name="plain") if "http2" in also else two
    admin.take(file(other, **also))
    assert client.ask(target="/now").status == 200
    assert len(one.requests) == 21
    gate.set()
    client.finish(*held)
    assert [answer.status for answer in held] == [200] * 20 and not client.goaways
    assert plain.response().body == b"/late"
    eventually(lambda: one.open_connections == 0, "its carrier ends")


def test_a_carrier_to_one_that_stays_is_kept(weir, servers):
    one, two = servers
    proxy = weir(file(one))
    admin = Reloader(proxy)
    client = H2Client(proxy)
    with Loads() as loads:
        loads.run("streams", streams, H2Client(proxy))
        loads.run("plain", kept, proxy.client())
        for number in range(8):
            admin.take(file(one, two) if number % 2 == 0 else file(one))
            for _ in range(4):
                assert client.ask().status == 200
            loads.progress()
        loads.end()
    assert len(one.connections) == 1 and len(two.connections) <= 4
    assert not client.goaways


def test_streams_are_cut_when_their_time_is_over(weir, servers):
    one, two = servers
    proxy = weir(file(one, shutdown="600ms"))
    admin = Reloader(proxy)
    client = H2Client(proxy)
    held = [client.open(target="/late") for _ in range(5)]
    eventually(lambda: len(one.requests) == 5, "all at the server")
    start = time.monotonic()
    admin.take(file(two, shutdown="600ms"))
    for answer in held:
        client.until(lambda: answer.over, "its end")
    assert 0.55 <= time.monotonic() - start < scaled(3)
    # The client's connection is not the server's.
    assert client.ask().status == 200 and not client.goaways
    eventually(lambda: one.open_connections == 0, "its carrier ends")


def test_pools_are_made_anew_under_load(weir, servers):
    one, two = servers
    proxy = weir({**file(one, two), "workers": 2})
    admin = Reloader(proxy)
    with Loads() as loads:
        for number in range(2):
            loads.run(f"streams {number}", streams, H2Client(proxy))
            loads.run(f"plain {number}", kept, proxy.client())
        for number in range(20):
            keys = {"timeouts": {"response": f"{number + 5}s"}}
            config = file(*([one, two][: 1 + number % 2]), **keys)
            admin.take({**config, "workers": 2})
            loads.progress()
        loads.end()
    eventually(lambda: one.open_connections + two.open_connections <= 4, "old carriers end")
