"""Pools whose servers are found, by name or from a file of servers, over reloads."""

import json
import time

import pytest

from harness import eventually, scaled
from harness.balancing import spread, where
from harness.events import events, told
from harness.faults import saying
from harness.loads import Loads, kept
from harness.reload import ADMIN, Reloader


def file(pool, more=None):
    return {"listen": "127.0.0.1:0", "pools": {"main": pool}, **ADMIN, **(more or {})}


def serve(proxy, names):
    """Waits until these answer, and nobody else.

    Once is no proof: a load beside it may take every second request of a worker.
    """
    eventually(lambda: set(spread(proxy.client(), 12)) == names, f"{names} serve")


def write(path, *servers):
    """Replaces a file of servers."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps([one.address for one in servers]))
    new.rename(path)


def by_name(names, port, **keys):
    return {
        "servers": [f"app.test:{port}"],
        "resolver": names.resolver(),
        "slow-start": "0s",
        **keys,
    }


@pytest.mark.parametrize(
    "also",
    [{}, {"balance": "random"}, {"health": {"kind": "tcp"}}],
    ids=["kept", "other", "checked"],
)
def test_what_was_found_stays_while_the_name_server_is_gone(weir, names, neighbours, also):
    servers = neighbours(3)
    names.set("app 1 A 127.0.0.1", "app 1 A 127.0.0.2")
    pool = by_name(names, servers[0].port, resolver=names.resolver(timeout="300ms"))
    proxy = weir(file(pool))
    admin = Reloader(proxy)
    with Loads() as loads:
        loads.run("kept", kept, proxy.client())
        loads.run("other", kept, proxy.client())
        loads.progress()
        names.stop()
        for number in range(4):
            changed = {**pool, **also} if number % 2 == 0 else pool
            admin.take(file(changed, {"timeouts": {"keep-alive": f"{60 + number}s"}}))
            serve(proxy, {"a", "b"})
            loads.progress()
        # Also where the names are asked for in another way from now on.
        pool["resolver"] = names.resolver(timeout="200ms")
        admin.take(file(pool))
        serve(proxy, {"a", "b"})
        # A server of the file joins those that were found.
        pool["servers"] = [*pool["servers"], f"127.0.0.3:{servers[0].port}"]
        admin.take(file({**pool, **also}))
        serve(proxy, {"a", "b", "c"})
        loads.end()


def test_a_new_pool_of_names_is_resolved_before_it_serves(weir, names, neighbours):
    servers = neighbours(2)
    names.set("app 1 A 127.0.0.2")
    proxy = weir(file({"servers": [servers[0].address]}))
    admin = Reloader(proxy)
    client = proxy.client()
    with Loads() as loads:
        loads.run("kept", kept, proxy.client())
        for _ in range(5):
            admin.take(file(by_name(names, servers[0].port)))
            assert where(client.ask()) == "b"
            admin.take(file({"servers": [servers[0].address]}))
            assert where(client.ask()) == "a"
        loads.end()
    assert not events(proxy, "resolver-failed")


def test_a_name_server_that_hangs_delays_a_reload_by_its_timeout(weir, names, neighbours):
    servers = neighbours(2)
    proxy = weir(file({"servers": [servers[0].address]}))
    admin = Reloader(proxy)
    names.set("app 1 A 127.0.0.2")
    names.hang()
    pool = by_name(names, servers[0].port, resolver=names.resolver(timeout="300ms"))
    both = {**pool, "servers": [*pool["servers"], servers[0].address]}
    with Loads() as loads:
        # The control loop and the old file serve meanwhile.
        loads.run("kept", kept, proxy.client())
        start = time.monotonic()
        admin.take(file(both))
        assert time.monotonic() - start < scaled(3)
        assert where(proxy.ask()) == "a"
        names.go_on()
        eventually(lambda: set(spread(proxy.client(), 8)) == {"a", "b"}, "the other joins")
        loads.end()


def test_checks_and_ejections_of_found_servers_stay_in_a_changed_pool(weir, names, neighbours):
    servers = neighbours(3)
    servers[1].script = saying(500)
    names.set("app 1 A 127.0.0.1", "app 1 A 127.0.0.2", "app 1 A 127.0.0.3")
    health = {"path": "/", "every": "100ms"}
    pool = by_name(names, servers[0].port, health=health, ejection="off")
    proxy = weir(file(pool))
    admin = Reloader(proxy)
    told(proxy, "check-down")
    for number in range(4):
        admin.take(file({**pool, "timeouts": {"response": f"{number + 5}s"}}))
        assert admin.endpoint(f"127.0.0.2:{servers[0].port}")["state"] == "unhealthy"
        serve(proxy, {"a", "c"})
    assert len(events(proxy, "check-down")) == 1


@pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "other"])
def test_a_file_of_servers(weir, backend, tmp_path, also):
    one, two, three = [backend(name=name) for name in ("one", "two", "three")]
    path = tmp_path / "servers.json"
    write(path, one, two)
    pool = {"servers-file": str(path), "slow-start": "0s"}
    proxy = weir(file(pool))
    admin = Reloader(proxy)
    with Loads() as loads:
        loads.run("kept", kept, proxy.client())
        serve(proxy, {"one", "two"})
        # Both files at once.
        write(path, two, three)
        admin.take(file({**pool, **also}))
        eventually(lambda: set(spread(proxy.client(), 8)) == {"two", "three"}, "the file is read")
        # One that is broken is as a mistake in the file itself.
        path.write_text("[")
        assert admin.refuse(file(pool))["diagnostics"][0]["file"] == str(path)
        serve(proxy, {"two", "three"})
        loads.end()
