"""Servers given by name: every address is an endpoint, and what the name server says is followed."""

import time

import pytest

from harness import eventually, scaled
from harness.balancing import spread, where
from harness.checks import assert_own_answer
from harness.nameserver import NameServer
from harness.setups import pooled
from harness.steady import Steady

TTL = 1
# The time to live, and a second for jitter and the question.
FOLLOWED = TTL + scaled(1)


def a_records(*numbers, name="app", ttl=TTL):
    return [f"{name} {ttl} A 127.0.0.{number}" for number in numbers]


def by_name(names, port, name="app.test", **keys):
    """A pool of the addresses of a name."""
    resolver = names.resolver(**keys.pop("resolver", {}))
    return pooled([f"{name}:{port}"], {"resolver": resolver, "slow-start": "0s", **keys})


def events(proxy, kind):
    """The lines of the log that tell of this kind of event."""
    return [line for line in list(proxy.lines) if f" {kind} " in line]


def test_every_address_of_a_name_is_an_endpoint_from_the_first_request_on(weir, names, neighbours):
    servers = neighbours(3)
    names.set(*a_records(1, 2, 3))
    client = weir(by_name(names, servers[0].port)).client()
    assert set(spread(client, 30)) == {"a", "b", "c"}


def test_changed_emptied_and_lost_records_are_followed_under_load(weir, names, neighbours):
    servers = neighbours(4)
    names.set(*a_records(1, 2))
    proxy = weir(by_name(names, servers[0].port))
    with Steady(proxy) as load:
        eventually(lambda: load.backends(0) == {"a", "b"}, "both addresses serve")

        def change(records, gone, come):
            names.set(*records)
            changed = time.monotonic()
            for name in come:
                eventually(lambda: load.first(name, changed) is not None, f"{name} serves")
                assert load.first(name, changed) < FOLLOWED
            eventually(lambda: time.monotonic() > changed + FOLLOWED + 0.3, "time to follow")
            for name in gone:
                assert load.last(name, changed) < FOLLOWED, f"{name} went on serving"

        change(a_records(2, 3), gone="a", come="c")
        change(a_records(4), gone="bc", come="d")
        # An empty answer and a lost name take nothing away.
        change(["app 1 TXT nothing"], gone="", come="")
        change([], gone="", come="")
        assert load.backends(time.monotonic() - 0.5) == {"d"}
        change(a_records(1, 4), gone="", come="a")
        change(a_records(1), gone="d", come="")
        # Nor does a server that is gone or hangs.
        names.stop()
        eventually(lambda: len(events(proxy, "resolver-failed")) >= 3, "the failure is told")
        assert load.backends(time.monotonic() - 0.5) == {"a"}
        names.set(*a_records(1, 3), reload=False)
        names.start()
        back = time.monotonic()
        eventually(lambda: load.first("c", back) is not None, "c serves")
        assert load.first("c", back) < FOLLOWED
        assert load.end() == []
    told = events(proxy, "resolver-failed")
    assert len(told) == 3, "each trouble is told once"
    assert "no such records" in told[0] and "127.0.0.4" in told[0]
    assert "no such name" in told[1]


def test_an_unresolvable_name_does_not_keep_the_others_from_serving(weir, names, backend):
    server = backend(name="a")
    config = by_name(names, server.port)
    config["pools"]["main"]["servers"] = [server.address, f"lost.test:{server.port}"]
    proxy = weir(config)
    assert spread(proxy.client(), 5) == {"a": 5}
    assert "no such name" in events(proxy, "resolver-failed")[0]


def test_a_pool_of_an_unresolvable_name_serves_as_soon_as_it_resolves(weir, names, backend):
    server = backend(name="a")
    proxy = weir(by_name(names, server.port))
    assert_own_answer(proxy.ask(), 503, "no-endpoint")
    names.set(*a_records(1))
    eventually(lambda: proxy.ask().status == 200, "the name resolves", within=scaled(7))
    assert "now 127.0.0.1" in events(proxy, "resolved")[0]


def test_a_name_server_that_hangs_delays_the_start_by_its_timeout_only(weir, names, backend):
    server = backend(name="a")
    names.set(*a_records(1))
    names.hang()
    start = time.monotonic()
    proxy = weir(by_name(names, server.port, resolver={"timeout": "500ms"}))
    assert time.monotonic() - start < scaled(3)
    assert "no answer in 500ms" in events(proxy, "resolver-failed")[0]
    names.go_on()
    eventually(lambda: proxy.ask().status == 200, "the name resolves", within=scaled(7))


def test_the_second_name_server_answers_where_the_first_hangs(weir, names, backend, tmp_path):
    server = backend(name="a")
    other = NameServer(tmp_path / "other")
    try:
        for one in (names, other):
            one.set(*a_records(1))
        names.hang()
        servers = [names.address, other.address]
        proxy = weir(by_name(names, server.port, resolver={"servers": servers}))
        assert proxy.ask().status == 200
    finally:
        other.stop()


def test_times_to_live_are_kept_within_their_bounds(weir, names, neighbours):
    servers = neighbours(2)
    names.set(*a_records(1, ttl=3600))
    proxy = weir(by_name(names, servers[0].port, resolver={"max-ttl": "1s"}))
    assert where(proxy.ask()) == "a"
    names.set(*a_records(2, ttl=0))
    eventually(lambda: where(proxy.ask()) == "b", "the change is followed", within=scaled(3))


@pytest.mark.parametrize(
    "family, records, expected",
    [
        ("auto", ["A 127.0.0.1", "AAAA ::1"], {"v4"}),
        ("auto", ["AAAA ::1"], {"v6"}),
        ("ipv4", ["A 127.0.0.1", "AAAA ::1"], {"v4"}),
        ("ipv6", ["A 127.0.0.1", "AAAA ::1"], {"v6"}),
        ("both", ["A 127.0.0.1", "AAAA ::1"], {"v4", "v6"}),
    ],
)
def test_the_family_says_which_addresses_are_used(
    weir, names, backend, family, records, expected
):
    for _ in range(20):
        v4 = backend(name="v4")
        try:
            backend(name="v6", host="::1", port=v4.port)
            break
        except OSError:
            continue
    names.set(*[f"app 1 {record}" for record in records])
    client = weir(by_name(names, v4.port, resolver={"family": family})).client()
    assert set(spread(client, 20)) == expected


def test_aliases_are_followed_and_their_times_to_live_count(weir, names, neighbours):
    servers = neighbours(2)
    names.set("app 1 CNAME one.test.", *a_records(1, name="one", ttl=3600))
    proxy = weir(by_name(names, servers[0].port))
    assert where(proxy.ask()) == "a"
    names.set("app 1 CNAME two.test.", *a_records(2, name="two", ttl=3600))
    eventually(lambda: where(proxy.ask()) == "b", "the alias is followed", within=scaled(3))


def test_many_addresses_come_by_tcp(weir, names, backend):
    server = backend(name="a", host="0.0.0.0")
    names.set(*a_records(*range(1, 201)))
    proxy = weir(by_name(names, server.port))
    assert where(proxy.ask()) == "a"
    assert "and others" in events(proxy, "resolved")[0]


def test_found_endpoints_are_checked_and_keep_their_state_while_others_come(
    weir, names, neighbours
):
    servers = neighbours(3)
    servers[1].refuse()
    names.set(*a_records(1, 2))
    health = {"kind": "tcp", "every": "100ms"}
    proxy = weir(by_name(names, servers[0].port, health=health, ejection="off"))
    eventually(lambda: events(proxy, "check-down"), "the check fails")
    assert f"127.0.0.2:{servers[0].port}: connection refused" in events(proxy, "check-down")[0]
    names.set(*a_records(1, 2, 3))
    eventually(lambda: set(spread(proxy.client(), 20)) == {"a", "c"}, "c joins")
    assert len(events(proxy, "check-down")) == 1
