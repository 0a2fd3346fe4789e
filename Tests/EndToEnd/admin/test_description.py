"""The description of the admin API, held against its answers."""

import json
import re

import pytest

from harness.admin import Admin
from harness.description import OPERATIONS, hold
from harness.proxy import ROOT

@pytest.fixture
def admin(weir, backend):
    server = backend()
    proxy = weir(
        {
            "listen": "127.0.0.1:0",
            "routes": [{"match": "/api/", "pool": "main"}, {"match": "=/own", "respond": 204}],
            "pools": {"main": {"servers": [server.address]}},
            "admin": "127.0.0.1:0",
            # A collector that takes nothing; its metrics are there all the same.
            "tracing": {"export": "http://127.0.0.1:1", "sample": "0%"},
        }
    )
    for target in ("/api/", "/own", "/none"):
        proxy.ask(target=target)
    admin = Admin(proxy)
    admin.server = server.address
    return admin


def filled(admin, path, server=None):
    return path.replace("{pool}", "main").replace("{server}", server or admin.server)


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if one[1] not in ("/events", "/upgrade")])
def test_answers_are_as_described(admin, method, path):
    body = {"weight": 3} if method == "PATCH" else None
    found = admin.ask(method, filled(admin, path), body=body)
    assert found.status in (200, 202)
    hold(method, path, found)


def test_problems_are_as_described(admin):
    for path in ("/pools/{pool}", "/pools/{pool}/servers/{server}"):
        target = path.replace("{pool}", "none").replace("{server}", "none")
        found = admin.ask(target=target)
        assert found.status == 404
        hold("GET", path, found)
    path = "/pools/{pool}/servers/{server}"
    for body, status in [(b"{", 400), (b'{"weight": -1}', 422), (b" " * 70_000, 413)]:
        found = admin.ask("PATCH", filled(admin, path), body=body)
        assert found.status == status
        hold("PATCH", path, found)
    found = admin.ask("PATCH", filled(admin, path), body={"weight": 1}, fields=[("If-Match", '"9"')])
    assert found.status == 412
    hold("PATCH", path, found)
    for method, path in OPERATIONS:
        found = admin.ask(method, filled(admin, path), host="evil.test")
        assert found.status == 403
        hold(method, path, found)


def test_refusals_are_as_described(weir, tmp_path):
    (tmp_path / "token").write_text("x" * 32)
    access = {"address": "127.0.0.1:0", "token-file": str(tmp_path / "token")}
    proxy = weir({"listen": "127.0.0.1:0", "routes": [{"respond": 204}], "admin": access})
    stranger, owner = Admin(proxy), Admin(proxy, "x" * 32)
    for method, path in OPERATIONS:
        # The page, and whether the process is well, are for everybody.
        if path not in ("/", "/livez", "/healthz", "/readyz"):
            found = stranger.ask(method, filled(stranger, path, "s"))
            assert found.status == 401
            hold(method, path, found)
        found = owner.ask(method, filled(owner, path, "s"), fields=[("X-Long", "x" * 20_000)])
        assert found.status == 431
        hold(method, path, found)
        found = owner.ask("DELETE", filled(owner, path, "s"))
        assert found.status == 405 and method in found.get("allow").split(", ")
        assert json.loads(found.body)["status"] == 405


def test_every_operation_is_described():
    """What the code serves and what the description has are the same."""
    source = (ROOT / "Sources/Control/Admin/AdminOperations.swift").read_text()
    served = re.findall(r'\.init\(path: "([^"]+)", method: "(\w+)"', source)
    assert sorted((method, path) for path, method in served) == sorted(OPERATIONS)
    page = (ROOT / "docs/reference/admin-api.md").read_text()
    for _, path in OPERATIONS:
        assert f"`{path}`" in page, path


def test_every_metric_is_documented(admin):
    page = (ROOT / "docs/reference/metrics.md").read_text()
    text = admin.ask(target="/metrics").body.decode()
    families = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    documented = set(re.findall(r"`((?:weir|process)_\w+)`", page))
    assert families == documented
