"""Active/standby by priorities, dead servers, and servers that come back."""

import pytest

from harness import eventually
from harness.balancing import entry, where
from harness.events import events
from harness.faults import resetting, saying
from harness.setups import LOGGED, pooled
from harness.steady import Steady

# What a client of a pool would rather not see is a retry's affair.
QUICK = {"backoff": {"base": "1ms", "max": "1ms"}}


def tiers(*groups, workers=1, **pool):
    """A pool whose first group is active and whose later ones stand by."""
    servers = [entry(one, priority=place) for place, group in enumerate(groups) for one in group]
    pool = {"retries": QUICK, "slow-start": "0s", **pool}
    return {**pooled(servers, pool, **LOGGED), "workers": workers}


@pytest.mark.parametrize("failure", ["refused", "reset", "status"])
@pytest.mark.parametrize("ejection", ["off", {"consecutive-failures": 2, "base-time": "1m"}])
def test_the_standby_takes_over_without_a_failed_request(weir, backend, failure, ejection):
    active, standby = backend(name="active"), backend(name="standby")
    retries = {**QUICK, "status": 503}
    config = tiers([active], [standby], ejection=ejection, retries=retries)
    client = weir(config).client()
    assert [where(client.ask()) for _ in range(5)] == ["active"] * 5
    if failure == "refused":
        active.close()
    else:
        active.script = {"reset": resetting, "status": saying(503)}[failure]
        # Kept connections still run the old script.
        active.drop()
    assert [where(client.ask()) for _ in range(10)] == ["standby"] * 10


def test_under_load_no_request_fails_when_the_active_one_dies(weir, backend):
    """Not a GET, and not a POST that had not been sent."""
    active, standby = backend(name="active"), backend(name="standby")
    proxy = weir(tiers([active], [standby], workers=2))

    with Steady(proxy, 6, pause=0) as load:
        eventually(lambda: len(load.answers) > 100)
        active.close()
        eventually(lambda: [name for _, name in load.answers[-50:]] == ["standby"] * 50)
    assert not load.failures
    assert {name for _, name in load.answers} == {"active", "standby"}


def test_the_active_one_serves_again_once_it_is_back(weir, backend):
    active, standby = backend(name="active"), backend(name="standby")
    client = weir(tiers([active], [standby], ejection="off")).client()
    assert where(client.ask()) == "active"
    active.close()
    assert where(client.ask()) == "standby"
    backend(name="active", port=active.port)
    assert where(client.ask()) == "active"


def test_a_lone_server_that_dies_serves_again_once_it_is_back(weir, backend):
    """It is never ejected, being the last one."""
    server = backend()
    proxy = weir(pooled(server, {}))
    client = proxy.client()
    assert client.ask().status == 200
    server.close()
    for _ in range(20):
        assert client.ask().status == 503
    backend(port=server.port)
    assert client.ask().status == 200


def test_an_ejected_active_one_leaves_all_to_the_standby(weir, backend):
    """From the third failure on nobody asks it any more."""
    active, standby = backend(saying(503), name="active"), backend(name="standby")
    ejection = {"consecutive-failures": 3, "base-time": "1m"}
    proxy = weir(tiers([active], [standby], ejection=ejection, retries=1))
    statuses = [proxy.ask().status for _ in range(20)]
    assert statuses == [503] * 3 + [200] * 17
    assert len(active.requests) == 3


def test_the_next_group_helps_where_too_few_are_left(weir, backend):
    """Two of three are dead and ejected: a third is below `spill-below`, and the reserve helps."""
    first = [backend(name=f"first {i}") for i in range(3)]
    reserve = [backend(name=f"reserve {i}") for i in range(3)]
    ejection = {"consecutive-failures": 1, "base-time": "1m"}
    client = weir(tiers(first, reserve, ejection=ejection)).client()
    assert {where(client.ask()) for _ in range(12)} == {"first 0", "first 1", "first 2"}
    for server in first[:2]:
        server.close()
    for _ in range(8):
        where(client.ask())
    seen = {where(client.ask()) for _ in range(30)}
    assert "first 2" in seen and any(name.startswith("reserve") for name in seen)
    assert not seen & {"first 0", "first 1"}


def test_active_active_by_weights_goes_on_with_who_is_left(weir, backend):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    entries = [entry(one, weight=weight) for one, weight in zip(servers, [3, 2, 1])]
    ejection = {"consecutive-failures": 1, "base-time": "1m"}
    pool = {"ejection": ejection, "retries": QUICK}
    proxy = weir({**pooled(entries, pool), "workers": 1})
    client = proxy.client()
    names = [where(client.ask()) for _ in range(60)]
    assert [names.count(name) for name in "abc"] == [30, 20, 10]
    servers[0].close()
    # Its next turn may be up to three requests away.
    eventually(lambda: where(client.ask()) and events(proxy, "ejected"), "the first one's end")
    names = [where(client.ask()) for _ in range(60)]
    assert [names.count(name) for name in "abc"] == [0, 40, 20]


def test_all_dead_and_then_back_without_a_restart(weir, backend):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    client = weir(tiers(servers, ejection="off")).client()
    assert client.ask().status == 200
    for server in servers:
        server.close()
    for _ in range(10):
        assert client.ask().status == 503
    for server in servers:
        backend(name=server.name, port=server.port)
    assert {where(client.ask()) for _ in range(9)} == {"a", "b", "c"}
