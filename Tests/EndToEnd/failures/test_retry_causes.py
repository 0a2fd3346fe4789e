"""`retries.on`: which failures are followed by another try, and for which requests."""

import threading
import time

import pytest

from harness.checks import assert_own_answer
from harness.faults import closing, resetting, silent, standing_in

REPEATABLE = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]
OTHERS = ["POST", "PATCH", "LOCK"]
BODIES = {"PUT", "POST", "PATCH"}
# Long enough that nobody could take a wait for "at once".
LONG_BACKOFF = {"base": "1m", "max": "1m"}
TRY = {"try-timeout": "150ms"}
# What the server does, what `on` has to name for another try, and the answer without one.
CAUSES = {
    "reset": (resetting, "reset-before-answer", 502, "upstream-reset"),
    "close": (closing, "reset-before-answer", 502, "upstream-reset"),
    "timeout": (silent, "timeout", 504, "response-timeout"),
}
WORDS = ["connect-failure", "reset-before-answer", "timeout"]


def ask(proxy, method):
    return proxy.ask(method, body=b"body" if method in BODIES else None)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_refused_connect_goes_on_at_once(weir, backend, refused, method):
    good = backend()
    proxy = weir(standing_in(refused, good, retries={"backoff": LONG_BACKOFF}))
    assert ask(proxy, method).status == 200
    line = proxy.access()[0]
    assert (line["tries"], line["endpoint"]) == (2, good.address)
    assert len(good.requests) == 1


def test_a_missing_unix_socket_is_gone_past_at_once(weir, backend, tmp_path):
    good = backend()
    missing = f"unix:{tmp_path / 'missing.sock'}"
    proxy = weir(standing_in(missing, good, retries={"backoff": LONG_BACKOFF}))
    for _ in range(3):
        assert ask(proxy, "POST").status == 200
    assert [line["tries"] for line in proxy.access(3)] == [2, 2, 2]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connect_that_takes_too_long_goes_on_at_once(weir, backend, unreachable, method):
    good = backend()
    pool = {"timeouts": {"connect": "200ms"}, "retries": {"backoff": LONG_BACKOFF}}
    proxy = weir(standing_in(unreachable, good, **pool))
    start = time.monotonic()
    assert ask(proxy, method).status == 200
    assert 0.19 <= time.monotonic() - start
    assert proxy.access()[0]["tries"] == 2


@pytest.mark.parametrize("words", [["reset-before-answer", "timeout"], "off"])
def test_without_its_word_a_failed_connect_is_the_answer(weir, backend, refused, unreachable, words):
    good = backend()
    pool = {"timeouts": {"connect": "100ms"}, "retries": {"on": words}}
    refusing = weir(standing_in(refused, good, **pool))
    assert_own_answer(refusing.ask(), 503, "connect-failed", closes=False)
    late = weir(standing_in(unreachable, good, **pool))
    assert_own_answer(late.ask(), 504, "connect-timeout", closes=False)
    assert refusing.access()[0]["tries"] == late.access()[0]["tries"] == 1
    assert not good.connections


@pytest.mark.parametrize("method", REPEATABLE)
@pytest.mark.parametrize("cause", CAUSES)
def test_what_may_be_repeated_is(weir, backend, cause, method):
    fault, word, _, _ = CAUSES[cause]
    bad, good = backend(fault), backend()
    proxy = weir(standing_in(bad, good, retries={"on": [word], **TRY}))
    assert ask(proxy, method).status == 200
    assert (len(bad.requests), len(good.requests)) == (1, 1)
    line = proxy.access()[0]
    assert (line["tries"], line["outcome"], line["endpoint"]) == (2, "ok", good.address)


@pytest.mark.parametrize("method", OTHERS)
@pytest.mark.parametrize("cause", CAUSES)
def test_what_may_not_be_repeated_is_not(weir, backend, cause, method):
    """Not even with every word and the status there: the server may have processed it."""
    fault, _, status, outcome = CAUSES[cause]
    bad, good = backend(fault), backend()
    retries = {"on": WORDS, "status": [500, 502, 503, 504], **TRY}
    proxy = weir(standing_in(bad, good, retries=retries))
    assert_own_answer(ask(proxy, method), status, outcome, closes=False)
    assert len(bad.requests) == 1 and not good.connections
    assert proxy.access()[0]["tries"] == 1


@pytest.mark.parametrize("cause", CAUSES)
def test_without_its_word_a_failure_is_the_answer(weir, backend, cause):
    fault, word, status, outcome = CAUSES[cause]
    bad, good = backend(fault), backend()
    others = [one for one in WORDS if one != word]
    proxy = weir(standing_in(bad, good, retries={"on": others, **TRY}))
    assert_own_answer(proxy.ask(), status, outcome, closes=False)
    assert len(bad.requests) == 1 and not good.connections
    assert proxy.access()[0]["tries"] == 1


def test_the_timeout_of_the_answer_counts_as_well(weir, backend):
    """Without a `try-timeout`, `timeouts.response` is that of each try."""
    bad, good = backend(silent), backend()
    pool = {"timeouts": {"response": "150ms"}, "retries": {"on": "timeout"}}
    proxy = weir(standing_in(bad, good, **pool))
    start = time.monotonic()
    assert proxy.ask().status == 200
    assert time.monotonic() - start >= 0.14
    assert proxy.access()[0]["tries"] == 2


def test_by_default_a_timeout_is_no_cause(weir, backend):
    bad, good = backend(silent), backend()
    proxy = weir(standing_in(bad, good, retries=TRY))
    assert_own_answer(proxy.ask(), 504, "response-timeout", closes=False)
    assert not good.connections


def test_a_route_has_words_of_its_own(weir, backend):
    bad, good = backend(resetting), backend()
    config = standing_in(bad, good)
    config["routes"] = [
        {"match": "/once", "pool": "main", "retries": {"on": "connect-failure"}},
        {"pool": "main"},
    ]
    proxy = weir(config)
    assert_own_answer(proxy.ask(target="/once"), 502, "upstream-reset")
    assert proxy.ask(target="/again").status == 200


def test_nothing_is_repeated_once_an_interim_answer_has_gone_out(weir, backend):
    arrived = threading.Event()

    def early(connection):
        connection.request()
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        arrived.wait(10)
        connection.reset()

    bad, good = backend(early), backend()
    client = weir(standing_in(bad, good)).client()
    client.send_request()
    client.fill()
    arrived.set()
    response = client.response()
    assert [one.status for one in response.informational] == [103]
    assert_own_answer(response, 502, "upstream-reset")
    assert not good.connections
