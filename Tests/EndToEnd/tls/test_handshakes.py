"""Handshakes: which certificate, version and protocol, and what becomes of those that fail."""

import re
import socket
import ssl
import time

import pytest

from harness import eventually, scaled
from harness.checks import assert_own_answer
from harness.client import Client, connect
from harness.secure import SecureSocket, client_context, s_client, secure, secure_listener
from harness.setups import LOGGED

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def shown(proxy, authority, name, **options):
    """The number of the certificate that a client gets who asks for this name."""
    context = client_context(authority, **options)
    context.check_hostname = False
    client = secure(proxy, context, server_name=name)
    serial = client.serial
    client.close()
    return serial


@pytest.fixture
def many(weir, certificates):
    return weir(
        {
            "listeners": [
                secure_listener(
                    certificates.site, certificates.other, certificates.wildcard,
                    certificates.site_rsa,
                )
            ],
            **RESPOND,
        }
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.test", "site"),
        ("EXAMPLE.test", "site"),
        ("other.test", "other"),
        ("a.wild.test", "wildcard"),
        ("a.b.wild.test", "site"),
        ("wild.test", "site"),
        ("nowhere.test", "site"),
        (None, "site"),
    ],
)
def test_certificate_by_name(many, certificates, name, expected):
    authority = certificates.authority
    assert shown(many, authority, name) == getattr(certificates, expected).serial


def test_names_by_s_client(many, certificates):
    """It gets the certificate that it asks for, and sees when there is none."""

    def verified(name):
        names = ["-servername", name, "-verify_hostname", name]
        return s_client(many, *names, "-CAfile", certificates.authority.file)

    for name in ("example.test", "other.test", "a.wild.test"):
        assert "Verification: OK" in verified(name), name
    assert "hostname mismatch" in verified("nowhere.test").lower()


@pytest.mark.parametrize(
    "name", [["-servername", "example.test"], ["-noservername"]], ids=["named", "default"]
)
def test_rsa_and_ecdsa_side_by_side(many, name):
    """A client that takes only RSA gets the RSA certificate of the name, or of the default's."""
    found = s_client(many, *name, "-sigalgs", "RSA-PSS+SHA256")
    assert "Peer signature type: RSA-PSS" in found, found
    found = s_client(many, *name, "-sigalgs", "ECDSA+SHA256")
    assert "Peer signature type: ECDSA" in found, found
    found = s_client(many, *name, "-tls1_2", "-cipher", "aRSA")
    assert re.search(r"Cipher is ECDHE-RSA", found), found


def test_unknown_names_refused(weir, certificates):
    listener = secure_listener(certificates.site, **{"unknown-name": "refuse"})
    proxy = weir({"listeners": [listener], **RESPOND, **LOGGED})
    assert secure(proxy).ask().status == 200
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        secure(proxy, server_name="nowhere.test")
    # Workers hand their lines over in no order.
    failed = [line for line in proxy.access(2) if line["outcome"] != "ok"]
    assert [line["outcome"] for line in failed] == ["handshake-failed"]
    assert failed[0]["reason"] == "the client asked for a name that no certificate covers"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)],
)
def test_alpn(many, offered, chosen):
    client = secure(many, client_context(alpn=offered))
    assert client.tls.selected_alpn_protocol() == chosen


def test_alpn_by_s_client(many):
    assert "ALPN protocol: h2" in s_client(many, "-alpn", "h2,http/1.1")
    assert "ALPN protocol: http/1.1" in s_client(many, "-alpn", "http/1.1")
    assert "No ALPN negotiated" in s_client(many)


def test_http2_off(weir, certificates):
    listener = {**secure_listener(certificates.site), "http2": False}
    proxy = weir({"listeners": [listener], **RESPOND})
    client = secure(proxy, client_context(alpn=["h2", "http/1.1"]))
    assert client.tls.selected_alpn_protocol() == "http/1.1"
    assert client.ask().status == 200


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_versions(many, version):
    client = secure(many, client_context(oldest=version, newest=version))
    assert client.tls.version() == {TLS12: "TLSv1.2", TLS13: "TLSv1.3"}[version]
    assert client.ask().status == 200


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_refused(weir, certificates, version):
    proxy = weir({"listeners": [secure_listener(certificates.site)], **RESPOND, **LOGGED})
    found = s_client(proxy, version, "-cipher", "DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in found, found
    line = proxy.access()[0]
    assert line["outcome"] == "handshake-failed"
    name = {"-tls1": "TLS 1.0", "-tls1_1": "TLS 1.1"}[version]
    assert line["reason"] == f"the client offers only {name}, which is too old here"


def test_min_version(weir, certificates):
    listener = secure_listener(certificates.site, **{"min-version": "1.3"})
    proxy = weir({"listeners": [listener], **RESPOND})
    assert secure(proxy).ask().status == 200
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
        secure(proxy, client_context(newest=TLS12))


def test_weak_suites_are_refused(many):
    for suite in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "NULL"):
        found = s_client(many, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
        assert "alert handshake failure" in found, (suite, found)


def test_renegotiation_is_refused(many):
    found = s_client(many, "-tls1_2", "-servername", "example.test", given="R\n")
    assert "no renegotiation" in found or "NO_RENEGOTIATION" in found, found


def test_compression_and_early_data_are_off(many):
    found = s_client(many, "-servername", "example.test", given="")
    assert "Compression: NONE" in found and "Early data was not sent" in found
    assert "Max Early Data: 0" in found or "Max Early Data" not in found


def test_a_client_that_does_not_trust_the_certificate(weir, certificates):
    proxy = weir({"listeners": [secure_listener(certificates.foreign)], **RESPOND, **LOGGED})
    with pytest.raises(ssl.SSLCertVerificationError):
        secure(proxy, client_context(certificates.authority))
    line = proxy.access()[0]
    assert line["outcome"] == "handshake-failed"
    assert line["reason"].startswith("the client does not trust our certificate (alert unknown_ca")


def test_nothing_in_common(weir, certificates):
    proxy = weir({"listeners": [secure_listener(certificates.site)], **RESPOND, **LOGGED})
    found = s_client(proxy, "-tls1_2", "-cipher", "aRSA")
    assert "alert handshake failure" in found
    line = proxy.access()[0]
    assert line["reason"] == "the client offers no cipher suite that is allowed here"


def test_access_log_of_a_failed_handshake(weir, certificates):
    """Its line has what every line has, and nothing that was never known."""
    proxy = weir({"listeners": [secure_listener(certificates.site)], **RESPOND, **LOGGED})
    sock = connect(proxy.address)
    sock.sendall(b"\x16\x03\x01\x00\x05hello")
    line = proxy.access()[0]
    assert line["outcome"] == "handshake-failed" and line["client"] == "127.0.0.1"
    assert line["reason"] and line["tries"] == 0
    sock.close()


@pytest.mark.parametrize(
    "request_text",
    [
        "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: example.test\r\nContent-Length: 3\r\n\r\nabc",
        "HEAD / HTTP/1.0\r\n\r\n",
    ],
)
def test_plain_http_on_a_tls_port(weir, certificates, request_text):
    proxy = weir({"listeners": [secure_listener(certificates.site)], **RESPOND, **LOGGED})
    client = Client(proxy.address)
    client.send(request_text)
    response = client.response()
    assert_own_answer(response, 400, "bad-request", closes=True)
    assert "https" in response.text.lower()
    assert client.ended()
    client.close()
    assert proxy.access()[0]["status"] == 400


def test_https_redirect_beside_tls(weir, certificates):
    plain = {"address": "127.0.0.1:0", "https-redirect": 8443}
    proxy = weir({"listeners": [plain, secure_listener(certificates.site)], **RESPOND}, listeners=2)
    response = proxy.client(listener=0).ask(target="/a?b=c", host="example.test:8080")
    assert response.status == 308
    assert response.get("location") == "https://example.test:8443/a?b=c"
    assert secure(proxy, listener=1).ask().status == 200


# What is done with a handshake that does not come to its end.


def flights(proxy, version):
    """What a client sends in a whole handshake, flight by flight."""
    sock = connect(proxy.address)
    client = SecureSocket(sock, client_context(oldest=version, newest=version))
    sent = []
    while not client.step():
        sent.append(client.outgoing.read())
        sock.sendall(sent[-1])
        assert client.receive()
    sent.append(client.outgoing.read())
    sock.close()
    return [flight for flight in sent if flight]


@pytest.mark.parametrize("way", ["close", "reset", "finish"])
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_clients_leave_at_every_step(weir, certificates, version, way):
    proxy = weir({"listeners": [secure_listener(certificates.site)], "workers": 1, **RESPOND})
    begun = proxy.descriptors()
    for number, flight in enumerate(flights(proxy, version)):
        for cut in [*range(0, len(flight), 7), len(flight)]:
            sock = connect(proxy.address)
            client = SecureSocket(sock, client_context(oldest=version, newest=version))
            for _ in range(number):
                client.step()
                client.flush()
                client.receive()
            client.step()
            sock.sendall(client.outgoing.read()[:cut])
            if way == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            if way == "finish":
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            sock.close()
    eventually(lambda: proxy.descriptors() <= begun, "all descriptors given back")
    assert secure(proxy).ask().status == 200


@pytest.mark.parametrize("place", range(0, 200, 9))
def test_damaged_hello(many, place):
    """A byte changed anywhere in the ClientHello never harms the proxy."""
    sock = connect(many.address)
    client = SecureSocket(sock, client_context(), server_name="example.test")
    client.step()
    hello = bytearray(client.outgoing.read())
    hello[place] ^= 0xFF
    sock.sendall(hello)
    sock.shutdown(socket.SHUT_WR)
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass
    sock.close()
    assert secure(many).ask().status == 200


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_handshake_byte_by_byte(many, version):
    sock = connect(many.address)
    client = SecureSocket(sock, client_context(oldest=version, newest=version))
    while not client.step():
        for byte in client.outgoing.read():
            sock.sendall(bytes([byte]))
        client.receive()
    data = client.outgoing.read()
    client.tls.write(b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
    for byte in data + client.outgoing.read():
        sock.sendall(bytes([byte]))
    assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    sock.close()


def test_request_in_the_packet_of_the_last_flight(many):
    """Bytes behind the handshake's end are not forgotten."""
    sock = connect(many.address)
    client = SecureSocket(sock, client_context())
    while not client.step():
        client.flush()
        client.receive()
    client.tls.write(b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n" * 3)
    client.flush()
    data = b""
    while data.count(b"hi") < 3:
        data += client.recv(65536)
    sock.close()


@pytest.mark.parametrize("part", [0, 1, 50, None])
def test_slow_handshakes_are_cut(weir, certificates, part):
    proxy = weir(
        {
            "listeners": [secure_listener(certificates.site)],
            "timeouts": {"handshake": "500ms"},
            **RESPOND,
            **LOGGED,
        }
    )
    begun = time.monotonic()
    sock = connect(proxy.address)
    client = SecureSocket(sock, client_context())
    client.step()
    sock.sendall(client.outgoing.read()[:part])
    while sock.recv(65536):
        pass
    assert 0.3 < time.monotonic() - begun < scaled(4)
    sock.close()
    assert proxy.access()[0]["outcome"] == "handshake-timeout"


def test_a_trickle_does_not_stretch_the_time(weir, certificates):
    """The whole handshake has its time, not each of its bytes."""
    proxy = weir(
        {
            "listeners": [secure_listener(certificates.site)],
            "timeouts": {"handshake": "1s"},
            **RESPOND,
        }
    )
    sock = connect(proxy.address)
    client = SecureSocket(sock, client_context())
    client.step()
    begun = time.monotonic()
    try:
        for byte in client.outgoing.read():
            sock.sendall(bytes([byte]))
            time.sleep(0.05)
            if time.monotonic() - begun > scaled(5):
                break
    except ConnectionError:
        pass
    assert time.monotonic() - begun < scaled(4)
    sock.close()
