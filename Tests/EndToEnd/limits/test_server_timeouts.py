"""A pool's and a route's `timeouts`: how long servers are waited for."""

import time

import pytest

from harness import DEADLINE, Closed, eventually, scaled
from harness.checks import assert_own_answer
from harness.setups import LOGGED, pooled

SECONDS = scaled(0.6)
VALUE = f"{SECONDS * 1000:.0f}ms"
LEAST = SECONDS * 0.95


def timed(ask):
    start = time.monotonic()
    response = ask()
    return response, time.monotonic() - start


def proxy_before(weir, server, **timeouts):
    return weir(pooled(server, {"timeouts": timeouts, "retries": 1}, **LOGGED))


def test_connect(weir, unreachable):
    proxy = proxy_before(weir, unreachable, connect=VALUE)
    response, took = timed(proxy.client().ask)
    assert_own_answer(response, 504, "connect-timeout", closes=False)
    assert LEAST <= took < DEADLINE
    line = proxy.access()[0]
    assert (line["outcome"], line["status"], line["tries"]) == ("connect-timeout", 504, 1)


def test_connect_goes_on_to_another_server(weir, backend, unreachable):
    good = backend()
    proxy = weir(pooled([unreachable, good], {"timeouts": {"connect": VALUE}}, **LOGGED))
    for _ in range(2):
        assert proxy.ask().status == 200
    tries = sorted(line["tries"] for line in proxy.access(2))
    assert tries in ([1, 2], [1, 1], [2, 2]) and len(good.requests) == 2


def silent(connection):
    connection.request()
    connection.rest()


def test_response(weir, backend):
    server = backend(silent)
    proxy = proxy_before(weir, server, response=VALUE)
    client = proxy.client()
    response, took = timed(client.ask)
    assert_own_answer(response, 504, "response-timeout", closes=False)
    assert LEAST <= took < DEADLINE
    eventually(lambda: not server.open_connections, "the server's connection to be given up")
    line = proxy.access()[0]
    assert (line["outcome"], line["status"], line["tries"]) == ("response-timeout", 504, 1)
    assert line["duration"] >= LEAST


def test_response_is_not_asked_of_a_body(weir, backend):
    def slow(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")
        for _ in range(15):
            connection.send(b"x")
            time.sleep(SECONDS / 10)

    proxy = proxy_before(weir, backend(slow), response=VALUE)
    assert proxy.ask().body == b"x" * 15


def test_response_begins_when_the_request_is_sent(weir, backend):
    proxy = proxy_before(weir, backend(), response=VALUE)
    client = proxy.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n")
    for _ in range(15):
        client.send(b"x")
        time.sleep(SECONDS / 10)
    assert client.response().status == 200


HALVES = {
    "length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "until-close": "HTTP/1.1 200 OK\r\n\r\nhalf",
}


@pytest.mark.parametrize("half", HALVES)
def test_stream(weir, backend, half):
    def script(connection):
        connection.request()
        connection.send(HALVES[half])
        connection.rest()

    server = backend(script)
    proxy = proxy_before(weir, server, stream=VALUE)
    client = proxy.client()
    start = time.monotonic()
    client.send_request()
    try:
        response = client.response()
    except Closed:
        pass
    else:
        raise AssertionError(f"a cut answer looked whole: {response}")
    assert LEAST <= time.monotonic() - start < DEADLINE
    assert proxy.access()[0]["outcome"] == "stream-timeout"
    eventually(lambda: not server.open_connections)


def test_stream_allows_what_is_never_silent_for_long(weir, backend):
    def events(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(15):
            connection.send("1\r\ne\r\n")
            time.sleep(SECONDS / 10)
        connection.send("0\r\n\r\n")

    assert proxy_before(weir, backend(events), stream=VALUE).ask().body == b"e" * 15


def test_idle(weir, backend):
    server = backend()
    proxy = weir({"workers": 1, **pooled(server, {"timeouts": {"idle": VALUE}})})
    client = proxy.client()
    assert client.ask().status == 200
    start = time.monotonic()
    eventually(lambda: not server.open_connections, "the idle connection to be closed")
    assert LEAST * 0.95 <= time.monotonic() - start < DEADLINE
    assert client.ask().status == 200
    assert len(server.connections) == 2


def test_idle_does_not_cut_an_answer(weir, backend):
    def slow(connection):
        while connection.request() is not None:
            time.sleep(SECONDS * 1.5)
            connection.answer(body="late")

    server = backend(slow)
    proxy = weir({"workers": 1, **pooled(server, {"timeouts": {"idle": VALUE}})})
    assert proxy.ask().body == b"late"


def test_total_without_an_answer(weir, backend):
    def interim(connection):
        connection.request()
        while True:
            connection.send("HTTP/1.1 103 Early Hints\r\n\r\n")
            time.sleep(SECONDS / 10 + 0.01)

    proxy = proxy_before(weir, backend(interim), total=VALUE)
    response, took = timed(proxy.client().ask)
    assert_own_answer(response, 504, "total-timeout")
    assert LEAST <= took < DEADLINE
    assert proxy.access()[0]["outcome"] == "total-timeout"


def test_total_cuts_an_answer_that_never_ends(weir, backend):
    def endless(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send("1\r\ne\r\n")
            time.sleep(SECONDS / 10)

    proxy = proxy_before(weir, backend(endless), total=VALUE)
    client = proxy.client()
    start = time.monotonic()
    client.send_request()
    with pytest.raises(Closed):
        client.response()
    assert LEAST <= time.monotonic() - start < DEADLINE
    assert proxy.access()[0]["outcome"] == "total-timeout"


def test_total_shortens_the_others(weir, backend, unreachable):
    config = pooled(unreachable, {"timeouts": {"connect": VALUE, "total": VALUE}}, **LOGGED)
    response, took = timed(weir(config).client().ask)
    assert_own_answer(response, 504, "total-timeout")
    assert LEAST <= took < DEADLINE


def test_a_route_lays_its_own_over_the_pools(weir, backend):
    server = backend(silent)
    config = pooled(server, {"timeouts": {"response": "1m"}, "retries": 1})
    config["routes"] = [
        {"match": "/quick", "pool": "main", "timeouts": {"response": VALUE}},
        {"pool": "main"},
    ]
    proxy = weir({"shutdown-timeout": "100ms", **config})
    patient = proxy.client()
    patient.send_request(target="/slow")
    assert_own_answer(proxy.ask(target="/quick"), 504, "response-timeout")
    patient.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        patient.sock.recv(1)
