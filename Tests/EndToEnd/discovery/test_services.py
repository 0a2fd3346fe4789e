"""Servers listed by SRV records: targets, ports, priorities and weights."""

from harness import eventually, scaled
from harness.balancing import spread, where
from harness.setups import pooled
from harness.steady import Steady


def service(names, **keys):
    """A pool of the servers of a service."""
    settings = {"resolver": names.resolver(), "slow-start": "0s", **keys}
    return pooled([{"srv": "_http._tcp.test"}], settings)


def records(*entries, hosts=("one",), ttl=1):
    """SRV records of (priority, weight, backend, host), and the addresses of the hosts."""
    lines = [
        f"_http._tcp {ttl} SRV {priority} {weight} {server.port} {host}.test."
        for priority, weight, server, host in entries
    ]
    return lines + [f"{host} {ttl} A 127.0.0.1" for host in hosts]


def failures(proxy):
    return [line for line in list(proxy.lines) if " resolver-failed " in line]


def test_ports_and_weights_of_the_records_are_heeded(weir, names, backend):
    a, b = backend(name="a"), backend(name="b")
    names.set(*records((10, 3000, a, "one"), (10, 1000, b, "one")))
    counts = spread(weir({**service(names), "workers": 1}).client(), 80)
    assert counts == {"a": 60, "b": 20}


def test_higher_priorities_wait_in_reserve(weir, names, backend):
    a, b = backend(name="a"), backend(name="b")
    names.set(*records((20, 1, b, "one"), (10, 1, a, "one")))
    proxy = weir(service(names))
    assert spread(proxy.client(), 20) == {"a": 20}
    a.close()
    assert spread(proxy.client(), 20) == {"b": 20}


def test_a_weight_of_zero_is_a_small_chance_and_no_drain(weir, names, backend):
    a = backend(name="a")
    names.set(*records((10, 0, a, "one")))
    assert spread(weir(service(names)).client(), 5) == {"a": 5}


def test_changes_of_records_and_of_targets_are_followed_under_load(weir, names, backend):
    a, b, c = backend(name="a"), backend(name="b"), backend(name="c", host="127.0.0.2")
    names.set(*records((10, 1, a, "one")))
    proxy = weir(service(names))
    # Who asks before the first answer of a slow name server finds nobody.
    eventually(lambda: where(proxy.ask()) == "a", "the first records")
    with Steady(proxy) as load:
        names.set(*records((10, 1, b, "one")))
        eventually(lambda: where(proxy.ask()) == "b", "the new record", within=scaled(4))
        # The new target is known only after a question of its own: nobody is without a server.
        moved = [f"_http._tcp 1 SRV 10 1 {c.port} two.test.", "two 1 A 127.0.0.2"]
        names.set(*moved)
        eventually(lambda: where(proxy.ask()) == "c", "the new target", within=scaled(4))
        # A service that loses its records, or whose targets have no address, keeps its servers.
        names.set()
        eventually(lambda: failures(proxy), "the loss is told")
        names.set(f"_http._tcp 1 SRV 10 1 {a.port} lost.test.", "two 1 A 127.0.0.2")
        eventually(lambda: any("lost.test" in line for line in failures(proxy)), "the target is told")
        assert where(proxy.ask()) == "c"
        assert load.end() == []


def test_a_service_that_says_it_is_not_there_is_told_as_empty(weir, names, backend):
    names.set("_http._tcp 1 SRV 0 0 0 .")
    proxy = weir(service(names))
    assert proxy.ask().status == 503
    assert any("no such records" in line for line in proxy.lines)
