"""The same key, the same server: on each worker, after a restart, in any order of servers."""

import pytest

from harness.balancing import pool_of, where
from harness.checks import assert_own_answer

NAMES = ["one", "two", "three"]
KEYS = [f"key-{number}" for number in range(40)]
TABLES = ["maglev", "ring", "rendezvous"]


def header(name):
    return lambda key: {"fields": [(name, key)]}


# What the file names, and the options of a request that has this key.
CHOICES = {
    "client": ("client", lambda key: {"fields": [("X-Forwarded-For", f"192.0.2.{key[4:]}")]}),
    "host": ("host", lambda key: {"host": f"{key}.test"}),
    "path": ("path", lambda key: {"target": f"/{key}"}),
    "header": ({"header": "X-User"}, header("x-user")),
    "cookie": ({"cookie": "session"}, lambda key: header("Cookie")(f"a=b; session={key}; c=d")),
    "query": ({"query": "id"}, lambda key: {"target": f"/x?a=b&id={key}&c=d"}),
}


def hashing(servers, key, changes=None, **options):
    balance = {"strategy": "consistent-hash", "key": key, **options}
    config = pool_of(servers, changes, balance=balance)
    return {"workers": 3, "trusted-proxies": ["127.0.0.1"], **config}


def started(backend):
    return [backend(name=name) for name in NAMES]


def mapping(proxy, options):
    """The server of each key; each is asked for several times, over fresh connections."""
    found = {key: where(proxy.ask(**options(key))) for key in KEYS}
    for _ in range(4):
        assert {key: where(proxy.ask(**options(key))) for key in KEYS} == found
    return found


@pytest.mark.parametrize("choice", CHOICES)
def test_a_key_keeps_its_server(weir, backend, choice):
    key, options = CHOICES[choice]
    servers = started(backend)
    here = mapping(weir(hashing(servers, key)), options)
    assert set(here.values()) == set(NAMES)
    assert mapping(weir(hashing(servers[::-1], key)), options) == here


@pytest.mark.parametrize("table", TABLES)
def test_each_table_keeps_servers_and_uses_all(weir, backend, table):
    key, options = CHOICES["header"]
    servers = started(backend)
    here = mapping(weir(hashing(servers, key, table=table)), options)
    assert set(here.values()) == set(NAMES)
    assert mapping(weir(hashing(servers[::-1], key, table=table)), options) == here


@pytest.mark.parametrize("table", ["ring", "rendezvous"])
def test_only_the_keys_of_a_server_that_is_down_move(weir, backend, table):
    key, options = CHOICES["header"]
    servers = started(backend)
    before = mapping(weir(hashing(servers, key, table=table)), options)
    proxy = weir(hashing(servers, key, {"two": {"state": "down"}}, table=table))
    after = mapping(proxy, options)
    assert set(after.values()) == {"one", "three"}
    assert all(after[key] == before[key] for key in KEYS if before[key] != "two")


def test_what_surrounds_a_key_does_not_matter(weir, backend):
    _, plain = CHOICES["query"]
    proxy = weir(hashing(started(backend), {"query": "id"}))
    expected = mapping(proxy, plain)
    for number, key in enumerate(KEYS):
        target = f"/other/{number}?x={number}&id={key}&id=second"
        assert where(proxy.ask(target=target)) == expected[key]


def test_of_the_path_the_query_does_not_count(weir, backend):
    proxy = weir(hashing(started(backend), "path"))
    for key in KEYS:
        assert where(proxy.ask(target=f"/{key}?a")) == where(proxy.ask(target=f"/{key}?b=c"))


def test_of_a_host_neither_case_nor_port_counts(weir, backend):
    proxy = weir(hashing(started(backend), "host"))
    for key in KEYS[:10]:
        hosts = [f"{key}.test", f"{key.upper()}.Test", f"{key}.test:8080"]
        assert len({where(proxy.ask(host=host)) for host in hosts}) == 1


def test_a_stranger_s_claim_of_another_address_does_not_count(weir, backend):
    config = hashing(started(backend), "client")
    del config["trusted-proxies"]
    proxy = weir(config)
    claims = [f"192.0.2.{number}" for number in range(20)]
    names = {where(proxy.ask(fields=[("X-Forwarded-For", claim)])) for claim in claims}
    assert len(names) == 1


def test_of_a_list_the_first_that_the_request_has_counts(weir, backend):
    keys = [{"header": "x-user"}, {"cookie": "session"}, {"query": "id"}]
    proxy = weir(hashing(started(backend), keys))
    for number, key in enumerate(KEYS):
        other = KEYS[(number + 7) % len(KEYS)]
        lone = {
            where(proxy.ask(fields=[("X-User", key)], target=f"/?id={one}"))
            for one in KEYS[:6]
        }
        assert len(lone) == 1, "the header counts before the query"
        named = [("Cookie", f"session={key}")]
        lone = {where(proxy.ask(fields=named, target=f"/?id={one}")) for one in (key, other)}
        assert len(lone) == 1, "the cookie counts before the query"
        lone = {where(proxy.ask(target=f"/?id={key}", fields=[("A", one)])) for one in "ab"}
        assert len(lone) == 1, "the query counts where nothing else is there"


@pytest.mark.parametrize("choice", ["header", "cookie", "query"])
@pytest.mark.parametrize("table", TABLES)
def test_a_request_without_the_key_is_answered(weir, backend, choice, table):
    key, _ = CHOICES[choice]
    proxy = weir(hashing(started(backend), key, table=table))
    names = [where(proxy.ask(target="/?x=y", fields=[("Cookie", "a=b")])) for _ in range(60)]
    assert len(set(names)) > 1, "requests without a key must not all meet at one server"


@pytest.mark.parametrize("choice", ["header", "cookie", "query"])
def test_an_empty_key_is_answered(weir, backend, choice):
    key, options = CHOICES[choice]
    proxy = weir(hashing(started(backend), key))
    for _ in range(10):
        assert proxy.ask(**options("")).status == 200


@pytest.mark.parametrize("table", TABLES)
def test_a_key_whose_server_is_gone_gets_another(weir, backend, table):
    key, options = CHOICES["header"]
    servers = started(backend)
    proxy = weir(hashing(servers, key, table=table))
    before = mapping(proxy, options)
    servers[1].close()
    for key in KEYS:
        name = where(proxy.ask(**options(key)))
        assert name == before[key] if before[key] != "two" else name in ("one", "three")


def test_a_pool_without_a_server_that_is_up_is_refused(weir, backend):
    server = backend(name="one")
    proxy = weir(hashing([server], {"header": "x-user"}, {"one": {"state": "down"}}))
    assert_own_answer(proxy.ask(fields=[("X-User", "a")]), 503, "no-endpoint")
