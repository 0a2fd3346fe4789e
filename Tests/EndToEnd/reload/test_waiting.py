"""Requests that wait or are tried again while their pool changes, and who goes where afterwards."""


import pytest

from harness import Closed, eventually
from harness.balancing import entry, spread, where
from harness.faults import Meter, resetting, silent
from harness.loads import Loads, kept
from harness.reload import ADMIN, Reloader


def file(*servers, more=None, **keys):
    pool = {"servers": [entry(one) for one in servers], **keys}
    return {"workers": 1, "listen": "127.0.0.1:0", "pools": {"main": pool}, **ADMIN, **(more or {})}


class Queue:
    """Requests of which one is under way and the others wait."""

    def __init__(self, weir, backend, **more):
        self.meter = Meter()
        self.server = backend(self.meter, name="first")
        self.keys = {"breaker": {"max-requests": 1, "queue-timeout": "30s"}, "ejection": "off"}
        self.more = {"shutdown-timeout": "1m", **more}
        self.proxy = weir(self.file(self.server))
        self.admin = Reloader(self.proxy)
        self.clients = [self.proxy.client() for _ in range(6)]
        for number, client in enumerate(self.clients):
            client.send_request(target=f"/{number}")
        eventually(lambda: self.waiting() == 5, "five wait")

    def file(self, *servers, **also):
        return file(*servers, more=self.more, **{**self.keys, **also})

    def waiting(self):
        return self.admin.json(target="/pools/main")["queue"]

    def statuses(self):
        return [client.response().status for client in self.clients]


class TestQueue:
    def test_its_pool_is_replaced(self, weir, backend):
        queue = Queue(weir, backend)
        queue.admin.take(queue.file(queue.server, balance="random"))
        queue.meter.let_go(6)
        assert queue.statuses() == [200] * 6
        assert queue.meter.most == 1
        # The new one has bounds of its own, and room.
        queue.meter.let_go(3)
        assert [queue.proxy.ask().status for _ in range(3)] == [200] * 3

    def test_its_pool_is_removed(self, weir, backend):
        queue = Queue(weir, backend)
        other = {"listen": "127.0.0.1:0", "workers": 1, "routes": [{"respond": 418}], **ADMIN}
        queue.admin.take({**other, "shutdown-timeout": "1m"})
        assert queue.proxy.ask().status == 418
        queue.meter.let_go(6)
        assert queue.statuses() == [200] * 6
        for _ in range(2):
            queue.admin.take({**other, "shutdown-timeout": "1m"})
        assert [client.ask().status for client in queue.clients] == [418] * 6

    def test_its_server_is_replaced(self, weir, backend):
        queue = Queue(weir, backend)
        second = backend(queue.meter, name="second")
        queue.admin.take(queue.file(second))
        queue.meter.let_go(6)
        assert queue.statuses() == [200] * 6
        assert len(queue.server.requests) == 1 and len(second.requests) == 5

    def test_there_is_more_room(self, weir, backend):
        queue = Queue(weir, backend)
        more = {"breaker": {"max-requests": 100, "queue-timeout": "30s"}}
        queue.admin.take(queue.file(queue.server, **more))
        # A newcomer does not wait behind those of the old bound.
        client = queue.proxy.client()
        client.send_request(target="/new")
        eventually(lambda: "/new" in queue.meter.order, "it is under way")
        queue.meter.let_go(7)
        assert client.response().status == 200 and queue.statuses() == [200] * 6

    def test_their_time_is_over(self, weir, backend):
        """Nothing is sent to a server that went once what ran there is cut."""
        queue = Queue(weir, backend, **{"shutdown-timeout": "500ms"})
        second = backend(name="second")
        queue.admin.take(queue.file(second, balance="random"))
        outcomes = []
        for client in queue.clients:
            try:
                outcomes.append(client.response().status)
            except Closed:
                outcomes.append("cut")
        assert sorted(map(str, outcomes)) == ["503"] * 5 + ["cut"]
        assert len(queue.server.requests) == 1
        assert queue.proxy.ask().status == 200


@pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "replaced"])
def test_tries_go_on_over_a_reload(weir, backend, gate, also):
    """A try that fails after the reload is repeated, by the rules under which it began."""

    def failing(connection):
        if connection.request() is not None:
            gate.wait(30)
            connection.reset()

    bad, good = backend(failing, name="bad"), backend(name="good")
    keys = {"ejection": "off", "retries": {"on": "reset-before-answer"}, "slow-start": "0s"}
    proxy = weir(file(bad, **keys))
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(4)]
    for client in clients:
        client.send_request()
    bad.saw(4)
    admin.take(file(bad, good, **keys, **also))
    gate.set()
    statuses = [client.response().status for client in clients]
    assert set(statuses) <= {200, 502}, statuses
    if not also:
        # The pool is the same one: the good server is there for the second try.
        assert statuses == [200] * 4


def test_waits_for_another_try_over_a_reload(weir, backend):
    bad = backend(resetting, name="bad")
    keys = {
        "ejection": "off",
        "retries": {
            "attempts": 5,
            "on": "reset-before-answer",
            "backoff": {"base": "400ms", "max": "1s"},
        },
    }
    proxy = weir(file(bad, **keys))
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(4)]
    for client in clients:
        client.send_request()
    bad.saw(4)
    for number in range(4):
        admin.take(file(bad, **keys, timeouts={"response": f"{number + 5}s"}))
    assert {client.response().status for client in clients} == {502}
    admin.take({"workers": 1, "listen": "127.0.0.1:0", "routes": [{"respond": 200}], **ADMIN})
    assert proxy.ask().status == 200


def test_connecting_while_the_server_goes(weir, unreachable, backend):
    good = backend(name="good")
    pool = {"ejection": "off", "timeouts": {"connect": "1s"}}
    config = {**file(), "shutdown-timeout": "1m"}
    proxy = weir({**config, "pools": {"main": {"servers": [unreachable], **pool}}})
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(3)]
    for client in clients:
        client.send_request()
    eventually(lambda: admin.endpoint(unreachable)["in-flight"] == 3, "three are under way")
    admin.take({**config, "pools": {"main": {"servers": [entry(good)], **pool}}})
    # The next try finds who is there now.
    assert [client.response().status for client in clients] == [200] * 3


class TestLoadProbes:
    def start(self, weir, backend, script=None):
        self.probes = 0

        def telling(connection):
            while (request := connection.request()) is not None:
                if request.target == "/load":
                    self.probes += 1
                    connection.answer(fields=[("X-Prequal-RIF", "1")])
                else:
                    connection.answer(body='{"backend": "%s"}' % connection.backend.name)

        self.telling = telling
        self.servers = [backend(script or telling, name=name) for name in ("one", "two", "three")]
        self.balance = {"strategy": "prequal", "probe": {"path": "/load", "timeout": "300ms"}}
        proxy = weir(self.file(2))
        return proxy, Reloader(proxy)

    def file(self, count, others=0, **keys):
        config = file(*self.servers[:count], balance=self.balance, **{"slow-start": "0s"}, **keys)
        for number in range(others):
            config["pools"][f"other-{number}"] = {
                "servers": [entry(one) for one in self.servers],
                "balance": self.balance if number % 2 else "random",
            }
        config["routes"] = [
            *(
                {"match": f"/{number}/", "pool": f"other-{number}"} for number in range(others)
            ),
            {"pool": "main"},
        ]
        return config

    def test_they_go_on_while_pools_come_and_go(self, weir, backend):
        proxy, admin = self.start(weir, backend)
        with Loads() as loads:
            for _ in range(3):
                loads.run(f"load {len(loads.counts)}", kept, proxy.client())
            for number in range(15):
                keys = {"timeouts": {"connect": f"{number // 4 + 1}s"}}
                admin.take(self.file(1 + number % 3, number % 5, **keys))
                for other in range(number % 5):
                    assert proxy.ask(target=f"/{other}/").status == 200
                before = self.probes
                loads.progress()
                eventually(lambda: self.probes > before, "probes go on")
            loads.end()

    def test_servers_that_hang(self, weir, backend):
        """Probes are under way whenever the pools change."""

        def hanging(connection):
            while (request := connection.request()) is not None:
                if request.target == "/load":
                    connection.rest()
                    return
                connection.answer(body='{"backend": "%s"}' % connection.backend.name)

        proxy, admin = self.start(weir, backend, hanging)
        with Loads() as loads:
            loads.run("load", kept, proxy.client())
            for number in range(12):
                admin.take(self.file(1 + number % 3, number % 5))
                loads.progress()
            loads.end()

        def told(what):
            return [line for line in proxy.lines if what in line]

        # Each is told of once, and once again when it is over, whatever pools come and go.
        with Loads() as loads:
            loads.run("load", kept, proxy.client())
            eventually(lambda: told("one does not tell its load"), "the failure is told")
            self.servers[0].script = self.telling
            for number in range(5):
                admin.take(self.file(2, number))
            eventually(lambda: told("one tells its load again"), "the end of it is told")
            loads.end()

    def test_the_first_ones_come_behind_pools_without(self, weir, backend):
        servers = [backend(name=name) for name in ("one", "two")]
        config = file(*servers)
        config["pools"]["plain"] = {"servers": [entry(one) for one in servers]}
        config["routes"] = [{"match": "/plain/", "pool": "plain"}, {"pool": "main"}]
        proxy = weir(config)
        admin = Reloader(proxy)
        balance = {"strategy": "prequal", "probe": {"path": "/load"}}
        config["pools"]["told"] = {"servers": [entry(servers[0])], "balance": balance}
        config["routes"].insert(0, {"match": "/told/", "pool": "told"})
        admin.take(config)
        for target in ("/told/", "/plain/", "/"):
            assert proxy.ask(target=target).status == 200


@pytest.mark.parametrize("also", [{}, {"balance": "random"}], ids=["kept", "replaced"])
def test_clients_stick_to_their_server(weir, backend, also):
    servers = [backend(name=name) for name in ("one", "two", "three", "four")]
    proxy = weir(file(*servers[:3], sticky=True))
    admin = Reloader(proxy)
    cookies = {}
    while len(cookies) < 3:
        response = proxy.ask()
        cookies[where(response)] = response.get("set-cookie").split(";")[0]
    for config in (
        file(*servers, sticky=True, **also),
        file(servers[3], servers[1], servers[0], servers[2], sticky=True),
        file(*servers[:3], sticky=True, timeouts={"response": "9s"}),
    ):
        admin.take(config)
        for name, cookie in cookies.items():
            assert {where(proxy.ask(fields=[("Cookie", cookie)])) for _ in range(5)} == {name}
    # One whose server is gone gets another one.
    admin.take(file(*servers[1:3], sticky=True, **also))
    response = proxy.ask(fields=[("Cookie", cookies["one"])])
    assert where(response) in ("two", "three") and response.get("set-cookie")


def test_another_secret_makes_other_tokens(weir, backend, tmp_path):
    servers = [backend(name=name) for name in ("one", "two", "three")]
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(32)))
    config = file(*servers, sticky={"secret-file": str(secret)})
    proxy = weir(config)
    admin = Reloader(proxy)
    cookie = [("Cookie", proxy.ask().get("set-cookie").split(";")[0])]
    assert proxy.ask(fields=cookie).get("set-cookie") is None
    admin.take(config)
    assert proxy.ask(fields=cookie).get("set-cookie") is None
    # The file's name stays, what it holds changes.
    secret.write_bytes(bytes(range(1, 33)))
    admin.take(config)
    assert proxy.ask(fields=cookie).get("set-cookie")


@pytest.mark.parametrize("also", [{}, {"timeouts": {"response": "9s"}}], ids=["kept", "replaced"])
def test_keys_stay_at_their_server(weir, backend, also):
    servers = [backend(name=name) for name in ("one", "two", "three", "four")]
    balance = {"strategy": "consistent-hash", "key": "path"}
    keys = [f"/{number}" for number in range(60)]

    def mapping():
        client = proxy.client()
        found = {key: where(client.ask(target=key)) for key in keys}
        client.close()
        return found

    proxy = weir(file(*servers[:3], balance=balance))
    admin = Reloader(proxy)
    before = mapping()
    admin.take(file(servers[2], servers[0], servers[1], balance=balance, **also))
    assert mapping() == before
    admin.take(file(*servers, balance=balance, **{"slow-start": "0s"}, **also))
    moved = {key: name for key, name in mapping().items() if name != before[key]}
    assert 0 < len(moved) < 35 and "four" in moved.values()
    admin.take(file(*servers[:3], balance=balance))
    assert mapping() == before


def test_fallbacks_move_with_their_pools(weir, backend):
    """A pool whose fallback is made anew goes on to it, also for requests that run."""
    dead, spare = backend(silent, name="dead"), backend(name="spare")
    dead.refuse()

    def config(number):
        pools = {
            "main": {
                "servers": [dead.address],
                "health": {"kind": "tcp", "every": "50ms"},
                "fallback": "spare",
            },
            "spare": {"servers": [entry(spare)], "timeouts": {"response": f"{number + 5}s"}},
        }
        if number % 3:
            pools = dict(reversed(pools.items()))
        return {"listen": "127.0.0.1:0", "pools": pools, "routes": [{"pool": "main"}], **ADMIN}

    proxy = weir(config(0))
    admin = Reloader(proxy)
    eventually(lambda: proxy.ask().status == 200, "the fallback serves")
    with Loads() as loads:
        loads.run("kept", kept, proxy.client())
        for number in range(1, 10):
            admin.take(config(number))
            assert set(spread(proxy.client(), 4)) == {"spare"}
            loads.progress()
        loads.end()
