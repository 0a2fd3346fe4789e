"""Listeners that come, go and change, and the connections that they brought."""

import os
import select
import signal
import socket
import stat
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from harness import Client, Closed, eventually, gated, scaled
from harness.checks import outcome_of, refuses
from harness.http2 import NO_ERROR, H2Client
from harness.loads import messages
from harness.reload import ADMIN, Reloader
from harness.secure import secure, secure_listener
from harness.setups import LOGGED


STAYS = {"address": "127.0.0.1:0", "name": "stays"}
GOES = {"address": "127.0.0.2:0", "name": "goes"}


@pytest.fixture
def two(weir, backend, gate):
    """A proxy with a listener that will stay and one that will go."""

    def start(goes=GOES, **more):
        server = backend(gated(gate, "/late"))
        config = {"servers": [server.address], "shutdown-timeout": "1m", **ADMIN, **more}
        proxy = weir({**config, "listeners": [STAYS, goes]}, listeners=2)
        return proxy, Reloader(proxy), server, {**config, "listeners": [STAYS]}

    return start


def test_a_listener_comes_and_goes(two):
    proxy, admin, _, without = two()
    stays, gone = proxy.client(), admin.listener("goes")
    assert stays.ask().status == 200
    assert admin.changed(without) == {("removed", "listeners[goes]")}
    assert refuses(gone) and stays.ask().get("connection") is None
    new = {"address": "127.0.0.3:0", "name": "new"}
    found = admin.changed({**without, "listeners": [new, STAYS]})
    assert ("added", "listeners[new]") in found
    client = Client(admin.listener("new"))
    assert client.ask().status == 200 and stays.ask().get("connection") is None
    client.close()


class TestConnectionsOfOneThatGoes:
    def test_running_answers_finish_and_say_close(self, two, gate):
        proxy, admin, server, without = two()
        clients = [proxy.client(listener=1) for _ in range(4)]
        for client in clients:
            client.send_request(target="/late")
        server.saw(4)
        admin.take(without)
        gate.set()
        for client in clients:
            response = client.response()
            assert (response.status, response.get("connection")) == (200, "close")
            assert client.ended()

    def test_a_last_request_is_served(self, two):
        proxy, admin, _, without = two()
        client = proxy.client(listener=1)
        assert client.ask().get("connection") is None
        admin.take(without)
        response = client.ask()
        assert (response.status, response.get("connection")) == (200, "close")
        assert client.ended()

    def test_idle_ones_wait_a_second(self, two):
        proxy, admin, _, without = two()
        used, never = proxy.client(listener=1), proxy.client(listener=1)
        assert used.ask().status == 200
        eventually(lambda: connections(admin, "goes") == 2, "both are accepted")
        start = time.monotonic()
        admin.take(without)
        assert used.ended() and never.ended()
        took = time.monotonic() - start
        assert 0.95 <= took < scaled(3), f"closed after {took:.2f} s"

    def test_so_do_encrypted_ones(self, two, certificates):
        proxy, admin, _, without = two({**secure_listener(certificates.site), **GOES})
        clients = [secure(proxy, listener=1) for _ in range(4)]
        for client in clients:
            assert client.ask().status == 200
        start = time.monotonic()
        admin.take(without)
        assert all(client.ended() for client in clients)
        took = time.monotonic() - start
        assert 0.95 <= took < scaled(3), f"closed after {took:.2f} s"

    def test_streams_get_goaway_and_finish(self, two, gate, certificates):
        goes = {**secure_listener(certificates.site), **GOES}
        proxy, admin, server, without = two(goes)
        client, idle = H2Client(proxy, listener=1), H2Client(proxy, listener=1)
        assert idle.ask().status == 200
        held = [client.open(target="/late") for _ in range(5)]
        server.saw(6)
        admin.take(without)
        client.until(lambda: client.goaways, "GOAWAY")
        gate.set()
        client.finish(*held)
        assert all(one.status == 200 for one in held)
        for one in (client, idle):
            while one.pump():
                pass
            assert one.goaways and all(code == NO_ERROR for code, _ in one.goaways)

    def test_what_runs_is_cut_when_its_time_is_over(self, two):
        proxy, admin, server, without = two(**{"shutdown-timeout": "700ms"}, **LOGGED)
        running, stays = proxy.client(listener=1), proxy.client()
        tunnel = messages(proxy.client(listener=1))
        running.send_request(target="/late")
        stays.send_request(target="/late")
        server.saw(2)
        start = time.monotonic()
        admin.take(without)
        with pytest.raises(Closed):
            running.response()
        took = time.monotonic() - start
        assert 0.65 <= took < scaled(3), f"cut after {took:.2f} s"
        assert outcome_of(proxy) == "shutdown"
        tunnel.close()
        # The other one is not.
        stays.sock.settimeout(0.3)
        with pytest.raises(AssertionError):
            stays.response()

    def test_what_the_kernel_has_accepted_is_served(self, two):
        proxy, admin, _, without = two(workers=1)
        for _ in range(5):
            assert proxy.client(listener=1).ask().status == 200
        address = admin.listener("goes")
        admin.write({"workers": 1, **without})
        proxy.signal(signal.SIGSTOP)
        clients = [Client(address) for _ in range(40)]
        for client in clients:
            client.send_request()
        proxy.signal(signal.SIGHUP)
        proxy.signal(signal.SIGCONT)
        for client in clients:
            assert client.response().status == 200
            client.close()
        eventually(lambda: refuses(address), "the listener is closed")


def connections(admin, name):
    """Connections to this listener now."""
    listeners = admin.json(target="/stats")["listeners"]
    return next(one["connections"] for one in listeners if one["name"] == name)


def test_a_place_that_another_listener_has_is_not_cut(two, gate):
    """The cut at shutdown-timeout means those who were there when their listener went."""
    proxy, admin, server, without = two(**{"shutdown-timeout": "500ms"})
    admin.take(without)
    # It gets the place, which is free by now.
    admin.take({**without, "listeners": [STAYS, {"address": "127.0.0.3:0", "name": "new"}]})
    client = Client(admin.listener("new"))
    client.send_request(target="/late")
    server.saw(1)
    # As a time that has to pass without anything happening.
    time.sleep(0.8)
    gate.set()
    assert client.response().status == 200
    client.close()


class TestUnixSockets:
    def start(self, weir, backend, tmp_path):
        config = {"servers": [backend().address], **ADMIN}
        listener = {"address": f"unix:{tmp_path}/weir.sock", "name": "unix"}
        proxy = weir({**config, "listeners": [STAYS, listener]}, listeners=2)
        return proxy, Reloader(proxy), config, listener

    def test_one_goes_and_returns(self, weir, backend, tmp_path):
        proxy, admin, config, listener = self.start(weir, backend, tmp_path)
        path = f"{tmp_path}/weir.sock"
        for _ in range(3):
            client = Client(path)
            assert client.ask().status == 200
            admin.take({**config, "listeners": [STAYS]})
            assert client.ask().get("connection") == "close" and client.ended()
            assert not os.path.exists(path)
            admin.take({**config, "listeners": [listener, STAYS]})
        client = Client(path)
        assert client.ask().status == 200
        client.close()

    def test_another_mode(self, weir, backend, tmp_path):
        proxy, admin, config, listener = self.start(weir, backend, tmp_path)
        path = f"{tmp_path}/weir.sock"
        client = Client(path)
        for mode in ("0600", "0666", "0660"):
            changed = {**listener, "socket-mode": mode}
            admin.take({**config, "listeners": [STAYS, changed]})
            assert stat.S_IMODE(os.stat(path).st_mode) == int(mode, 8)
            assert client.ask().get("connection") is None
            other = Client(path)
            assert other.ask().status == 200
            other.close()
        client.close()


class TestTLS:
    def test_on_and_off_at_one_address(self, weir, backend, certificates):
        clear = {"address": "127.0.0.1:0", "name": "one"}
        secured = {**secure_listener(certificates.site), "name": "one"}
        config = {"servers": [backend().address], **ADMIN}
        proxy = weir({**config, "listeners": [clear]})
        admin = Reloader(proxy)
        kept = proxy.client()
        for _ in range(2):
            admin.take({**config, "listeners": [secured]})
            # Those that stand go on as they began.
            assert kept.ask().get("connection") is None
            sealed = secure(proxy)
            assert sealed.ask().status == 200
            admin.take({**config, "listeners": [clear]})
            assert kept.ask().status == 200 and sealed.ask().status == 200
            assert proxy.ask().status == 200

    def test_another_certificate(self, weir, backend, certificates):
        config = {"servers": [backend().address], **ADMIN}
        proxy = weir({**config, "listeners": [secure_listener(certificates.site)]})
        admin = Reloader(proxy)
        kept, streams = secure(proxy), H2Client(proxy)
        admin.take({**config, "listeners": [secure_listener(certificates.other)]})
        assert kept.ask().status == 200 and streams.ask().status == 200
        assert not streams.goaways
        shown = secure(proxy, server_name="other.test").tls.getpeercert(binary_form=True)
        assert shown == certificates.other.certificate.public_bytes(Encoding.DER)


def test_bounds_and_order_change(weir, backend):
    first, second = STAYS, {"address": "127.0.0.2:0", "name": "second"}
    config = {"servers": [backend().address], **ADMIN}
    proxy = weir({**config, "listeners": [first, second]}, listeners=2)
    admin = Reloader(proxy)
    addresses = [admin.listener(name) for name in ("stays", "second")]
    clients = [Client(address) for address in addresses for _ in range(3)]
    assert all(client.ask().status == 200 for client in clients)
    bounded = {**second, "max-connections": 4, "backlog": 7}
    admin.take({**config, "listeners": [bounded, first]})
    assert [admin.listener(name) for name in ("stays", "second")] == addresses
    # An idle one, whichever worker has it, makes room for the fifth.
    more = []
    for _ in range(2):
        more.append(Client(addresses[1]))
        assert more[-1].ask().status == 200
    held = [*clients[3:], *more]
    eventually(lambda: sum(has_ended(client) for client in held) == 1, "room for the fifth")
    held = [client for client in held if not has_ended(client)]
    assert all(client.ask().status == 200 for client in [*clients[:3], *held])
    admin.take({**config, "listeners": [first, second]})
    more += [Client(addresses[1]) for _ in range(4)]
    assert all(client.ask().status == 200 for client in [*held, *more[2:]])
    for client in [*clients, *more]:
        client.close()


def has_ended(client):
    """Whether the other side has closed the connection, without waiting for it."""
    readable, _, _ = select.select([client.sock], [], [], 0)
    return bool(readable) and client.sock.recv(1, socket.MSG_PEEK) == b""


@pytest.mark.parametrize("wide", ["0.0.0.0", ""])
def test_an_address_becomes_wider_and_narrower(weir, backend, wide):
    """Both are at one port for a moment."""
    config = {"servers": [backend().address], **ADMIN}
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    proxy = weir({**config, "listen": f"127.0.0.1:{port}"})
    admin = Reloader(proxy)
    for host, address in [(wide, "127.0.0.9"), ("127.0.0.1", "127.0.0.1"), (wide, "127.0.0.1")]:
        admin.take({**config, "listen": f"{host}:{port}"})
        client = Client((address, port))
        assert client.ask().status == 200
        client.close()
    admin.take({**config, "listen": f"127.0.0.1:{port}"})
    assert refuses(("127.0.0.9", port))
