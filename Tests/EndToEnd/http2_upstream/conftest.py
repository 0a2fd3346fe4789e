"""Servers are spoken to by HTTP/2 over TLS and in cleartext, which must make no difference."""

import pytest

from harness.http2_server import H2Backend, echo2


@pytest.fixture(params=["tls", "cleartext"])
def carrier(request):
    return request.param


@pytest.fixture
def server(carrier, certificates):
    """`server(handler, …)` starts a server that speaks HTTP/2; what fails in it fails the test."""
    yield from servers(certificates.site if carrier == "tls" else None)


@pytest.fixture
def clear_server():
    """As `server`, where the carrier makes no difference at all."""
    yield from servers(None)


def servers(pair):
    started = []

    def start(handler=echo2, **options):
        started.append(H2Backend(handler, pair=pair, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()
    for one in started:
        assert not one.problems, f"{one.name}: {one.problems}"


@pytest.fixture
def pooled2(carrier, certificates):
    """`pooled2(servers, …)` is a configuration with a pool of these, over HTTP/2."""
    tls = {"server-name": "example.test", "authority": str(certificates.authority.file)}
    how = {"http2": True, "tls": tls} if carrier == "tls" else {"http2": "cleartext"}
    return lambda *servers, **pool: configuration(servers, {**how, **pool})


@pytest.fixture
def clear2():
    """As `pooled2`, where the carrier makes no difference at all."""
    return lambda *servers, **pool: configuration(servers, {"http2": "cleartext", **pool})


def configuration(servers, pool):
    more = pool.pop("more", {})
    addresses = [one if isinstance(one, (str, dict)) else one.address for one in servers]
    return {
        "listeners": [{"address": "127.0.0.1:0", "http2": "cleartext"}],
        "pools": {"main": {"servers": addresses, **pool}},
        "workers": 1,
        **more,
    }
