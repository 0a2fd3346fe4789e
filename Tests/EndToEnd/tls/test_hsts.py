"""`hsts`: told in answers to https, and in no other."""

import pytest

from harness import answer, fixed
from harness.http2 import H2Client
from harness.secure import client_context, secure, secure_listener

NAME = "strict-transport-security"


@pytest.fixture
def proxy(weir, backend, certificates, refused):
    other = [("Strict-Transport-Security", "max-age=1")]
    sayer = backend(fixed(answer(body="hi", fields=other)), name="sayer")
    return weir(
        {
            "listeners": [secure_listener(certificates.site), {"address": "127.0.0.1:0"}],
            "routes": [
                {"match": "/fixed", "respond": {"body": "b"}, "hsts": "365d"},
                {"match": "/moved", "redirect": "https://a.test", "hsts": "1h"},
                {"match": "/server", "pool": "sayer", "hsts": "730d"},
                {"match": "/forget", "pool": "sayer", "hsts": "0s"},
                {"match": "/dead", "pool": "dead", "hsts": "1h"},
                {"match": "/off", "pool": "sayer"},
            ],
            "pools": {"sayer": [sayer.address], "dead": {"servers": [refused], "retries": 1}},
        },
        listeners=2,
    )


TOLD = {
    "/fixed": (200, ["max-age=31536000"]),
    "/moved": (302, ["max-age=3600"]),
    "/server": (200, ["max-age=63072000"]),
    "/forget": (200, ["max-age=0"]),
    "/dead": (503, ["max-age=3600"]),
    "/off": (200, ["max-age=1"]),
    "/unknown": (404, []),
}


@pytest.mark.parametrize("http2", [False, True], ids=["1.1", "2"])
def test_by_https(proxy, http2):
    client = H2Client(proxy, context=client_context(alpn=["h2"])) if http2 else secure(proxy)
    for target, (status, values) in TOLD.items():
        found = client.ask(target=target)
        assert (found.status, found.all(NAME)) == (status, values), target


def test_not_in_the_clear(proxy):
    """What the server says of itself is left as it is."""
    client = proxy.client(1)
    for target, (status, _) in TOLD.items():
        found = client.ask(target=target)
        own = ["max-age=1"] if target in ("/server", "/forget", "/off") else []
        assert (found.status, found.all(NAME)) == (status, own), target


def test_behind_a_proxy_that_speaks_https(weir, backend):
    config = {
        "listen": "127.0.0.1:0",
        "trusted-proxies": ["loopback"],
        "routes": [{"pool": "main", "hsts": "1h"}],
        "pools": {"main": [backend().address]},
    }
    client = weir(config).client()
    assert client.ask(fields=[("X-Forwarded-Proto", "https")]).all(NAME) == ["max-age=3600"]
    assert client.ask(fields=[("X-Forwarded-Proto", "http")]).all(NAME) == []
    assert client.ask().all(NAME) == []
