"""Hostile frames, blocks and requests: each has its one answer, and others are served behind it.

The server behind is a strict reader of HTTP/1: what is no request by the letter fails a test.
"""

import pytest

from harness import eventually
from harness.frames import play
from harness.http2 import Frames
from harness.secure import secure_listener
from harness.setups import CLEARTEXT2
from http2 import hostile_frames, hostile_heads, hostile_hpack

CONNECTION = {
    **{f"hpack: {name}": case for name, case in hostile_hpack.CASES.items()},
    **{f"frames: {name}": case for name, case in hostile_frames.CASES.items()},
}
REQUESTS = {**hostile_heads.CASES, **hostile_heads.TAKEN}


@pytest.fixture(scope="module")
def setting(shared_weir, shared_backend):
    server = shared_backend()
    config = {"workers": 1, "listeners": [CLEARTEXT2], "servers": [server.address]}
    return shared_weir(config), server


@pytest.fixture(scope="module")
def secured(shared_weir, shared_backend, certificates):
    listener = secure_listener(certificates.site)
    return shared_weir({"workers": 1, "listeners": [listener], "servers": [shared_backend().address]})


def test_there_are_many():
    assert len(CONNECTION) > 100 and len(REQUESTS) > 150


@pytest.mark.parametrize("name", CONNECTION)
def test_connection(setting, name):
    proxy, _ = setting
    play(proxy, CONNECTION[name])
    assert proxy.ask(target="/other").status == 200


@pytest.mark.parametrize("name", list(CONNECTION)[::11])
def test_connection_over_tls(secured, name):
    play(secured, CONNECTION[name])


@pytest.mark.parametrize("name", REQUESTS)
def test_request(setting, name):
    proxy, server = setting
    row = REQUESTS[name]
    connections, before = len(server.connections), len(server.requests)
    old = {one: len(one.received) for one in server.connections}
    server.problems.clear()
    frames = Frames(proxy)
    frames.send(row.bytes(frames))
    outcome = frames.outcome()
    assert outcome in row.outcomes, outcome

    # The same client, then another one: no connection is out of step.
    frames.serves(3)
    frames.close()
    assert proxy.ask(target="/after").status == 200
    eventually(lambda: server.requests[-1].target == "/after", "the request behind")
    seen = [(one.method, one.target, one.body) for one in server.requests[before:-2]]
    expected = row.reaches if outcome == ("status", 200) else []
    if seen and outcome != ("status", 200):
        expected = [row.begins]
    assert seen == expected
    assert not server.problems, server.problems
    # Read as bytes too: a request line for each, one more where a body broke off.
    raw = b"".join(bytes(one.received[old.get(one, 0) :]) for one in server.connections)
    bodies = b"".join(body for _, _, body in expected)
    lines = raw.count(b" HTTP/1.1\r\n") - bodies.count(b" HTTP/1.1\r\n")
    broken = len(server.connections) - connections
    assert lines - len(expected) - 2 in range(broken + 1), raw
    assert b"\r\nevil:" not in raw and b"\r\nx: y" not in raw


def test_trailers_that_name_the_framing_stay_behind(setting):
    """RFC 9110 §6.5.1: a trailer section has no say in how a message is read."""
    proxy, server = setting
    row = REQUESTS["trailers that name the framing"]
    frames = Frames(proxy)
    frames.send(row.bytes(frames))
    if frames.outcome() == ("status", 200):
        names = {name.lower() for name, _ in server.requests[-1].trailers}
        assert not names & {"content-length", "host", "transfer-encoding"}
    frames.close()
