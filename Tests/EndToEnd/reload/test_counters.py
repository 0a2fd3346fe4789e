"""What was counted stays counted, whatever a reload moves."""

import pytest

from harness import Client, eventually
from harness.balancing import entry
from harness.loads import Loads, fresh, kept
from harness.proxy import parse_address
from harness.reload import ADMIN, Reloader, everything



def counters(admin):
    """By name and labels: all counters of `/metrics`, histograms included."""
    kinds = {}
    text = admin.ask(target="/metrics").body.decode()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
    found = {}
    for name, value in admin.metrics().items():
        family = name.split("{")[0]
        for suffix in ("", "_bucket", "_count", "_sum"):
            if kinds.get(family.removesuffix(suffix)) in ("counter", "histogram"):
                found[name] = value
    assert found
    return found


def fallen(before, after):
    """Counters of what still is that are less than they were."""
    return {
        name: (value, after[name])
        for name, value in before.items()
        if name in after and after[name] < value
    }


class Rounds:
    """A file that keeps names and moves places."""

    def __init__(self, backend):
        self.one, self.two = [backend(everything, name=name) for name in ("one", "two")]

    def file(self, number, routes=0, pools=0):
        servers = [entry(self.one), entry(self.two)]
        return {
            "listeners": [
                {"address": f"127.0.0.{9 - number % 2}:0", "name": "moves"},
                {"address": "127.0.0.1:0", "name": "stays"},
            ],
            "routes": [
                {
                    "name": "changes",
                    "match": f"/changes/{number}",
                    "pool": "changes",
                    "timeouts": {"response": f"{number + 1}s"},
                },
                *(
                    {"name": f"new-{number}-{one}", "match": f"/{number}/{one}", "pool": "main"}
                    for one in range(routes)
                ),
                {"name": "rest", "pool": "main"},
            ],
            "pools": {
                "main": {"servers": servers},
                "changes": {"servers": servers, "timeouts": {"connect": f"{number + 1}s"}},
                **{f"new-{number}-{one}": {"servers": servers} for one in range(pools)},
            },
            **ADMIN,
        }


@pytest.mark.parametrize("many", [0, 60], ids=["in-room", "beyond"])
def test_counters_never_fall(weir, backend, many):
    rounds = Rounds(backend)
    proxy = weir(rounds.file(0), listeners=2)
    admin = Reloader(proxy)
    stays = next(parse_address(url) for url in proxy.urls if "127.0.0.1:" in url)
    before, asked, total = counters(admin), 0, 0
    with Loads() as loads:
        loads.run("kept", kept, Client(stays))
        loads.run("new", fresh, lambda: Client(stays))
        for number in range(1, 9):
            config = rounds.file(number, many * number, many)
            admin.take(config)
            moved = Client(admin.listener("moves"))
            for _ in range(3):
                assert moved.ask(target=f"/changes/{number}").status == 200
                asked += 1
            moved.close()
            loads.progress()
            after = counters(admin)
            assert not fallen(before, after)
            before = after
            now = admin.json(target="/stats")["total"]["requests"]
            assert now >= total
            total = now
        loads.end()
    counted = {"changes": asked, "rest": sum(loads.counts.values())}
    stats = admin.stats(requests=sum(counted.values()))
    assert {one["name"]: one["requests"] for one in stats["routes"] if one["requests"]} == counted
    pools = {one["name"]: one for one in stats["pools"]}
    assert sum(one["tries"] for one in pools["changes"]["endpoints"]) == asked
    assert sum(one["tries"] for one in pools["main"]["endpoints"]) == counted["rest"]
    listeners = {one["name"]: one["requests"] for one in stats["listeners"]}
    assert listeners == {"moves": asked, "stays": counted["rest"]}


def test_what_is_gone_counts_in_the_total(weir, backend):
    """Whoever looks at rates sees no fall where a route, a pool or a listener goes."""
    rounds = Rounds(backend)
    proxy = weir(rounds.file(0), listeners=2)
    admin = Reloader(proxy)
    for _ in range(10):
        assert Client(admin.listener("moves")).ask(target="/changes/0").status == 200
    assert admin.stats(requests=10)

    def counted(key, name):
        stats = admin.json(target="/stats")
        return next((one["requests"] for one in stats[key] if one["name"] == name), None)

    file = rounds.file(0)
    file["routes"] = file["routes"][-1:]
    for _ in range(3):
        admin.take(file)
        assert admin.json(target="/stats")["total"]["requests"] == 10
        assert counted("listeners", "moves") == 10 and counted("pools", "changes") == 10
    file["listeners"] = file["listeners"][1:]
    for _ in range(3):
        admin.take(file)
        assert admin.json(target="/stats")["total"]["requests"] == 10
        assert counted("pools", "changes") == 10
    admin.take(rounds.file(0))
    assert admin.json(target="/stats")["total"]["requests"] == 10


def test_a_route_goes_to_another_pool(weir, backend):
    """What was asked of the first stays counted there."""
    rounds = Rounds(backend)
    file = rounds.file(0)
    proxy = weir(file, listeners=2)
    admin = Reloader(proxy)
    client = Client(admin.listener("stays"))
    for pool in ("main", "changes", "main", "changes"):
        file["routes"][-1] = {"name": "rest", "pool": pool}
        admin.take(file)
        for _ in range(5):
            assert client.ask().status == 200
    client.close()
    stats = admin.stats(requests=20)
    assert {one["name"]: one["requests"] for one in stats["pools"]} == {"main": 10, "changes": 10}
    assert next(one["requests"] for one in stats["routes"] if one["name"] == "rest") == 20


def test_reloads_are_counted(weir, backend):
    rounds = Rounds(backend)
    proxy = weir(rounds.file(0), listeners=2)
    admin = Reloader(proxy)
    first = admin.metrics()
    assert first["weir_config_last_reload_success"] == 1
    admin.refuse("listen: nonsense")
    found = admin.metrics()
    assert found["weir_config_last_reload_success"] == 0
    assert found['weir_config_reloads_total{result="failure"}'] == 1
    time = "weir_config_last_reload_success_timestamp_seconds"
    assert found[time] == first[time]
    admin.take(rounds.file(1))
    found = admin.metrics()
    assert found["weir_config_last_reload_success"] == 1 and found[time] > first[time]
    assert found['weir_config_reloads_total{result="success"}'] == 1


def test_histograms_go_with_their_counts(weir, backend):
    """A place that another route gets begins without the times of the one before."""
    rounds = Rounds(backend)
    proxy = weir(rounds.file(0), listeners=2)
    admin = Reloader(proxy)
    client = Client(admin.listener("stays"))
    for number in range(1, 6):
        admin.take(rounds.file(number, routes=3))
        for one in range(3):
            for _ in range(one + 1):
                assert client.ask(target=f"/{number}/{one}").status == 200

        def counted():
            stats = admin.json(target="/stats")
            counts = {one["name"]: one["latency"] for one in stats["routes"] if one["latency"]}
            return {name: one["count"] for name, one in counts.items()} == {
                f"new-{number}-{one}": one + 1 for one in range(3)
            }

        eventually(counted, "each route has its own")
    client.close()
