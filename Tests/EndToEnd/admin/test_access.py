"""Who may ask the admin API."""

import json
import stat
import subprocess

import pytest

from harness.admin import Admin
from harness.proxy import binary
from harness.wait import DEADLINE

TOKEN = "0123456789abcdef0123456789abcdef"
RESPOND = {"listen": "127.0.0.1:0", "routes": [{"respond": 204}]}


def tokened(weir, tmp_path, **more):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    admin = {"address": "127.0.0.1:0", "token-file": str(file), **more}
    return weir({**RESPOND, "admin": admin})


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "0", TOKEN.upper()])
def test_a_token_is_asked_for(weir, tmp_path, token):
    proxy = tokened(weir, tmp_path)
    admin = Admin(proxy, token)
    for method, target in [("GET", "/stats"), ("GET", "/metrics"), ("POST", "/drain")]:
        admin.problem(401, method, target)
    assert admin.ask("POST", "/drain").get("www-authenticate").startswith("Bearer")
    assert admin.ask(target="/readyz").status == 200
    assert Admin(proxy, TOKEN).ask(target="/stats", host="lb.example.test").status == 200


def test_public_paths(weir, tmp_path):
    proxy = tokened(weir, tmp_path, public=["metrics"])
    admin = Admin(proxy)
    assert admin.ask(target="/metrics").status == 200
    admin.problem(401, target="/readyz")
    assert Admin(proxy, TOKEN).ask(target="/readyz").status == 200


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "10.0.0.1:9900", "[::2]:1"])
def test_foreign_hosts_are_refused_without_a_token(weir, host):
    admin = Admin(weir({**RESPOND, "admin": "127.0.0.1:0"}))
    for method, target in [("GET", "/stats"), ("POST", "/drain")]:
        admin.problem(403, method, target, host=host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9900", "127.0.0.1", "127.9.9.9:1", "[::1]:9"])
def test_local_hosts_are_served(weir, host):
    admin = Admin(weir({**RESPOND, "admin": "127.0.0.1:0"}))
    assert admin.ask(target="/stats", host=host).status == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("Origin", "http://evil.test")], 403),
        ([("Origin", "null")], 403),
        ([("Origin", "http://localhost:1")], 403),
        ([("Sec-Fetch-Site", "cross-site")], 403),
        ([("Sec-Fetch-Site", "same-site")], 403),
        ([("Origin", "http://localhost:9900"), ("Sec-Fetch-Site", "same-origin")], 202),
        ([("Sec-Fetch-Site", "none")], 202),
        ([], 202),
    ],
)
def test_writes_of_foreign_pages_are_refused(weir, fields, status):
    admin = Admin(weir({**RESPOND, "admin": "127.0.0.1:0"}))
    found = admin.ask("POST", "/drain", fields=fields, host="localhost:9900")
    assert found.status == status


def test_unix_socket(weir, tmp_path):
    path = tmp_path / "admin.sock"
    admin = {"address": f"unix:{path}", "socket-mode": "0600"}
    proxy = weir({**RESPOND, "admin": admin})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    asked = Admin(proxy)
    assert asked.ask(target="/stats", host="anything").status == 200
    asked.problem(403, "POST", "/drain", fields=[("Origin", "http://evil.test")])
    proxy.stop()
    assert not path.exists()


def test_off_by_default(weir):
    proxy = weir(RESPOND)
    assert not any("admin API" in line for line in proxy.lines)


def test_a_taken_address_stops_the_start(weir, tmp_path):
    host, port = Admin(weir({**RESPOND, "admin": "127.0.0.1:0"})).address
    file = tmp_path / "second.yaml"
    file.write_text(json.dumps({**RESPOND, "admin": f"{host}:{port}"}))
    found = subprocess.run(
        [*binary(), "run", str(file)], capture_output=True, text=True, timeout=DEADLINE
    )
    assert found.returncode == 1
    assert f"cannot listen on {host}:{port}" in found.stderr
