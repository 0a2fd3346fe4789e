"""Limits, times, logs and the admin API change with the file."""

import json
import os
import socket
import stat
import time
from pathlib import Path

import pytest

from harness import Client, eventually, gated, scaled
from harness.admin import EventStream
from harness.checks import refuses
from harness.loads import Loads, kept
from harness.proxy import parse_address
from harness.reload import ADMIN, Reloader


def file(server, **more):
    return {"listen": "127.0.0.1:0", "servers": [server.address], **ADMIN, **more}


def test_limits_grow_and_shrink(weir, backend):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    client = proxy.client()
    sizes = [(16, 100), (48, 400), (2, 10), (64, 1000), (16, 100)]
    for size, count in sizes:
        admin.take(file(server, limits={"head-size": f"{size}KiB", "fields": count}))
        many = [(f"x-{number}", "y") for number in range(count - 1)]
        assert client.ask(fields=many if size > 2 else many[:9]).status == 200
        assert proxy.ask(fields=[("x", "y" * (size * 1024 - 400))]).status == 200
        assert proxy.ask(fields=[("x", "y" * (size * 1024))]).status == 431
        assert proxy.ask(fields=[*many, ("a", "b"), ("c", "d")]).status == 431


def test_heads_that_are_coming_while_limits_change(weir, backend):
    server = backend()
    proxy = weir(file(server, limits={"head-size": "48KiB"}))
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(6)]
    for client in clients:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + "y" * 30_000)

    def held():
        return admin.stats()["memory-by-purpose"]["buffers"]

    eventually(lambda: held() >= len(clients) * 30_000, "heads that are there")
    admin.take(file(server, limits={"head-size": "4KiB"}))
    for client in clients[:2]:
        client.send("\r\n\r\n")
        assert client.response().status == 431
    admin.take(file(server, limits={"head-size": "64KiB"}))
    for client in clients[2:4]:
        client.send("z" * 30_000 + "\r\n\r\n")
        assert client.response().status == 200
    admin.take(file(server, limits={"head-size": "1KiB", "fields": 5}))
    for client in clients[4:]:
        client.send("\r\n\r\n")
        assert client.response().status == 431


def test_bounds_of_clients_and_connections(weir, backend):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(6)]
    assert all(one.ask().status == 200 for one in clients)
    admin.take(file(server, limits={"max-connections-per-client": 3}))
    assert all(one.ask().status == 200 for one in clients)
    # Those of the time without the bound do not count.
    more = [proxy.client() for _ in range(3)]
    assert all(one.ask().status == 200 for one in more)
    assert proxy.client().ended()
    admin.take(file(server, limits={"max-connections": 9}))
    assert proxy.ask().status == 200
    admin.take(file(server))
    more += [proxy.client() for _ in range(9)]
    assert all(one.ask().status == 200 for one in more)


def test_times(weir, backend):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    before = proxy.client()
    assert before.ask().status == 200
    admin.take(file(server, timeouts={"keep-alive": "300ms", "head": "300ms"}))
    after, slow = proxy.client(), proxy.client()
    assert after.ask().status == 200
    slow.send("GET / HTTP/1.1\r\n")
    start = time.monotonic()
    assert after.ended() and slow.response().status == 408
    assert 0.2 < time.monotonic() - start < scaled(3)
    # One that was idle before waits as it was told, and from its next request on as it is now.
    assert before.ask().status == 200 and before.ended()
    admin.take(file(server))
    client = proxy.client()
    assert client.ask().status == 200
    time.sleep(0.5)
    assert client.ask().status == 200


def test_changes_of_heads(weir, backend):
    """Route by route, as the requests come."""
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    client = proxy.client()
    for number in range(6):
        routes = [
            {
                "match": "/a/",
                "pool": "main",
                "request-headers": {"set": {f"X-Round-{number}": f"{{path}} {number}"}},
                "response-headers": {"set": {"X-Answer": f"{number}"}},
            },
            {"match": "/own", "respond": {"status": 200, "body": f"round {number}"}},
        ]
        config = file(server)
        del config["servers"]
        admin.take({**config, "routes": routes, "pools": {"main": {"servers": [server.address]}}})
        response = client.ask(target="/a/b")
        seen = json.loads(response.body)
        assert response.get("x-answer") == str(number)
        fields = dict((name.lower(), value) for name, value in seen["fields"])
        assert fields[f"x-round-{number}"] == f"/a/b {number}"
        assert f"x-round-{number - 1}" not in fields
        assert client.ask(target="/own").body == b"round %d" % number


class TestAccessLog:
    def lines(self, path, count):
        def found():
            text = Path(path).read_text() if Path(path).exists() else ""
            return text.splitlines() if len(text.splitlines()) >= count else None

        return eventually(found, f"{count} lines in {path}")

    def test_on_off_elsewhere_and_otherwise(self, weir, backend, tmp_path):
        server = backend()
        proxy = weir(file(server))
        admin = Reloader(proxy)
        client = proxy.client()
        first, second = tmp_path / "first.log", tmp_path / "second.log"
        assert client.ask(target="/none").status == 200
        admin.take(file(server, log={"access": {"to": str(first)}}))
        assert client.ask(target="/first").status == 200
        assert json.loads(self.lines(first, 1)[0])["path"] == "/first"
        admin.take(file(server, log={"access": {"to": str(second), "format": "combined"}}))
        assert client.ask(target="/second").status == 200
        (line,) = self.lines(second, 1)
        assert '"GET /second HTTP/1.1" 200' in line
        admin.take(file(server))
        assert client.ask(target="/off").status == 200
        admin.take(file(server, log={"access": {"to": str(first)}}))
        assert client.ask(target="/again").status == 200
        targets = [json.loads(line)["path"] for line in self.lines(first, 2)]
        assert targets == ["/first", "/again"] and len(self.lines(second, 1)) == 1

    def test_requests_that_began_without_it(self, weir, backend, gate, tmp_path):
        server = backend(gated(gate))
        path = tmp_path / "access.log"
        proxy = weir(file(server))
        admin = Reloader(proxy)
        clients = [proxy.client() for _ in range(4)]
        for client in clients:
            client.send_request("POST", "/late", body=b"x" * 20_000)
        server.saw(4)
        admin.take(file(server, log={"access": {"to": str(path), "format": "combined"}}))
        admin.take(file(server, log={"access": {"to": str(path)}}))
        gate.set()
        for client in clients:
            assert client.response().status == 200
        for line in self.lines(path, 4):
            found = json.loads(line)
            assert (found["method"], found["path"]) == ("POST", "/late"), found

    def test_no_line_is_lost_or_doubled(self, weir, backend, tmp_path):
        server = backend()
        paths = [tmp_path / f"{number}.log" for number in range(2)]
        proxy = weir(file(server, log={"access": {"to": str(paths[0])}}))
        admin = Reloader(proxy)
        with Loads() as loads:
            loads.run("one", kept, proxy.client())
            loads.run("two", kept, proxy.client())
            for number in range(1, 13):
                admin.take(file(server, log={"access": {"to": str(paths[number % 2])}}))
                loads.progress()
            loads.end()
        count = sum(loads.counts.values())

        def all_lines():
            lines = [line for path in paths for line in path.read_text().splitlines()]
            return lines if len(lines) >= count else None

        lines = eventually(all_lines, f"{count} lines")
        assert len(lines) == count == len({json.loads(line)["request-id"] for line in lines})


def test_the_own_log(weir, backend, tmp_path):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    path = tmp_path / "own.log"
    admin.take(file(server, log={"level": "error"}))
    before = len(proxy.lines)
    admin.take(file(server, log={"level": "error"}, timeouts={"keep-alive": "70s"}))
    admin.take(file(server, log={"to": str(path), "format": "json"}))
    admin.take(file(server, log={"to": str(path), "format": "json"}, timeouts={"head": "9s"}))

    def told():
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return any("timeouts.head" in json.dumps(line) for line in lines)

    eventually(lambda: path.exists() and told(), "the log has moved")
    assert not [line for line in proxy.lines[before:] if "keep-alive" in line or "head" in line]


class TestAdmin:
    def test_it_moves(self, weir, backend, tmp_path):
        server = backend()
        proxy = weir(file(server))
        admin = Reloader(proxy)
        old = admin.address
        stream = EventStream(admin)
        path = f"{tmp_path}/admin.sock"
        admin.take(file(server, admin=f"unix:{path}"))
        admin.address = path
        assert admin.json(target="/stats")["state"] == "serving"
        eventually(lambda: refuses(old), "the old address is left")
        with pytest.raises(AssertionError, match="the stream ended"):
            while True:
                stream.next()
        for mode in ("0600", "0666"):
            admin.take(file(server, admin={"address": f"unix:{path}", "socket-mode": mode}))
            assert stat.S_IMODE(os.stat(path).st_mode) == int(mode, 8)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            new = one.getsockname()
        admin.take(file(server, admin=f"{new[0]}:{new[1]}"))
        admin.address = new
        assert admin.json(target="/stats")["state"] == "serving"
        eventually(lambda: not os.path.exists(path), "its file is left")
        config = file(server)
        del config["admin"]
        admin.take(config)
        eventually(lambda: refuses(new), "there is none any more")
        assert proxy.ask().status == 200

    def test_it_gets_more_addresses_of_its_port_and_fewer(self, weir, backend, tmp_path):
        """The new one listens before the old one ends."""
        (tmp_path / "token").write_text("one" * 8)
        server = backend()
        admin = Reloader(weir(file(server)), "one" * 8)
        left, port = admin.address
        for host, asked in [("0.0.0.0", "127.0.0.3"), ("127.0.0.2", "127.0.0.2")]:
            token = {"token-file": f"{tmp_path}/token"}
            admin.take(file(server, admin={"address": f"{host}:{port}", **token}))
            admin.address = (asked, port)
            assert admin.json(target="/stats")["state"] == "serving"
        eventually(lambda: refuses((left, port)), "the other addresses are left")

    def test_tokens(self, weir, backend, tmp_path):
        server = backend()
        for name in ("one", "two"):
            (tmp_path / name).write_text(name * 8)
        proxy = weir(file(server))
        admin = Reloader(proxy)
        stream = EventStream(admin)

        def with_token(name):
            path = f"{tmp_path}/{name}"
            return file(server, admin={"address": "127.0.0.1:0", "token-file": path})

        admin.take(with_token("one"))
        assert admin.ask(target="/stats").status == 401
        admin.token = "one" * 8
        assert admin.ask(target="/stats").status == 200
        # The file's name stays, what it holds changes.
        (tmp_path / "one").write_text("new" * 8)
        admin.take(with_token("one"))
        assert admin.ask(target="/stats").status == 401
        admin.token = "new" * 8
        admin.take(with_token("two"))
        admin.token = "two" * 8
        admin.take(file(server))
        admin.token = None
        assert admin.ask(target="/stats").status == 200
        stream.close()


def test_workers_wait_for_another_start(weir, backend):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    found = admin.take(file(server, workers=3))
    assert len(found["postponed"]) == 1 and "workers" in found["postponed"][0]
    assert len(admin.json(target="/stats")["workers"]) == 2
    client = Client(parse_address(proxy.url))
    assert client.ask().status == 200
    client.close()
