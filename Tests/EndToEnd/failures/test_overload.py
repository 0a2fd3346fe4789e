"""`limits.loop-lag` and `limits.memory`: Weir says no at once rather than being slow for all."""

import signal
import time

import pytest

from harness import eventually, scaled
from harness.checks import assert_own_answer
from harness.faults import Meter
from harness.setups import LOGGED, pooled, single

# More than the loop handles in one turn: 256.
CROWD = 1500


def held_up(proxy, count):
    """Sends `count` requests while the process stands still, and lets it go on."""
    clients = [proxy.client() for _ in range(count)]
    for client in clients:
        # So that it is accepted; a turn may be a late one here already.
        assert client.ask().status in (200, 503)
    # A turn that is held up makes the next one late, and nobody would be served.
    eventually(proxy.asleep, "a loop that waits")
    proxy.signal(signal.SIGSTOP)
    try:
        for client in clients:
            client.send_request(target="/late")
    finally:
        proxy.signal(signal.SIGCONT)
    return clients


@pytest.mark.release
def test_a_worker_that_is_late_refuses_new_requests_at_once(weir, backend):
    """Those that it reads after a turn of over a millisecond; the turn's own are served."""
    server = backend()
    config = single(server, **{"limits": {"loop-lag": "1ms"}, "log": LOGGED["log"]})
    proxy = weir({**config, "workers": 1})
    answers = [client.response() for client in held_up(proxy, CROWD)]
    refused = [answer for answer in answers if answer.status == 503]
    served = [answer for answer in answers if answer.status == 200]
    assert len(refused) + len(served) == CROWD
    assert refused and served
    for answer in refused:
        assert_own_answer(answer, 503, "overloaded", closes=False)
        assert answer.get("retry-after") == "1"
    reached = [request for request in server.requests if request.target == "/late"]
    assert len(reached) == len(served)
    # As soon as the loop is in time again, nobody is refused.
    client = proxy.client()
    eventually(lambda: {client.ask().status for _ in range(5)} == {200}, "answers")
    lines = [line for line in proxy.access(2 * CROWD) if line["outcome"] == "overloaded"]
    assert len(lines) >= len(refused)
    assert all(line["status"] == 503 and line["tries"] == 0 for line in lines)


@pytest.mark.release
@pytest.mark.parametrize("lag", ["none", "1m"])
def test_a_worker_that_is_less_late_refuses_nobody(weir, backend, lag):
    config = single(backend(), **{"limits": {"loop-lag": lag}})
    proxy = weir({**config, "workers": 1})
    assert {client.response().status for client in held_up(proxy, CROWD)} == {200}


ANSWER = 4 << 20


def endless(connection):
    """Answers with more than anybody's buffers hold."""
    while (request := connection.request()) is not None:
        size = ANSWER if request.target == "/large" else 1
        connection.answer(body=b"x" * size)


def test_beyond_the_memory_new_requests_are_refused_at_once(weir, backend):
    """Clients that do not read fill the buffers; once they have left, there is room again."""
    config = single(backend(endless), **{"limits": {"memory": "1MiB"}, "log": LOGGED["log"]})
    proxy = weir({**config, "workers": 1})
    asking, slow = proxy.client(), []
    start = time.monotonic()
    while asking.ask().status == 200:
        assert len(slow) < 400 and time.monotonic() - start < 20, "the buffers are not full"
        client = proxy.client(receive_buffer=32_768)
        client.send_request(target="/large")
        client.fill()
        slow.append(client)
    assert len(slow) > 4
    begun = time.monotonic()
    response = asking.ask()
    assert_own_answer(response, 503, "overloaded", closes=False)
    assert response.get("retry-after") == "1"
    assert time.monotonic() - begun < scaled(0.5)
    # Whoever is being served goes on being served.
    reader = slow.pop(0)
    assert len(reader.response().body) == ANSWER
    for client in slow:
        client.reset()
    eventually(lambda: asking.ask().status == 200, "room")
    assert [asking.ask().status for _ in range(5)] == [200] * 5


def test_without_a_bound_on_memory_nobody_is_refused(weir, backend):
    proxy = weir({**single(backend(endless)), "workers": 1})
    clients = [proxy.client(receive_buffer=32_768) for _ in range(40)]
    for client in clients:
        client.send_request(target="/large")
        client.fill()
    assert proxy.ask().status == 200


def test_requests_that_wait_for_room_count_as_memory(weir, backend):
    """A queue of large bodies cannot fill the memory: what is beyond the bound is refused."""
    meter = Meter()
    server = backend(meter)
    config = pooled(server, {"breaker": {"max-requests": 1}, "ejection": "off"})
    proxy = weir({**config, "limits": {"memory": "1MiB"}, "workers": 1})
    held = proxy.client()
    held.send_request()
    server.saw()
    statuses, waiting = [], []
    for _ in range(40):
        client = proxy.client()
        client.send_request("POST", body=b"x" * 60_000)
        client.sock.settimeout(0.05)
        try:
            statuses.append(client.response().status)
        except AssertionError:
            waiting.append(client)
    assert 5 <= len(waiting) <= 20 and set(statuses) == {503}
    meter.let_go(1 + len(waiting))
    for client in waiting:
        client.sock.settimeout(10)
        assert client.response().status == 200
    assert held.response().status == 200
