"""Where tries go, how many there are, and who pays for them."""

import pytest

from harness.balancing import STRATEGIES, where
from harness.checks import assert_own_answer
from harness.faults import resetting, saying, standing_in
from harness.setups import LOGGED, pooled

QUICK = {"base": "1ms", "max": "1ms"}
PATIENT = {"attempts": 8, "backoff": QUICK, "budget": "none"}


@pytest.mark.parametrize("attempts", [1, 2, 3, 8])
def test_attempts_counts_tries(weir, backend, attempts):
    """So many servers are asked at most, the first try included."""
    servers = [backend(resetting) for _ in range(attempts)]
    last = backend()
    retries = {"attempts": attempts, "backoff": QUICK}
    proxy = weir(standing_in(servers[0], [*servers[1:], last], retries=retries))
    assert_own_answer(proxy.ask(), 502, "upstream-reset")
    assert [len(server.requests) for server in servers] == [1] * attempts
    assert not last.connections
    assert proxy.access()[0]["tries"] == attempts


@pytest.mark.parametrize("attempts", [2, 3, 8])
def test_the_last_try_counts(weir, backend, attempts):
    servers = [backend(resetting) for _ in range(attempts - 1)]
    last = backend()
    retries = {"attempts": attempts, "backoff": QUICK}
    proxy = weir(standing_in(servers[0], [*servers[1:], last], retries=retries))
    assert proxy.ask().status == 200
    assert proxy.access()[0]["tries"] == attempts


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_server_is_asked_before_one_is_asked_again(weir, backend, strategy):
    servers = [backend(saying(503)) for _ in range(4)]
    retries = {**PATIENT, "attempts": 4, "status": 503}
    pool = {"balance": strategy, "retries": retries, "ejection": "off"}
    proxy = weir(pooled(servers, pool, **LOGGED))
    for count in range(1, 6):
        assert proxy.ask().status == 503
        assert [len(server.requests) for server in servers] == [count] * 4
    assert proxy.access(5)[4]["tries"] == 4


def test_where_no_other_is_left_the_same_are_asked_again(weir, backend):
    servers = [backend(saying(503)) for _ in range(3)]
    pool = {"retries": {**PATIENT, "status": 503}, "ejection": "off"}
    assert weir(pooled(servers, pool)).ask().status == 503
    assert sum(len(server.requests) for server in servers) == 8
    assert min(len(server.requests) for server in servers) >= 1


def sticky_client(weir, servers, **pool):
    """A client, and the server that it sticks to by a header."""
    pool = {"sticky": {"header": "x-token"}, "ejection": "off", **pool}
    entries = [{"address": one.address, "name": one.name} for one in servers]
    proxy = weir({**pooled(entries, pool, **LOGGED), "workers": 1})
    client = proxy.client()
    response = client.ask()
    home = next(one for one in servers if one.name == where(response))
    return client, home, [("X-Token", response.get("x-token"))]


@pytest.mark.parametrize("failure", ["status", "reset", "refused"])
def test_a_client_that_sticks_to_a_server_gets_another_where_it_fails(weir, backend, failure):
    servers = [backend(name=name) for name in ("a", "b")]
    client, home, token = sticky_client(weir, servers, retries={**PATIENT, "status": 503})
    other = next(one for one in servers if one is not home)
    assert where(client.ask(fields=token)) == home.name
    asked = len(home.requests)
    home.script = {"status": saying(503), "reset": resetting, "refused": resetting}[failure]
    if failure == "refused":
        home.close()
    else:
        # Kept connections still run the old script.
        home.drop()
    for count in range(1, 4):
        response = client.ask(fields=token)
        assert where(response) == other.name
        assert response.get("x-token") != token[0][1]
        if failure != "refused":
            assert len(home.requests) == asked + count


def test_a_hash_key_keeps_its_second_server_too(weir, backend):
    """What fails over goes where the key belongs next, not anywhere."""
    servers = [backend(name=name) for name in "abcd"]
    balance = {"strategy": "consistent-hash", "key": "path"}
    pool = {"balance": balance, "ejection": "off", "retries": PATIENT}
    client = weir(pooled(servers, pool)).client()
    home = where(client.ask(target="/mine"))
    next(one for one in servers if one.name == home).close()
    second = {where(client.ask(target="/mine")) for _ in range(6)}
    assert len(second) == 1 and home not in second


@pytest.mark.parametrize(("method", "tries"), [("GET", 3), ("POST", 2)])
def test_the_log_has_the_tries_and_the_last_server(weir, backend, refused, method, tries):
    servers = [backend(resetting) for _ in range(2)]
    proxy = weir(standing_in(refused, servers, retries={"attempts": 3, "backoff": QUICK}))
    assert_own_answer(proxy.ask(method, body=b"x"), 502, "upstream-reset")
    line = proxy.access()[0]
    assert (line["tries"], line["endpoint"]) == (tries, servers[tries - 2].address)


def test_without_a_failure_the_log_has_one_try(weir, backend):
    proxy = weir(standing_in(backend(), backend()))
    proxy.ask()
    assert proxy.access()[0]["tries"] == 1


# The budget.


def tries_at(server):
    return len(server.requests)


def test_the_budget_is_what_each_pool_has_of_its_own(weir, backend):
    """Two pools of one process: the one that fails leaves the other one's alone."""
    bad = [backend(saying(503)) for _ in range(2)]
    retries = {"attempts": 2, "status": 503, "backoff": QUICK}
    small = {"budget": {"share": "0%", "min": "1/s"}}
    config = {
        **standing_in(bad[0], []),
        "pools": {
            name: {"servers": [one.address], "ejection": "off", "retries": {**retries, **small}}
            for name, one in zip(["first", "second"], bad)
        },
        "routes": [{"match": "/first", "pool": "first"}, {"pool": "second"}],
    }
    client = weir(config).client()
    for _ in range(15):
        client.ask(target="/first")
    assert tries_at(bad[0]) == 25
    for _ in range(15):
        client.ask(target="/second")
    assert tries_at(bad[1]) == 25


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("share", [("50%", 20), ("10%", 4), ("0%", 0), ("100%", 40)])
def test_the_share_is_that_of_the_requests(weir, backend, share, workers):
    """Of forty requests, over as many connections; without `min` there is nothing else."""
    written, retries = share
    server = backend(saying(503))
    keys = {"attempts": 2, "status": 503, "backoff": QUICK}
    budget = {"share": written, "min": "off"}
    proxy = weir(
        {
            **pooled(server, {"ejection": "off", "retries": {**keys, "budget": budget}}),
            "workers": workers,
        }
    )
    for _ in range(40):
        assert proxy.ask().status == 503
    # What a worker has not told of yet can be missing at the end of the row, never too much.
    assert 40 + retries - (2 if retries else 0) <= tries_at(server) <= 40 + retries


def test_every_kind_of_retry_takes_from_the_budget(weir, backend, refused):
    good = backend()
    budget = {"budget": {"share": "0%", "min": "1/s"}}
    reset = weir(standing_in(backend(resetting), good, retries={"backoff": QUICK, **budget}))
    connect = weir(standing_in(refused, good, retries=budget))
    for proxy, outcome, status in [(reset, "upstream-reset", 502), (connect, "connect-failed", 503)]:
        client = proxy.client()
        assert [client.ask().status for _ in range(10)] == [200] * 10
        assert_own_answer(client.ask(), status, outcome, closes=False)


def test_without_a_budget_every_try_is_made(weir, backend):
    server = backend(saying(503))
    retries = {"attempts": 2, "status": 503, "backoff": QUICK, "budget": "none"}
    client = weir(standing_in(server, [], retries=retries)).client()
    for _ in range(150):
        client.ask()
    assert tries_at(server) == 300
