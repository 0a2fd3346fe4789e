"""Servers that fail in one way or another, and pools that they stand in."""

import threading

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


class Meter:
    """How many requests servers have under way; each waits until it is let go."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = 0
        self.most = 0
        self.order = []
        self.free = threading.Semaphore(0)

    def let_go(self, count=1):
        """Lets so many requests be answered."""
        self.free.release(count)

    def enter(self, target):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.order.append(target)

    def leave(self):
        with self.lock:
            self.now -= 1

    def held(self, connection):
        """A script that holds each request until it is let go, and answers with its target."""
        while (request := connection.request()) is not None:
            self.enter(request.target)
            self.free.acquire(timeout=30)
            # Before the answer, or the next one could come in between.
            self.leave()
            connection.answer(body=request.target)
