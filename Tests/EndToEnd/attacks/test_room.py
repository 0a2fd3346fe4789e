"""No room left for connections: no spinning, and everything goes on once there is room."""

import time

import pytest

from harness import Closed, eventually, scaled
from harness.setups import single

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


def assert_quiet(proxy):
    """The process uses under a tenth of a CPU over a while."""
    begun, used = time.monotonic(), proxy.cpu()
    eventually(lambda: time.monotonic() > begun + scaled(0.5), "a while")
    assert proxy.cpu() - used < 0.1 * (time.monotonic() - begun), proxy.lines[-5:]
    assert len(proxy.lines) < 20, "the log is flooded"


@pytest.mark.alone
def test_full_listener_beside_one_with_room(weir):
    listeners = [{"address": "127.0.0.1:0", "max-connections": 1}, "127.0.0.1:0"]
    proxy = weir({"listeners": listeners, "workers": 1, **RESPOND}, listeners=2)
    busy = proxy.client()
    busy.send("GET / HTTP/1.1\r\n")
    other = proxy.client(listener=1)
    assert other.ask().status == 200
    waiting = proxy.client()
    waiting.send_request()
    assert_quiet(proxy)
    assert other.ask().status == 200
    assert proxy.client(listener=1).ask().status == 200
    busy.close()
    assert waiting.response().status == 200


def status_or_end(client):
    try:
        return client.response().status
    except Closed:
        return None


@pytest.mark.alone
def test_descriptors_used_up(weir, backend):
    def script(connection):
        while (request := connection.request()) is not None:
            connection.backend.hold.append(request)
            eventually(lambda: connection.backend.released, "the release", within=60)
            connection.answer(body="done")

    server = backend(script)
    server.hold, server.released = [], False
    proxy = weir(
        single(server, workers=1, limits={"max-connections": 1000}), descriptors=64
    )
    clients = []
    for _ in range(60):
        clients.append(proxy.client())
        clients[-1].send_request()
    eventually(lambda: proxy.descriptors() >= 63, "all descriptors in use")
    assert_quiet(proxy)
    server.released = True
    statuses = [status_or_end(client) for client in clients]
    assert set(statuses) <= {200, 503, None} and statuses.count(200) > 15, statuses
    # A connection whose request had not come yet when room was needed counts as idle.
    assert statuses.count(None) <= 5, statuses


def test_slow_reader_of_an_own_answer_survives_a_drain(weir, tmp_path):
    size = 4 << 20
    page = tmp_path / "page.txt"
    page.write_bytes(b"x" * size)
    proxy = weir(
        {
            "listen": "127.0.0.1:0",
            "shutdown-timeout": "20s",
            "routes": [{"respond": {"file": str(page)}}],
        }
    )
    client = proxy.client(receive_buffer=4096)
    client.send_request()
    client.line()
    proxy.drain()
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + 1.5, "longer than an idle connection has")
    client.field_lines()
    assert client.exactly(size) == b"x" * size
    assert client.ended()
    assert proxy.wait(scaled(5)) == 0
