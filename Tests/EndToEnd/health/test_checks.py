"""Active checks: what is asked, what counts, and when a server goes and comes back."""

import json
import threading
import time

import pytest

from harness import answer, eventually, scaled
from harness.balancing import entry, spread, where
from harness.events import events, told
from harness.setups import pooled
from harness.wire import Closed


class Checked:
    """A script that answers checks as it is told, and everything else with the backend's name."""

    def __init__(self, path="/check"):
        self.path = path
        self.answer = answer(200)
        self.hangs = False
        self.checks = []

    def __call__(self, connection):
        while (request := connection.request()) is not None:
            if request.target != self.path:
                connection.answer(body=f'{{"backend": "{connection.backend.name}"}}')
                continue
            self.checks.append((time.monotonic(), request))
            if self.hangs:
                connection.rest()
                return
            connection.send(self.answer)

    def since(self, moment):
        """The checks that came after this time."""
        return [request for at, request in list(self.checks) if at > moment]


def checked(backend, count=2, **options):
    """Backends `a`, `b` … with their scripts."""
    scripts = [Checked(**options) for _ in range(count)]
    return [backend(script, name="abcdefgh"[n]) for n, script in enumerate(scripts)], scripts


def pool(servers, health, **keys):
    """A pool whose servers are checked every 150 ms; only checks take them out."""
    health = {"path": "/check", "every": "150ms", **health}
    settings = {"health": health, "ejection": "off", "slow-start": "0s", **keys}
    return pooled([entry(server) for server in servers], settings)


def test_a_server_goes_after_fall_failures_and_comes_back_after_rise(weir, backend):
    servers, scripts = checked(backend)
    proxy = weir(pool(servers, {"rise": 3, "fall": 2}))
    eventually(lambda: scripts[0].checks, "the first check")
    scripts[0].answer = answer(503)
    line = told(proxy, "check-down")
    assert "pool main server a: status 503" in line
    assert spread(proxy.client(), 10) == {"b": 10}
    scripts[0].answer = answer(204, length=False)
    back = time.monotonic()
    line = told(proxy, "check-up")
    assert "server a: 3 checks in a row passed" in line
    assert len(scripts[0].since(back)) >= 3
    eventually(lambda: set(spread(proxy.client(), 10)) == {"a", "b"}, "both serve")
    assert len(events(proxy, "check-down")) == 1


def test_one_failure_less_than_fall_changes_nothing(weir, backend):
    servers, scripts = checked(backend, 1)
    proxy = weir(pool(servers, {"fall": 3}))
    for _ in range(3):
        eventually(lambda: scripts[0].checks, "a good check")
        scripts[0].answer = answer(500)
        count = len(scripts[0].checks)
        eventually(lambda: len(scripts[0].checks) >= count + 2, "two bad checks")
        scripts[0].answer = answer(200)
        count = len(scripts[0].checks)
        eventually(lambda: len(scripts[0].checks) >= count + 2, "good ones again")
    assert not events(proxy, "check-down")


def test_the_first_check_decides_alone(weir, backend):
    servers, scripts = checked(backend)
    scripts[0].answer = answer(500)
    proxy = weir(pool(servers, {"every": "1h", "fall": 5}))
    told(proxy, "check-down")
    assert len(scripts[0].checks) == 1
    assert spread(proxy.client(), 10) == {"b": 10}


def test_a_server_that_is_down_at_first_serves_after_its_first_good_check(weir, backend):
    servers, scripts = checked(backend)
    scripts[0].hangs = True
    health = {"initial": "down", "every": "1h", "timeout": "1h"}
    proxy = weir(pool(servers, health))
    assert "server b: the first check passed" in told(proxy, "check-up")
    assert spread(proxy.client(), 10) == {"b": 10}


def test_a_window_replaces_rise_and_fall(weir, backend):
    servers, scripts = checked(backend, 1)
    proxy = weir(pool(servers, {"window": "2 of 4"}))
    eventually(lambda: scripts[0].checks, "the first check")
    scripts[0].answer = answer(500)
    told(proxy, "check-down")
    scripts[0].answer = answer(200)
    assert "fewer than 2 of the last 4 checks failed" in told(proxy, "check-up")


@pytest.mark.parametrize(
    "health, reply, reason",
    [
        ({}, answer(404), "status 404"),
        ({"status": [404, "2xx"]}, answer(302), "status 302"),
        ({"body": "ok"}, answer(200, "not at all"), 'body without "ok"'),
        ({}, b"garbage\r\n\r\n", "what came is no HTTP answer"),
        ({}, b"HTTP/1.1 200 OK\r\nContent-Len", "the connection ended before the answer"),
    ],
)
def test_what_was_seen_is_told(weir, backend, health, reply, reason):
    def script(connection):
        connection.request()
        connection.send(reply)

    proxy = weir(pool([backend(script, name="a")], health))
    assert f"pool main server a: {reason}" in told(proxy, "check-down")


def test_a_server_that_does_not_answer_in_time_is_down(weir, backend):
    servers, scripts = checked(backend)
    scripts[0].hangs = True
    proxy = weir(pool(servers, {"timeout": "40ms"}))
    assert "server a: no answer in 40ms" in told(proxy, "check-down")


def test_a_server_that_refuses_connections_is_down(weir, backend):
    servers, _ = checked(backend)
    servers[0].refuse()
    proxy = weir(pool(servers, {}))
    assert "server a: connection refused" in told(proxy, "check-down")
    assert spread(proxy.client(), 10) == {"b": 10}


def test_a_tcp_check_asks_for_a_connection_only(weir, backend):
    server = backend(name="a")
    proxy = weir(pooled([server], {"health": {"kind": "tcp", "every": "50ms"}}))
    eventually(lambda: len(server.connections) >= 3, "three checks")
    assert not server.requests
    server.refuse()
    assert "connection refused" in told(proxy, "check-down")


def test_the_question_is_as_the_file_says(weir, backend):
    servers, scripts = checked(backend, 1, path="/probe?deep=1")
    health = {
        "path": "/probe?deep=1",
        "method": "HEAD",
        "host": "inside.test",
        "headers": {"X-Key": "secret", "user-agent": "me"},
    }
    weir(pool(servers, health))
    eventually(lambda: scripts[0].checks, "a check")
    request = scripts[0].checks[0][1]
    assert (request.method, request.get("host"), request.get("x-key")) == (
        "HEAD",
        "inside.test",
        "secret",
    )
    assert request.get("user-agent") == "me"
    assert request.get("connection") == "close"


def test_the_host_is_the_servers_address_by_default(weir, backend):
    servers, scripts = checked(backend, 1)
    weir(pool(servers, {}))
    eventually(lambda: scripts[0].checks, "a check")
    assert scripts[0].checks[0][1].get("host") == servers[0].address


def test_another_port_can_be_asked(weir, backend):
    (server, judge), scripts = checked(backend)
    proxy = weir(pool([server], {"port": judge.port}))
    eventually(lambda: scripts[1].checks, "a check at the other port")
    assert not scripts[0].checks
    scripts[1].answer = answer(500)
    assert "server a" in told(proxy, "check-down")


def test_unix_sockets_are_checked_too(weir, backend, tmp_path):
    script = Checked()
    server = backend(script, name="a", path=tmp_path / "a.sock")
    proxy = weir(pool([server], {"body": "ready"}))
    told(proxy, "check-down")
    script.answer = answer(200, "x" * 5000 + "ready")
    told(proxy, "check-up")
    assert script.checks[0][1].get("host") == "localhost"


def test_the_same_check_in_several_pools_runs_once(weir, backend):
    servers, scripts = checked(backend, 1)
    health = {"path": "/check", "every": "1h", "fall": 1}
    one = {"servers": [servers[0].address], "health": health, "ejection": "off"}
    other = {**one, "health": {**health, "headers": {"x": "y"}}}
    config = {
        "listen": "127.0.0.1:0",
        "routes": [{"match": f"/{name}", "pool": name} for name in ("p", "q", "r")],
        "pools": {"p": one, "q": one, "r": other},
    }
    scripts[0].answer = answer(500)
    proxy = weir(config)
    told(proxy, "check-down", 3)
    assert {line.split(" pool ")[1][0] for line in events(proxy, "check-down")} == {"p", "q", "r"}
    assert len(scripts[0].checks) == 2


def test_intervals_differ_while_changing_and_while_down(weir, backend):
    servers, scripts = checked(backend, 1)
    health = {"every": "1h", "every-changing": "20ms", "every-down": "50ms", "rise": 2}
    scripts[0].answer = answer(500)
    proxy = weir(pool(servers, health))
    told(proxy, "check-down")
    eventually(lambda: len(scripts[0].checks) >= 3, "checks while down")
    scripts[0].answer = answer(200)
    told(proxy, "check-up")
    count = len(scripts[0].checks)
    assert not eventually_more(scripts[0], count, 0.3), "an hour has not passed"


def eventually_more(script, count, within):
    """Whether there are more checks within so many seconds."""
    try:
        return eventually(lambda: len(script.checks) > count, within=within)
    except AssertionError:
        return False


def test_endpoints_that_came_together_are_not_checked_together_for_ever(weir, backend):
    servers, scripts = checked(backend, 8)
    weir(pool(servers, {"every": "400ms"}))
    eventually(lambda: all(len(one.checks) >= 3 for one in scripts), "three rounds")
    second = sorted(one.checks[1][0] for one in scripts)
    assert second[-1] - second[0] > 0.05


def test_no_request_goes_to_a_server_that_its_checks_found_to_hang(weir, backend):
    servers, scripts = checked(backend)
    proxy = weir(pool(servers, {"timeout": "50ms", "fall": 1}))
    eventually(lambda: all(one.checks for one in scripts), "first checks")
    scripts[1].hangs = True
    told(proxy, "check-down")
    assert spread(proxy.client(), 20) == {"a": 20}


def test_events_are_structured_in_the_json_log(weir, backend):
    servers, scripts = checked(backend)
    scripts[0].answer = answer(200, 'say "no"')
    config = pool(servers, {"body": 'q"\\'})
    proxy = weir({**config, "log": {"format": "json"}})
    found = eventually(
        lambda: [line for line in list(proxy.lines) if '"check-down"' in line], "the event"
    )
    event = json.loads(found[0])
    assert event.pop("time").endswith("Z")
    assert event == {
        "level": "warning",
        "event": "check-down",
        "pool": "main",
        "endpoint": event["endpoint"],
        "reason": 'body without "q"\\"',
    }
    assert event["endpoint"] in ("a", "b")


def test_priorities_and_panic_are_told(weir, backend):
    servers, scripts = checked(backend)
    config = pool(servers, {"fall": 1, "rise": 1})
    config["pools"]["main"]["servers"][1]["priority"] = 1
    proxy = weir(config)
    eventually(lambda: all(one.checks for one in scripts), "first checks")
    scripts[0].answer = answer(500)
    assert "priority 1 takes 100 %" in told(proxy, "tier-changed")
    assert where(proxy.ask()) == "b"
    scripts[1].answer = answer(500)
    assert "0 of a weight of 2 is healthy: health is ignored" in told(proxy, "panic-began")
    assert proxy.ask().status == 200
    scripts[0].answer = answer(200)
    assert "1 of a weight of 2 is healthy: health counts again" in told(proxy, "panic-ended")
    assert "priority 0 takes 100 %" in told(proxy, "tier-changed", 2)


@pytest.mark.alone
def test_many_checks_are_never_more_than_128_at_a_time(weir, backend):
    lock, held, most = threading.Lock(), [], []
    free = threading.Event()

    def script(connection):
        connection.request()
        with lock:
            held.append(connection)
            most.append(len(held))
        free.wait(scaled(10))
        with lock:
            held.remove(connection)
        try:
            connection.answer()
        except (Closed, OSError):
            pass

    server = backend(script, name="a")
    entries = [
        {"address": f"127.0.{n // 200}.{1 + n % 200}:{server.port}"} for n in range(300)
    ]
    listener = backend(script, name="any", host="0.0.0.0")
    for one in entries:
        one["address"] = one["address"].rsplit(":", 1)[0] + f":{listener.port}"
    health = {"path": "/check", "every": "1h", "timeout": "20s"}
    weir(pooled(entries, {"health": health}))
    eventually(lambda: len(held) == 128, "128 checks")
    free.set()
    eventually(lambda: len(most) == 300, "all are checked")
    assert max(most) == 128
