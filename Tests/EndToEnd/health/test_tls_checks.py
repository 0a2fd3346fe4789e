"""Checks and load probes of servers that speak TLS, and certificates of pools that are replaced."""

import os
import ssl
import time

import pytest

from harness import answer, echo, eventually
from harness.balancing import entry, pool_of
from harness.certificates import pem
from harness.events import events, told
from harness.secure import server_context, upstream_tls
from harness.setups import Seen, pooled

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
CHECK = {"path": "/check", "every": "200ms"}


@pytest.fixture
def behind(certificates):
    """`behind(server, health, …)` is a configuration of one checked pool that speaks TLS."""

    def make(server, health=None, pool=None, more=None, **tls):
        keys = upstream_tls(certificates, **tls)
        settings = {"ejection": "off", "slow-start": "0s", "health": health or CHECK, "tls": keys}
        return pooled([entry(server)], {**settings, **(pool or {})}, **(more or {}))

    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_http_checks_pass_over_tls_with_a_full_handshake_each(weir, secured, behind, version):
    server = secured(oldest=version, newest=version)
    proxy = weir(behind(server, {**CHECK, "status": 200, "body": "backend"}))
    eventually(lambda: len(server.requests) >= 4, "four checks")
    assert server.requests[0].target == "/check"
    assert server.requests[0].get("host") == server.address
    assert not events(proxy, "check-down") and not server.problems
    assert all(one.session_reused is False for one in list(server.handshakes))
    assert Seen(proxy.ask())["target"] == "/"


def test_a_large_answer_in_many_records_is_looked_at(weir, secured, behind):
    def script(connection):
        while connection.request() is not None:
            connection.send(answer(200, "x" * 60_000 + "ready"))

    server = secured(script)
    proxy = weir(behind(server, {**CHECK, "body": "ready", "initial": "down"}))
    told(proxy, "check-up")
    assert not events(proxy, "check-down")


def test_a_tcp_check_includes_the_handshake(weir, secured, behind, certificates):
    server = secured()
    health = {"kind": "tcp", "every": "200ms"}
    proxy = weir(behind(server, health))
    eventually(lambda: len(server.handshakes) >= 3, "three handshakes")
    assert not server.requests and not events(proxy, "check-down")
    assert all(isinstance(one, ssl.SSLObject) for one in list(server.handshakes))
    server.context = server_context(certificates.foreign)
    assert "TLS: the certificate of the server is signed by no trusted" in told(
        proxy, "check-down"
    )


REFUSED = {
    "expired": ("ended", {"server-name": "ended.test"}, "has expired"),
    "wrong name": ("other", {}, "is for other names"),
    "unknown authority": ("foreign", {}, "is signed by no trusted authority"),
}


@pytest.mark.parametrize("kind", ["http", "tcp"])
@pytest.mark.parametrize("name", REFUSED)
def test_servers_that_are_not_believed_are_down(
    weir, secured, behind, certificates, name, kind
):
    pair, keys, reason = REFUSED[name]
    server = secured(pair=getattr(certificates, pair))
    health = CHECK if kind == "http" else {"kind": "tcp", "every": "200ms"}
    proxy = weir(behind(server, health, **keys))
    line = told(proxy, "check-down")
    assert f"server a: TLS: the certificate of the server {reason}" in line
    assert not server.requests


def test_whoever_is_not_verified_passes(weir, secured, behind, certificates):
    server = secured(pair=certificates.foreign)
    proxy = weir(behind(server, verify=False, authority=None))
    server.saw(3)
    assert not events(proxy, "check-down")


def test_a_server_without_tls_is_down_and_comes_back_with_it(
    weir, backend, behind, certificates
):
    server = backend(lambda connection: connection.send(answer(400)), name="a")
    proxy = weir(behind(server))
    assert "server a: TLS: the server" in told(proxy, "check-down")
    server.script = echo
    server.context = server_context(certificates.site)
    told(proxy, "check-up")


def test_a_server_that_hangs_in_the_handshake_is_down(weir, backend, behind):
    server = backend(lambda connection: time.sleep(2), name="a")
    proxy = weir(behind(server, {**CHECK, "timeout": "100ms"}))
    line = told(proxy, "check-down")
    assert "server a: TLS: no end of the handshake in 100ms" in line


def test_another_port_can_be_asked_over_tls(weir, secured, behind):
    server, judge = secured(), secured(name="b")
    weir(behind(server, {**CHECK, "port": judge.port}))
    judge.saw(2)
    assert not server.requests


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_that_wants_a_certificate_gets_it_by_checks_too(
    weir, secured, behind, certificates, version
):
    server = secured(clients=certificates.authority, oldest=version, newest=version)
    proxy = weir(behind(server, **certificates.client.entry))
    server.saw(3)
    assert not events(proxy, "check-down")
    bare = weir(behind(server))
    assert "server a: TLS: the server" in told(bare, "check-down")


def test_checks_are_shared_only_where_tls_is_the_same(weir, secured, certificates):
    server = secured()
    health = {**CHECK, "every": "1h"}
    tls = upstream_tls(certificates)
    one = {"servers": [server.address], "health": health, "tls": tls}
    pools = {"p": one, "q": one, "r": {**one, "tls": {**tls, "server-name": "localhost"}}}
    config = {
        "listen": "127.0.0.1:0",
        "routes": [{"match": f"/{name}", "pool": name} for name in pools],
        "pools": pools,
    }
    weir(config)
    server.saw(2)
    time.sleep(0.2)
    assert len(server.requests) == 2


def replace(pair, files):
    """Puts new files in the place of old ones, one after the other as tools do."""
    news = [file.with_suffix(file.suffix + ".new") for file in files]
    pair.write_to(*news)
    for new, file in zip(news, files):
        os.rename(new, file)


class Shown:
    """A script that notes whom the certificate of each connection names."""

    def __init__(self):
        self.names = []

    def __call__(self, connection):
        subject = connection.sock.tls.getpeercert()["subject"]
        name = dict(item for part in subject for item in part)["commonName"]
        while (request := connection.request()) is not None:
            self.names.append((request.target, name))
            connection.answer()

    def to(self, target):
        """The name in the last request for this."""
        names = [name for asked, name in self.names if asked == target]
        return names[-1] if names else None


def test_a_new_client_certificate_is_used_at_once_by_checks_and_requests(
    weir, secured, behind, certificates, tmp_path
):
    script = Shown()
    server = secured(script, clients=certificates.authority)
    files = tmp_path / "client.pem", tmp_path / "client.key"
    certificates.client.write_to(*files)
    pool = {"connections": {"max-requests": 1}}
    keys = {"certificate": str(files[0]), "key": str(files[1])}
    proxy = weir(behind(server, CHECK, pool, **keys))
    assert proxy.ask().status == 200
    assert script.to("/") == "alice.client.test"
    eventually(lambda: script.to("/check") == "alice.client.test", "a check")
    replace(certificates.revoked_client, files)
    line = "pool main: new certificates are in use"
    eventually(lambda: any(line in one for one in list(proxy.lines)), line)
    assert proxy.ask().status == 200
    assert script.to("/") == "gone.client.test"
    eventually(lambda: script.to("/check") == "gone.client.test", "a check with the new one")
    # Not a pair: what was read before stays.
    files[1].write_bytes(certificates.client.key_file.read_bytes())
    line = "the certificates that were read before stay"
    eventually(lambda: any(line in one for one in list(proxy.lines)), line)
    assert proxy.ask().status == 200
    assert script.to("/") == "gone.client.test"


def test_a_new_authority_is_believed_by_checks_and_requests(
    weir, secured, behind, certificates, tmp_path
):
    server = secured(pair=certificates.foreign)
    authority = tmp_path / "authority.pem"
    authority.write_bytes(pem(certificates.authority.certificate))
    proxy = weir(behind(server, authority=str(authority)))
    assert "signed by no trusted authority" in told(proxy, "check-down")
    authority.write_bytes(pem(certificates.stranger.certificate))
    told(proxy, "check-up")
    assert proxy.ask().status == 200


class Loaded:
    """A script that tells its load and answers everything else with the backend's name."""

    def __init__(self):
        self.probes = []

    def __call__(self, connection):
        while (request := connection.request()) is not None:
            if request.target == "/load":
                self.probes.append(connection.number)
                connection.answer(fields=[("X-Prequal-RIF", "0")])
            else:
                connection.answer(body=f'{{"backend": "{connection.backend.name}"}}')


@pytest.fixture
def prequal(weir, certificates):
    """`prequal(servers, …)` starts a proxy that asks servers for their load over TLS."""

    def start(servers, **tls):
        balance = {"strategy": "prequal", "probe": {"path": "/load", "timeout": "1s"}}
        keys = upstream_tls(certificates, **tls)
        config = pool_of(servers, balance=balance, ejection="off", tls=keys)
        return weir({"workers": 1, **config})

    return start


@pytest.mark.parametrize("version", VERSIONS)
def test_load_probes_speak_tls_on_a_connection_that_is_kept(prequal, secured, version):
    script = Loaded()
    server = secured(script, oldest=version, newest=version)
    client = prequal([server]).client()
    for _ in range(30):
        assert client.ask().status == 200
        time.sleep(0.005)
    assert len(script.probes) >= 10
    assert len(set(script.probes)) == 1, "one connection for all probes"
    assert not server.problems


def test_load_probes_that_end_after_each_answer_go_on(prequal, secured):
    probes = []

    def script(connection):
        request = connection.request()
        if request is not None and request.target == "/load":
            probes.append(connection.number)
            connection.answer(fields=[("X-Prequal-RIF", "0"), ("Connection", "close")])
        elif request is not None:
            connection.answer(fields=[("Connection", "close")])

    proxy = prequal([secured(script)])
    for _ in range(20):
        assert proxy.ask().status == 200
        time.sleep(0.005)
    assert len(set(probes)) == len(probes) >= 5
    assert not any("does not tell" in line for line in list(proxy.lines))


def test_a_server_that_is_not_believed_does_not_tell_its_load(prequal, secured, certificates):
    server = secured(Loaded(), pair=certificates.foreign)
    proxy = prequal([server])
    proxy.ask()
    line = "does not tell its load (TLS: the certificate of the server is signed by no trusted"
    eventually(lambda: any(line in one for one in list(proxy.lines)), line)
