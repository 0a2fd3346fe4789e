"""Idle connections by TLS: they give their record buffers back, serve again, and end in time."""

import select
import time

import pytest

from harness import scaled
from harness.http2 import H2Client
from harness.secure import secure, secure_listener

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


def stays_silent(client, seconds):
    """Whether nothing comes, the end neither, for so long."""
    return not select.select([client.sock], [], [], seconds)[0]


@pytest.fixture
def proxy(weir, certificates):
    return weir(
        {
            "listeners": [secure_listener(certificates.site)],
            "timeouts": {"keep-alive": "1500ms"},
            **RESPOND,
        }
    )


def test_serves_after_a_rest(proxy):
    client = secure(proxy)
    for _ in range(3):
        assert client.ask().body == b"hi"
        assert stays_silent(client, 0.4)
    assert client.ask().body == b"hi"


def test_ends_in_time_after_a_rest(proxy):
    client = secure(proxy)
    assert client.ask().status == 200
    begun = time.monotonic()
    assert client.rest() == b""
    assert 1.2 < time.monotonic() - begun < scaled(6)


def test_streams_after_a_rest(proxy):
    client = H2Client(proxy)
    for _ in range(3):
        assert client.ask().status == 200
        while select.select([client.stream.sock], [], [], 0.4)[0]:
            assert client.pump(), "the connection ended early"
    begun = time.monotonic()
    while client.pump():
        pass
    assert 0.5 < time.monotonic() - begun < scaled(6)
