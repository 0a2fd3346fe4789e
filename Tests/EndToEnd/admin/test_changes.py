"""States and weights of servers, changed while traffic runs."""

import subprocess

import pytest

from harness import eventually
from harness.admin import Admin
from harness.proxy import binary
from harness.wait import DEADLINE


@pytest.fixture
def three(weir, backend):
    """A proxy over three backends, its admin API and the backends."""
    servers = [backend(name=name) for name in ("alder", "birch", "cedar")]
    proxy = weir(
        {
            "workers": 2,
            "listen": "127.0.0.1:0",
            "servers": [one.address for one in servers],
            "admin": "127.0.0.1:0",
        }
    )
    return proxy, Admin(proxy), servers


def served(proxy, servers, count=60):
    """How many of `count` requests each backend got."""
    before = [len(one.requests) for one in servers]
    for _ in range(count):
        assert proxy.ask().status == 200
    return [len(one.requests) - old for one, old in zip(servers, before)]


@pytest.mark.parametrize("state", ["drain", "down"])
def test_a_server_goes_and_returns(three, state):
    proxy, admin, servers = three
    target = f"/pools/main/servers/{servers[0].address}"
    found = admin.json("PATCH", target, body={"state": state})
    assert found["endpoints"][0]["state"] == state and found["endpoints"][0]["changed"]
    assert found["endpoints"][0]["reason"] == f"state {state} by the operator"
    # Workers take it over in their next turn.
    eventually(lambda: served(proxy, servers, 12)[0] == 0, "no request for it")
    assert served(proxy, servers)[0] == 0
    admin.json("PATCH", target, body={"state": "ready"})
    eventually(lambda: served(proxy, servers, 30)[0] > 0, "requests again")


def test_weights(three):
    proxy, admin, servers = three
    found = admin.json(
        "PATCH", f"/pools/main/servers/{servers[1].address}", body={"weight": 8}
    )
    assert found["endpoints"][0]["weight"] == 8

    def shares():
        counts = served(proxy, servers, 100)
        return counts[1] >= 60 and counts

    eventually(shares, "eight of ten for the heavy one")
    admin.json("PATCH", f"/pools/main/servers/{servers[1].address}", body={"weight": 0})
    eventually(lambda: served(proxy, servers, 12)[1] == 0, "none for weight 0")


def test_what_the_file_says_beside_what_an_operator_does(weir, backend):
    server = backend()
    config = {
        "listen": "127.0.0.1:0",
        "pools": {"main": {"servers": [{"address": server.address, "weight": 2}]}},
        "admin": "127.0.0.1:0",
    }
    proxy = weir(config)
    admin = Admin(proxy)
    target = f"/pools/main/servers/{server.address}"
    admin.json("PATCH", target, body={"weight": 7, "state": "drain"})
    admin.json("PATCH", target, body={"state": None})
    found = admin.endpoint(server.address)
    assert (found["state"], found["weight"], found["changed"]) == ("up", 7, True)
    assert found["operator"] == "weight 7 by the operator (file: 2)"
    address = ":".join(map(str, admin.address))
    command = [*binary(), "status", "--admin", address]
    told = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE).stdout
    assert "weight 7 by the operator (file: 2)" in told
    proxy.file.write_text(proxy.file.read_text().replace('"weight": 2', '"weight": 3'))
    told = admin.json("POST", "/reload")["postponed"]
    key = f"pools.main.servers[{server.address}].weight"
    assert told == [f"{key}: 7 by the operator goes on (file: 3)"]
    admin.json("PATCH", target, body={"weight": None})
    found = admin.endpoint(server.address)
    assert (found["weight"], found["changed"], found["operator"]) == (3, False, None)


def test_two_operators(three):
    _, admin, servers = three
    target = f"/pools/main/servers/{servers[0].address}"
    tag = admin.ask(target=target).get("etag")
    assert tag
    found = admin.ask("PATCH", target, body={"weight": 2}, fields=[("If-Match", tag)])
    assert found.status == 200 and found.get("etag") != tag
    admin.problem(412, "PATCH", target, body={"weight": 3}, fields=[("If-Match", tag)])
    assert admin.endpoint(servers[0].address)["weight"] == 2
    fields = [("If-Match", found.get("etag"))]
    assert admin.ask("PATCH", target, body={"weight": 3}, fields=fields).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"weight": 1} x', 400),
        (b'{"weight": 1, "weight": 2}', 400),
        (b"{}", 422),
        (b'{"weight": 1001}', 422),
        (b'{"weight": -1}', 422),
        (b'{"weight": 1.5}', 422),
        (b'{"weight": "1"}', 422),
        (b'{"weight": 1e400}', 422),
        (b'{"state": "gone"}', 422),
        (b'{"state": false}', 422),
        (b'{"other": 1}', 422),
        (b"\xff", 400),
    ],
)
def test_bodies_that_make_no_sense(three, body, status):
    _, admin, servers = three
    admin.problem(status, "PATCH", f"/pools/main/servers/{servers[0].address}", body=body)
    assert not admin.endpoint(servers[0].address)["changed"]


def test_a_name_stands_for_all_its_addresses(weir, backend):
    server = backend()
    proxy = weir(
        {
            "listen": "127.0.0.1:0",
            "pools": {"main": {"servers": [{"address": server.address, "name": "first one"}]}},
            "admin": "127.0.0.1:0",
        }
    )
    admin = Admin(proxy)
    found = admin.json("PATCH", "/pools/main/servers/first%20one", body={"state": "down"})
    assert [one["state"] for one in found["endpoints"]] == ["down"]
    eventually(lambda: proxy.ask().status == 503, "no server left")


def test_a_body_that_is_too_long(three):
    _, admin, servers = three
    target = f"/pools/main/servers/{servers[0].address}"
    admin.problem(413, "PATCH", target, body=b" " * 65_537)
    admin.problem(415, "PATCH", target, body=b"{}", fields=[("Content-Type", "text/plain")])
