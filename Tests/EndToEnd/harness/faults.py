"""Servers that fail in one way or another, and pools that they stand in."""

import socket
import threading
import time

from harness.backend import echo
from harness.setups import LOGGED, pooled


def resetting(connection):
    """Reads a request and resets the connection."""
    if connection.request() is not None:
        connection.reset()


def closing(connection):
    """Reads a request and closes the connection."""
    connection.request()


def silent(connection):
    """Reads a request and never answers."""
    if connection.request() is not None:
        connection.rest()


def saying(status, *fields, body=b"no"):
    """A script that answers every request with this status."""

    def script(connection):
        while (request := connection.request()) is not None:
            shown = b"" if request.method == "HEAD" else body
            connection.answer(status, body=shown, fields=fields, reason="No")

    return script


def first(count, fault, then=echo):
    """A script whose first `count` connections meet a fault; later ones are served well."""

    def script(connection):
        (fault if connection.number < count else then)(connection)

    return script


def standing_in(bad, good, **pool):
    """A pool that asks `bad` first and `good` after it, with one worker, and nobody ejected."""
    servers = [bad, *(good if isinstance(good, list) else [good])]
    entries = [
        {"address": one if isinstance(one, str) else one.address, "priority": place}
        for place, one in enumerate(servers)
    ]
    return {"workers": 1, **pooled(entries, {"ejection": "off", **pool}, **LOGGED)}


def established(servers):
    """How many connections to these servers stand, as the kernel sees it."""
    return sum(_is_established(one.sock) for server in servers for one in server.connections)


def _is_established(sock):
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1
    except OSError:
        return False


class Meter:
    """How many requests and connections servers have at once.

    A request that was given up with its connection is none. Each waits until it is let go, unless
    `hold` is false.
    """

    def __init__(self, hold=True, pause=lambda: 0):
        self.lock = threading.Lock()
        self.hold = hold
        self.pause = pause
        self.busy = set()
        self.most = 0
        self.most_connections = 0
        self.order = []
        self.servers = []
        self.free = threading.Semaphore(0)

    def let_go(self, count=1):
        """Lets so many requests be answered."""
        self.free.release(count)

    @property
    def now(self):
        """Requests under way."""
        with self.lock:
            return self._count()

    def _count(self):
        return sum(_is_established(one.sock) for one in self.busy)

    def enter(self, connection, target):
        with self.lock:
            self.busy.add(connection)
            self.most = max(self.most, self._count())
            self.most_connections = max(self.most_connections, established(self.servers))
            self.order.append(target)

    def leave(self, connection):
        with self.lock:
            self.busy.discard(connection)

    def __call__(self, connection):
        """A script that holds each request, and answers with its target."""
        if connection.backend not in self.servers:
            self.servers.append(connection.backend)
        while (request := connection.request()) is not None:
            self.enter(connection, request.target)
            time.sleep(self.pause())
            if self.hold:
                self.free.acquire(timeout=30)
            # Before the answer, or the next one could come in between.
            self.leave(connection)
            connection.answer(body=request.target)
