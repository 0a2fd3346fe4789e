"""When tries come: backoff, the times of one try and of all, and clients that do not wait."""

import threading
import time

import pytest

from harness import Client, eventually, scaled
from harness.checks import assert_own_answer
from harness.faults import Meter, resetting, saying, silent, standing_in

# What scheduling may add to a wait.
SLACK = scaled(0.15)


def gaps(servers):
    """The times between tries, in order."""
    times = sorted(request.time for server in servers for request in server.requests)
    return [later - earlier for earlier, later in zip(times, times[1:])]


@pytest.mark.parametrize("fault", ["reset", "status"])
def test_backoff_doubles_up_to_its_maximum(weir, backend, fault):
    """Each wait is anything up to base · 2^(n−1), at most `max`; over many, they are spread out."""
    script = {"reset": resetting, "status": saying(503)}[fault]
    server = backend(script)
    retries = {
        "attempts": 5,
        "status": 503,
        "backoff": {"base": "20ms", "max": "80ms"},
        "budget": "none",
    }
    proxy = weir(standing_in(server, [], retries=retries))
    clients = [threading.Thread(target=lambda n=n: proxy.ask(target=f"/{n}")) for n in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    waits = [[], [], [], []]
    for number in range(12):
        times = [request.time for request in server.requests if request.target == f"/{number}"]
        assert len(times) == 5
        for place, (earlier, later) in enumerate(zip(times, times[1:])):
            waits[place].append(later - earlier)
    for most, seen in zip([0.02, 0.04, 0.08, 0.08], waits):
        assert max(seen) <= most + SLACK
        # Half of the range on average; all of twelve below a tenth has a chance of 10^-12.
        assert max(seen) > most / 10


def test_the_time_of_a_try_is_that_of_each(weir, backend):
    servers = [backend(silent) for _ in range(3)]
    retries = {"on": "timeout", "try-timeout": "200ms", "backoff": {"base": "1ms", "max": "1ms"}}
    proxy = weir(standing_in(servers[0], servers[1:], retries=retries))
    start = time.monotonic()
    assert_own_answer(proxy.ask(), 504, "response-timeout", closes=False)
    assert 0.58 <= time.monotonic() - start < 0.6 + 3 * SLACK
    assert all(0.19 <= gap < 0.2 + SLACK for gap in gaps(servers))
    assert [len(server.requests) for server in servers] == [1, 1, 1]
    assert proxy.access()[0]["tries"] == 3


def test_a_try_in_time_is_waited_for(weir, backend):
    def slow(connection):
        connection.request()
        time.sleep(0.2)
        connection.answer(body="late")

    retries = {"on": "timeout", "try-timeout": "1s"}
    proxy = weir(standing_in(backend(slow), backend(), retries=retries))
    assert proxy.ask().body == b"late"


def test_the_time_of_a_try_ends_with_the_answer_s_head(weir, backend):
    def dripping(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            time.sleep(0.05)
            connection.send("x")

    retries = {"on": "timeout", "try-timeout": "100ms", "timeout": "150ms"}
    proxy = weir(standing_in(backend(dripping), backend(), retries=retries))
    assert proxy.ask().body == b"xxxxxx"


def test_a_client_that_takes_its_time_does_not_use_up_that_of_the_tries(weir, backend):
    """What is timed is the servers; for the client there is `timeouts.body`."""
    server = backend()
    retries = {"on": "timeout", "try-timeout": "300ms", "timeout": "400ms"}
    client = weir(standing_in(server, [], retries=retries)).client()
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
    for _ in range(6):
        time.sleep(0.1)
        client.send("x")
    assert client.response().status == 200
    assert len(server.requests) == 1


ALL_TRIES = {"attempts": 8, "timeout": "500ms", "backoff": {"base": "1ms", "max": "1ms"}}


def took(proxy, outcome, status=504):
    """How long the one answer took, which is Weir's own."""
    start = time.monotonic()
    assert_own_answer(proxy.ask(), status, outcome, closes=False)
    return time.monotonic() - start


def test_all_tries_together_have_their_time(weir, backend):
    servers = [backend(silent) for _ in range(4)]
    retries = {**ALL_TRIES, "on": "timeout", "try-timeout": "200ms"}
    proxy = weir(standing_in(servers[0], servers[1:], retries=retries))
    assert 0.49 <= took(proxy, "response-timeout") < 0.5 + SLACK
    assert [len(server.requests) for server in servers] == [1, 1, 1, 0]
    assert proxy.access()[0]["tries"] == 3


def test_all_tries_together_have_their_time_also_for_one(weir, backend):
    proxy = weir(standing_in(backend(silent), [], retries=ALL_TRIES))
    assert 0.49 <= took(proxy, "response-timeout") < 0.5 + SLACK


def test_all_tries_together_have_their_time_also_while_connecting(weir, unreachable):
    proxy = weir(standing_in(unreachable, [], retries=ALL_TRIES))
    assert 0.49 <= took(proxy, "connect-timeout") < 0.5 + SLACK


def test_connecting_is_part_of_a_try_s_time(weir, backend, unreachable):
    good = backend()
    proxy = weir(standing_in(unreachable, good, retries={"try-timeout": "200ms"}))
    start = time.monotonic()
    assert proxy.ask("POST", body=b"x").status == 200
    assert 0.19 <= time.monotonic() - start < 0.2 + SLACK


def test_all_tries_together_have_their_time_also_in_the_queue(weir, backend):
    meter = Meter()
    server = backend(meter)
    pool = {"retries": ALL_TRIES, "breaker": {"max-requests": 1}}
    config = standing_in(server, [], **pool)
    config["routes"] = [
        {"match": "/long", "pool": "main", "retries": {"timeout": "none"}},
        {"pool": "main"},
    ]
    proxy = weir(config)
    first = proxy.client()
    first.send_request(target="/long")
    server.saw()
    assert 0.49 <= took(proxy, "pool-full", 503) < 0.5 + SLACK
    meter.let_go()
    assert first.response().status == 200
    assert len(server.requests) == 1


def test_a_backoff_beyond_the_time_for_all_tries_is_not_begun(weir, backend):
    """The failure is told at once, not after a wait that could lead to nothing."""
    server = backend(resetting)
    backoff = {"base": "1h", "max": "1h"}
    proxy = weir(standing_in(server, [], retries={"timeout": "500ms", "backoff": backoff}))
    assert took(proxy, "upstream-reset", 502) < 0.4
    assert len(server.requests) == 1


@pytest.mark.parametrize("wait", ["backoff", "retry-after"])
def test_a_client_that_leaves_during_a_wait_ends_the_exchange(weir, backend, wait):
    """No further try is made for it; with an hour's range the backoff is never a short one."""
    script = resetting if wait == "backoff" else saying(503, ("Retry-After", "1"))
    longest = "1h" if wait == "backoff" else "1ms"
    backoff = {"base": longest, "max": longest}
    bad, good = backend(script), backend()
    proxy = weir(standing_in(bad, good, retries={"status": 503, "backoff": backoff}))
    client = proxy.client()
    client.send_request()
    bad.saw()
    eventually(lambda: bad.open_connections == 0, "the end of the first try")
    client.reset()
    line = proxy.access()[0]
    assert (line["outcome"], line["status"], line["tries"]) == ("client-aborted", 0, 1)
    if wait == "retry-after":
        time.sleep(1.1)
    assert not good.requests


def test_a_client_that_shuts_only_its_side_is_tried_for_all_the_same(weir, backend):
    bad, good = backend(resetting), backend()
    client = weir(standing_in(bad, good)).client()
    client.send_request(fields=[("Connection", "close")])
    client.finish()
    assert client.response().status == 200


def test_the_next_request_on_the_connection_waits_for_the_tries(weir, backend):
    """Pipelined requests are answered in their order, whatever happens to the first."""
    bad, good = backend(resetting), backend()
    client = Client(weir(standing_in(bad, good)).address)
    for target in ["/1", "/2", "/3"]:
        client.send_request(target=target)
    answers = [client.response() for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    eventually(lambda: [one.target for one in good.requests] == ["/1", "/2", "/3"])
