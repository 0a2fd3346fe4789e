"""Fifty changed files under load, and nobody notices."""

from harness import Client, eventually
from harness.admin import EventStream
from harness.http2 import H2Client
from harness.loads import Loads, events, fresh, kept, messages, streams
from harness.proxy import parse_address
from harness.reload import ADMIN, Reloader, everything
from harness.secure import SecureClient, secure, secure_listener
from harness.websocket import StreamSide

STRATEGIES = ["round-robin", "least-connections", "random", "latency-weighted", "least-bytes"]


def sockets(client):
    """Messages back and forth over a WebSocket on a stream of HTTP/2."""
    side = StreamSide(client).opened()
    number = 0
    while True:
        number += 1
        side.send(str(number))
        assert side.event() == str(number)
        yield


class Rounds:
    """The file of each round: much changes, `public`, `secure` and server `alder` stay."""

    def __init__(self, backend, certificates):
        self.alder, self.birch, self.cedar = [
            backend(everything, name=name) for name in ("alder", "birch", "cedar")
        ]
        self.secure = {**secure_listener(certificates.site), "name": "secure"}

    def file(self, number):
        listeners = [{"address": "127.0.0.1:0", "name": "public"}, self.secure]
        # Listeners come, stay for some rounds and go; their order changes too.
        for one in range(number % 4):
            listeners.insert(one, {"address": f"127.0.0.{2 + one}:0", "name": f"extra-{one}"})
        others = [[], [self.birch], [self.cedar], [self.birch, self.cedar]][number % 4]
        pools = {
            "main": {
                "servers": [one.address for one in [self.alder, *others]],
                "balance": STRATEGIES[number // 5 % 5],
                "retries": {"attempts": 3 + number // 10 % 2},
            },
            # The same server in a pool that is another one every third round.
            "lasting": {
                "servers": [self.alder.address],
                "timeouts": {"total": f"{number // 3 + 60}s"},
            },
            f"brief-{number}": {"servers": [self.birch.address]},
        }
        routes = [
            {"name": f"brief-{number}", "match": f"/brief/{number}/", "pool": f"brief-{number}"},
            {"name": "lasting", "match": ["/events", "/chat"], "pool": "lasting"},
            {"name": "main", "pool": "main"},
        ]
        if number % 2:
            routes[0], routes[1] = routes[1], routes[0]
        return {
            "listeners": listeners,
            "routes": routes,
            "pools": pools,
            "log": {"access": {"to": "access.log"}} if number % 3 else {},
            "limits": {"head-size": f"{16 + number % 7}KiB", "fields": 100 + number % 5},
            "timeouts": {"keep-alive": f"{60 + number % 4}s"},
            **ADMIN,
        }


def test_fifty_reloads_under_load(weir, backend, certificates):
    rounds = Rounds(backend, certificates)
    proxy = weir(rounds.file(0), listeners=2)
    admin = Reloader(proxy)
    plain, secured = parse_address(proxy.urls[0]), parse_address(proxy.urls[1])
    with Loads() as loads:
        for number in range(2):
            loads.run(f"kept {number}", kept, proxy.client())
        loads.run("kept TLS", kept, secure(proxy, listener=1))
        loads.run("new", fresh, lambda: Client(plain))
        loads.run("new TLS", fresh, lambda: SecureClient(secured))
        loads.run("streams", streams, H2Client(proxy, listener=1))
        loads.run("events", events, proxy.client())
        loads.run("events TLS", events, secure(proxy, listener=1))
        loads.run("messages", messages, proxy.client())
        loads.run("messages TLS", messages, secure(proxy, listener=1))
        loads.run("sockets", sockets, H2Client(proxy, listener=1))
        loads.progress()
        for number in range(1, 51):
            config = rounds.file(number)
            admin.take(config)
            for listener in config["listeners"]:
                if listener["name"].startswith("extra"):
                    client = Client(admin.listener(listener["name"]))
                    assert client.ask(target=f"/brief/{number}/").body == b"birch"
                    client.close()
            loads.progress()
        loads.end()
    found = admin.json(target="/stats")["reload"]
    assert found["successful"] and (found["successes"], found["failures"]) == (50, 0)


def test_the_dashboard_follows_through_reloads(weir, backend, certificates):
    """What is recent is told of listeners, routes and pools that were not there before, too."""
    rounds = Rounds(backend, certificates)
    proxy = weir(rounds.file(0), listeners=2)
    admin = Reloader(proxy)
    stream = EventStream(admin, query="?stats")

    def stats():
        while (event := stream.next())[1] != "stats":
            pass
        return event[2]

    assert len(stats()["listeners"]) == 2
    for _ in range(5):
        assert proxy.ask().status == 200
    eventually(lambda: stats()["total"]["requests"] == 5, "the requests are told")
    admin.take(rounds.file(3))
    found = eventually(lambda: (one := stats()) and len(one["listeners"]) == 5 and one, "listeners")
    assert [one["recent"]["rate"] for one in found["listeners"] if "recent" in one]
    # Less is counted than before, as the one with the traffic is gone.
    file = rounds.file(0)
    file["listeners"] = [{"address": "127.0.0.1:0", "name": "other"}]
    admin.take(file)
    found = eventually(lambda: (one := stats()) and len(one["listeners"]) == 1 and one, "one")
    assert found["total"]["recent"]["rate"] < 1000, found["total"]
