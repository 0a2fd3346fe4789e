"""The queue of a bounded pool: order, room, time, and those who leave it."""

import time

import pytest

from harness import eventually, scaled
from harness.admin import Admin
from harness.checks import assert_own_answer
from harness.faults import Meter
from harness.setups import LOGGED, pooled
from harness.wire import Closed

SLACK = scaled(0.2)


class Bounded:
    """A proxy before one server whose requests are held."""

    def __init__(self, weir, backend, workers=1, pool=None, more=None, **breaker):
        self.meter = Meter()
        self.server = backend(self.meter)
        keys = {"ejection": "off", "breaker": {"max-requests": 1, **breaker}, **(pool or {})}
        config = {**pooled(self.server, keys, **LOGGED), "workers": workers, **(more or {})}
        config["routes"] = [{"match": "/here", "respond": 200, "access-log": False}, {"pool": "main"}]
        self.proxy = weir(config)
        self.near = self.proxy.client()

    def send(self, target):
        """A client whose request the worker has seen; sure with one worker only."""
        client = self.proxy.client()
        client.send_request(target=target)
        self.settle()
        return client

    def settle(self):
        """What was sent before has been seen by the worker that answers this."""
        for _ in range(2):
            assert self.near.ask(target="/here").status == 200

    def hold(self):
        """A client whose request is under way."""
        client = self.send("/held")
        eventually(lambda: self.meter.now == 1, "a request under way")
        return client

    def refused(self):
        """A request is refused at once."""
        start = time.monotonic()
        response = self.near.ask()
        assert_own_answer(response, 503, "pool-full", closes=False)
        assert response.get("retry-after") == "1"
        assert time.monotonic() - start < SLACK

    def lines(self, count):
        return self.proxy.access(count)


def test_first_come_first_served(weir, backend):
    pool = Bounded(weir, backend)
    held = pool.hold()
    waiting = [pool.send(f"/{number}") for number in range(10)]
    pool.meter.let_go(11)
    assert [client.response().text for client in waiting] == [f"/{number}" for number in range(10)]
    assert held.response().status == 200
    assert pool.meter.order == ["/held", *(f"/{number}" for number in range(10))]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_drain_serves_those_who_wait(weir, backend, workers):
    more = {"shutdown-timeout": "1m", "admin": "127.0.0.1:0"}
    pool = Bounded(weir, backend, workers=workers, more=more)
    admin = Admin(pool.proxy)
    clients = [pool.proxy.client() for _ in range(8)]
    for client in clients:
        client.send_request()
    eventually(lambda: admin.json(target="/pools/main")["queue"] == 7, "who waits")
    pool.proxy.drain()
    pool.meter.let_go(8)
    found = [client.response() for client in clients]
    assert [one.status for one in found] == [200] * 8
    assert pool.proxy.wait() == 0


def test_a_drain_that_takes_too_long_cuts_those_who_wait(weir, backend):
    seconds = scaled(1)
    more = {"shutdown-timeout": f"{seconds * 1000:.0f}ms"}
    pool = Bounded(weir, backend, more=more, **{"queue-timeout": "1m"})
    held, waiting = pool.hold(), [pool.send("/waits") for _ in range(3)]
    pool.proxy.drain()
    assert pool.proxy.wait() == 0
    for client in [held, *waiting]:
        with pytest.raises(Closed):
            client.response()
    assert [line["outcome"] for line in pool.lines(4)] == ["shutdown"] * 4


def test_a_newcomer_does_not_go_before_those_who_wait(weir, backend):
    """Not even in the moment in which there is room."""
    pool = Bounded(weir, backend)
    held = pool.hold()
    waiting = [pool.send(f"/{number}") for number in range(5)]
    for number in range(5, 10):
        pool.meter.let_go()
        waiting.append(pool.send(f"/{number}"))
    pool.meter.let_go(10)
    assert [client.response().status for client in [held, *waiting]] == [200] * 11
    assert pool.meter.order == ["/held", *(f"/{number}" for number in range(10))]


def test_those_who_leave_keep_the_order_of_the_others(weir, backend):
    pool = Bounded(weir, backend)
    held = pool.hold()
    waiting = [pool.send(f"/{number}") for number in range(8)]
    for number in (0, 3, 4, 7):
        waiting[number].reset()
    pool.lines(4)
    pool.meter.let_go(5)
    assert [waiting[number].response().status for number in (1, 2, 5, 6)] == [200] * 4
    assert held.response().status == 200
    assert pool.meter.order == ["/held", "/1", "/2", "/5", "/6"]


@pytest.mark.parametrize("pending", [0, 1, 3])
def test_beyond_max_pending_the_answer_is_503_at_once(weir, backend, pending):
    pool = Bounded(weir, backend, **{"max-pending": pending})
    held = pool.hold()
    waiting = [pool.send(f"/{number}") for number in range(pending)]
    for _ in range(2):
        pool.refused()
    pool.meter.let_go(1 + pending)
    assert [client.response().status for client in [held, *waiting]] == [200] * (1 + pending)
    assert len(pool.server.requests) == 1 + pending
    # There is room again, on the connections that were refused too.
    pool.meter.let_go()
    assert pool.near.ask().status == 200
    outcomes = [line["outcome"] for line in pool.lines(4 + pending)]
    assert outcomes.count("pool-full") == 2 and outcomes.count("ok") == 2 + pending


@pytest.mark.parametrize("workers", [1, 2])
def test_who_waits_too_long_gets_503(weir, backend, workers):
    pool = Bounded(weir, backend, workers, **{"queue-timeout": "300ms"})
    held = pool.hold()
    start = time.monotonic()
    response = pool.near.ask()
    assert 0.29 <= time.monotonic() - start < 0.3 + SLACK
    assert_own_answer(response, 503, "pool-full", closes=False)
    assert response.get("retry-after") == "1"
    line = pool.lines(1)[0]
    assert (line["outcome"], line["status"], line["tries"]) == ("pool-full", 503, 0)
    pool.meter.let_go(2)
    assert held.response().status == 200
    assert pool.near.ask().status == 200
    assert len(pool.server.requests) == 2


def test_who_is_served_in_time_is_not_refused_later(weir, backend):
    """The time is that in the queue, not that at the server."""
    pool = Bounded(weir, backend, **{"queue-timeout": "300ms"})
    held = pool.hold()
    waiting = pool.send("/waiting")
    pool.meter.let_go()
    eventually(lambda: pool.meter.order == ["/held", "/waiting"])
    time.sleep(0.4)
    pool.meter.let_go()
    assert [one.response().status for one in (held, waiting)] == [200, 200]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("way", ["close", "reset"])
def test_who_leaves_the_queue_reaches_no_server_and_makes_room(weir, backend, way, workers):
    pool = Bounded(weir, backend, workers, **{"max-pending": 1})
    held = pool.hold()
    leaving = pool.send("/leaving")
    # Else the next one takes its place.
    eventually(pool.proxy.asleep, "the other worker to have seen it")
    eventually(lambda: pool.near.ask().status == 503, "the queue to be full")
    getattr(leaving, way)()
    eventually(lambda: [line for line in pool.lines(1) if line["outcome"] == "client-aborted"])
    staying = pool.send("/staying")
    eventually(pool.proxy.asleep, "the other worker to have seen it")
    eventually(lambda: pool.proxy.ask().status == 503, "the queue to be full again")
    pool.meter.let_go(2)
    assert held.response().status == 200
    assert staying.response().status == 200
    assert pool.meter.order == ["/held", "/staying"]
    line = next(line for line in pool.lines(1) if line["outcome"] == "client-aborted")
    assert (line["status"], line["tries"]) == (0, 0)


def test_bodies_wait_with_their_requests(weir, backend):
    pool = Bounded(weir, backend)
    held = pool.hold()
    posts = [pool.proxy.client() for _ in range(3)]
    for number, client in enumerate(posts):
        client.send_request("POST", f"/{number}", body=b"%d" % number * 30_000)
        pool.settle()
    pool.meter.let_go(4)
    assert [one.response().status for one in [held, *posts]] == [200] * 4
    bodies = [request.body for request in pool.server.requests[1:]]
    assert bodies == [b"%d" % number * 30_000 for number in range(3)]


def test_a_client_that_sends_its_body_late_is_not_timed_in_the_queue(weir, backend):
    """`timeouts.body` asks for bytes that Weir wants; in the queue it wants none."""
    meter = Meter()
    server = backend(meter)
    config = pooled(server, {"breaker": {"max-requests": 1}, "ejection": "off"}, **LOGGED)
    proxy = weir({**config, "workers": 1, "timeouts": {"body": "300ms"}})
    held, late = proxy.client(), proxy.client()
    held.send_request()
    server.saw()
    late.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
    time.sleep(0.5)
    meter.let_go(2)
    assert held.response().status == 200
    late.send("body")
    assert late.response().status == 200


def test_clients_that_stick_to_a_server_wait_for_it(weir, backend):
    """Its own queue and time; where too many wait for it, another server does."""
    meters = [Meter(), Meter()]
    servers = [backend(meter, name=name) for meter, name in zip(meters, "ab")]
    entries = [{"address": one.address, "name": one.name} for one in servers]
    limits = {"max-requests": 1, "max-pending": 1, "queue-timeout": "400ms"}
    pool = {
        "ejection": "off",
        "sticky": {"header": "x-token"},
        "breaker": {"per-server": limits},
    }
    proxy = weir({**pooled(entries, pool, **LOGGED), "workers": 1})
    for meter in meters:
        meter.let_go()
    token = proxy.ask().get("x-token")
    home, other = (0, 1) if meters[0].order else (1, 0)
    meters[home].free.acquire(blocking=False)
    fields = [("X-Token", token)]

    def ask(target):
        client = proxy.client()
        client.send_request(target=target, fields=fields)
        return client

    held = ask("/held")
    eventually(lambda: meters[home].now == 1, "a request under way")
    start = time.monotonic()
    waiting = ask("/waiting")
    third = ask("/third")
    assert third.response().status == 200
    assert meters[other].order == ["/third"]
    response = waiting.response()
    assert_own_answer(response, 503, "pool-full", closes=False)
    assert 0.39 <= time.monotonic() - start < 0.4 + SLACK
    meters[home].let_go()
    assert held.response().status == 200


def test_who_waits_for_one_server_holds_nobody_up(weir, backend):
    """Behind somebody else, a client that sticks to a full server stands in the common queue."""
    meters = [Meter(), Meter()]
    servers = [backend(meter, name=name) for meter, name in zip(meters, "ab")]
    entries = [{"address": one.address, "name": one.name} for one in servers]
    pool = {
        "ejection": "off",
        "sticky": {"header": "x-token"},
        "breaker": {"per-server": {"max-requests": 1}},
    }
    config = {**pooled(entries, pool, **LOGGED), "workers": 1}
    config["routes"] = [{"match": "/here", "respond": 200}, {"pool": "main"}]
    proxy = weir(config)
    for meter in meters:
        meter.let_go()
    token = proxy.ask().get("x-token")
    home, other = (meters[0], meters[1]) if meters[0].order else (meters[1], meters[0])
    other.free.acquire(blocking=False)
    near = proxy.client()

    def send(target, fields=()):
        client = proxy.client()
        client.send_request(target=target, fields=fields)
        for _ in range(2):
            assert near.ask(target="/here").status == 200
        return client

    held = send("/held", [("X-Token", token)])
    eventually(lambda: home.now == 1, "a request at the server of the client")
    busy = send("/busy")
    eventually(lambda: other.now == 1, "a request at the other server")
    first, stuck, behind = send("/first"), send("/stuck", [("X-Token", token)]), send("/behind")
    start = time.monotonic()
    other.let_go(3)
    assert [client.response().status for client in (busy, first, behind)] == [200] * 3
    assert other.order[-3:] == ["/busy", "/first", "/behind"]
    assert time.monotonic() - start < 2
    home.let_go(2)
    assert [client.response().status for client in (held, stuck)] == [200] * 2
    assert home.order[-1] == "/stuck"


def test_a_route_without_the_pool_is_not_held_up(weir, backend):
    pool = Bounded(weir, backend, **{"max-pending": 0})
    held = pool.hold()
    assert pool.near.ask(target="/here").status == 200
    pool.meter.let_go()
    assert held.response().status == 200


def test_the_queue_is_left_behind_by_a_drain(weir, backend):
    """Who waits when the end is asked for is still served."""
    pool = Bounded(weir, backend)
    held = pool.hold()
    waiting = pool.send("/waiting")
    pool.proxy.signal(15)
    pool.meter.let_go(2)
    assert held.response().status == 200
    assert waiting.response().status == 200
    assert pool.proxy.wait() == 0
