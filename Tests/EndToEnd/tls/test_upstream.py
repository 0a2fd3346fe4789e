"""TLS to servers: who is believed, and what becomes of a request where nobody is."""

import ssl
import threading
import time

import pytest

from harness import Closed, answer, fixed, scaled
from harness.checks import assert_own_answer, idle
from harness.client import encode_chunks
from harness.data import whole
from harness.http2 import H2Client
from harness.secure import secure, secure_listener, server_context, upstream_tls
from harness.setups import LOGGED, Seen, pooled
from harness.tunnels import SWITCHED, UPGRADE
from harness.wait import eventually

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def behind(certificates):
    """`behind(server, …)` is a configuration of one pool that speaks TLS."""

    def make(server, pool=None, **tls):
        keys = upstream_tls(certificates, **tls)
        return pooled(server, {"ejection": "off", "tls": keys, **(pool or {})}, **LOGGED)

    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_verified(weir, secured, behind, version):
    server = secured(oldest=version, newest=version)
    client = weir(behind(server)).client()
    for size in (0, 1, 100_000):
        seen = Seen(client.ask("POST", "/x", body=b"y" * size))
        assert seen["target"] == "/x" and seen.get("x-forwarded-proto") == "http"
    assert len(server.connections) == 1


def test_name_and_protocol_that_are_asked_for(weir, backend, behind, certificates):
    context = server_context(certificates.site, alpn=["h2", "http/1.1"])
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server = backend(context=context)
    assert weir(behind(server)).ask().status == 200
    assert names == ["example.test"]
    assert server.handshakes[0].selected_alpn_protocol() == "http/1.1"


REFUSED = {
    "wrong name": ("other", {}, "is for other names"),
    "unknown authority": ("foreign", {}, "signed by no trusted authority"),
    "expired": ("ended", {"server-name": "ended.test"}, "has expired"),
    "no server's certificate": (
        "client", {"server-name": "alice.client.test"}, "does not fit"
    ),
    "system's authorities": ("site", {"authority": None}, "signed by no trusted authority"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_servers_that_are_not_believed(weir, secured, behind, certificates, name):
    pair, keys, reason = REFUSED[name]
    server = secured(pair=getattr(certificates, pair))
    proxy = weir(behind(server, **keys))
    for method, body in [("GET", None), ("POST", b"secret")]:
        response = proxy.ask(method, body=body)
        assert_own_answer(response, 502, "untrusted-server")
    # Not a byte of a request was sent.
    assert not server.requests
    assert proxy.access(2)[0]["outcome"] == "untrusted-server"
    assert any("TLS to" in line and reason in line for line in proxy.lines), proxy.lines


@pytest.mark.parametrize("pair", ["other", "foreign", "ended"])
def test_unverified_by_choice(weir, secured, behind, certificates, pair):
    server = secured(pair=getattr(certificates, pair))
    proxy = weir(behind(server, verify=False, authority=None))
    assert proxy.ask().status == 200


def test_without_client_certificate(weir, secured, behind, certificates):
    for version in VERSIONS:
        server = secured(clients=certificates.authority, oldest=version, newest=version)
        response = weir(behind(server)).ask()
        assert response.status in (502, 503)
        assert not server.requests


@pytest.mark.parametrize("version", VERSIONS)
def test_client_certificate(weir, secured, behind, certificates, version):
    server = secured(clients=certificates.authority, oldest=version, newest=version)
    proxy = weir(behind(server, **certificates.client.entry))
    assert proxy.ask().status == 200
    subject = dict(one[0] for one in server.handshakes[0].getpeercert()["subject"])
    assert subject["commonName"] == "alice.client.test"


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed(weir, secured, behind, version):
    """Each request has a connection of its own; all but a worker's first resume."""
    server = secured(oldest=version, newest=version)
    pool = {"connections": {"max-requests": 1}}
    proxy = weir({**behind(server, pool), "workers": 1})
    for _ in range(10):
        assert proxy.ask().status == 200
    assert [one.session_reused for one in server.handshakes] == [False] + [True] * 9


def test_connections_are_kept(weir, secured, behind):
    server = secured()
    proxy = weir({**behind(server), "workers": 1})
    client = proxy.client()
    for _ in range(200):
        assert client.ask().status == 200
    assert len(server.connections) == len(server.handshakes) == 1


@pytest.mark.parametrize("polite", [True, False])
def test_kept_connection_that_the_server_ends(weir, secured, behind, polite):
    """A request meets a new connection, not the end of the old one."""

    def script(connection):
        connection.request()
        connection.answer(body="once")
        if not polite:
            connection.sock.raw.shutdown(2)

    server = secured(script)
    proxy = weir({**behind(server), "workers": 1})
    client = proxy.client()
    for number in range(20):
        assert client.ask("POST", body=b"x").body == b"once"
        idle(proxy, server)
        if number % 2:
            time.sleep(0.01)


@pytest.mark.parametrize("version", VERSIONS)
def test_large_bodies(weir, secured, behind, version):
    def script(connection):
        while (request := connection.request()) is not None:
            assert request.body == whole(20_000_000)
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send(encode_chunks([request.body, b"end"], [("X-Sum", "1")]))

    server = secured(script, oldest=version, newest=version)
    client = weir(behind(server)).client(timeout=scaled(30))
    response = client.ask("POST", body=whole(20_000_000))
    assert response.body == whole(20_000_000) + b"end" and response.trailers == [("X-Sum", "1")]


def test_large_answers_to_slow_clients(weir, secured, behind):
    proxy = weir({**behind(secured(fixed(answer(body=whole(20_000_000))))), "workers": 1})
    clients = [proxy.client(receive_buffer=4096, timeout=scaled(30)) for _ in range(5)]
    before = proxy.resident()
    for client in clients:
        client.send_request()
        client.line()
    time.sleep(0.3)
    assert proxy.resident() - before < 16 << 20
    for client in clients:
        client.field_lines()
        assert client.exactly(20_000_000) == whole(20_000_000)


def test_answer_that_ends_with_its_connection(weir, secured, behind):
    """With close_notify it is whole; without it may have been cut, and must not look whole."""

    def script(connection):
        target = connection.request().target
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n", whole(200_000))
        if target == "/cut":
            connection.sock.raw.shutdown(2)

    proxy = weir(behind(secured(script)))
    assert proxy.ask(target="/whole").body == whole(200_000)
    with pytest.raises(Closed):
        client = proxy.client()
        client.send_request(target="/cut")
        client.line()
        client.field_lines()
        while client.chunk():
            pass
    assert proxy.access(2)[1]["outcome"] == "upstream-reset"


def test_server_aborts(weir, secured, behind):
    def script(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
        connection.reset()

    client = weir(behind(secured(script))).client()
    client.send_request()
    with pytest.raises(Closed):
        client.response()


def test_client_aborts(weir, secured, behind):
    gone = threading.Event()

    def script(connection):
        connection.request()
        try:
            connection.rest()
        finally:
            gone.set()

    server = secured(script)
    client = weir(behind(server)).client()
    client.send_request()
    server.saw(1)
    client.reset()
    assert gone.wait(scaled(5)), "the upstream connection stayed"


def test_slow_handshake_meets_the_time_to_connect(weir, backend, behind):
    """`timeouts.connect` is for the connection together with its TLS."""

    def script(connection):
        connection.rest()

    server = backend(script)
    retries = {"attempts": 1}
    proxy = weir(behind(server, {"timeouts": {"connect": "400ms"}, "retries": retries}))
    begun = time.monotonic()
    response = proxy.ask()
    assert_own_answer(response, 504, "connect-timeout")
    assert 0.3 < time.monotonic() - begun < scaled(3)
    eventually(lambda: server.open_connections == 0, "the connection's end")


@pytest.mark.parametrize("first", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x15\x03\x01\0\2\2\x28"])
def test_servers_that_speak_no_tls(weir, backend, behind, first):
    def script(connection):
        connection.fill()
        connection.send(first)

    proxy = weir(behind(backend(script)))
    response = proxy.ask()
    assert response.status in (502, 503), response
    eventually(lambda: any("TLS to" in line for line in proxy.lines), "a line in the log")


def test_failed_handshakes_are_tried_elsewhere(weir, secured, behind, certificates):
    """Nothing of the request was sent, so that even a POST may go to another server."""
    bad, good = secured(pair=certificates.foreign), secured()
    servers = [{"address": bad.address, "priority": 0}, {"address": good.address, "priority": 1}]
    proxy = weir(behind(servers))
    for _ in range(5):
        assert Seen(proxy.ask("POST", body=b"once"))["body"] == "once"
    assert not bad.requests and len(good.requests) == 5
    assert proxy.access(5)[0]["tries"] == 2


def test_https_health_checks(weir, secured, behind, certificates):
    good, bad = secured(), secured(pair=certificates.foreign)
    health = {"path": "/health", "every": "100ms", "initial": "down"}
    proxy = weir(behind([good, bad], {"health": health}))
    eventually(lambda: len(good.requests) > 3, "checks of the good server")
    assert {request.target for request in good.requests} == {"/health"}
    for _ in range(4):
        assert proxy.ask(target="/real").status == 200
    assert not bad.requests


def test_tls_on_both_sides(weir, secured, certificates):
    server = secured()
    tls = upstream_tls(certificates)
    proxy = weir(
        {
            "listeners": [secure_listener(certificates.site)],
            "pools": {"main": {"servers": [server.address], "tls": tls}},
        }
    )
    assert Seen(secure(proxy).ask("POST", body=b"a"))["body"] == "a"
    client = H2Client(proxy)
    held = [client.open(target=f"/{number}") for number in range(50)]
    client.finish(*held)
    assert [Seen(one)["target"] for one in held] == [f"/{number}" for number in range(50)]
    assert Seen(client.ask("POST", body=b"z" * 3_000_000))["body"] == 3_000_000
    assert Seen(client.ask()).get("x-forwarded-proto") == "https"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_end_of_a_tunnel_is_told(weir, secured, behind, version):
    """The server can tell the client's end from a cut, and may go on itself."""
    ends = []

    def script(connection):
        connection.request()
        connection.send(SWITCHED)
        assert connection.exactly(5) == b"hello"
        # Without close_notify this raises.
        ends.append(connection.sock.recv(1))
        connection.send("goodbye")

    client = weir(behind(secured(script, oldest=version, newest=version))).client()
    assert client.ask(fields=UPGRADE).status == 101
    client.send("hello")
    client.finish()
    assert client.rest() == b"goodbye"
    assert ends == [b""]
