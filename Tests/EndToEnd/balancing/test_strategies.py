"""What each strategy does with servers that differ."""

import json
import threading
import time

import pytest

from harness import eventually, scaled
from harness.balancing import STRATEGIES, pool_of, spread, where


def replying(delay=0.0, status=200):
    """A server that answers after `delay` seconds, which the test may change meanwhile."""

    def script(connection):
        server = connection.backend
        while connection.request() is not None:
            time.sleep(getattr(server, "delay", delay))
            body = json.dumps({"backend": server.name})
            connection.answer(status, body, reason="Busy" if status >= 500 else "OK")

    return script


class Holding:
    """A script that holds answers to /hold, or all but 1 KiB of those to /large, until freed."""

    def __init__(self, size=4 << 20):
        self.size = size
        self.free = threading.Event()
        self.held = []

    def __call__(self, connection):
        name = connection.backend.name
        while (request := connection.request()) is not None:
            if request.target == "/large":
                connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {self.size}\r\n\r\n")
                connection.send(b"x" * 1024)
                self.wait(name)
                connection.send(b"x" * (self.size - 1024))
                continue
            if request.target == "/hold":
                self.wait(name)
            connection.answer(body=json.dumps({"backend": name}))

    def wait(self, name):
        self.held.append(name)
        self.free.wait(scaled(60))


@pytest.fixture
def holding():
    """A script that holds; whatever it holds is freed at the end."""
    script = Holding()
    yield script
    script.free.set()


def ask_together(proxy, count, clients=6, **options):
    """`count` answers to each of several clients at once."""
    answers, lock = [], threading.Lock()

    def run(client):
        for _ in range(count):
            response = client.ask(**options)
            with lock:
                answers.append(response)

    threads = [threading.Thread(target=run, args=(proxy.client(),)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == count * clients
    return answers


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_uneven_servers_answer_everything(weir, backend, strategy):
    servers = [
        backend(replying(delay), name=name)
        for name, delay in [("slow", 0.02), ("middle", 0.005), ("quick", 0.0)]
    ]
    changes = {"slow": {"weight": 1}, "middle": {"weight": 3}, "quick": {"weight": 6}}
    proxy = weir(pool_of(servers, changes, balance=strategy))
    answers = ask_together(proxy, 20)
    assert {response.status for response in answers} == {200}
    assert sum(len(server.requests) for server in servers) == len(answers)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_server_without_weight_gets_nothing(weir, backend, strategy):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    proxy = weir(pool_of(servers, {"b": {"weight": 0}}, balance=strategy))
    assert {where(response) for response in ask_together(proxy, 10)} <= {"a", "c"}
    assert not servers[1].connections


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_lone_server_gets_everything(weir, backend, strategy):
    proxy = weir(pool_of([backend(name="a")], balance=strategy))
    assert spread(proxy.client(), 20) == {"a": 20}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_server_that_is_gone_costs_no_answer(weir, backend, strategy):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    proxy = weir(pool_of(servers, balance=strategy))
    servers[1].close()
    assert {where(response) for response in ask_together(proxy, 10)} <= {"a", "c"}


def test_round_robin_is_exact_over_a_cycle(weir, backend):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    changes = {"a": {"weight": 1}, "b": {"weight": 2}, "c": {"weight": 5}}
    proxy = weir({"workers": 1, **pool_of(servers, changes)})
    assert spread(proxy.client(), 80) == {"a": 10, "b": 20, "c": 50}


def test_random_heeds_weights(weir, backend):
    servers = [backend(name=name) for name in ("a", "b")]
    changes = {"a": {"weight": 1}, "b": {"weight": 9}}
    proxy = weir(pool_of(servers, changes, balance="random"))
    # 40 are expected, with a deviation of 6.
    assert 10 <= spread(proxy.client(), 400)["a"] <= 90


def hold(proxy, holding, target, count):
    """Has `count` requests held, each over a connection of its own; returns the clients."""
    clients = []
    for number in range(len(holding.held), len(holding.held) + count):
        clients.append(proxy.client())
        clients[-1].send_request(target=target)
        eventually(lambda: len(holding.held) > number, f"request {number} at a server")
    return clients


def test_least_connections_avoids_busy_servers(weir, backend, holding):
    servers = [backend(holding, name=name) for name in ("a", "b", "c")]
    proxy = weir(pool_of(servers, balance="least-connections"))
    held = hold(proxy, holding, "/hold", 2)
    busy = set(holding.held)
    assert len(busy) == 2, "the second request went to the server that was busy"
    assert not set(spread(proxy.client(), 40)) & busy
    held += hold(proxy, holding, "/hold", 4)
    assert sorted(holding.held) == ["a", "a", "b", "b", "c", "c"]
    holding.free.set()
    for client in held:
        assert client.response().status == 200


def test_least_connections_heeds_weights(weir, backend, holding):
    servers = [backend(holding, name=name) for name in ("a", "b")]
    changes = {"a": {"weight": 1}, "b": {"weight": 3}}
    proxy = weir(pool_of(servers, changes, balance="least-connections"))
    hold(proxy, holding, "/hold", 8)
    assert [holding.held.count(name) for name in ("a", "b")] == [2, 6]


@pytest.mark.parametrize("choices", [2, "all"])
def test_least_connections_with_choices_answers(weir, backend, choices):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    balance = {"strategy": "least-connections", "choices": choices}
    proxy = weir(pool_of(servers, balance=balance))
    assert {response.status for response in ask_together(proxy, 10)} == {200}


def test_least_bytes_avoids_the_server_with_a_large_body_under_way(weir, backend, holding):
    servers = [backend(holding, name=name) for name in ("a", "b")]
    proxy = weir(pool_of(servers, balance="least-bytes"))
    (large,) = hold(proxy, holding, "/large", 1)
    client = proxy.client()
    # What is owed is known once the answer's head has come.
    assert large.line() == b"HTTP/1.1 200 OK"
    assert ("Content-Length", str(holding.size)) in large.field_lines()
    other = "b" if holding.held == ["a"] else "a"
    assert spread(client, 40) == {other: 40}
    holding.free.set()
    assert len(large.exactly(holding.size)) == holding.size
    eventually(lambda: len(spread(client, 20)) == 2, "both servers have requests again")


def test_latency_weighted_avoids_the_slow_server_and_returns_to_it(weir, backend):
    servers = [backend(replying(), name=name) for name in ("a", "b", "slow")]
    slow = servers[2]
    slow.delay = scaled(0.1)
    balance = {"strategy": "latency-weighted", "decay": f"{int(scaled(1))}s"}
    client = weir({"workers": 1, **pool_of(servers, balance=balance)}).client()
    spread(client, 10)
    assert spread(client, 100).get("slow", 0) <= 20
    slow.delay = 0.0
    eventually(
        lambda: spread(client, 30).get("slow", 0) >= 3,
        "the server that is slow no more has its share",
        within=scaled(30),
    )


def test_latency_weighted_is_not_drawn_to_a_server_that_fails_fast(weir, backend):
    good = [backend(replying(scaled(0.02)), name=name) for name in ("a", "b")]
    bad = backend(replying(status=503), name="bad")
    proxy = weir({"workers": 1, **pool_of([*good, bad], balance="latency-weighted")})
    client = proxy.client()
    statuses = [client.ask().status for _ in range(60)]
    assert statuses.count(503) <= 10, statuses
    assert len(bad.requests) == statuses.count(503)


def closing(connection):
    """A server that takes connections and closes them unread."""
    connection.close()


@pytest.mark.parametrize("strategy", ["latency-weighted", "prequal"])
def test_a_server_that_closes_at_once_draws_nothing(weir, backend, strategy):
    good = [backend(replying(scaled(0.01)), name=name) for name in ("a", "b")]
    bad = backend(closing, name="bad")
    client = weir({"workers": 1, **pool_of([*good, bad], balance=strategy)}).client()
    assert {client.ask().status for _ in range(60)} == {200}
    assert len(bad.connections) <= 20, len(bad.connections)


@pytest.mark.parametrize("strategy", ["latency-weighted", "prequal"])
def test_a_client_that_uploads_slowly_does_not_make_its_server_slow(weir, backend, strategy):
    servers = [backend(replying(scaled(0.05)), name="far"), backend(name="near")]
    proxy = weir({"workers": 1, **pool_of(servers, balance=strategy)})
    assert spread(proxy.client(), 30).get("near", 0) >= 20
    slow = proxy.client()
    slow.send("POST /slow HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n01234")
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + 1, "longer than any answer takes")
    slow.close()
    counts = spread(proxy.client(), 60)
    assert counts.get("near", 0) >= 40, counts


def test_announced_lengths_do_not_shut_a_server_out(weir, backend, holding):
    servers = [backend(name=name) for name in ("a", "b")]
    proxy = weir({"workers": 1, **pool_of(servers, balance="least-bytes")})
    liars = [proxy.client() for _ in range(24)]
    for liar in liars:
        liar.send(f"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {'9' * 18}\r\n\r\n01234")
    eventually(lambda: sum(len(one.connections) for one in servers) >= 24, "all are under way")
    assert set(spread(proxy.client(), 40)) == {"a", "b"}
