"""The admin API by TLS: served, watched, refused, replaced, switched by a reload."""

import json
import ssl
import subprocess

import pytest

from harness import eventually
from harness.admin import Admin, EventStream
from harness.client import Client
from harness.description import OPERATIONS, hold
from harness.proxy import binary
from harness.reload import Reloader
from harness.secure import SecureClient, client_context
from harness.wait import DEADLINE

TOKEN = "0123456789abcdef0123456789abcdef"
RESPOND = {"listen": "127.0.0.1:0", "routes": [{"respond": 204}]}
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class SecureAdmin(Reloader):
    """The admin API by TLS; the certificate has to be one of `authority`."""

    def __init__(self, proxy, authority, token=None, **options):
        super().__init__(proxy, token)
        self.context = client_context(authority, **options)

    def connect(self, **options):
        return SecureClient(self.address, self.context, server_name="localhost", **options)

    def ask(self, method="GET", target="/", body=None, fields=(), host="127.0.0.1:9900"):
        fields = list(fields)
        if self.token is not None:
            fields.append(("Authorization", f"Bearer {self.token}"))
        if body is not None:
            body = json.dumps(body).encode()
            fields.append(("Content-Type", "application/json"))
        client = self.connect()
        try:
            return client.ask(method, target, body=body, fields=fields, host=host)
        finally:
            client.close()


class SecureEvents(EventStream):
    """The server-sent events of `/events`, by TLS."""

    def __init__(self, admin):
        self.client = admin.connect()
        self.client.send_request("GET", "/events?stats", host="localhost")
        assert self.client.line() == b"HTTP/1.1 200 OK"
        self.client.field_lines()


def secured(pair, **more):
    return {"admin": {"address": "127.0.0.1:0", "tls": pair.entry, **more}}


def weir_command(*arguments):
    command = [*binary(), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_every_path(weir, backend, certificates, version):
    server = backend()
    config = {"listen": "127.0.0.1:0", "servers": [server.address], **secured(certificates.site)}
    proxy = weir(config)
    assert any("admin API on https://127.0.0.1:" in line for line in proxy.lines)
    admin = SecureAdmin(proxy, certificates.authority, oldest=version, newest=version)
    client = admin.connect()
    assert client.tls.selected_alpn_protocol() == "http/1.1"
    assert client.serial == certificates.site.serial
    for method, path in OPERATIONS:
        if method == "GET" and path != "/events":
            target = path.replace("{pool}", "main").replace("{server}", server.address)
            found = client.ask(method, target, host="localhost")
            assert found.status == 200, (path, found)
            hold(method, path, found)
    path = f"/pools/main/servers/{server.address}"
    admin.json("PATCH", path, body={"state": "drain"})
    assert admin.endpoint(server.address)["state"] == "drain"
    admin.problem(404, target="/nowhere")
    # Pipelined, answered in turn, and ended as TLS wants it.
    last = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    client.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" + last)
    assert [client.response().status for _ in range(2)] == [200, 200]
    assert client.ended()


def test_curl(weir, certificates):
    proxy = weir({**RESPOND, **secured(certificates.site)})
    _, port = Admin(proxy).address
    command = ["curl", "-sS", "--http2", "--cacert", certificates.authority.file]
    command += ["-w", "\n%{http_version}", f"https://localhost:{port}/readyz"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert found.returncode == 0 and found.stdout.splitlines()[-1] == "1.1", found


def test_events_come_and_end_with_the_process(weir, backend, certificates):
    server = backend()
    config = {"listen": "127.0.0.1:0", "servers": [server.address], **secured(certificates.site)}
    proxy = weir(config)
    admin = SecureAdmin(proxy, certificates.authority)
    stream = SecureEvents(admin)
    while stream.next()[1] != "stats":
        pass
    admin.json("PATCH", f"/pools/main/servers/{server.address}", body={"state": "drain"})
    while (event := stream.next())[1] == "stats":
        pass
    assert server.address in json.dumps(event[2])
    proxy.stop()
    # This raises Truncated where close_notify is missing.
    stream.client.rest()


def test_who_reads_late_gets_everything(weir, certificates):
    admin = SecureAdmin(weir({**RESPOND, **secured(certificates.site)}), certificates.authority)
    client = admin.connect(receive_buffer=4096)
    client.keeps = False
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
    # Others are served while its pages wait.
    assert admin.ask(target="/livez").status == 200
    for _ in range(200):
        assert client.response().body.endswith(b"</html>\n")


def test_plain_http_is_told_so(weir, certificates):
    proxy = weir({**RESPOND, **secured(certificates.site)})
    assert "https://" in Admin(proxy).problem(400, target="/stats")["detail"]
    client = Client(Admin(proxy).address)
    client.send(b"\x00\x01\x02\x03 neither of both \r\n\r\n")
    client.rest()
    assert SecureAdmin(proxy, certificates.authority).ask(target="/livez").status == 200


def test_a_slow_handshake_is_ended(weir, certificates):
    config = {**RESPOND, **secured(certificates.site), "timeouts": {"handshake": "300ms"}}
    admin = SecureAdmin(weir(config), certificates.authority)
    kept = admin.connect()
    slow = Client(admin.address)
    slow.send(b"\x16\x03\x01")
    assert slow.ended()
    assert Client(admin.address).ended()
    # The time is the handshake's only.
    assert kept.ask(target="/livez", host="localhost").status == 200


def test_a_token_and_pages(weir, certificates, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    proxy = weir({**RESPOND, **secured(certificates.site, **{"token-file": str(file)})})
    SecureAdmin(proxy, certificates.authority).problem(401, target="/stats")
    known = SecureAdmin(proxy, certificates.authority, TOKEN)
    assert known.ask(target="/stats", host="lb.example.test").status == 200
    admin = SecureAdmin(weir({**RESPOND, **secured(certificates.site)}), certificates.authority)
    for origin, status in [("http://localhost:9900", 403), ("https://localhost:9900", 202)]:
        fields = [("Origin", origin)]
        assert admin.ask("POST", "/drain", fields=fields, host="localhost:9900").status == status


def test_commands(weir, certificates, tmp_path):
    proxy = weir({**RESPOND, **secured(certificates.site)})
    _, port = Admin(proxy).address
    authority, stranger = certificates.authority.file, certificates.stranger.file
    for host in ("127.0.0.1", "localhost"):
        there = ["--admin", f"https://{host}:{port}/"]
        found = weir_command("status", *there, "--authority", authority)
        assert found.returncode == 0 and found.stdout.startswith("weir "), found
        found = weir_command("status", *there, "--authority", stranger)
        assert found.returncode == 3 and "no trusted authority" in found.stderr, found
    found = weir_command("top", "--once", *there, "--authority", authority)
    assert found.returncode == 0 and str(proxy.pid) in found.stdout, found
    found = weir_command("top", "--once", *there, "--authority", stranger)
    assert found.returncode == 3 and "no trusted authority" in found.stderr, found
    # The system knows none of these authorities, or none at all.
    found = weir_command("status", *there)
    assert found.returncode in (1, 3) and "authorit" in found.stderr, found
    found = weir_command("status", "--admin", f"127.0.0.1:{port}")
    assert found.returncode == 1 and "https://" in found.stderr, found
    found = weir_command("status", "--admin", f"127.0.0.1:{port}", "--authority", authority)
    assert found.returncode == 2, found
    found = weir_command("drain", *there, "--authority", authority)
    assert (found.returncode, found.stdout) == (0, "draining\n"), found
    assert proxy.wait() == 0


def test_commands_trust_the_certificate_of_the_file(weir, certificates, tmp_path):
    path = tmp_path / "admin.sock"
    # Nobody's host name is asked for.
    admin = {"address": f"unix:{path}", "tls": certificates.other.entry}
    proxy = weir({**RESPOND, "admin": admin})
    assert weir_command("status", proxy.file).returncode == 0
    assert weir_command("reload", proxy.file).returncode == 0
    file = tmp_path / "other.yaml"
    config = json.loads(proxy.file.read_text())
    config["admin"]["tls"] = certificates.site.entry
    file.write_text(json.dumps(config))
    found = weir_command("status", file)
    assert found.returncode == 3 and "another certificate" in found.stderr, found
    there = ["--admin", f"unix:{path}", "--authority", certificates.authority.file]
    found = weir_command("status", *there)
    assert found.returncode == 3 and "for other names" in found.stderr, found
    proxy.file.write_text(file.read_text())
    proxy.signal(1)
    eventually(lambda: weir_command("status", *there).returncode == 0, "the other certificate")


def test_a_replaced_certificate(weir, certificates, tmp_path):
    files = tmp_path / "admin.pem", tmp_path / "admin.key"
    certificates.site.write_to(*files)
    tls = {"certificate": str(files[0]), "key": str(files[1])}
    proxy = weir({**RESPOND, "admin": {"address": "127.0.0.1:0", "tls": tls}})
    admin = SecureAdmin(proxy, certificates.authority)

    def serial():
        client = admin.connect()
        client.close()
        return client.serial

    kept = admin.connect()
    new = certificates.authority.issue("localhost", file="replaced")
    new.write_to(*files)
    eventually(lambda: serial() == new.serial, "the new certificate")
    files[1].write_bytes(certificates.other.key_file.read_bytes())

    def said():
        return any("certificate that was read before stays" in line for line in proxy.lines)

    eventually(said, "a word of the bad pair")
    assert serial() == new.serial
    assert kept.ask(target="/livez", host="localhost").status == 200


def test_a_reload_turns_it_on_and_off(weir, certificates):
    proxy = weir({**RESPOND, "admin": "127.0.0.1:0"})
    plain, secure = Reloader(proxy), SecureAdmin(proxy, certificates.authority)
    stream = EventStream(plain)
    bad = {**certificates.site.entry, "key": certificates.other.entry["key"]}
    with_bad = {**RESPOND, "admin": {"address": "127.0.0.1:0", "tls": bad}}
    found = plain.refuse(with_bad)["diagnostics"]
    assert [one["id"] for one in found] == ["certificate"]
    assert found[0]["line"] > 1 and "key" in found[0]["text"]
    assert plain.ask(target="/livez").status == 200
    config = {**RESPOND, **secured(certificates.site)}
    assert ("changed", "admin.tls") in plain.changed(config)
    assert secure.ask(target="/livez").status == 200
    plain.problem(400, target="/livez")
    # What went on in the clear does not go on.
    stream.client.rest()
    stream = SecureEvents(secure)
    assert secure.changed({**RESPOND, "admin": "127.0.0.1:0"})
    assert plain.ask(target="/livez").status == 200
    stream.client.rest()
    with pytest.raises((OSError, ssl.SSLError)):
        secure.ask(target="/livez")


def test_check_tells_of_a_bad_certificate(certificates, tmp_path):
    file = tmp_path / "weir.yaml"
    for pair, words in [
        (certificates.ended.entry, "ended on"),
        ({**certificates.site.entry, "key": certificates.other.entry["key"]}, "key"),
    ]:
        file.write_text(json.dumps({**RESPOND, "admin": {"address": "127.0.0.1:1", "tls": pair}}))
        found = weir_command("check", file)
        assert found.returncode == 1, found
        assert words in found.stderr and "[certificate]" in found.stderr, found
