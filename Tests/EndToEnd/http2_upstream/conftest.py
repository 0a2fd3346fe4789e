"""Servers are spoken to by HTTP/2 over TLS and in cleartext, which must make no difference."""

from functools import partial

import pytest

from harness.setups import CLEARTEXT2, addresses, pool2


@pytest.fixture
def server(backend2, carrier, certificates):
    """As `backend2`, by the carrier."""
    return partial(backend2, pair=certificates.site if carrier == "tls" else None)


@pytest.fixture
def pooled2(carrier, certificates):
    """`pooled2(servers, …)` is a configuration with a pool of these, over HTTP/2."""
    how = pool2(carrier, certificates)
    return lambda *servers, **pool: configuration(servers, {**how, **pool})


@pytest.fixture
def clear2():
    """As `pooled2`, where the carrier makes no difference at all."""
    return lambda *servers, **pool: configuration(servers, {"http2": "cleartext", **pool})


def configuration(servers, pool):
    more = pool.pop("more", {})
    return {
        "listeners": [CLEARTEXT2],
        "pools": {"main": {"servers": addresses(servers), **pool}},
        "workers": 1,
        **more,
    }
