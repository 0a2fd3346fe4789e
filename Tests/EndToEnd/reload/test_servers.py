"""Servers that come, go and stay, in pools that stay or are made anew."""

import time

import pytest

from harness import Closed, eventually, gated, scaled
from harness.balancing import entry, where
from harness.checks import outcome_of
from harness.events import events, told
from harness.faults import saying
from harness.loads import events as stream_of, messages
from harness.reload import ADMIN, Reloader, everything
from harness.secure import upstream_tls
from harness.setups import LOGGED, Seen


def pools(*servers, **keys):
    """A file of one pool with these servers."""
    return {"pools": {"main": {"servers": [entry(one) for one in servers], **keys}}}


def file(*servers, more=None, **keys):
    return {"listen": "127.0.0.1:0", **pools(*servers, **keys), **ADMIN, **(more or {})}


def answered(proxy, count=12):
    """Who answers."""
    client = proxy.client()
    names = {where(client.ask()) for _ in range(count)}
    client.close()
    return names


def test_servers_come_and_go(weir, backend):
    one, two, three = [backend(name=name) for name in ("one", "two", "three")]
    proxy = weir(file(one))
    admin = Reloader(proxy)
    assert answered(proxy) == {"one"}
    found = admin.changed(file(one, two, **{"slow-start": "0s"}))
    assert ("added", f"pools.main.servers[{two.address}]") in found
    assert answered(proxy) == {"one", "two"}
    admin.take(file(two, three, **{"slow-start": "0s"}))
    assert answered(proxy) == {"two", "three"}
    endpoints = admin.json(target="/pools/main")["endpoints"]
    assert {one["name"] for one in endpoints} == {"two", "three"}
    admin.take(file(one, **{"slow-start": "0s"}))
    assert answered(proxy) == {"one"}


@pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "replaced"])
class TestOneThatGoes:
    """In a pool that else stays as it is, and in one that is made anew at the same time."""

    def test_what_runs_there_finishes(self, weir, backend, gate, also):
        goes, stays = backend(gated(gate), name="goes"), backend(name="stays")
        proxy = weir(file(goes, more={"shutdown-timeout": "1m"}))
        admin = Reloader(proxy)
        clients = [proxy.client() for _ in range(4)]
        for client in clients:
            client.send_request(target="/late")
        goes.saw(4)
        admin.take(file(stays, more={"shutdown-timeout": "1m"}, **also))
        assert answered(proxy) == {"stays"}
        gate.set()
        for client in clients:
            response = client.response()
            assert response.body == b"/late" and response.get("connection") is None
            assert where(client.ask()) == "stays"
        eventually(lambda: goes.open_connections == 0, "its connections end")

    def test_it_is_cut_when_its_time_is_over(self, weir, backend, also):
        goes, stays = backend(everything, name="goes"), backend(everything, name="stays")
        more = {"shutdown-timeout": "700ms", **LOGGED}
        proxy = weir(file(goes, more=more, **{"slow-start": "0s"}))
        admin = Reloader(proxy)
        cut, tunnel = stream_of(proxy.client()), messages(proxy.client())
        next(cut), next(tunnel)
        admin.take(file(goes, stays, more=more, **{"slow-start": "0s"}))
        start = time.monotonic()
        admin.take(file(stays, more=more, **{"slow-start": "0s"}, **also))
        other = stream_of(proxy.client())
        with pytest.raises((Closed, AssertionError)):
            while True:
                next(cut)
        took = time.monotonic() - start
        assert 0.65 <= took < scaled(3), f"cut after {took:.2f} s"
        with pytest.raises((Closed, AssertionError, OSError)):
            while True:
                next(tunnel)
        assert outcome_of(proxy) == "shutdown"
        for _ in range(20):
            next(other)


def test_one_that_goes_after_its_pool_was_made_anew(weir, backend):
    """What runs since before that is cut too, its time counted from when the server went."""
    goes, stays = backend(everything, name="goes"), backend(everything, name="stays")
    more = {"shutdown-timeout": "600ms"}
    proxy = weir(file(goes, more=more))
    admin = Reloader(proxy)
    cut = stream_of(proxy.client())
    next(cut)
    admin.take(file(goes, stays, more=more, balance="random"))
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        next(cut)
    start = time.monotonic()
    admin.take(file(stays, more=more, balance="random"))
    # Further reloads do not put it off.
    for number in range(5):
        time.sleep(0.1)
        admin.take(file(stays, more=more, timeouts={"response": f"{number + 5}s"}))
    with pytest.raises((Closed, AssertionError)):
        while True:
            next(cut)
    assert 0.55 <= time.monotonic() - start < scaled(3)


def test_one_that_returns_in_time_is_not_cut(weir, backend):
    goes, stays = backend(everything, name="goes"), backend(everything, name="stays")
    more = {"shutdown-timeout": "500ms"}
    proxy = weir(file(goes, more=more))
    admin = Reloader(proxy)
    stream = stream_of(proxy.client())
    next(stream)
    admin.take(file(stays, more=more))
    admin.take(file(stays, goes, more=more))
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        next(stream)


def test_connections_to_one_that_stays_are_kept(weir, backend):
    stays, other = backend(name="stays"), backend(name="other")
    config = {"workers": 1, **file(stays)}
    proxy = weir(config)
    admin = Reloader(proxy)
    client = proxy.client()
    assert Seen(client.ask())["connection"] == 0
    for servers in [(stays, other), (stays,), (other, stays), (stays,)]:
        admin.take({"workers": 1, **file(*servers)})
        for _ in range(6):
            seen = Seen(client.ask())
            assert seen["connection"] == 0 or seen["backend"] == "other"
    # Another time-out makes the pool anew.
    admin.take({"workers": 1, **file(stays, timeouts={"response": "9s"})})
    assert Seen(client.ask())["connection"] == 1
    eventually(lambda: stays.open_connections == 1, "the old connection ends")


@pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "replaced"])
class TestWhatIsKnown:
    def test_ejections_stay(self, weir, backend, also):
        bad, good = backend(saying(503), name="bad"), backend(name="good")
        third = backend(name="third")
        ejection = {"consecutive-failures": 2, "base-time": "1m"}
        keys = {"ejection": ejection, "retries": {"status": 503}}
        proxy = weir(file(bad, good, **keys))
        admin = Reloader(proxy)
        client = proxy.client()
        eventually(lambda: client.ask() and admin.endpoint("bad")["state"] == "ejected", "ejected")
        before = admin.endpoint("bad")
        admin.take(file(third, bad, good, **keys, **also))
        after = admin.endpoint("bad")
        assert after["state"] == "ejected" and after["tries"] == before["tries"]
        assert abs(after["until"] - before["until"]) < 1
        for _ in range(20):
            assert client.ask().status == 200
        assert admin.endpoint("bad")["tries"] == before["tries"]
        assert len(events(proxy, "ejected")) == 1

    def test_check_results_stay_and_change(self, weir, backend, also):
        ill, well = backend(name="ill"), backend(name="well")
        ill.script = saying(500)
        keys = {"health": {"path": "/", "every": "50ms", "rise": 1}, "ejection": "off"}
        proxy = weir(file(ill, well, **keys))
        admin = Reloader(proxy)
        told(proxy, "check-down")
        for again in ({}, also, {}):
            admin.take(file(well, ill, **keys, **again))
            assert admin.endpoint("ill")["state"] == "unhealthy"
            assert answered(proxy) == {"well"}
        assert len(events(proxy, "check-down")) == 1
        admin.take(file(ill, well, **keys, **also))
        # Its checks go on, and find it well again.
        ill.script = well.script
        ill.drop()
        told(proxy, "check-up")
        assert admin.endpoint("ill")["state"] == "up"


def test_one_that_heals_while_its_checks_become_others(weir, backend):
    """The first of the new checks decides, also where it passes."""
    ill, well = backend(saying(500), name="ill"), backend(name="well")
    keys = {"ejection": "off", "slow-start": "0s"}
    health = {"path": "/", "every": "100ms"}
    proxy = weir(file(ill, well, health=health, **keys))
    admin = Reloader(proxy)
    told(proxy, "check-down")
    admin.take(file(ill, well, health={"kind": "tcp", "every": "100ms"}, **keys))
    eventually(lambda: admin.endpoint("ill")["state"] == "up", "it is up by its new checks")
    # Without checks nobody is down by them.
    admin.take(file(ill, well, health=health, **keys))
    told(proxy, "check-down", 2)
    admin.take(file(ill, well, **keys))
    assert admin.endpoint("ill")["state"] == "up"


def test_requests_in_flight_are_counted_on(weir, backend, gate):
    slow, other = backend(gated(gate), name="slow"), backend(name="other")
    config = file(slow, balance="least-connections")
    proxy = weir(config)
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(3)]
    for client in clients:
        client.send_request()
    slow.saw(3)
    admin.take(file(slow, balance="least-connections"))
    admin.take(file(slow, other, balance="least-connections"))
    assert admin.endpoint("slow")["in-flight"] == 3
    assert answered(proxy) == {"other"}
    gate.set()
    for client in clients:
        assert client.response().status == 200
    eventually(lambda: admin.endpoint("slow")["in-flight"] == 0, "none in flight")


def test_tls_to_servers_comes_and_goes(weir, backend, secured, certificates):
    clear = backend(name="clear")
    sealed = secured(name="sealed")
    tls = upstream_tls(certificates)
    proxy = weir(file(clear))
    admin = Reloader(proxy)
    client = proxy.client()
    for _ in range(2):
        assert where(client.ask()) == "clear"
        admin.take(file(sealed, tls=tls))
        assert where(client.ask()) == "sealed"
        admin.take(file(clear))


class TestOperators:
    """What they change at run time stays, or not."""

    def start(self, weir, backend, **admin):
        self.one, self.two = backend(name="one"), backend(name="two")
        self.more = {"admin": {"address": "127.0.0.1:0", **admin}}
        proxy = weir(file(self.one, self.two, more=self.more))
        found = Reloader(proxy)
        found.json("PATCH", "/pools/main/servers/one", body={"state": "drain"})
        found.json("PATCH", "/pools/main/servers/two", body={"weight": 7})
        return proxy, found

    @pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "replaced"])
    def test_changes_outlive_a_reload(self, weir, backend, also):
        proxy, admin = self.start(weir, backend)
        third = backend(name="third")
        for servers in [(self.two, self.one), (self.one, third, self.two), (self.two, self.one)]:
            admin.take(file(*servers, more=self.more, **also))
            one, two = admin.endpoint("one"), admin.endpoint("two")
            assert (one["state"], one["changed"]) == ("drain", True)
            assert (two["weight"], two["changed"]) == (7, True)
            assert "one" not in answered(proxy)
        # Also those of a server that was away.
        admin.take(file(self.two, more=self.more, **also))
        admin.take(file(self.one, self.two, more=self.more, **also))
        assert admin.endpoint("one")["state"] == "drain" and "one" not in answered(proxy)

    @pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "replaced"])
    def test_or_not(self, weir, backend, also):
        proxy, admin = self.start(weir, backend)
        more = {"admin": {"address": "127.0.0.1:0", "keep-changes": False}}
        admin.take(file(self.one, self.two, more=more, **also))
        for name in ("one", "two"):
            found = admin.endpoint(name)
            assert (found["state"], found["weight"], found["changed"]) == ("up", 1, False)
        eventually(lambda: answered(proxy) == {"one", "two"}, "both serve")
