"""Ejection as clients and servers see it: who is taken out, when, and who is not."""

import threading

import pytest

from harness import eventually
from harness.faults import closing, resetting, saying, silent
from harness.setups import LOGGED, pooled

# Failures in a row alone, for longer than any test here takes.
ROWS = {"success-rate": "off", "outlier": "off", "base-time": "1m"}


def row_of(count, **more):
    return {"consecutive-failures": count, **ROWS, **more}


def ejecting(servers, ejection, workers=1, **pool):
    pool = {"ejection": ejection, "retries": 1, **pool}
    return {**pooled(servers, pool, **LOGGED), "workers": workers}


def patterned(*statuses):
    """A script that answers with these statuses in turn, on all connections together."""
    lock, count = threading.Lock(), [0]

    def script(connection):
        while connection.request() is not None:
            with lock:
                status = statuses[count[0] % len(statuses)]
                count[0] += 1
            connection.answer(status, reason="No")

    return script


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_failures_in_a_row_take_a_server_out(weir, backend, count, workers):
    """After exactly so many it gets nothing more, from no worker."""
    bad, good = backend(saying(503)), backend()
    proxy = weir(ejecting([bad, good], row_of(count), workers))
    # On so many connections that each worker has some.
    clients = [proxy.client() for _ in range(16)]
    statuses = [client.ask().status for client in clients * 4]
    assert len(bad.requests) == statuses.count(503) == count
    assert len(good.requests) == len(statuses) - count


def test_by_default_it_is_five(weir, backend):
    bad, good = backend(saying(502)), backend()
    client = weir({**pooled([bad, good], {"retries": 1}), "workers": 1}).client()
    statuses = [client.ask().status for _ in range(19)]
    assert statuses.count(502) == len(bad.requests) == 5


@pytest.mark.parametrize(
    ("statuses", "count", "is_ejected"),
    [
        ([503, 503, 200], 3, False),
        ([503, 503, 200], 2, True),
        ([503, 404], 2, False),
        ([503, 500, 503, 200], 2, True),
        ([500], 1, False),
        ([503, 502, 504], 3, True),
    ],
)
def test_what_ends_a_row(weir, backend, statuses, count, is_ejected):
    """A good answer does, a client error as well; a 500, which does not count, does neither."""
    bad, good = backend(patterned(*statuses)), backend()
    client = weir(ejecting([bad, good], row_of(count))).client()
    for _ in range(40):
        client.ask()
    assert (len(bad.requests) < 10) == is_ejected
    assert len(bad.requests) == 20 or is_ejected


CAUSES = {
    "refused": (None, "connect-failure"),
    "unreachable": (None, "timeout"),
    "reset": (resetting, "reset"),
    "close": (closing, "reset"),
    "silence": (silent, "timeout"),
}


@pytest.mark.parametrize("words", ["all", "its own", "the others", "off"])
@pytest.mark.parametrize("cause", CAUSES)
def test_on_says_which_failures_count(weir, backend, refused, unreachable, cause, words):
    script, word = CAUSES[cause]
    bad = {"refused": refused, "unreachable": unreachable}.get(cause) or backend(script)
    every = ["connect-failure", "reset", "timeout"]
    written = {
        "all": every,
        "its own": word,
        "the others": [one for one in every if one != word],
        "off": "off",
    }[words]
    timeouts = {"connect": "20ms", "response": "20ms"}
    good = backend()
    proxy = weir(ejecting([bad, good], row_of(3, on=written), timeouts=timeouts))
    client = proxy.client()
    failed = sum(client.ask().status != 200 for _ in range(16))
    assert failed == (3 if words in ("all", "its own") else 8)


@pytest.mark.parametrize(
    ("written", "status", "is_ejected"),
    [
        (None, 502, True),
        (None, 503, True),
        (None, 504, True),
        (None, 500, False),
        ([500], 500, True),
        ([500], 503, False),
        ("5xx", 599, True),
        ([429], 429, True),
        ("off", 503, False),
    ],
)
def test_status_says_which_answers_count(weir, backend, written, status, is_ejected):
    bad, good = backend(saying(status)), backend()
    more = {} if written is None else {"status": written}
    client = weir(ejecting([bad, good], row_of(3, **more))).client()
    for _ in range(20):
        client.ask()
    assert len(bad.requests) == (3 if is_ejected else 10)


@pytest.mark.parametrize("ejection", ["off", {**ROWS, "consecutive-failures": "off"}])
def test_without_ejection_nobody_is_taken_out(weir, backend, ejection):
    bad, good = backend(saying(503)), backend()
    client = weir(ejecting([bad, good], ejection)).client()
    for _ in range(40):
        client.ask()
    assert (len(bad.requests), len(good.requests)) == (20, 20)


@pytest.mark.parametrize(
    ("count", "share", "ejected"),
    [
        (1, "50%", 0),
        (1, "100%", 0),
        (2, "50%", 1),
        (2, "1%", 1),
        (3, "50%", 1),
        (3, "66%", 1),
        (3, "67%", 2),
        (4, "50%", 2),
        (5, "60%", 3),
    ],
)
def test_no_more_than_max_share_is_taken_out(weir, backend, count, share, ejected):
    """All fail: those beyond the share go on getting what there is, and answer it."""
    servers = [backend(saying(503), name=f"server {i}") for i in range(count)]
    client = weir(ejecting(servers, row_of(2, **{"max-share": share}))).client()
    for _ in range(10 * count):
        assert client.ask().status == 503
    before = [len(server.requests) for server in servers]
    for _ in range(10 * count):
        assert client.ask().status == 503
    after = [len(server.requests) for server in servers]
    still = [one for one, earlier, later in zip(servers, before, after) if later > earlier]
    assert len(still) == count - ejected
    assert sorted(before)[:ejected] == [2] * ejected


def test_a_server_without_weight_is_no_part_of_the_share(weir, backend):
    """One that serves and one that does not are one: it is never taken out."""
    bad, unused = backend(saying(503)), backend()
    servers = [bad.address, {"address": unused.address, "weight": 0}]
    client = weir(ejecting(servers, row_of(1))).client()
    for _ in range(10):
        assert client.ask().status == 503
    assert len(bad.requests) == 10


@pytest.mark.parametrize("cause", ["refused", "reset", "close", "silence", "status"])
def test_with_retries_no_client_notices(weir, backend, refused, cause):
    """On two workers, by clients that ask at the same time."""
    scripts = {"reset": resetting, "close": closing, "silence": silent, "status": saying(503)}
    bad = backend(scripts[cause]) if cause in scripts else refused
    good = [backend() for _ in range(2)]
    retries = {
        "on": ["connect-failure", "reset-before-answer", "timeout"],
        "status": 503,
        "try-timeout": "50ms",
        "backoff": {"base": "1ms", "max": "1ms"},
    }
    proxy = weir(ejecting([bad, *good], row_of(3), 2, retries=retries))

    def load():
        client = proxy.client()
        statuses.extend(client.ask().status for _ in range(25))

    statuses = []
    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 200
    lines = proxy.access(200)
    again = [line for line in lines if line["tries"] > 1]
    # Three, and those under way when the third one failed.
    assert 3 <= len(again) <= 3 + 8


def test_a_try_that_was_followed_by_another_counts(weir, backend):
    bad, good = backend(resetting), backend()
    client = weir(ejecting([bad, good], row_of(4), retries={"backoff": {"base": "1ms"}})).client()
    for _ in range(30):
        assert client.ask().status == 200
    assert len(bad.requests) == 4


def test_a_kept_connection_that_ended_is_no_failure(weir, backend):
    """The server closed what it had kept: nothing is wrong with it."""

    def once(connection):
        if connection.request() is not None:
            connection.answer(body="x")

    servers = [backend(once) for _ in range(2)]
    client = weir(ejecting(servers, row_of(1))).client()
    for _ in range(20):
        assert client.ask().status == 200
        eventually(lambda: sum(server.open_connections for server in servers) == 0)
    assert [len(server.requests) for server in servers] == [10, 10]


def test_a_client_that_leaves_is_no_failure(weir, backend):
    servers = [backend(silent) for _ in range(2)]
    proxy = weir(ejecting(servers, row_of(1)))
    for count in range(1, 9):
        client = proxy.client()
        client.send_request()
        eventually(lambda: sum(len(server.requests) for server in servers) == count)
        client.reset()
        proxy.access(count)
    assert [len(server.requests) for server in servers] == [4, 4]
