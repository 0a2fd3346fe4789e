"""gRPC over TLS and in cleartext on both sides, which must make no difference."""

from functools import partial

import pytest

from harness.calls import Server, Stub
from harness.fixtures import started
from harness.setups import LOGGED, addresses, listener2, pool2


@pytest.fixture
def clear_server():
    """`clear_server(…)` starts a server in cleartext."""
    yield from started(Server)


@pytest.fixture
def server(clear_server, carrier, certificates):
    """As `clear_server`, by the carrier."""
    return partial(clear_server, certificates.site if carrier == "tls" else None)


@pytest.fixture
def stub(weir):
    """`stub(proxy, …)` makes a client, which is closed before its proxy ends."""
    yield from started(Stub)


@pytest.fixture
def through(weir, stub, carrier, certificates):
    """`through(servers, …)` starts the proxy before these; returns it and a client."""
    return partial(begin, weir, stub, carrier, certificates)


@pytest.fixture
def clear_through(weir, stub, certificates):
    """As `through`, where the carrier makes no difference at all."""
    return partial(begin, weir, stub, "cleartext", certificates)


def begin(weir, stub, carrier, certificates, *servers, more=None, **pool):
    keys = {"servers": addresses(servers), **pool2(carrier, certificates), **pool}
    listeners = [listener2(carrier, certificates)]
    proxy = weir({"listeners": listeners, "pools": {"main": keys}, **LOGGED, **(more or {})})
    return proxy, stub(proxy, certificates.authority if carrier == "tls" else None)
