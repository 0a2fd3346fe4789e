"""What the tests of found servers share."""

import pytest

from harness.nameserver import NameServer


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
