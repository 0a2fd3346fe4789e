"""gRPC over TLS and in cleartext on both sides, which must make no difference."""

import pytest

from harness.calls import Server, Stub
from harness.secure import secure_listener


@pytest.fixture(params=["tls", "cleartext"])
def carrier(request):
    return request.param


@pytest.fixture
def server(carrier, certificates):
    yield from servers(certificates.site if carrier == "tls" else None)


@pytest.fixture
def clear_server():
    yield from servers(None)


def servers(pair):
    started = []

    def start(**options):
        started.append(Server(pair, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def through(weir, carrier, certificates):
    """`through(servers, …)` starts the proxy before these; returns it and a client."""
    yield from proxies(weir, carrier, certificates)


@pytest.fixture
def clear_through(weir, certificates):
    yield from proxies(weir, "cleartext", certificates)


def proxies(weir, carrier, certificates):
    stubs = []

    def start(*servers, more=None, **pool):
        if carrier == "tls":
            listener = secure_listener(certificates.site)
            tls = {"server-name": "example.test", "authority": str(certificates.authority.file)}
            how = {"http2": True, "tls": tls}
        else:
            listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
            how = {"http2": "cleartext"}
        addresses = [one if isinstance(one, str) else one.address for one in servers]
        proxy = weir(
            {
                "listeners": [listener],
                "pools": {"main": {"servers": addresses, **how, **pool}},
                "log": {"access": {"to": "stdout", "format": "json"}},
                **(more or {}),
            }
        )
        stubs.append(Stub(proxy, certificates.authority if carrier == "tls" else None))
        return proxy, stubs[-1]

    yield start
    for one in stubs:
        one.close()
