"""`retries.status`: answers that are not passed on while there are tries, and `Retry-After`."""

import time

import pytest

from harness import Client, scaled
from harness.faults import saying, standing_in

QUICK = {"base": "1ms", "max": "1ms"}


def proxy_before(weir, bad, good, **retries):
    return weir(standing_in(bad, good, retries={"backoff": QUICK, **retries}))


@pytest.mark.parametrize(
    ("written", "status"),
    [([503], 503), ("503", 503), ([429, 404], 404), ("5xx", 500), ("5xx", 599), ([500, "5xx"], 501)],
)
def test_a_status_of_the_list_is_followed_by_another_try(weir, backend, written, status):
    bad, good = backend(saying(status)), backend()
    proxy = proxy_before(weir, bad, good, status=written)
    assert proxy.ask().status == 200
    line = proxy.access()[0]
    assert (line["tries"], line["status"], line["endpoint"]) == (2, 200, good.address)


@pytest.mark.parametrize(("written", "status"), [([503], 502), ("5xx", 499), ("5xx", 404), ("off", 503)])
def test_another_status_is_passed_on(weir, backend, written, status):
    bad, good = backend(saying(status, body=b"mine")), backend()
    proxy = proxy_before(weir, bad, good, status=written)
    response = proxy.ask()
    assert (response.status, response.body) == (status, b"mine")
    assert not good.connections
    assert proxy.access()[0]["tries"] == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_repeated_gets_the_answer(weir, backend, method):
    bad, good = backend(saying(503, body=b"mine")), backend()
    proxy = proxy_before(weir, bad, good, status=503)
    response = proxy.ask(method, body=b"pay")
    assert (response.status, response.body) == (503, b"mine")
    assert not good.connections and len(bad.requests) == 1


def test_the_last_answer_is_passed_on_when_the_tries_are_used_up(weir, backend):
    """Whole: its own status, fields and body, and the connection goes on."""
    servers = [backend(saying(503, ("X-Who", str(i)), body=b"full %d" % i)) for i in range(4)]
    proxy = proxy_before(weir, servers[0], servers[1:], status=503, attempts=3)
    client = proxy.client()
    for _ in range(2):
        response = client.ask()
        assert (response.status, response.body, response.get("x-who")) == (503, b"full 2", "2")
        assert not response.has("x-weir-outcome")
    assert [len(server.requests) for server in servers] == [2, 2, 2, 0]
    line = proxy.access(2)[1]
    assert (line["tries"], line["status"], line["outcome"]) == (3, 503, "ok")


def test_the_answer_is_passed_on_when_the_budget_is_used_up(weir, backend):
    bad, good = backend(saying(503, body=b"mine")), backend()
    budget = {"share": "0%", "min": "1/s"}
    proxy = proxy_before(weir, bad, good, status=503, budget=budget)
    client = proxy.client()
    # One a second for ten seconds.
    statuses = [client.ask().status for _ in range(13)]
    assert statuses == [200] * 10 + [503] * 3
    assert client.ask().body == b"mine"


def test_an_answer_that_is_not_passed_on_leaves_nothing_behind(weir, backend):
    """A long body of the one answer never mixes with the other, and its connection is not kept."""
    bad, good = backend(saying(503, body=b"x" * 300_000)), backend()
    client = proxy_before(weir, bad, good, status=503).client()
    for count in range(1, 4):
        assert client.ask().status == 200
        assert len(bad.connections) == count
    assert len(good.connections) == 1


def test_head_is_tried_again_like_get(weir, backend):
    bad, good = backend(saying(503)), backend()
    assert proxy_before(weir, bad, good, status=503).ask("HEAD").status == 200


def test_retry_after_is_heeded(weir, backend):
    """The next try comes no earlier, however short the backoff is."""
    bad, good = backend(saying(503, ("Retry-After", "1"))), backend()
    proxy = proxy_before(weir, bad, good, status=503)
    assert proxy.ask().status == 200
    assert 1.0 <= good.requests[0].time - bad.requests[0].time < 1 + scaled(0.5)


@pytest.mark.parametrize("value", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-1", "1.5", ""])
def test_a_retry_after_without_a_time_to_wait_changes_nothing(weir, backend, value):
    bad, good = backend(saying(503, ("Retry-After", value))), backend()
    proxy = proxy_before(weir, bad, good, status=503)
    assert proxy.ask().status == 200
    assert good.requests[0].time - bad.requests[0].time < scaled(0.5)


@pytest.mark.parametrize("seconds", ["11", "3600", "99999999999999999999"])
def test_an_answer_that_asks_for_too_long_a_wait_is_passed_on(weir, backend, seconds):
    bad, good = backend(saying(503, ("Retry-After", seconds))), backend()
    start = time.monotonic()
    response = proxy_before(weir, bad, good, status=503).ask()
    assert (response.status, response.get("retry-after")) == (503, seconds)
    assert time.monotonic() - start < scaled(1) and not good.connections


def test_the_longest_wait_is_ten_seconds(weir, backend):
    """At the limit the client is kept waiting; it is not worth waiting for the end here."""
    bad, good = backend(saying(503, ("Retry-After", "10"))), backend()
    proxy = proxy_before(weir, bad, good, status=503)
    client = Client(proxy.address, timeout=0.5)
    client.send_request()
    bad.saw()
    try:
        assert not client.sock.recv(1), "an answer came, or the end"
        raise AssertionError("the connection ended")
    except TimeoutError:
        pass
    client.reset()
    assert proxy.access()[0]["outcome"] == "client-aborted"


def test_a_wait_beyond_the_time_for_all_tries_is_not_begun(weir, backend):
    bad, good = backend(saying(503, ("Retry-After", "2"))), backend()
    proxy = proxy_before(weir, bad, good, status=503, timeout="1s")
    start = time.monotonic()
    assert proxy.ask().status == 503
    assert time.monotonic() - start < scaled(1) and not good.connections


def test_a_server_that_closes_behind_its_answer_is_no_reset(weir, backend):
    def once(connection):
        if connection.request() is not None:
            connection.answer(503, body="no", reason="No")

    bad, good = backend(once), backend()
    proxy = proxy_before(weir, bad, good, status=503, on="connect-failure")
    assert proxy.ask().status == 200
    assert proxy.access()[0]["tries"] == 2
