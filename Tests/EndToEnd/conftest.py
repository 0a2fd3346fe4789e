"""Fixtures: whatever a test starts ends with it, also where the test failed."""

import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import Backend, Weir, echo
from harness.backend import refused_address
from harness.certificates import Certificates
from harness.fixtures import sound, started
from harness.http2_server import H2Backend
from harness.nameserver import NameServer
from harness.secure import server_context


def pytest_collection_modifyitems(items):
    """The longest test begins first, or the others would be waited for it at the end."""
    items.sort(key=lambda item: "test_testssl" not in item.nodeid)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority and what it has signed, made once per run."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def backend():
    """`backend(script, name=…)` starts a backend; bytes that are no HTTP fail the test."""
    yield from sound(Backend)


@pytest.fixture
def backend2():
    """`backend2(handler, …)` starts one that speaks HTTP/2; what fails in it fails the test."""
    yield from sound(H2Backend)


@pytest.fixture
def secured(backend, certificates):
    """`secured(script, …)` starts a backend that speaks TLS; options are of `server_context`."""

    def start(script=echo, pair=None, name="a", **options):
        context = server_context(pair or certificates.site, **options)
        return backend(script, name=name, context=context)

    return start


@pytest.fixture
def gate():
    """An event that backends wait for before they answer; set at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(params=["tls", "cleartext"])
def carrier(request):
    """What HTTP/2 is carried by, which must make no difference."""
    return request.param


@pytest.fixture
def weir(tmp_path):
    """`weir(config, …)` starts the proxy and waits until it listens."""
    yield from proxies(tmp_path)


@pytest.fixture(scope="module")
def shared_weir(tmp_path_factory):
    """As `weir`, for tables whose rows leave nothing behind."""
    yield from proxies(tmp_path_factory.mktemp("weir"))


@pytest.fixture(scope="module")
def shared_backend():
    """As `backend`, for tables whose rows leave nothing behind."""
    yield from started(Backend)


def proxies(folder):
    started = []

    def start(config, listeners=1, **options):
        place = folder / f"weir-{len(started)}"
        place.mkdir()
        if isinstance(config, dict):
            config = {"workers": 2, "shutdown-timeout": "2s", **config}
        one = Weir(config, place, **options)
        started.append(one)
        return one.wait_until_listening(listeners) if listeners else one

    yield start
    problems = []
    for one in started:
        ended_before = one.process.poll()
        status = end(one)
        if ended_before not in (None, 0) or status != 0 or one.faults():
            problems.append(f"exit status {status} (before: {ended_before})\n" + "\n".join(one.lines))
    assert not problems, "the proxy did not end well: " + "\n\n".join(problems)


def end(one):
    """Ends a proxy without waiting for clients of the test that are still there."""
    for client in one.clients:
        client.close()
    if one.process.poll() is None:
        one.signal(signal.SIGTERM)
        try:
            return one.wait(5)
        except subprocess.TimeoutExpired:
            one.kill()
            return None
    return one.wait()


@pytest.fixture
def refused():
    """An address at which nothing listens."""
    holder, address = refused_address()
    yield address
    holder.close()


@pytest.fixture
def unreachable():
    """An address whose accept queue is full, so that connecting neither ends nor fails."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        waiting.append(one)
    time.sleep(0.05)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    for one in [*waiting, listener]:
        one.close()


@pytest.fixture
def names(tmp_path):
    """A name server that ends with the test."""
    server = NameServer(tmp_path / "names")
    yield server
    server.stop()


@pytest.fixture
def neighbours(backend):
    """`neighbours(count)` starts backends `a`, `b` … at 127.0.0.1, 127.0.0.2 … with one port."""

    def start(count):
        for _ in range(20):
            servers = [backend(name="a")]
            try:
                for number in range(1, count):
                    name, host = "abcdefgh"[number], f"127.0.0.{number + 1}"
                    servers.append(backend(name=name, host=host, port=servers[0].port))
            except OSError:
                continue
            return servers
        raise AssertionError("no port was free at all addresses")

    return start


@pytest.fixture(autouse=True)
def room_for_descriptors():
    """The tests hold both ends of what they open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
