"""SIGTERM and SIGINT: what runs finishes, who is idle may ask once more, then it ends."""

import signal
import socket
import threading
import time

import pytest

from harness import DEADLINE, Client, Closed, eventually, gated, scaled
from harness.checks import outcome_of, refuses
from harness.setups import LOGGED, single
from harness.tunnels import UPGRADE, mirroring

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@SIGNALS
def test_without_connections_it_ends_at_once(weir, backend, number):
    proxy = weir(single(backend()))
    assert proxy.ask().status == 200
    start = time.monotonic()
    proxy.signal(number)
    assert proxy.wait() == 0
    assert time.monotonic() - start < scaled(0.9)


@SIGNALS
def test_running_requests_finish_and_say_close(weir, backend, gate, number):
    server = backend(gated(gate))
    proxy = weir({**single(server), "shutdown-timeout": "1m"})
    clients = [proxy.client() for _ in range(5)]
    for client in clients:
        client.send_request(target="/late")
    server.saw(5)
    proxy.drain(number)
    eventually(lambda: refuses(proxy.address), "the listener to be closed")
    time.sleep(scaled(1.3))
    assert proxy.process.poll() is None, "it ended before its requests"
    gate.set()
    for client in clients:
        response = client.response()
        assert (response.status, response.body) == (200, b"/late")
        assert response.get("connection") == "close"
        assert client.ended()
    last = time.monotonic()
    assert proxy.wait() == 0
    assert time.monotonic() - last < scaled(0.9), "it lived on behind the last request"


def test_an_answer_that_has_begun_is_sent_whole(weir, backend, gate):
    def script(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\nx")
        gate.wait(60)
        connection.send(b"y" * 1_999_999)

    proxy = weir({**single(backend(script)), "shutdown-timeout": "1m"})
    client = proxy.client()
    client.send_request()
    eventually(client.fill)
    proxy.drain()
    gate.set()
    assert len(client.response().body) == 2_000_000
    assert client.ended()
    assert proxy.wait() == 0


def test_a_body_that_is_still_coming_is_taken(weir, backend):
    server = backend()
    proxy = weir({**single(server), "shutdown-timeout": "1m"})
    client = proxy.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
    eventually(lambda: server.connections, "the request to reach the server")
    proxy.drain()
    client.send("67890")
    response = client.response()
    assert response.status == 200 and response.get("connection") == "close"
    assert proxy.wait() == 0
    assert server.requests[0].body == b"1234567890"


class TestIdle:
    def test_idle_connections_wait_a_second(self, weir, backend):
        proxy = weir({**single(backend()), "shutdown-timeout": "1m"})
        used, fresh = proxy.client(), proxy.client()
        assert used.ask().status == 200
        # The fresh one is accepted before the next is answered.
        assert proxy.ask().status == 200
        start = time.monotonic()
        proxy.signal(signal.SIGTERM)
        assert used.ended() and fresh.ended()
        took = time.monotonic() - start
        assert 0.95 <= took < scaled(3), f"closed after {took:.2f} s"
        assert proxy.wait() == 0

    def test_a_last_request_is_served(self, weir, backend):
        proxy = weir({**single(backend()), "shutdown-timeout": "1m"})
        clients = [proxy.client() for _ in range(5)]
        for client in clients:
            assert client.ask().get("connection") is None
        proxy.drain()
        for client in clients:
            response = client.ask()
            assert response.status == 200 and response.get("connection") == "close"
            assert client.ended()
        start = time.monotonic()
        assert proxy.wait() == 0
        assert time.monotonic() - start < scaled(0.9)

    def test_a_last_request_that_the_file_answers(self, weir):
        proxy = weir({"listen": "127.0.0.1:0", "routes": [{"respond": 200}]})
        client = proxy.client()
        assert client.ask().get("connection") is None
        proxy.drain()
        response = client.ask()
        assert response.status == 200 and response.get("connection") == "close"
        assert client.ended()
        assert proxy.wait() == 0

    def test_a_head_that_has_begun_may_end(self, weir, backend):
        proxy = weir({**single(backend()), "shutdown-timeout": "1m"})
        client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHo")
        assert proxy.ask().status == 200
        proxy.drain()
        client.send("st: a\r\n\r\n")
        response = client.response()
        assert response.status == 200 and response.get("connection") == "close"
        assert proxy.wait() == 0

    def test_of_pipelined_requests_the_first_says_close(self, weir, backend, gate):
        server = backend(gated(gate))
        proxy = weir({**single(server), "shutdown-timeout": "1m"})
        client = proxy.client()
        client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        server.saw(1)
        proxy.drain()
        gate.set()
        assert client.response().get("connection") == "close"
        assert client.ended()
        assert proxy.wait() == 0
        assert len(server.requests) == 1


def test_what_the_kernel_has_accepted_is_served(weir, backend):
    """Connections that wait in the accept queue when the signal comes lose nothing."""
    for _ in range(5):
        proxy = weir({"workers": 1, **single(backend()), "shutdown-timeout": "1m"})
        assert proxy.ask().status == 200
        proxy.signal(signal.SIGSTOP)
        clients = [proxy.client() for _ in range(40)]
        for client in clients:
            client.send_request()
        proxy.signal(signal.SIGTERM)
        proxy.signal(signal.SIGCONT)
        for client in clients:
            assert client.response().status == 200
        assert proxy.wait() == 0


def test_the_port_is_free_as_soon_as_it_drains(weir, backend, gate):
    server = backend(gated(gate))
    proxy = weir({**single(server), "shutdown-timeout": "1m"})
    client = proxy.client()
    client.send_request()
    server.saw(1)
    proxy.drain()
    eventually(lambda: refuses(proxy.address))
    successor = weir({"listen": "%s:%d" % proxy.address, "servers": [backend().address]})
    assert successor.ask().status == 200
    gate.set()
    assert client.response().status == 200
    assert proxy.wait() == 0


def test_a_successor_keeps_the_unix_socket(weir, backend, gate, tmp_path):
    server = backend(gated(gate))
    config = {**single(server), "listen": f"unix:{tmp_path / 'w.sock'}", "shutdown-timeout": "1m"}
    proxy = weir(config)
    client = proxy.client()
    client.send_request()
    server.saw(1)
    proxy.drain()
    eventually(lambda: refuses(proxy.address))
    successor = weir({**config, "servers": [backend().address]})
    gate.set()
    assert client.response().status == 200
    assert proxy.wait() == 0
    assert successor.ask().status == 200


def test_shutdown_timeout_cuts(weir, backend, gate):
    server = backend(gated(gate))
    seconds = scaled(1.5)
    config = {**single(server, **LOGGED), "shutdown-timeout": f"{seconds * 1000:.0f}ms"}
    proxy = weir(config)
    client = proxy.client()
    client.send_request()
    server.saw(1)
    start = time.monotonic()
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == 0
    took = time.monotonic() - start
    assert seconds * 0.95 <= took < seconds + DEADLINE
    with pytest.raises(Closed):
        client.response()
    assert outcome_of(proxy) == "shutdown"
    assert any("shutdown-timeout" in line for line in proxy.lines)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(weir, backend, gate, first, second):
    server = backend(gated(gate))
    proxy = weir({**single(server), "shutdown-timeout": "1m"})
    client = proxy.client()
    client.send_request()
    server.saw(1)
    proxy.drain(first)
    start = time.monotonic()
    proxy.signal(second)
    assert proxy.wait() == 0
    assert time.monotonic() - start < scaled(2)
    with pytest.raises(Closed):
        client.response()
    assert any("second signal" in line for line in proxy.lines)


def test_a_tunnel_is_cut_by_the_timeout_only(weir, backend):
    proxy = weir({**single(backend(mirroring)), "shutdown-timeout": f"{scaled(2) * 1000:.0f}ms"})
    client = proxy.client()
    assert client.ask(fields=UPGRADE).status == 101
    proxy.drain()
    time.sleep(scaled(1.2))
    client.send(b"still here")
    assert client.exactly(10) == b"still here"
    assert client.ended()
    assert proxy.wait() == 0


def test_it_drains_under_load_without_a_failed_request(weir, backend):
    """A request on a kept connection meets either an answer or a connection that was announced
    to close: none is lost."""
    proxy = weir({**single(backend()), "shutdown-timeout": "1m"})
    problems, counts, told = [], [], threading.Event()

    def work():
        client, count = Client(proxy.address), 0
        try:
            while True:
                response = client.ask()
                count += 1
                assert response.status == 200
                if response.get("connection") == "close":
                    assert told.is_set() and client.ended()
                    break
        except (AssertionError, Closed, OSError) as problem:
            problems.append(problem)
        counts.append(count)
        client.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    told.set()
    proxy.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(DEADLINE)
    assert not problems and len(counts) == 8 and min(counts) > 0
    assert proxy.wait() == 0
    with pytest.raises(ConnectionError):
        socket.create_connection(proxy.address, 1)
