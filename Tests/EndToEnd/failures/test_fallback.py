"""`fallback`: what serves when no server of a pool is well."""

import time

import pytest

from harness import Backend, eventually
from harness.checks import assert_own_answer
from harness.faults import Meter, resetting, saying
from harness.setups import LOGGED, Seen

SORRY = {"respond": {"status": 503, "body": "sorry"}}


def chained(routes=None, workers=1, **pools):
    """Pools of lists of servers, or of maps; requests go to `main` unless routes say otherwise."""
    made = {}
    for name, pool in pools.items():
        pool = pool if isinstance(pool, dict) else {"servers": pool}
        servers = pool["servers"] if isinstance(pool["servers"], list) else [pool["servers"]]
        addresses = [one.address if isinstance(one, Backend) else one for one in servers]
        made[name] = {"ejection": "off", **pool, "servers": addresses}
    routes = routes or [{"pool": "main"}]
    return {"listen": "127.0.0.1:0", "pools": made, "routes": routes, "workers": workers, **LOGGED}


def down(server):
    address = server if isinstance(server, str) else server.address
    return {"address": address, "state": "down"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pool_whose_servers_are_dead_falls_back_at_once(weir, backend, refused, method):
    """Before anybody is ejected, and with the body."""
    spare = backend()
    proxy = weir(chained(main={"servers": refused, "fallback": "spare"}, spare=[spare]))
    client = proxy.client()
    body = b"x" * 20_000 if method == "POST" else None
    for _ in range(3):
        assert client.ask(method, body=body).status == 200
    assert [len(request.body) for request in spare.requests] == [len(body or b"")] * 3
    line = proxy.access(3)[2]
    assert (line["outcome"], line["endpoint"], line["route"]) == ("ok", spare.address, "default")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pool_without_servers_in_service_falls_back(weir, backend, method):
    unused, other, spare = backend(), backend(), backend()
    main = {"servers": [down(unused), {"address": other.address, "weight": 0}]}
    proxy = weir(chained(main={**main, "fallback": "spare"}, spare=[spare]))
    assert proxy.ask(method, body=b"x").status == 200
    line = proxy.access()[0]
    assert (line["tries"], line["endpoint"]) == (1, spare.address)
    assert not unused.connections and not other.connections


def test_while_one_server_is_well_nothing_falls_back(weir, backend, refused):
    good, spare = backend(), backend()
    main = {"servers": [refused, down(refused.replace("127.0.0.1", "127.0.0.2")), good]}
    proxy = weir(chained(main={**main, "fallback": "spare"}, spare=[spare]))
    client = proxy.client()
    for _ in range(10):
        assert client.ask().status == 200
    assert len(good.requests) == 10 and not spare.connections


@pytest.mark.parametrize("attempts", [1, 2])
def test_without_tries_left_a_refused_connect_falls_back(weir, backend, refused, attempts):
    spare = backend()
    main = {"servers": refused, "retries": attempts, "fallback": "spare"}
    proxy = weir(chained(main=main, spare=[spare]))
    assert proxy.ask("POST", body=b"x").status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_a_server_may_have_seen_does_not_fall_back(weir, backend, method):
    bad, spare = backend(resetting), backend()
    main = {"servers": bad, "fallback": "spare", "retries": {"backoff": {"base": "1ms"}}}
    proxy = weir(chained(main=main, spare=[spare]))
    assert_own_answer(proxy.ask(method, body=b"x"), 502, "upstream-reset")
    assert not spare.connections


def test_what_has_been_sent_in_part_and_is_not_kept_does_not_fall_back(weir, backend, refused):
    spare = backend()
    main = {"servers": refused, "fallback": "spare", "retries": {"buffer": "4KiB"}}
    proxy = weir(chained(main=main, spare=[spare]))
    assert proxy.ask("PUT", body=b"x" * 4096).status == 200
    response = proxy.ask("PUT", body=b"x" * 4097)
    assert_own_answer(response, 503, "connect-failed")
    assert len(spare.requests) == 1


def test_a_bad_answer_is_no_reason_to_fall_back(weir, backend):
    bad, spare = backend(saying(503)), backend()
    proxy = weir(chained(main={"servers": bad, "fallback": "spare"}, spare=[spare]))
    assert proxy.ask().body == b"no"
    assert not spare.connections


def test_a_full_pool_does_not_fall_back(weir, backend):
    meter = Meter()
    busy, spare = backend(meter), backend()
    breaker = {"max-requests": 1, "max-pending": 0}
    main = {"servers": busy, "fallback": "spare", "breaker": breaker}
    proxy = weir(chained(main=main, spare=[spare]))
    client = proxy.client()
    client.send_request()
    busy.saw()
    assert_own_answer(proxy.ask(), 503, "pool-full")
    meter.let_go()
    assert client.response().status == 200 and not spare.connections


@pytest.mark.parametrize("kind", ["down", "dead"])
def test_fallbacks_form_a_chain(weir, backend, refused, kind):
    gone = down(refused) if kind == "down" else refused
    last = backend()
    config = chained(
        main={"servers": gone, "fallback": "second"},
        second={"servers": gone, "fallback": "third"},
        third={"servers": gone, "fallback": "last"},
        last=[last],
    )
    proxy = weir(config)
    for method in ["GET", "POST"]:
        assert proxy.ask(method, body=b"pay").status == 200
        assert last.requests[-1].body == b"pay"
    assert [line["tries"] for line in proxy.access(2)] == [1 if kind == "down" else 10] * 2


@pytest.mark.parametrize("kind", ["down", "dead"])
def test_a_chain_may_end_in_an_answer(weir, refused, kind):
    gone = down(refused) if kind == "down" else refused
    main = {"servers": gone, "fallback": "second"}
    proxy = weir(chained(main=main, second={"servers": gone, "fallback": SORRY}))
    response = proxy.ask("POST", body=b"x")
    assert (response.status, response.body) == (503, b"sorry")
    assert proxy.access()[0]["outcome"] == "no-endpoint"


@pytest.mark.parametrize("kind", ["down", "dead"])
def test_a_chain_may_end_in_nothing(weir, refused, kind):
    gone = down(refused) if kind == "down" else refused
    proxy = weir(chained(main={"servers": gone, "fallback": "second"}, second=[gone]))
    outcome = "no-endpoint" if kind == "down" else "connect-failed"
    assert_own_answer(proxy.ask(), 503, outcome, closes=False)


# Answers.

TEMPLATE = "{client.address} {method} {scheme} {host} {path} {query} {uri} {header.x-a} {{x} end"
ANSWER = {"status": 503, "body": TEMPLATE, "headers": {"X-Id": "{request.id}", "X-Path": "{path}"}}


@pytest.mark.parametrize("kind", ["down", "dead"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
def test_an_answer_has_the_values_of_its_request(weir, refused, kind, method):
    """The same as those of a `respond` route, though the request has been rewritten for servers."""
    gone = down(refused) if kind == "down" else refused
    config = chained(main={"servers": gone, "fallback": {"respond": ANSWER}})
    config["routes"] = [
        {"match": "direct.test", "respond": ANSWER},
        {"pool": "main"},
    ]
    client = weir(config).client()
    bodies = []
    for host in ["direct.test", "pooled.test"]:
        response = client.ask(
            method,
            "/a/%7Eb/../c?d=e&f",
            host=host,
            fields=[("X-A", "one"), ("X-A", "two"), ("Connection", "keep-alive")],
            body=b"12345" if method == "POST" else None,
        )
        assert response.status == 503 and not response.has("connection")
        assert response.get("content-type") == "text/plain; charset=utf-8"
        assert len(response.get("x-id")) == 32
        assert response.get("x-path") == "/a/%7Eb/../c"
        assert not response.has("x-weir-outcome")
        lengths = response.get("content-length")
        bodies.append((response.text.replace(host, "HOST"), int(lengths) - len(host)))
    assert bodies[0] == bodies[1]
    if method != "HEAD":
        expected = f"127.0.0.1 {method} http HOST /a/%7Eb/../c d=e&f /a/%7Eb/../c?d=e&f one {{x}} end"
        assert bodies[0][0] == expected


def test_an_answer_to_a_client_without_an_address(weir, refused, tmp_path):
    answer = {"respond": {"body": "{client.address}"}}
    config = chained(main={"servers": down(refused), "fallback": answer})
    config["listen"] = f"unix:{tmp_path / 'weir.sock'}"
    config["routes"] = [{"match": "/direct", **answer}, {"pool": "main"}]
    client = weir(config).client()
    assert client.ask(target="/direct").text == client.ask(target="/pool").text == "unix"


def test_an_answer_s_client_is_the_one_behind_trusted_proxies(weir, refused):
    answer = {"respond": {"body": "{client.address} {request.id}"}}
    config = chained(main={"servers": down(refused), "fallback": answer})
    config["routes"] = [{"match": "/direct", **answer}, {"pool": "main"}]
    client = weir({**config, "trusted-proxies": "loopback"}).client()
    fields = [("X-Forwarded-For", "192.0.2.7"), ("X-Request-Id", "abc-123")]
    texts = [client.ask(target=target, fields=fields).text for target in ["/direct", "/pool"]]
    assert all(text.startswith("192.0.2.7 ") for text in texts)


def test_an_answer_keeps_the_connection_and_is_logged(weir, refused):
    config = chained(main={"servers": refused, "fallback": SORRY})
    proxy = weir(config)
    client = proxy.client()
    for method in ["GET", "POST", "HEAD", "GET"]:
        response = client.ask(method, body=b"x" * 3000 if method == "POST" else None)
        assert (response.status, response.has("connection")) == (503, False)
        assert response.body == (b"" if method == "HEAD" else b"sorry")
        assert response.get("content-length") == "5"
    for line in proxy.access(4):
        assert (line["outcome"], line["status"]) == ("no-endpoint", 503)
        assert line["bytes-out"] > 0


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_ends_the_connection_where_the_client_asks_for_it(weir, refused, version):
    client = weir(chained(main={"servers": refused, "fallback": SORRY})).client()
    fields = [("Connection", "close")] if version == "1.1" else []
    response = client.ask(version=version, fields=fields)
    assert (response.status, response.get("connection")) == (503, "close")
    assert client.ended()


@pytest.mark.parametrize("status", [200, 204, 302, 404])
def test_an_answer_may_have_any_status(weir, refused, status):
    proxy = weir(chained(main={"servers": refused, "fallback": {"respond": status}}))
    client = proxy.client()
    for _ in range(2):
        assert client.ask().status == status
    line = proxy.access(2)[0]
    assert (line["status"], line["outcome"]) == (status, "no-endpoint")


def test_an_answer_may_be_a_file(weir, refused, tmp_path):
    page = b"<h1>" + b"sorry " * 20_000
    (tmp_path / "sorry.html").write_bytes(page)
    answer = {"respond": {"status": 503, "file": str(tmp_path / "sorry.html")}}
    response = weir(chained(main={"servers": refused, "fallback": answer})).ask()
    assert (response.status, response.body) == (503, page)
    assert response.get("content-type").startswith("text/html")


def test_an_answer_to_a_request_that_is_still_coming_ends_the_connection(weir, refused):
    client = weir(chained(main={"servers": refused, "fallback": SORRY})).client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    response = client.response()
    assert (response.body, response.get("connection")) == (b"sorry", "close")


# Routes.


def test_a_route_s_fallback_goes_before_its_pool_s(weir, backend, refused):
    spare, other = backend(name="spare"), backend(name="other")
    routes = [
        {"match": "/own", "pool": "main", "fallback": {"respond": {"status": 410}}},
        {"match": "/other", "pool": "main", "fallback": "other"},
        {"match": "/none", "pool": "main", "fallback": "none"},
        {"pool": "main"},
    ]
    main = {"servers": refused, "fallback": "spare"}
    client = weir(chained(routes, main=main, spare=[spare], other=[other])).client()
    assert client.ask(target="/own").status == 410
    assert Seen(client.ask(target="/other"))["backend"] == "other"
    assert_own_answer(client.ask(target="/none"), 503, "connect-failed", closes=False)
    assert Seen(client.ask(target="/rest"))["backend"] == "spare"


def test_the_pool_that_serves_has_its_own_fallback(weir, backend, refused):
    """Behind a route's fallback pool comes what that pool says, not what the first one says."""
    spare = backend()
    routes = [{"pool": "main", "fallback": "second"}]
    main = {"servers": refused, "fallback": "spare"}
    second = {"servers": refused, "fallback": SORRY}
    proxy = weir(chained(routes, main=main, second=second, spare=[spare]))
    assert proxy.ask().body == b"sorry"
    assert not spare.connections


def test_the_pool_that_serves_has_its_own_bounds(weir, backend, refused):
    meter = Meter()
    spare = {"servers": backend(meter), "breaker": {"max-requests": 1, "max-pending": 0}}
    main = {"servers": refused, "fallback": "spare"}
    proxy = weir(chained(main=main, spare=spare))
    client = proxy.client()
    client.send_request()
    eventually(lambda: meter.now == 1)
    assert_own_answer(proxy.ask(), 503, "pool-full")
    meter.let_go(2)
    assert client.response().status == 200
    assert proxy.ask().status == 200


def test_the_pool_that_serves_has_its_own_clients(weir, backend, refused):
    """Tokens of the one pool say nothing in the other."""
    spare = [backend(name=name) for name in "ab"]
    pools = {
        "main": {"servers": down(refused), "fallback": "spare", "sticky": {"header": "x-main"}},
        "spare": {"servers": spare, "sticky": {"header": "x-spare"}},
    }
    client = weir(chained(**pools)).client()
    first = client.ask()
    token = first.get("x-spare")
    assert token and not first.has("x-main")
    for _ in range(6):
        again = client.ask(fields=[("X-Spare", token)])
        assert Seen(again)["backend"] == Seen(first)["backend"]


# Coming back.


def test_a_pool_serves_again_as_soon_as_a_server_does(weir, backend):
    """Without a restart, and without anybody who asks for it."""
    first, spare = backend(), backend(name="spare")
    main = {"servers": first, "fallback": "spare"}
    client = weir(chained(main=main, spare=[spare])).client()
    assert Seen(client.ask())["backend"] == "backend"
    first.close()
    for _ in range(3):
        assert Seen(client.ask())["backend"] == "spare"
    again = backend(name="again", port=first.port)
    start = time.monotonic()
    assert Seen(client.ask())["backend"] == "again"
    assert time.monotonic() - start < 1
    assert len(again.requests) == 1


def test_the_retries_of_the_pool_that_serves_have_a_budget(weir, backend, refused):
    """It counts the requests that it gets, wherever they were meant for."""
    spare = {
        "servers": backend(saying(503)),
        "retries": {"budget": {"share": "100%", "min": "off"}},
    }
    routes = [
        {
            "pool": "main",
            "retries": {"attempts": 2, "status": 503, "backoff": {"base": "1ms", "max": "1ms"}},
        }
    ]
    main = {"servers": down(refused), "fallback": "spare"}
    config = chained(routes, main=main, spare=spare)
    proxy = weir(config)
    for _ in range(5):
        assert proxy.ask().status == 503
    assert [line["tries"] for line in proxy.access(5)] == [2] * 5
