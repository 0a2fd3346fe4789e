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


def test_the_corpus_is_large_and_holds_good_requests():
    assert len(CASES) > 400
    whole = [name for name, data in CASES.items() if readings(data)]
    assert 20 < len(whole) < len(CASES) / 2
