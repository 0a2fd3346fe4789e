"""`breaker` and `max-connections` of servers: what the backends have at once."""

import random
import threading
import time

import pytest

from harness import Closed, eventually, scaled
from harness.balancing import where
from harness.checks import assert_own_answer
from harness.faults import Meter, established, resetting, saying
from harness.setups import LOGGED, pooled
from harness.tunnels import SWITCHED

CLIENTS = 16
# A bound as it is written, what all servers then have at once, and what each has. There are two.
BOUNDS = {
    "pool's requests": ({"max-requests": 3}, 3, 3),
    "pool's connections": ({"max-connections": 3}, 3, 3),
    "server's requests": ({"per-server": {"max-requests": 2}}, 4, 2),
    "server's connections": ({"per-server": {"max-connections": 2}}, 4, 2),
    "both": ({"max-requests": 3, "per-server": {"max-connections": 2}}, 3, 2),
    "one": ({"max-requests": 1}, 1, 1),
}


def bounded(servers, breaker, workers=1, **pool):
    pool = {"ejection": "off", "breaker": breaker, **pool}
    return {**pooled(servers, pool, **LOGGED), "workers": workers}


class Crowd:
    """Clients that ask at the same time, each on a connection of its own."""

    def __init__(self, proxy, count, target="/{}"):
        self.clients = [proxy.client() for _ in range(count)]
        self.targets = [target.format(number) for number in range(count)]
        for client, name in zip(self.clients, self.targets):
            client.send_request(target=name)

    def statuses(self):
        return [client.response().status for client in self.clients]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("bound", BOUNDS)
def test_never_more_than_the_bound_is_under_way(weir, backend, bound, workers):
    """So many are let in, and whenever one ends, another comes: all are answered."""
    breaker, most, most_each = BOUNDS[bound]
    meters = [Meter(), Meter()]
    servers = [backend(meter, name=f"server {i}") for i, meter in enumerate(meters)]
    crowd = Crowd(weir(bounded(servers, breaker, workers)), CLIENTS)

    def under_way():
        return sum(meter.now for meter in meters)

    eventually(lambda: under_way() == most, f"{most} requests under way")
    for left in range(CLIENTS, 0, -1):
        eventually(lambda: under_way() == min(left, most), "the next one")
        assert under_way() <= most
        next(meter for meter in meters if meter.now).let_go()
        eventually(lambda: sum(len(m.order) for m in meters) >= min(CLIENTS, CLIENTS - left + most + 1))
    assert crowd.statuses() == [200] * CLIENTS
    assert sorted([*meters[0].order, *meters[1].order]) == sorted(crowd.targets)
    for meter in meters:
        assert meter.most <= most_each
        if "connections" in bound or bound == "both":
            assert meter.most_connections <= most_each


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_has_a_bound_of_its_own(weir, backend, workers):
    """It goes before that of every server."""
    meters = [Meter(), Meter()]
    small, large = [backend(meter) for meter in meters]
    entries = [{"address": small.address, "max-connections": 1}, large.address]
    breaker = {"per-server": {"max-connections": 3}}
    crowd = Crowd(weir(bounded(entries, breaker, workers)), 8)
    eventually(lambda: [meter.now for meter in meters] == [1, 3], "as many as may be")
    for meter in meters:
        meter.let_go(8)
    assert crowd.statuses() == [200] * 8
    assert (meters[0].most, meters[1].most) == (1, 3)
    assert meters[0].most_connections == 1 and meters[1].most_connections <= 3


def test_a_server_s_own_bound_needs_no_breaker(weir, backend):
    meter = Meter()
    entry = {"address": backend(meter).address, "max-connections": 2}
    crowd = Crowd(weir(pooled(entry, {})), 5)
    eventually(lambda: meter.now == 2)
    meter.let_go(5)
    assert crowd.statuses() == [200] * 5
    assert meter.most_connections == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_connections_are_kept_within_their_bound(weir, backend, workers):
    """Requests that come one after the other find one that is idle, or have one closed."""
    servers = [backend(name=name) for name in ("a", "b", "c")]
    proxy = weir(bounded(servers, {"max-connections": 1, "queue-timeout": "30s"}, workers))
    start = time.monotonic()
    names = []
    for _ in range(15):
        names.append(where(proxy.ask()))
        assert established(servers) <= 1
    assert set(names) == {"a", "b", "c"}
    # Nobody sat in the queue till a look at it by chance.
    assert time.monotonic() - start < scaled(2)


@pytest.mark.parametrize("kind", ["pool", "server"])
def test_a_connection_idle_at_another_worker_makes_room(weir, backend, kind):
    """Each worker has clients that wait, and the one connection goes back and forth."""
    meter = Meter()
    server = backend(meter)
    bound = {"max-connections": 1}
    breaker = bound if kind == "pool" else {"per-server": bound}
    proxy = weir(bounded(server, {**breaker, "queue-timeout": "30s"}, workers=2))
    crowd = Crowd(proxy, 12)
    start = time.monotonic()
    for count in range(12):
        eventually(lambda: len(meter.order) > count, "the next one")
        meter.let_go()
    assert crowd.statuses() == [200] * 12
    assert meter.most == meter.most_connections == 1
    assert time.monotonic() - start < scaled(3)


def test_a_connection_idle_at_another_worker_makes_room_for_who_came_while_it_was_busy(weir, backend):
    """Twelve single requests, one after the other: whichever worker has the next one gets it."""
    server = backend()
    proxy = weir(bounded(server, {"max-connections": 1, "queue-timeout": "30s"}, workers=2))
    clients = [proxy.client() for _ in range(12)]
    start = time.monotonic()
    for client in clients * 2:
        assert client.ask().status == 200
    assert established([server]) == 1
    assert time.monotonic() - start < scaled(2)


@pytest.mark.parametrize("bound", ["max-requests", "max-connections"])
def test_a_tunnel_counts_until_it_ends(weir, backend, bound):
    def tunnel(connection):
        while (request := connection.request()) is not None:
            if not request.has("upgrade"):
                connection.answer(body="x")
                continue
            connection.send(SWITCHED)
            connection.rest()
            return

    proxy = weir(bounded(backend(tunnel), {bound: 1, "max-pending": 0}))
    client = proxy.client()
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert client.response().status == 101
    assert_own_answer(proxy.ask(), 503, "pool-full")
    client.close()
    eventually(lambda: proxy.ask().status == 200, "the tunnel's place")


# Tries beyond the first.


@pytest.mark.parametrize("bound", BOUNDS)
def test_retries_stay_within_the_bounds(weir, backend, bound):
    """Each request is tried at the one and then at the other server."""
    breaker, most, most_each = BOUNDS[bound]
    meters = [Meter(hold=False, pause=lambda: 0.002), Meter(hold=False, pause=lambda: 0.002)]

    def failing(connection):
        if (request := connection.request()) is not None:
            meters[0].enter(connection, request.target)
            meters[0].leave(connection)
            connection.reset()

    servers = [backend(failing), backend(meters[1])]
    retries = {"backoff": {"base": "1ms", "max": "5ms"}, "budget": "none", "attempts": 8}
    proxy = weir(bounded(servers, breaker, workers=2, retries=retries))
    for _ in range(3):
        assert Crowd(proxy, CLIENTS).statuses() == [200] * CLIENTS
    assert meters[1].most <= most_each
    if "connections" in bound:
        assert meters[1].most_connections <= most_each


def test_a_retry_takes_no_connection_beyond_the_bound(weir, backend):
    """After a reset only a new connection will do: an idle one goes for it."""
    meter = Meter(hold=False)
    bad, good = backend(resetting), backend(meter)
    entries = [bad.address, {"address": good.address, "max-connections": 1}]
    retries = {"backoff": {"base": "1ms", "max": "1ms"}, "budget": "none"}
    client = weir(bounded(entries, {}, retries=retries)).client()
    for _ in range(20):
        assert client.ask().status == 200
    assert meter.most_connections == 1
    assert len(good.connections) > 5, "retries met no idle connection"


def test_a_kept_connection_that_was_reset_is_replaced_within_the_bound(weir, backend):
    """By two workers that both want it: the new one takes the place of the old one."""
    chance = random.Random(3)
    seen = Meter(hold=False)

    def moody(connection):
        seen.servers[:] = [connection.backend]
        while (request := connection.request()) is not None:
            seen.enter(connection, request.target)
            time.sleep(0.001)
            seen.leave(connection)
            if connection.requests[1:] and chance.random() < 0.4:
                connection.reset()
                return
            connection.answer(body="x")

    server = backend(moody)
    retries = {"backoff": {"base": "1ms", "max": "1ms"}, "budget": "none", "attempts": 8}
    breaker = {"max-connections": 2}
    proxy = weir(bounded(server, breaker, workers=2, retries=retries))
    clients = [proxy.client() for _ in range(8)]

    def load(client):
        for _ in range(30):
            assert client.ask().status == 200
        done.append(client)

    done = []
    threads = [threading.Thread(target=load, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(clients)
    assert seen.most_connections == 2


def test_a_try_that_waits_for_its_time_keeps_its_place(weir, backend):
    """In backoff a request is still one of the pool's, so that retries are no way past the bound."""
    server = backend(saying(503, ("Retry-After", "1")))
    breaker = {"max-requests": 1, "max-pending": 0}
    proxy = weir(bounded(server, breaker, retries={"status": 503, "attempts": 2}))
    client = proxy.client()
    client.send_request()
    server.saw()
    eventually(lambda: server.open_connections == 0)
    assert_own_answer(proxy.ask(), 503, "pool-full")
    assert client.response().status == 503
    assert len(server.requests) == 2


# Nobody is lost.


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "breaker",
    [
        {"max-requests": 3},
        {"max-connections": 2},
        {"per-server": {"max-requests": 1}},
        {"max-requests": 4, "max-connections": 3, "per-server": {"max-connections": 2}},
    ],
    ids=["requests", "connections", "server's requests", "all"],
)
def test_nobody_is_lost_when_many_come_and_go(weir, backend, breaker, workers):
    """A storm of clients, some of whom leave: all others are answered, and no place is lost."""
    chance = random.Random(11)
    meters = [Meter(hold=False, pause=lambda: chance.random() * 0.004) for _ in range(2)]
    servers = [backend(meter) for meter in meters]
    proxy = weir(bounded(servers, {**breaker, "queue-timeout": "20s"}, workers))
    wrong, answered = [], []

    def load(number):
        draw = random.Random(number)
        client = proxy.client()
        for count in range(20):
            target = f"/{number}/{count}"
            try:
                if draw.random() < 0.25:
                    client.send_request(target=target)
                    time.sleep(draw.random() * 0.004)
                    client.reset() if draw.random() < 0.5 else client.close()
                    client = proxy.client()
                    continue
                response = client.ask(target=target)
            except (Closed, AssertionError) as problem:
                wrong.append((target, problem))
                client = proxy.client()
                continue
            if response.status != 200 or response.text != target:
                wrong.append((target, response))
            answered.append(target)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(answered) > 250
    total, each = limits_of(breaker)
    assert max(meter.most for meter in meters) <= each
    # As many as before fit in now.
    for meter in meters:
        meter.hold = True
    crowd = Crowd(proxy, 12)
    eventually(lambda: sum(meter.now for meter in meters) == total, f"{total} requests under way")
    for meter in meters:
        meter.let_go(12)
    assert crowd.statuses() == [200] * 12
    assert max(meter.most for meter in meters) <= each


def limits_of(breaker):
    """What two servers have at once, and each of them."""
    server = min(breaker.get("per-server", {}).values(), default=1000)
    pool = min(breaker.get("max-requests", 1000), breaker.get("max-connections", 1000))
    return min(2 * server, pool), min(server, pool)
