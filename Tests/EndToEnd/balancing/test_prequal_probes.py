"""Probes of `prequal`: servers tell their load, and those that do not are served all the same."""

import re
import signal
import threading
import time

import pytest

from harness import answer, eventually
from harness.balancing import pool_of, spread, where

PROBE = {"path": "/load", "timeout": "300ms"}


class Server:
    """A script that answers `/load` by `told` and everything else with its backend's name."""

    def __init__(self, told):
        self.told = told
        self.probes = []
        self.release = threading.Event()

    def __call__(self, connection):
        while (request := connection.request()) is not None:
            if request.target != "/load":
                body = f'{{"backend": "{connection.backend.name}"}}'
                connection.answer(body=body)
                continue
            self.probes.append((connection.number, request))
            told = self.told(self) if callable(self.told) else self.told
            if told is None:
                return
            connection.send(told)

    @property
    def probe_connections(self):
        return {number for number, _ in self.probes}


def load(rif, latency=None, **options):
    """An answer that tells this load."""
    fields = [("X-Prequal-RIF", str(rif))]
    if latency is not None:
        fields.append(("x-prequal-latency-us", str(latency)))
    return answer(fields=fields, **options)


def silent(server):
    """Never answers; ends with the test."""
    server.release.wait(20)


@pytest.fixture
def pool(weir, backend):
    """`pool(a=…, b=…)` starts servers that tell so and a proxy before them."""
    scripts = {}

    def start(workers=1, probe=PROBE, quantile=0.84, **told):
        scripts.update({name: Server(what) for name, what in told.items()})
        servers = [backend(script, name=name) for name, script in scripts.items()]
        balance = {"strategy": "prequal", "probe": probe, "quantile": quantile}
        config = {"workers": workers, **pool_of(servers, balance=balance)}
        return weir(config), scripts, servers

    yield start
    for script in scripts.values():
        script.release.set()


def warm_up(proxy, scripts, *names):
    """Sends requests until these servers have answered probes a few times."""
    client = proxy.client()

    def probed():
        client.ask()
        return all(len(scripts[name].probes) >= 5 for name in names)

    eventually(probed, "probes")
    return client


def fresh_spread(client, scripts, count):
    """As `spread`, of requests before which another probe has come: on a busy machine these are
    late, and without reports requests are drawn by lot."""
    counts, seen = {}, 0
    while sum(counts.values()) < count:
        probes = sum(len(script.probes) for script in scripts.values())
        name = where(client.ask())
        if probes > seen:
            counts[name] = counts.get(name, 0) + 1
            seen = probes
    return counts


def test_traffic_goes_to_the_server_that_tells_the_least_latency(pool):
    proxy, scripts, _ = pool(a=load(1, 50_000), b=load(1, 100), c=load(1, 90_000))
    client = warm_up(proxy, scripts, "a", "b", "c")
    # By lot it would be 100, give or take 8; late probes take some away.
    assert fresh_spread(client, scripts, 300).get("b", 0) > 150


def test_a_server_that_tells_many_in_flight_gets_nearly_nothing_though_it_is_fast(pool):
    # One of four is more than the usual quantile leaves to the hot ones.
    told = {"a": load(1, 100), "b": load(900, 10), "c": load(1, 100), "d": load(1, 100)}
    proxy, scripts, _ = pool(quantile=0.5, **told)
    client = warm_up(proxy, scripts, *told)
    assert spread(client, 300).get("b", 0) < 60


def test_in_flight_alone_is_enough(pool):
    told = {"a": load(2), "b": load(900), "c": load(2), "d": load(2)}
    proxy, scripts, _ = pool(quantile=0.5, **told)
    client = warm_up(proxy, scripts, *told)
    assert spread(client, 300).get("b", 0) < 60


def test_a_server_whose_load_falls_gets_traffic_again(pool):
    proxy, scripts, _ = pool(a=load(5, 1000), b=load(900, 90_000), c=load(5, 1000))
    client = warm_up(proxy, scripts, "a", "b", "c")
    scripts["b"].told = load(0, 10)
    eventually(lambda: spread(client, 20).get("b", 0) > 10, "traffic at b")


def test_a_probe_is_a_short_request_with_the_servers_address(pool):
    proxy, scripts, servers = pool(a=load(1, 1), b=load(1, 1))
    warm_up(proxy, scripts, "a")
    _, request = scripts["a"].probes[0]
    assert (request.method, request.target, request.version) == ("GET", "/load", "1.1")
    assert dict(request.fields) == {
        "Host": servers[0].address,
        "User-Agent": "weir-probe",
        "Accept": "*/*",
    }


def test_probe_connections_are_used_again_and_carry_no_request(pool):
    proxy, scripts, servers = pool(workers=2, a=load(1, 100), b=load(1, 100))
    for _ in range(4):
        warm_up(proxy, scripts, "a", "b")
    client = proxy.client()
    eventually(lambda: client.ask() and len(scripts["a"].probes) > 50, "many probes")
    for script, server in zip(scripts.values(), servers):
        assert 1 <= len(script.probe_connections) <= 2
        for number in script.probe_connections:
            assert {r.target for r in server.connections[number].requests} == {"/load"}


def test_a_kept_connection_that_the_server_closes_is_no_failure(pool):
    def closing(server):
        return load(1, 100) if len(server.probes) % 3 else None

    proxy, scripts, _ = pool(a=load(1, 100), b=closing)
    client = warm_up(proxy, scripts, "a")
    eventually(lambda: client.ask() and len(scripts["b"].probes) > 20, "probes of b")
    assert len(scripts["b"].probe_connections) > 3
    assert not [line for line in proxy.lines if "does not tell" in line]


@pytest.mark.parametrize(
    "told, why",
    [
        (answer(404, reason="Not Found"), "status 404"),
        (answer(503, fields=[("x-prequal-rif", "1")], reason="Busy"), "status 503"),
        (answer(), "no x-prequal-rif in the answer"),
        (load("many"), "malformed answer"),
        (load(-1), "malformed answer"),
        (load(1, "0.5"), "malformed answer"),
        (answer(fields=[("x-prequal-rif", "1")] * 2), "malformed answer"),
        (b"220 smtp ready\r\n", "malformed answer"),
        (b"\0" * 70_000, "malformed answer"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 5000, "malformed answer"),
        (None, "connection closed"),
        (silent, "no answer in time"),
    ],
    ids=[
        "404", "503", "no-field", "word", "negative", "fraction", "twice", "greeting", "zeros",
        "long-head", "closes", "silent",
    ],
)  # fmt: skip
def test_a_server_that_does_not_tell_is_served_and_left_alone(pool, told, why):
    # What own traffic takes is less than a second, so that it would be preferred.
    proxy, scripts, _ = pool(a=load(3, 10**6), mute=told, c=load(3, 10**6))
    client = warm_up(proxy, scripts, "a", "c")
    note = f"server mute does not tell its load ({why})"
    eventually(lambda: client.ask() and any(note in line for line in proxy.lines), note)
    before, began = len(scripts["mute"].probes), time.monotonic()
    counts = spread(client, 400)
    assert counts.get("mute", 0) > 100, counts
    # Pauses of 100 ms, 200 ms, and so on.
    assert len(scripts["mute"].probes) - before <= 2 + (time.monotonic() - began) / 0.1
    assert len([line for line in proxy.lines if "server mute does not tell" in line]) == 1


def test_a_pool_where_no_server_tells_is_served_evenly_enough(pool):
    proxy, scripts, _ = pool(a=answer(404, reason="No"), b=answer(404, reason="No"))
    counts = spread(proxy.client(), 200)
    assert sum(counts.values()) == 200 and set(counts) == {"a", "b"}
    assert all(len(script.probes) < 20 for script in scripts.values())


def test_a_server_that_tells_again_is_noted(pool):
    proxy, scripts, _ = pool(a=load(1, 1), b=answer(404, reason="No"))
    client = warm_up(proxy, scripts, "a")
    eventually(lambda: client.ask() and any("does not tell" in x for x in proxy.lines), "a note")
    scripts["b"].told = load(1, 1)
    again = re.compile("server b tells its load again")
    eventually(lambda: client.ask() and any(map(again.search, proxy.lines)), "the other note")


@pytest.mark.parametrize(
    "told",
    [
        load(1, 100, body="x" * 4096),
        load(1, 100, body="x" * 100_000),
        load(1, 100, length=False) + b"rest",
        answer(103, length=False, reason="Early") + load(1, 100),
        b"HTTP/1.1 200 OK\r\nx-prequal-rif: 1\r\nx-prequal-latency-us: 100\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nx-prequal-rif: 1\r\nx-prequal-latency-us: 100\r\n\r\n",
        load(1, 100) + b"HTTP/1.1 200 OK\r\n",
        answer(204, fields=[("x-prequal-rif", 1), ("x-prequal-latency-us", 100)], length=False),
    ],
    ids=["body", "long-body", "until-close", "interim", "chunked", "http10", "surplus", "204"],
)
def test_answers_of_every_shape_tell(pool, told):
    proxy, scripts, _ = pool(a=load(1, 90_000), b=told, c=load(1, 90_000))
    client = warm_up(proxy, scripts, "a", "b", "c")
    names = []
    for _ in range(100):
        names.append(where(client.ask()))
        # The pace of the traffic: a probe that takes a connection is slower than a request.
        time.sleep(0.003)
    assert names.count("b") > 60
    assert not [line for line in proxy.lines if "does not tell" in line]


def test_requests_do_not_wait_for_probes(pool):
    proxy, scripts, _ = pool(a=silent, b=silent)
    client = proxy.client()
    began = time.monotonic()
    assert sum(spread(client, 50).values()) == 50
    assert time.monotonic() - began < 5


def test_without_a_probe_nobody_is_asked(pool):
    proxy, scripts, _ = pool(probe="off", a=load(1, 1), b=load(1, 1))
    spread(proxy.client(), 50)
    assert not any(script.probes for script in scripts.values())


def test_idle_probe_connections_close(weir, backend):
    script = Server(load(1, 1))
    servers = [backend(script, name="a")]
    balance = {"strategy": "prequal", "probe": PROBE}
    pool = pool_of(servers, balance=balance, timeouts={"idle": "300ms"})
    proxy = weir({"workers": 1, **pool})
    warm_up(proxy, {"a": script}, "a")
    assert servers[0].open_connections > 0
    eventually(lambda: servers[0].open_connections == 0, "no connection")
    proxy.ask()


@pytest.mark.parametrize("told", [load(1, 1), silent], ids=["answering", "silent"])
def test_a_drain_ends_with_the_last_request_whatever_the_probes_do(pool, told):
    proxy, scripts, servers = pool(workers=2, a=told, b=told)
    client = proxy.client()
    eventually(lambda: client.ask() and scripts["a"].probes and scripts["b"].probes, "probes")
    client.close()
    began = time.monotonic()
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == 0
    # The shutdown time-out of 2 s cuts what does not end by itself.
    assert time.monotonic() - began < 1.5
    for script in scripts.values():
        script.release.set()
    eventually(lambda: all(s.open_connections == 0 for s in servers), "no connection")


def test_servers_at_unix_sockets_are_asked_too(weir, backend, tmp_path):
    scripts = {"a": Server(load(1, 100)), "b": Server(load(1, 90_000))}
    servers = [backend(s, name=n, path=tmp_path / f"{n}.sock") for n, s in scripts.items()]
    balance = {"strategy": "prequal", "probe": "/load"}
    proxy = weir({"workers": 1, **pool_of(servers, balance=balance)})
    client = warm_up(proxy, scripts, "a", "b")
    assert spread(client, 100).get("a", 0) > 60
    assert scripts["a"].probes[0][1].get("host") == "localhost"


def test_a_server_that_is_gone_is_noted_and_found_again(weir, backend, tmp_path):
    path = tmp_path / "b.sock"
    scripts = {"a": Server(load(1, 100)), "b": Server(load(1, 100))}
    servers = [backend(scripts["a"], name="a"), backend(scripts["b"], name="b", path=path)]
    balance = {"strategy": "prequal", "probe": PROBE}
    proxy = weir({"workers": 1, **pool_of(servers, balance=balance)})
    client = warm_up(proxy, scripts, "a", "b")
    servers[1].close()
    assert spread(client, 50) == {"a": 50}
    note = "server b does not tell its load (no connection)"
    eventually(lambda: client.ask() and any(note in line for line in proxy.lines), note)
    scripts["b"] = Server(load(0, 1))
    backend(scripts["b"], name="b", path=path)
    eventually(lambda: spread(client, 20).get("b", 0) > 0, "traffic at b")
