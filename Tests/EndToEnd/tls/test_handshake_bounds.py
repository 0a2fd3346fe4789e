"""Bounds of handshakes: how many at once, and how many a second."""

import contextlib
import time

import pytest

from harness import scaled
from harness.admin import Admin
from harness.client import connect
from harness.secure import secure, secure_listener

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


def test_max_handshakes(weir, certificates):
    """Those beyond wait to be accepted; one more begins for each that ends."""
    listener = secure_listener(certificates.site, **{"max-handshakes": 3})
    proxy = weir({"listeners": [listener], "workers": 1, **RESPOND})
    served = secure(proxy)
    # Its handshake is done on the other side too.
    assert served.ask().status == 200
    waiting = []
    for _ in range(3):
        one = secure(proxy, handshake=False)
        waiting.append(one)
        one.sock.step()
        one.sock.flush()
        assert one.sock.raw.recv(1) == b"\x16"
    late = secure(proxy, handshake=False)
    late.sock.step()
    late.sock.flush()
    late.sock.raw.settimeout(scaled(0.5))
    with pytest.raises(TimeoutError):
        late.sock.receive()
    # Connections whose handshake is done do not count, and go on.
    assert served.ask().status == 200
    waiting.pop().sock.raw.close()
    late.sock.raw.settimeout(scaled(5))
    late.sock.handshake()
    assert late.ask().status == 200
    for one in waiting:
        one.sock.raw.close()


@pytest.mark.parametrize("first", [b"", b"\x16"])
def test_silent_connections_keep_nobody_waiting(weir, certificates, first):
    """Beyond `max-handshakes` the oldest goes whose client has said nothing whole."""
    listener = secure_listener(certificates.site, **{"max-handshakes": 3})
    proxy = weir({"listeners": [listener], "workers": 1, **RESPOND})
    silent = []
    for _ in range(5):
        silent.append(connect(proxy.address))
        silent[-1].sendall(first)
        begun = time.monotonic()
        assert secure(proxy).ask().status == 200
        assert time.monotonic() - begun < scaled(4)
    silent[0].settimeout(scaled(5))
    with contextlib.suppress(ConnectionResetError):
        assert silent[0].recv(1) == b""
    for one in silent:
        one.close()


def test_handshake_rate(weir, certificates):
    listener = secure_listener(certificates.site, **{"handshake-rate": "10/s"})
    proxy = weir({"listeners": [listener], "workers": 1, "admin": "127.0.0.1:0", **RESPOND})
    begun = time.monotonic()
    for _ in range(21):
        secure(proxy).close()
    assert 1.5 < time.monotonic() - begun < scaled(6)
    pauses = Admin(proxy).stats()["listeners"][0]["accept-pauses"]
    assert pauses["handshakes"] > 0 == pauses["connections"]
