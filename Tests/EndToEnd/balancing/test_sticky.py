"""Clients that come back to their server, by a cookie or by a header."""

import re

import pytest

from harness import answer
from harness.balancing import STRATEGIES, pool_of, spread, where
from harness.setups import Seen
from harness.tunnels import SWITCHED, UPGRADE

NAMES = ["one", "two", "three"]
LINE = re.compile(r"weir=([A-Za-z0-9_-]{22}); Path=/; HttpOnly; SameSite=Lax")


def started(backend, names=NAMES):
    return [backend(name=name) for name in names]


def token_of(response, pattern=LINE):
    """The token in the answer's one cookie."""
    line = response.get("set-cookie")
    assert line is not None, f"no cookie: {response}"
    match = pattern.fullmatch(line)
    assert match, line
    return match.group(1)


def cookie(token):
    return [("Cookie", f"weir={token}")]


def tokens_of(proxy, names=NAMES):
    """The token of each server, had by asking until all of them have answered."""
    tokens = {}
    for _ in range(200):
        response = proxy.ask()
        assert tokens.setdefault(where(response), token_of(response)) == token_of(response)
        if len(tokens) == len(names):
            return tokens
    raise AssertionError(f"only {sorted(tokens)} answered")


@pytest.fixture
def secret(tmp_path):
    """A `sticky` whose secret several proxies share."""
    file = tmp_path / "sticky.secret"
    file.write_bytes(bytes(range(32)))
    return {"secret-file": str(file)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_client_comes_back_to_its_server(weir, backend, strategy):
    proxy = weir(pool_of(started(backend), balance=strategy, sticky=True))
    kept = proxy.client()
    first = kept.ask()
    token = token_of(first)
    for number in range(50):
        client = kept if number % 2 else proxy
        response = client.ask(fields=cookie(token))
        assert where(response) == where(first)
        assert not response.has("set-cookie")


def test_each_server_has_one_token_of_its_own(weir, backend):
    tokens = tokens_of(weir(pool_of(started(backend), sticky=True)))
    assert sorted(tokens) == sorted(NAMES)
    assert len(set(tokens.values())) == len(NAMES)


def test_without_sticky_no_cookie_is_set_or_heeded(weir, backend):
    client = weir(pool_of(started(backend))).client()
    assert not client.ask().has("set-cookie")


def flipped(token):
    return ("B" if token[0] == "A" else "A") + token[1:]


@pytest.mark.parametrize(
    "forge",
    [
        flipped,
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: "",
        lambda token: f'"{token}"',
        lambda token: token.swapcase(),
        lambda token: "A" * 22,
        lambda token: "\xff" * 22,
        lambda token: "x" * 4000,
    ],
    ids=["flipped", "short", "long", "empty", "quoted", "case", "made-up", "not-ascii", "huge"],
)
def test_a_forged_token_is_replaced(weir, backend, forge):
    proxy = weir(pool_of(started(backend), sticky=True))
    tokens = tokens_of(proxy)
    response = proxy.ask(fields=cookie(forge(tokens["one"])))
    assert token_of(response) == tokens[where(response)]


def test_a_token_of_another_pool_is_none(weir, backend, secret):
    servers = started(backend)
    token = tokens_of(weir(pool_of(servers, sticky=secret)))["two"]
    config = pool_of(servers, sticky=secret)
    config["pools"] = {"other": config["pools"]["main"]}
    response = weir(config).ask(fields=cookie(token))
    assert token_of(response) != token


def test_a_server_that_is_down_loses_its_clients_to_another(weir, backend, secret):
    servers = started(backend)
    tokens = tokens_of(weir(pool_of(servers, sticky=secret)))
    proxy = weir(pool_of(servers, {"two": {"state": "down"}}, sticky=secret))
    for _ in range(20):
        response = proxy.ask(fields=cookie(tokens["two"]))
        assert where(response) in ("one", "three")
        assert token_of(response) == tokens[where(response)]
    assert where(proxy.ask(fields=cookie(tokens["one"]))) == "one"


@pytest.mark.parametrize("change", [{"state": "drain"}, {"weight": 0}], ids=["state", "weight"])
def test_a_draining_server_keeps_its_clients_and_gets_no_new_ones(weir, backend, secret, change):
    servers = started(backend)
    tokens = tokens_of(weir(pool_of(servers, sticky=secret)))
    proxy = weir(pool_of(servers, {"two": change}, sticky=secret))
    for _ in range(20):
        response = proxy.ask(fields=cookie(tokens["two"]))
        assert where(response) == "two"
        assert not response.has("set-cookie")
    assert set(spread(proxy.client(), 60)) == {"one", "three"}


def test_a_server_that_is_gone_loses_its_clients_to_another(weir, backend):
    servers = started(backend, ["one", "two"])
    proxy = weir(pool_of(servers, sticky=True))
    tokens = tokens_of(proxy, ["one", "two"])
    servers[0].close()
    client = proxy.client()
    response = client.ask(fields=cookie(tokens["one"]))
    assert where(response) == "two"
    assert token_of(response) == tokens["two"]
    response = client.ask(fields=cookie(tokens["two"]))
    assert where(response) == "two"
    assert not response.has("set-cookie")


def test_two_machines_with_one_secret_agree(weir, backend, secret):
    servers = started(backend)
    here = weir(pool_of(servers, sticky=secret))
    there = weir(pool_of(servers[::-1], sticky=secret))
    tokens = tokens_of(here)
    assert tokens_of(there) == tokens
    for name, token in tokens.items():
        for proxy in (here, there):
            response = proxy.ask(fields=cookie(token))
            assert where(response) == name
            assert not response.has("set-cookie")


def test_without_a_file_each_process_has_its_own_secret(weir, backend):
    servers = started(backend)
    here, there = (weir(pool_of(servers, sticky=True)) for _ in range(2))
    assert not set(tokens_of(here).values()) & set(tokens_of(there).values())


def test_other_cookies_are_left_alone(weir, backend):
    proxy = weir(pool_of(started(backend), sticky=True))
    token = tokens_of(proxy)["three"]
    fields = [("Cookie", f"a=b; weir={token}; weirder=x"), ("Cookie", "c=d")]
    response = proxy.ask(fields=fields)
    assert where(response) == "three"
    cookies = [one for line in Seen(response).all("cookie") for one in line.split("; ")]
    assert [one for one in cookies if not one.startswith("weir=")] == ["a=b", "weirder=x", "c=d"]


def test_the_token_may_come_in_a_later_cookie_field(weir, backend):
    proxy = weir(pool_of(started(backend), sticky=True))
    token = tokens_of(proxy)["two"]
    response = proxy.ask(fields=[("Cookie", "a=b"), *cookie(token)])
    assert where(response) == "two"
    assert not response.has("set-cookie")


def test_a_server_s_own_cookies_stay(weir, backend):
    def script(connection):
        while connection.request() is not None:
            connection.answer(body="x", fields=[("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")])

    proxy = weir(pool_of([backend(script, name="one")], sticky=True))
    lines = proxy.ask().all("set-cookie")
    ours = [line for line in lines if LINE.fullmatch(line)]
    assert len(ours) == 1
    assert [line for line in lines if line not in ours] == ["a=b", "c=d"]


@pytest.mark.parametrize(
    "reply",
    [
        answer(404, "no"),
        answer(302, fields=[("Location", "/")]),
        answer(204, length=False),
        answer(304, length=False),
        answer(length=False, fields=[("Transfer-Encoding", "chunked")]) + b"1\r\nx\r\n0\r\n\r\n",
    ],
    ids=["404", "302", "204", "304", "chunked"],
)
def test_every_kind_of_answer_brings_the_cookie(weir, backend, reply):
    def script(connection):
        while connection.request() is not None:
            connection.send(reply)

    client = weir(pool_of([backend(script, name="one")], sticky=True)).client()
    token = token_of(client.ask())
    assert not client.ask(fields=cookie(token)).has("set-cookie")


def test_head_and_post_bring_the_cookie_too(weir, backend):
    client = weir(pool_of([backend(name="one")], sticky=True)).client()
    tokens = {token_of(client.ask("HEAD")), token_of(client.ask("POST", body=b"x"))}
    assert len(tokens) == 1


def test_the_cookie_has_the_name_age_and_same_site_of_the_file(weir, backend):
    sticky = {"cookie": "s", "max-age": "90m", "same-site": "strict"}
    proxy = weir(pool_of(started(backend), sticky=sticky))
    pattern = re.compile(
        r"s=([A-Za-z0-9_-]{22}); Path=/; HttpOnly; SameSite=Strict; Max-Age=5400"
    )
    first = proxy.ask()
    token = token_of(first, pattern)
    for _ in range(10):
        assert where(proxy.ask(fields=[("Cookie", f"s={token}")])) == where(first)
    assert proxy.ask(fields=[("Cookie", f"weir={token}")]).has("set-cookie")


def test_a_header_carries_the_token_in_both_directions(weir, backend):
    proxy = weir(pool_of(started(backend), sticky={"header": "X-Server"}))
    first = proxy.ask()
    token = first.get("x-server")
    assert re.fullmatch("[A-Za-z0-9_-]{22}", token), token
    assert not first.has("set-cookie")
    for _ in range(20):
        response = proxy.ask(fields=[("x-SERVER", token)])
        assert where(response) == where(first)
        assert not response.has("x-server")
    forged = proxy.ask(fields=[("X-Server", flipped(token))])
    assert forged.get("x-server") != flipped(token)


@pytest.mark.parametrize("trusted", [True, False])
def test_the_cookie_is_secure_where_a_trusted_proxy_says_https(weir, backend, trusted):
    config = pool_of(started(backend), sticky=True)
    if trusted:
        config["trusted-proxies"] = ["127.0.0.1"]
    proxy = weir(config)
    for proto, is_secure in [("https", True), ("HTTPS, http", True), ("http", False)]:
        line = proxy.ask(fields=[("X-Forwarded-Proto", proto)]).get("set-cookie")
        assert line.endswith("; Secure") == (trusted and is_secure), (proto, line)


def upgrading(connection):
    connection.request()
    connection.send(SWITCHED)
    connection.ended()


def test_a_websocket_brings_the_cookie_too(weir, backend):
    servers = [backend(upgrading, name=name) for name in NAMES]
    client = weir(pool_of(servers, sticky=True)).client()
    client.send_request(fields=UPGRADE)
    response = client.response()
    assert response.status == 101
    assert token_of(response)
    client.close()
