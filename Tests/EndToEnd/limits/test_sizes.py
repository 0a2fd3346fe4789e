"""`limits` that count bytes, fields and requests: each at its value and one past it."""

import pytest

from harness import WireError, answer, eventually
from harness.checks import assert_own_answer, assert_refused, outcome_of, untouched
from harness.setups import LOGGED, single


def head_of(size):
    """A request whose head is exactly this long, blank line included."""
    start, end = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


def head_with(fields):
    """A request with this many fields, Host among them."""
    more = b"".join(b"X-%d: v\r\n" % number for number in range(fields - 1))
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n"


def head_to(size):
    """A request whose target is this long, half of it query."""
    target = b"/" + b"p" * (size // 2) + b"?"
    target += b"q" * (size - len(target))
    return b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"


LIMITS = {
    "head-size": ("1KiB", head_of, 1024, 431),
    "head-size-large": ("64KiB", head_of, 65536, 431),
    "fields": (5, head_with, 5, 431),
    "target-size": ("64B", head_to, 64, 414),
}


def proxy_with(weir, backend, key):
    value, make, bound, status = LIMITS[key]
    server = backend()
    limits = {key.removesuffix("-large"): value}
    return weir(single(server, limits=limits)), server, make, bound, status


@pytest.mark.parametrize("key", LIMITS)
def test_a_head_at_the_limit_is_served(weir, backend, key):
    proxy, server, make, bound, _ = proxy_with(weir, backend, key)
    client = proxy.client()
    for _ in range(2):
        client.send(make(bound))
        assert client.response().status == 200
    assert len(server.requests) == 2


@pytest.mark.parametrize("key", LIMITS)
def test_a_head_one_past_the_limit_is_refused(weir, backend, key):
    proxy, server, make, bound, status = proxy_with(weir, backend, key)
    client = proxy.client()
    client.send(make(bound + 1))
    assert_refused(client, status)
    untouched(server)


@pytest.mark.parametrize("key", LIMITS)
def test_a_head_past_the_limit_is_refused_without_its_end(weir, backend, key):
    proxy, server, make, bound, status = proxy_with(weir, backend, key)
    client = proxy.client()
    client.send(make(bound + 8)[:-3])
    assert_refused(client, status)
    untouched(server)


def answering(head):
    def script(connection):
        while connection.request() is not None:
            connection.send(head)

    return script


def answer_of(size):
    plain = len(answer(body=b"x", fields=[("X-Long", "")])) - 1
    return answer(body=b"x", fields=[("X-Long", "y" * (size - plain))])


def answer_with(fields):
    return answer(body=b"x", fields=[(f"X-{number}", "v") for number in range(fields - 1)])


@pytest.mark.parametrize(
    "limits, make, bound",
    [({"head-size": "1KiB"}, answer_of, 1024), ({"fields": 5}, answer_with, 5)],
    ids=["head-size", "fields"],
)
@pytest.mark.parametrize("beyond", [0, 1])
def test_the_head_of_an_answer(weir, backend, limits, make, bound, beyond):
    server = backend(answering(make(bound + beyond)))
    client = weir(single(server, limits=limits)).client()
    response = client.ask()
    if beyond:
        assert_own_answer(response, 502, "bad-answer")
    else:
        assert response.status == 200 and response.body == b"x"


@pytest.mark.parametrize("bound", [0, 1, 100, 70_000])
def test_a_body_at_the_limit_is_served(weir, backend, bound):
    server = backend()
    client = weir(single(server, limits={"body-size": f"{bound}B"})).client()
    assert client.ask("POST", body=b"b" * bound).status == 200
    assert client.ask("POST", body=[b"b" * bound] if bound else []).status == 200
    assert [len(request.body) for request in server.requests] == [bound, bound]


@pytest.mark.parametrize("bound", [0, 1, 100, 70_000])
def test_a_body_one_past_the_limit_is_refused(weir, backend, bound):
    server = backend()
    proxy = weir(single(server, limits={"body-size": f"{bound}B"}, **LOGGED))
    client = proxy.client()
    client.send_request("POST", body=b"b" * (bound + 1))
    assert_refused(client, 413)
    untouched(server)
    assert outcome_of(proxy) == "body-too-large"


def until_cut(connection):
    """Reads a request that the proxy gives up in the middle."""
    try:
        while connection.request() is not None:
            connection.answer()
    except WireError:
        pass


@pytest.mark.parametrize("bound", [0, 1, 100, 70_000])
def test_a_chunked_body_one_past_the_limit_is_refused(weir, backend, bound):
    server = backend(until_cut)
    proxy = weir(single(server, limits={"body-size": f"{bound}B"}, **LOGGED))
    client = proxy.client()
    client.send_request("POST", body=[b"b"] * (bound + 1) if bound < 1000 else [b"b" * bound, b"c"])
    assert_refused(client, 413)
    assert not server.requests, "the server took a body that was cut for a whole one"
    assert outcome_of(proxy) == "body-too-large"


def test_a_body_without_limit(weir, backend):
    client = weir(single(backend(), limits={"body-size": "none"})).client()
    assert client.ask("POST", body=b"b" * 3_000_000).status == 200


@pytest.mark.parametrize("bound", [1, 3])
def test_requests_per_connection(weir, backend, bound):
    server = backend()
    proxy = weir(single(server, limits={"requests-per-connection": bound}))
    for _ in range(2):
        client = proxy.client()
        for number in range(1, bound + 1):
            response = client.ask()
            assert response.status == 200
            assert (response.get("connection") == "close") == (number == bound), number
        assert client.ended()
    assert len(server.requests) == 2 * bound


def test_pipelined_requests_beyond_the_last_are_not_served(weir, backend):
    server = backend()
    client = weir(single(server, limits={"requests-per-connection": 2})).client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 4)
    assert client.response().get("connection") is None
    assert client.response().get("connection") == "close"
    assert client.ended()
    assert len(server.requests) == 2


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("trailers", "why"),
    [(b"a: b\r\n" * 6, "many trailer"), (b"a: " + b"b" * 1024 + b"\r\n", "too large")],
    ids=["fields", "size"],
)
def test_a_trailer_section_past_the_limit(weir, backend, trailers, why, waits):
    server = backend()
    proxy = weir(single(server, limits={"fields": 5, "head-size": "1KiB"}))
    client = proxy.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    if waits:
        eventually(lambda: server.connections and b"\r\nx" in server.connections[0].received, "x")
    client.send(b"0\r\n" + trailers + b"\r\n")
    response = assert_refused(client, 431)
    assert why in response.text
    assert not server.requests
    server.problems.clear()
