"""Kept upstream connections, and what happens when the server has closed one."""

import threading

import pytest

from harness import Client, answer, eventually
from harness.backend import refused_address
from harness.checks import assert_own_answer
from harness.setups import LOGGED, Seen, pooled, single


def limited(count):
    """A server that closes each connection behind its `count`-th answer, without a word."""

    def script(connection):
        for _ in range(count):
            if connection.request() is None:
                return
            connection.answer(body="x")

    return script


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_the_server_closed_is_replaced_unseen(weir, backend, method):
    server = backend(limited(1))
    client = weir({"workers": 1, **single(server)}).client()
    body = b"hello" if method == "POST" else None
    for number in range(30):
        if number % 2 or method == "POST":  # a POST that races with the end may not be repeated
            eventually(lambda: server.open_connections == 0)
        assert client.ask(method, body=body).body == b"x"
    assert len(server.requests) == 30


def closing_on_the_next(connection):
    """The first connection answers once; the next request's arrival makes it close unanswered."""
    while (request := connection.request()) is not None:
        connection.answer(body="" if request.method == "HEAD" else "x")
        if connection.number == 0:
            connection.fill()
            connection.backend.raced += 1
            return


def test_a_get_that_met_a_closing_connection_is_sent_again(weir, backend):
    server = backend(closing_on_the_next)
    server.raced = 0
    client = weir({"workers": 1, **single(server)}).client()
    assert client.ask().body == b"x"
    assert client.ask().body == b"x"
    assert server.raced == 1


def test_a_post_that_met_a_closing_connection_is_not_sent_again(weir, backend):
    server = backend(closing_on_the_next)
    server.raced = 0
    client = weir({"workers": 1, **single(server)}).client()
    assert client.ask().body == b"x"
    assert_own_answer(client.ask("POST", body=b"once"), 502, "upstream-reset")
    assert server.raced == 1
    assert not [one for one in server.requests if one.method == "POST"]
    assert client.ask("POST", body=b"again").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_idempotent_methods_are_sent_again(weir, backend, method):
    server = backend(closing_on_the_next)
    server.raced = 0
    client = weir({"workers": 1, **single(server)}).client()
    assert client.ask().body == b"x"
    assert client.ask(method, body=b"z" if method == "PUT" else None).status == 200
    assert server.raced == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "get"])
def test_other_methods_are_never_sent_twice(weir, backend, method):
    def script(connection):
        connection.request()
        connection.reset()

    server = backend(script)
    assert_own_answer(weir(single(server)).ask(method, body=b"x"), 502, "upstream-reset")
    assert len(server.requests) == 1


def test_attempts_are_counted(weir, backend):
    def script(connection):
        connection.request()
        connection.reset()

    servers = [backend(script) for _ in range(4)]
    proxy = weir(pooled(servers, {"retries": {"attempts": 2}}, **LOGGED))
    assert_own_answer(proxy.ask(), 502, "upstream-reset")
    assert sum(len(server.requests) for server in servers) == 2
    assert proxy.access()[0]["tries"] == 2


def test_a_lone_server_is_tried_again(weir, backend):
    def script(connection):
        connection.request()
        if connection.number == 0:
            connection.reset()
        connection.answer(body="x")

    server = backend(script)
    assert weir(single(server)).ask().body == b"x"
    assert len(server.requests) == 2


def test_a_retry_goes_to_another_server(weir, backend):
    def script(connection):
        connection.request()
        connection.reset()

    bad, good = backend(script, name="bad"), backend(name="good")
    client = weir({"workers": 1, **pooled([bad, good], {})}).client()
    for _ in range(10):
        assert Seen(client.ask())["backend"] == "good"
    assert len(bad.requests) >= 4


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_failed_connect_goes_to_another_server(weir, backend, method):
    held, address = refused_address()
    good = backend(name="good")
    client = weir({"workers": 1, **pooled([address, good], {})}).client()
    for _ in range(10):
        body = b"x" * 30_000 if method == "POST" else None
        assert Seen(client.ask(method, body=body))["backend"] == "good"
    held.close()


def test_one_attempt_is_no_retry(weir, backend):
    held, address = refused_address()
    good = backend(name="good")
    proxy = weir({"workers": 1, **pooled([address, good], {"retries": {"attempts": 1}})})
    client = proxy.client()
    statuses = [client.ask().status for _ in range(10)]
    assert sorted(set(statuses)) == [200, 503] and statuses.count(503) == 5
    held.close()


def test_a_body_larger_than_the_buffer_is_not_sent_again(weir, backend):
    def script(connection):
        connection.request()
        connection.reset()

    server = backend(script)
    proxy = weir(pooled(server, {"retries": {"attempts": 3, "buffer": "8KiB"}}))
    assert_own_answer(proxy.ask("PUT", body=b"x" * 100_000), 502, "upstream-reset")
    assert len(server.requests) == 1


def test_keep_alive_timeout_is_heeded(weir, backend):
    """A connection that the server announced to close is not used close to that time."""

    def script(connection):
        while connection.request() is not None:
            connection.answer(body="x", fields=[("Keep-Alive", "timeout=1")])

    server = backend(script)
    client = weir({"workers": 1, **single(server)}).client()
    assert client.ask().body == b"x"
    eventually(lambda: server.open_connections == 0, "the end of the connection before its second")


def test_idle_timeout(weir, backend):
    server = backend()
    proxy = weir(pooled(server, {"timeouts": {"idle": "1s"}}))
    assert proxy.ask().status == 200
    eventually(lambda: server.open_connections == 0, "the end of the idle connection")


def test_max_requests(weir, backend):
    server = backend()
    client = weir({"workers": 1, **pooled(server, {"connections": {"max-requests": 3}})}).client()
    used = [Seen(client.ask())["connection"] for _ in range(9)]
    assert used == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    eventually(lambda: server.open_connections <= 1)


def test_max_age(weir, backend):
    server = backend()
    client = weir({"workers": 1, **pooled(server, {"connections": {"max-age": "1s"}})}).client()
    first = Seen(client.ask())["connection"]
    eventually(lambda: Seen(client.ask())["connection"] != first, "a fresh connection")


def together(barrier):
    """A script that answers with its connection's number once all have met at the barrier."""

    def script(connection):
        while connection.request() is not None:
            barrier.wait(10)
            connection.answer(body=str(connection.number))

    return script


def test_max_idle(weir, backend):
    gate = threading.Barrier(9)
    server = backend(together(gate))
    proxy = weir({"workers": 1, **pooled(server, {"connections": {"max-idle": 2}})})
    clients = [proxy.client() for _ in range(8)]
    for client in clients:
        client.send_request()
    gate.wait(10)
    assert [client.response().status for client in clients] == [200] * 8
    eventually(lambda: server.open_connections == 2, "two idle connections")


def test_bursts_find_the_connections_of_the_burst_before(weir, backend):
    """What is idle beyond `max-idle` is kept for a moment, not opened again and again."""
    gate = threading.Barrier(9)
    server = backend(together(gate))
    proxy = weir({"workers": 1, **pooled(server, {"connections": {"max-idle": 2}})})
    clients = [proxy.client() for _ in range(8)]

    def opened_in_a_burst():
        before = len(server.connections)
        for client in clients:
            client.send_request()
        gate.wait(10)
        assert [client.response().status for client in clients] == [200] * 8
        return len(server.connections) - before

    assert opened_in_a_burst() == 8
    eventually(lambda: opened_in_a_burst() == 0, "a burst that opens no connection")


def test_one_connection_each_while_requests_overlap(weir, backend):
    gate = threading.Barrier(5)
    server = backend(together(gate))
    proxy = weir({"workers": 1, **single(server)})
    clients = [proxy.client() for _ in range(4)]
    for _ in range(3):
        for client in clients:
            client.send_request()
        gate.wait(10)
        assert len({client.response().body for client in clients}) == 4
    assert len(server.connections) == 4


def test_an_aborted_request_leaves_no_used_connection(weir, backend):
    """The client leaves inside the answer: that connection is ended, not kept."""
    def script(connection):
        while connection.request() is not None:
            connection.send(answer(fields=[("Content-Length", "100000000")], length=False))
            while True:
                connection.send(b"x" * 65536)

    server = backend(script)
    proxy = weir(single(server))
    client = Client(proxy.address)
    client.send_request()
    assert client.fill()
    client.reset()
    eventually(lambda: server.open_connections == 0, "the end of the aborted transfer")
