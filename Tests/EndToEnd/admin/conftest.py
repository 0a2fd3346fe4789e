"""A proxy to watch: three servers under load, each of which can be made slow."""

import threading
import time

import pytest

from harness import echo
from harness.admin import Admin
from harness.steady import Steady


class Slowable:
    """A script of the `echo` backend that takes its time while it is told to."""

    def __init__(self, seconds=0.2):
        self.seconds = seconds
        self.is_slow = threading.Event()

    def __call__(self, connection):
        request = connection.request

        def slowed():
            found = request()
            if found is not None and self.is_slow.is_set():
                time.sleep(self.seconds)
            return found

        connection.request = slowed
        echo(connection)


@pytest.fixture
def served(weir, backend):
    """The proxy, its admin API, its servers."""
    servers = [backend(Slowable(), name=name) for name in ("alder", "birch", "cedar")]
    pool = {"servers": [one.address for one in servers], "health": {"kind": "tcp", "every": "200ms"}}
    proxy = weir(
        {"workers": 2, "listen": "127.0.0.1:0", "pools": {"main": pool}, "admin": "127.0.0.1:0"}
    )
    load = Steady(proxy, clients=2, pause=0.002)
    yield proxy, Admin(proxy), servers
    load.end()


@pytest.fixture
def routed(weir, backend):
    """A proxy with two routes over one backend, and its admin API."""

    def start(server=None, **more):
        server = server or backend()
        config = {
            "workers": 2,
            "listeners": [{"address": "127.0.0.1:0", "name": "public"}],
            "routes": [
                {"name": "own", "match": "=/own", "respond": {"status": 418, "body": "teapot"}},
                {"name": "api", "match": "/api/", "pool": "main"},
            ],
            "pools": {"main": {"servers": [server.address]}},
            "admin": "127.0.0.1:0",
            **more,
        }
        proxy = weir(config)
        return proxy, Admin(proxy), server

    return start
