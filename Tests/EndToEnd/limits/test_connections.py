"""Bounds on connections: by client, by listener, in all, and by descriptors."""

import contextlib
import resource
import selectors
import socket
import time

import pytest

from harness import Client, Closed, eventually, gated, scaled
from harness.admin import Admin
from harness.setups import single


def from_source(proxy, source):
    """A connection whose client address is `source`."""
    sock = socket.create_connection(proxy.address, source_address=(source, 0))
    client = Client.__new__(Client)
    super(Client, client).__init__(sock, scaled(10))
    proxy.clients.append(client)
    return client


def served(client):
    with contextlib.suppress(Closed, OSError):
        return client.ask().status == 200
    return False


class TestPerClient:
    BOUND = 3

    def start(self, weir, backend, **more):
        limits = {"max-connections-per-client": self.BOUND}
        return weir(single(backend(), limits=limits, **more))

    def test_at_the_bound_and_one_past_it(self, weir, backend):
        proxy = self.start(weir, backend, admin="127.0.0.1:0")
        held = [from_source(proxy, "127.0.0.5") for _ in range(self.BOUND)]
        assert all(served(client) for client in held)
        assert from_source(proxy, "127.0.0.5").ended()
        assert all(served(client) for client in held)
        (listener,) = Admin(proxy).stats()["listeners"]
        assert listener["connections-refused"] == 1
        name = f'weir_connections_refused_total{{listener="{listener["name"]}"}}'
        assert Admin(proxy).metrics()[name] == 1

    def test_each_address_has_its_own(self, weir, backend):
        proxy = self.start(weir, backend)
        for last in range(5, 15):
            held = [from_source(proxy, f"127.0.0.{last}") for _ in range(self.BOUND)]
            assert all(served(client) for client in held)
        assert from_source(proxy, "127.0.0.5").ended()

    def test_who_leaves_makes_room(self, weir, backend):
        proxy = self.start(weir, backend)
        held = [from_source(proxy, "127.0.0.5") for _ in range(self.BOUND)]
        assert all(served(client) for client in held)
        for client in held:
            client.close()
            eventually(lambda: served(from_source(proxy, "127.0.0.5")), "room for one more")
            proxy.clients.pop().close()

    def test_trusted_proxies_are_exempt(self, weir, backend):
        proxy = self.start(weir, backend, **{"trusted-proxies": ["127.0.0.9/32"]})
        held = [from_source(proxy, "127.0.0.9") for _ in range(self.BOUND * 3)]
        assert all(served(client) for client in held)
        others = [from_source(proxy, "127.0.0.5") for _ in range(self.BOUND)]
        assert all(served(client) for client in others)
        assert from_source(proxy, "127.0.0.5").ended()


def bounded(kind, bound, server):
    """A file in which this many connections are allowed, by either key."""
    if kind == "listener":
        return {
            "workers": 1,
            "listeners": [{"address": "127.0.0.1:0", "max-connections": bound}],
            "servers": [server.address],
        }
    return {"workers": 1, **single(server, limits={"max-connections": bound})}


@pytest.mark.parametrize("kind", ["listener", "limits"])
class TestInAll:
    BOUND = 4

    def test_the_oldest_idle_one_closes_first(self, weir, backend, kind):
        proxy = weir(bounded(kind, self.BOUND, backend()))
        held = [proxy.client() for _ in range(self.BOUND)]
        assert all(served(client) for client in held)
        # The first has been used again, so the second is the one that waits longest.
        assert served(held[0])
        newcomer = proxy.client()
        assert served(newcomer)
        assert held[1].ended()
        for client in [held[2], held[3], held[0], newcomer]:
            assert served(client)

    def test_beyond_busy_ones_accepting_waits(self, weir, backend, gate, kind):
        server = backend(gated(gate))
        proxy = weir({**bounded(kind, self.BOUND, server), "admin": "127.0.0.1:0"})
        held = [proxy.client() for _ in range(self.BOUND)]
        for number, client in enumerate(held):
            client.send_request()
            server.saw(number + 1)
        waiting = [proxy.client() for _ in range(3)]
        for client in waiting:
            client.send_request()
        before = proxy.cpu()
        time.sleep(scaled(1))
        assert proxy.cpu() - before < scaled(0.1), "it spins while it waits for room"
        assert len(server.requests) == self.BOUND, "more were accepted than may be"
        (listener,) = Admin(proxy).stats()["listeners"]
        assert listener["accept-pauses"] == {"connections": 1, "handshakes": 0}
        gate.set()
        assert all(client.response().status == 200 for client in [*held, *waiting])

    def test_a_bound_does_not_leak(self, weir, backend, kind):
        proxy = weir(bounded(kind, 2, backend()))
        for _ in range(30):
            client = proxy.client()
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nBad Field: x\r\n\r\n")
            client.reset()
            assert proxy.ask().status == 200


def test_a_full_listener_leaves_others_alone(weir, backend, gate):
    server = backend(gated(gate))
    full = {"name": "full", "address": "127.0.0.1:0", "max-connections": 1}
    free = {"name": "free", "address": "127.0.0.1:0"}
    config = {
        "workers": 1,
        "listeners": [full, free],
        "routes": [{"match": "/slow", "pool": "main"}, {"respond": 200}],
        "pools": {"main": [server.address]},
    }
    proxy = weir(config, listeners=2)
    first = proxy.client(0)
    first.send_request(target="/slow")
    server.saw(1)
    second = proxy.client(0)
    second.send_request()
    other = proxy.client(1)
    assert served(other), "the other listener pauses too"
    before = proxy.cpu()
    time.sleep(scaled(1))
    assert proxy.cpu() - before < scaled(0.1), "it spins while one listener is full"
    assert served(other)
    gate.set()
    assert first.response().status == 200 and second.response().status == 200


def test_idle_connections_of_all_workers_make_room(weir, backend):
    """Whichever worker a newcomer lands on, the idle connection gives way to it."""
    proxy = weir({"workers": 2, **single(backend(), limits={"max-connections": 1})})
    held = [proxy.client()]
    assert served(held[0])
    for _ in range(30):
        held.append(proxy.client())
        assert served(held[-1]), "the idle connection of another worker kept its place"
        assert held[-2].ended()


class TestDescriptors:
    """32 of 96 are kept for control, half of the rest is for clients: 32."""

    LIMIT, ROOM = 96, 32

    def test_the_oldest_idle_one_closes_first(self, weir, backend):
        proxy = weir({"workers": 1, **single(backend())}, descriptors=self.LIMIT)
        held = [proxy.client() for _ in range(self.ROOM)]
        assert all(served(client) for client in held)
        assert all(served(client) for client in held)
        for number in range(5):
            assert served(proxy.client())
            assert held[number].ended()
        assert all(served(client) for client in held[5:])

    @pytest.mark.parametrize("workers", [1, 2])
    def test_busy_ones_keep_theirs_and_the_rest_waits(self, weir, backend, gate, workers):
        server = backend(gated(gate))
        proxy = weir({"workers": workers, **single(server)}, descriptors=self.LIMIT)
        clients = []
        for number in range(self.ROOM):
            clients.append(proxy.client())
            clients[-1].send_request()
            server.saw(number + 1)
        for _ in range(self.ROOM * 2):
            clients.append(proxy.client())
            clients[-1].send_request()
        before = proxy.cpu()
        time.sleep(scaled(1))
        assert proxy.cpu() - before < scaled(0.1), "it spins while it waits for descriptors"
        assert len(server.requests) == self.ROOM
        assert proxy.descriptors() <= self.LIMIT
        gate.set()
        assert all(client.response().status == 200 for client in clients)
        for client in clients:
            client.close()
        assert proxy.ask().status == 200


@pytest.mark.alone
def test_ten_thousand_connections(weir, backend):
    """As many as the machine's descriptor limit leaves room for, at most ten thousand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, (hard - 32) // 2 - 20)
    assert count >= 9500, f"the hard limit of {hard} descriptors is too low for this test"
    proxy = weir(single(backend()))
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    clients = []
    try:
        for number in range(count):
            source = (f"127.0.0.{2 + number % 8}", 0)
            clients.append(socket.create_connection(proxy.address, 30, source))
        for _ in range(2):
            for sock in clients:
                sock.sendall(request)
            assert answered(clients) == count
        before = proxy.cpu()
        time.sleep(scaled(1))
        assert proxy.cpu() - before < scaled(0.1), "idle connections cost CPU"
        clients[0].sendall(request)
        assert answered(clients[:1]) == 1
    finally:
        for sock in clients:
            sock.close()
    eventually(lambda: proxy.descriptors() < 200, "the descriptors to be given back")
    assert proxy.ask().status == 200


def answered(clients):
    """How many of these get a whole answer with status 200."""
    good = 0
    with selectors.DefaultSelector() as selector:
        for sock in clients:
            selector.register(sock, selectors.EVENT_READ, bytearray())
        end = time.monotonic() + scaled(60)
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(1):
                data = key.fileobj.recv(65536)
                key.data.extend(data)
                head, blank, body = bytes(key.data).partition(b"\r\n\r\n")
                whole = blank and body.endswith(b"}")
                if not data or whole:
                    good += bool(whole) and head.startswith(b"HTTP/1.1 200 ")
                    selector.unregister(key.fileobj)
    return good
