"""The PROXY protocol: who peers say the client is, and what servers are told."""

import socket
import struct

import pytest

from harness import echo, eventually
from harness.balancing import pool_of
from harness.checks import idle, outcome_of
from harness.client import Client
from harness.secure import (
    SecureSocket,
    client_context,
    secure_listener,
    server_context,
    upstream_tls,
)
from harness.setups import LOGGED, Seen, pooled
from harness.wire import Stream

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
GET = b"GET /x HTTP/1.1\r\nHost: example.test\r\n\r\n"


def v1(client="192.0.2.9", port=1234, family="TCP4", place="198.51.100.1"):
    return f"PROXY {family} {client} {place} {port} 443\r\n".encode()


def v2(client="192.0.2.9", port=1234, command=0x21, extensions=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    place = "2001:db8::ffff" if ":" in client else "198.51.100.1"
    body = socket.inet_pton(family, client) + socket.inet_pton(family, place)
    body += struct.pack("!HH", port, 443) + extensions
    kind = 0x21 if ":" in client else 0x11
    return SIGNATURE + struct.pack("!BBH", command, kind, len(body)) + body


UNIX = SIGNATURE + struct.pack("!BBH", 0x21, 0x31, 216) + bytes(216)


def listening(server, peers="127.0.0.0/8", required=True, **more):
    """One listener that hears the PROXY protocol, before one server."""
    keys = {"from": [peers], "required": required}
    listener = {"address": "127.0.0.1:0", "proxy-protocol": keys}
    base = {"workers": 1, "listeners": [listener], "servers": [server.address]}
    return {**base, **LOGGED, **more}


def said(proxy, *pieces):
    """A connection on which these bytes have been sent."""
    client = proxy.client()
    client.send(*pieces)
    return client


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (v1(), "192.0.2.9"),
        (v1("2001:db8::9", family="TCP6", place="::1"), "2001:db8::9"),
        (v1("::ffff:192.0.2.9", family="TCP6", place="::1"), "192.0.2.9"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (v2(), "192.0.2.9"),
        (v2("2001:db8::9"), "2001:db8::9"),
        (v2(extensions=b"\x04\x10\x00" + bytes(4096)[: 4096 - 16 - 12 - 3]), "192.0.2.9"),
        (v2(command=0x20), "127.0.0.1"),
        (UNIX, None),
    ],
    ids=[
        *["v1", "v1-ipv6", "v1-mapped", "v1-unknown"],
        *["v2", "v2-ipv6", "v2-4kib", "v2-local", "unix"],
    ],
)
def test_the_client_is_who_the_header_says(weir, backend, header, address):
    proxy = weir(listening(backend()))
    client = said(proxy, header + GET)
    assert Seen(client.response()).get("x-forwarded-for") == address
    # The header counts for the whole connection.
    assert Seen(client.ask()).get("x-forwarded-for") == address
    assert [line["client"] for line in proxy.access(2)] == [address or "unix"] * 2


@pytest.mark.parametrize("header", [v1(), v2(extensions=b"\x04\x00\x01\x00")], ids=["v1", "v2"])
def test_a_header_in_single_bytes(weir, backend, header):
    client = said(weir(listening(backend())), *[bytes([byte]) for byte in header + GET])
    assert Seen(client.response()).get("x-forwarded-for") == "192.0.2.9"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (GET, "the peer has to send a PROXY header first"),
        (v1(port=70000), "the PROXY header's line is malformed"),
        (b"PROXY UNKNOWN " + b"x" * 100, "the PROXY header is too long"),
        (v2(command=0x22), "the PROXY header has an unknown version or command"),
        (v2(extensions=bytes(4096 - 16 - 12 + 1)), "the PROXY header is too long"),
        (v2()[:15] + b"\x04", "the PROXY header is too short for its addresses"),
    ],
    ids=["none", "malformed", "v1-long", "command", "v2-long", "short"],
)
def test_what_is_no_header_is_refused_and_logged(weir, backend, sent, reason):
    server = backend()
    proxy = weir(listening(server))
    assert said(proxy, sent).ended()
    (line,) = proxy.access(1)
    assert (line["outcome"], line["reason"]) == ("bad-request", reason)
    assert (line["client"], line["status"]) == ("127.0.0.1", 400)
    assert not server.connections


def test_a_connection_that_ends_in_its_header(weir, backend):
    proxy = weir(listening(backend()))
    client = said(proxy, v1()[:-1])
    client.finish()
    assert client.ended()
    assert outcome_of(proxy) == "bad-request"


def test_a_connection_without_a_byte_leaves_no_trace(weir, backend):
    proxy = weir(listening(backend()))
    client = proxy.client()
    client.finish()
    assert client.ended()
    assert said(proxy, v1() + GET).response().status == 200
    assert [line["outcome"] for line in proxy.access(1)] == ["ok"]


@pytest.mark.parametrize("part", [b"", b"PROXY TCP4 "], ids=["none", "part"])
def test_a_header_that_takes_too_long(weir, backend, part):
    proxy = weir(listening(backend(), timeouts={"handshake": "200ms"}))
    assert said(proxy, part).ended()
    (line,) = proxy.access(1)
    reason = "no PROXY header came in time"
    assert (line["outcome"], line["reason"]) == ("handshake-timeout", reason)


def test_where_it_is_not_required_none_has_to_come(weir, backend):
    proxy = weir(listening(backend(), required=False))
    assert Seen(said(proxy, GET).response()).get("x-forwarded-for") == "127.0.0.1"
    assert Seen(said(proxy, v2() + GET).response()).get("x-forwarded-for") == "192.0.2.9"


def test_others_cannot_say_it(weir, backend):
    proxy = weir(listening(backend(), peers="127.0.0.2/32"))
    assert Seen(said(proxy, GET).response()).get("x-forwarded-for") == "127.0.0.1"
    assert said(proxy, v1() + GET).response().status == 400


def test_who_is_trusted_goes_by_the_header(weir, backend):
    more = {"trusted-proxies": ["192.0.2.0/24"]}
    proxy = weir(listening(backend(), **more))
    request = GET[:-2] + b"X-Forwarded-For: 203.0.113.7\r\n\r\n"
    seen = Seen(said(proxy, v1() + request).response())
    assert seen.get("x-forwarded-for") == "203.0.113.7, 192.0.2.9"
    seen = Seen(said(proxy, v1("198.51.100.9") + request).response())
    assert seen.get("x-forwarded-for") == "198.51.100.9"
    assert [line["client"] for line in proxy.access(2)] == ["203.0.113.7", "198.51.100.9"]


def test_connections_count_for_the_client_that_is_named(weir, backend):
    proxy = weir(listening(backend(), limits={"max-connections-per-client": 1}))
    first = said(proxy, v1() + GET)
    assert first.response().status == 200
    assert said(proxy, v1(port=77) + GET).ended()
    assert said(proxy, v1("192.0.2.10") + GET).response().status == 200
    first.close()
    eventually(lambda: not said(proxy, v1() + GET).ended(), "room for one more")


def test_tls_follows_the_header(weir, backend, certificates):
    keys = {"proxy-protocol": {"from": ["loopback"]}}
    listener = {**secure_listener(certificates.site), **keys}
    base = {"workers": 1, "listeners": [listener], "servers": [backend().address]}
    proxy = weir({**base, **LOGGED})
    for header in (v1(), v2("2001:db8::9")):
        client = Client(proxy.address)
        # In one piece with what follows it.
        tls = SecureSocket(client.sock, client_context(), server_name="example.test")
        tls.step()
        client.sock.sendall(header + tls.outgoing.read())
        tls.handshake()
        stream = Stream(tls, 10)
        stream.send(GET)
        seen = Seen(stream.response())
        assert seen.get("x-forwarded-proto") == "https"
        assert seen.get("x-forwarded-for") in ("192.0.2.9", "2001:db8::9")
        stream.close()
    bare = proxy.client()
    bare.send(b"\x16\x03\x01\x00\x05hello")
    assert bare.ended()
    assert proxy.access(3)[2]["reason"] == "the peer has to send a PROXY header first"


# To servers.


class Told:
    """A script that reads a PROXY header first and then answers as `echo` does."""

    def __init__(self, context=None):
        self.headers = []
        self.context = context

    def __call__(self, connection):
        if (first := connection.exactly(1)) == b"P":
            header = first + connection.line() + b"\r\n"
        else:
            header = first + connection.exactly(15)
            header += connection.exactly(struct.unpack("!H", header[14:])[0])
        self.headers.append(header)
        if self.context is not None:
            tls = SecureSocket(connection.sock, self.context, server_side=True)
            tls.incoming.write(connection.buffer)
            connection.buffer = b""
            connection.sock = tls.handshake()
        echo(connection)


def told(version, client, place):
    """The header that is due."""
    (address, port), (here, taken) = client, place
    if version == "v1":
        return f"PROXY TCP4 {address} {here} {port} {taken}\r\n".encode()
    body = socket.inet_aton(address) + socket.inet_aton(here) + struct.pack("!HH", port, taken)
    return SIGNATURE + b"\x21\x11\x00\x0c" + body


LOCAL = {"v1": b"PROXY UNKNOWN\r\n", "v2": SIGNATURE + b"\x20\x00\x00\x00"}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_servers_are_told_who_the_client_is(weir, backend, version):
    script = Told()
    server = backend(script)
    proxy = weir(pooled(server, {"proxy-protocol": version}))
    for _ in range(2):
        client = proxy.client()
        assert client.ask().status == 200
        expected = told(version, client.sock.getsockname(), proxy.address)
        assert script.headers[-1] == expected
    # No connection is kept, so that none can serve somebody else.
    assert client.ask().status == 200
    assert script.headers[1:] == [expected] * 2
    idle(proxy, server)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_tls_to_servers_follows_the_header(weir, backend, certificates, version):
    script = Told(server_context(certificates.site))
    pool = {"proxy-protocol": version, "tls": upstream_tls(certificates)}
    proxy = weir(pooled(backend(script), pool))
    client = proxy.client()
    for _ in range(2):
        assert client.ask("POST", body=b"x" * 100_000).status == 200
    expected = told(version, client.sock.getsockname(), proxy.address)
    assert script.headers == [expected] * 2


@pytest.mark.parametrize("forwarded", ["203.0.113.7", "2001:db8::7"])
def test_the_client_is_who_a_trusted_proxy_names(weir, backend, forwarded):
    script = Told()
    more = {"trusted-proxies": ["loopback"]}
    proxy = weir(pooled(backend(script), {"proxy-protocol": "v1"}, **more))
    assert proxy.ask(fields=[("X-Forwarded-For", forwarded)]).status == 200
    port = proxy.address[1]
    family, shown, here = (
        ("TCP6", "2001:db8:0:0:0:0:0:7", "0:0:0:0:0:0:0:0")
        if ":" in forwarded
        else ("TCP4", forwarded, "127.0.0.1")
    )
    assert script.headers[0] == f"PROXY {family} {shown} {here} 0 {port}\r\n".encode()


def test_a_client_at_a_unix_socket_has_no_address(weir, backend, tmp_path):
    script = Told()
    more = {"listen": f"unix:{tmp_path}/in.sock"}
    proxy = weir({**pooled(backend(script), {"proxy-protocol": "v2"}), **more})
    assert proxy.ask().status == 200
    assert script.headers[0] == SIGNATURE + b"\x21\x00\x00\x00"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_from_one_proxy_to_the_next(weir, backend, version):
    server = backend()
    inner = weir(listening(server))
    host, port = inner.address
    outer = weir(pooled(f"{host}:{port}", {"proxy-protocol": version}))
    client = Stream(socket.create_connection(outer.address, 10, ("127.0.0.5", 0)), 10)
    client.send(GET)
    assert Seen(client.response()).get("x-forwarded-for") == "127.0.0.5"
    client.close()
    (line,) = inner.access(1)
    assert (line["client"], line["outcome"]) == ("127.0.0.5", "ok")


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_checks_speak_for_themselves(weir, backend, version, kind):
    script = Told()
    question = {"path": "/check"} if kind == "http" else {"kind": "tcp"}
    health = {**question, "every": "50ms"}
    server = backend(script)
    weir(pooled(server, {"proxy-protocol": version, "health": health}))
    eventually(lambda: len(script.headers) >= 3, "three checks")
    assert set(script.headers) == {LOCAL[version]}


def test_checks_at_a_port_of_their_own_say_nothing(weir, backend):
    checks, script = backend(), Told()
    health = {"path": "/check", "every": "50ms", "port": checks.port}
    proxy = weir(pooled(backend(script), {"proxy-protocol": "v2", "health": health}))
    assert checks.saw(2).target == "/check"
    assert proxy.ask().status == 200


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_probes_speak_for_themselves(weir, backend, version):
    script = Told()
    server = backend(script, name="a")
    balance = {"strategy": "prequal", "probe": {"path": "/load", "timeout": "300ms"}}
    keys = {"proxy-protocol": version, "balance": balance}
    proxy = weir({**pool_of([server], **keys), "workers": 1})
    client = proxy.client()
    for _ in range(5):
        assert client.ask().status == 200

    def probes():
        return [one for one in list(server.connections) if b" /load " in one.received]

    eventually(probes, "a probe")
    assert all(bytes(one.received).startswith(LOCAL[version]) for one in probes())


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_tls_of_checks_and_probes_follows_the_header(weir, backend, certificates, version):
    script = Told(server_context(certificates.site))
    server = backend(script, name="a")
    keys = {
        "proxy-protocol": version,
        "tls": upstream_tls(certificates),
        "health": {"path": "/check", "every": "50ms"},
        "balance": {"strategy": "prequal", "probe": {"path": "/load", "timeout": "300ms"}},
    }
    proxy = weir({**pool_of([server], **keys), "workers": 1})
    assert proxy.ask().status == 200

    def asked():
        return {request.target for request in list(server.requests)}

    eventually(lambda: asked() >= {"/check", "/load", "/"}, "a check, a probe and a request")
    # The one request is told apart from what Weir asks for itself.
    assert [header == LOCAL[version] for header in script.headers].count(False) == 1
