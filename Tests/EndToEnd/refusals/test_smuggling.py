"""Whatever a client sends, the server sees no request that the bytes do not hold by the letter."""

import json

import pytest

from harness import Client, Closed, eventually
from refusals.corpus import corpus, readings

CASES = dict(corpus())


@pytest.fixture(scope="module")
def setting(shared_weir, shared_backend):
    server = shared_backend()
    config = {"workers": 1, "listen": "127.0.0.1:0", "servers": [server.address]}
    return shared_weir(config), server


def answers(client):
    """The status of every answer up to the end of the connection."""
    statuses = []
    try:
        while client.buffer or client.fill():
            statuses.append(client.response().status)
    except Closed:
        pass
    return statuses


@pytest.mark.parametrize("name", CASES)
def test_no_second_reading(setting, name):
    proxy, server = setting
    data = CASES[name]
    before = len(server.requests)
    server.problems.clear()
    client = Client(proxy.address)
    client.send(data)
    client.finish()
    statuses = answers(client)
    client.close()
    passed = statuses.count(200)
    eventually(lambda: len(server.requests) >= before + passed, "the requests that were answered")

    # A connection that was left out of step would answer the next client wrongly.
    after = proxy.ask(target="/after")
    assert json.loads(after.body)["target"] == "/after"
    eventually(
        lambda: server.requests[-1].target == "/after", f"the last request, {server.requests[-1]}"
    )

    seen = [(one.method, one.target, one.body) for one in server.requests[before:-1]]
    allowed = readings(data)
    assert not server.problems, server.problems
    assert seen == allowed[: len(seen)], f"sent {data!r}, read {allowed}"
    assert len(seen) == passed, f"answers {statuses}, at the server {seen}"
    assert all(status in (200, 400, 505) for status in statuses), statuses


def test_lines_that_grow_cut_nothing_off(weir, backend):
    """A line without a space behind its colon goes on with one. What is left without room then
    would be the framing, which stands behind them all, and the body would pass for a request."""
    server = backend()
    config = {"workers": 1, "listen": "127.0.0.1:0", "servers": [server.address]}
    proxy = weir({**config, "limits": {"fields": 1000}})
    body = b":1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for count in range(675, 700, 5):
        client = Client(proxy.address)
        client.send(b"POST /grown HTTP/1.1\r\nHost:a\r\n" + b"x:y\r\n" * count)
        client.send(b"Content-Length: %018d\r\n\r\n" % len(body) + body)
        assert client.response().status == 200
        client.close()
        seen = server.requests[-1]
        assert (seen.target, seen.body) == ("/grown", body)
        assert len(seen.all("x")) == count and seen.has("x-request-id")
    assert len(server.requests) == 5 and not server.problems


def test_the_corpus_is_large_and_holds_good_requests():
    assert len(CASES) > 400
    whole = [name for name, data in CASES.items() if readings(data)]
    assert 20 < len(whole) < len(CASES) / 2
