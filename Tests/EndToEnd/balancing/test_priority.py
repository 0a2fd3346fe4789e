"""Servers in reserve: priority 1 gets traffic only where priority 0 cannot take it."""

import pytest

from harness.balancing import STRATEGIES, pool_of, spread, where
from harness.checks import assert_own_answer

RESERVE = {"priority": 1}


def tiered(backend, *changes, reserve=RESERVE):
    """Servers `a` and `b` with these changes, and `reserve`; returns them with their changes."""
    servers = [backend(name=name) for name in ("a", "b", "reserve")]
    return servers, {"a": changes[0], "b": changes[-1], "reserve": reserve}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_reserve_gets_nothing_while_the_first_are_ready(weir, backend, strategy):
    client = weir(pool_of(*tiered(backend, {}), balance=strategy)).client()
    assert "reserve" not in spread(client, 60)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "change",
    [{"state": "down"}, {"state": "drain"}, {"weight": 0}],
    ids=["down", "drain", "weight-0"],
)
def test_the_reserve_takes_all_where_the_first_take_nothing(weir, backend, strategy, change):
    client = weir(pool_of(*tiered(backend, change), balance=strategy)).client()
    assert spread(client, 40) == {"reserve": 40}


def test_what_the_operator_takes_out_calls_no_reserve(weir, backend):
    client = weir(pool_of(*tiered(backend, {"state": "down"}, {}))).client()
    assert spread(client, 60) == {"b": 60}


def test_the_reserve_answers_where_the_first_are_gone(weir, backend):
    servers, changes = tiered(backend, {})
    proxy = weir(pool_of(servers, changes))
    assert where(proxy.ask()) in ("a", "b")
    for server in servers[:2]:
        server.close()
    assert spread(proxy.client(), 20) == {"reserve": 20}


def test_priorities_are_an_order_and_no_numbers_of_something(weir, backend):
    servers, changes = tiered(backend, {"priority": 7}, reserve={"priority": 1000})
    assert "reserve" not in spread(weir(pool_of(servers, changes)).client(), 40)


def test_three_priorities_are_gone_through_in_order(weir, backend):
    servers = [backend(name=name) for name in ("c", "b", "a")]
    changes = {"a": {"priority": 0}, "b": {"priority": 1}, "c": {"priority": 2}}
    for down, left in [((), "a"), (("a",), "b"), (("a", "b"), "c")]:
        states = {name: {"state": "down"} if name in down else {} for name in changes}
        merged = {name: {**changes[name], **states[name]} for name in changes}
        assert spread(weir(pool_of(servers, merged)).client(), 20) == {left: 20}


def test_without_any_server_the_answer_is_503(weir, backend):
    servers, changes = tiered(backend, {"state": "down"}, reserve={**RESERVE, "state": "down"})
    assert_own_answer(weir(pool_of(servers, changes)).ask(), 503, "no-endpoint")
    assert not any(server.connections for server in servers)
