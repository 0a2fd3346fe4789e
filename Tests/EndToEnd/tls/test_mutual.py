"""Mutual TLS: who may come in, and how those hear of it who may not."""

import datetime
import ssl
import subprocess

import pytest

from harness import Closed, eventually, scaled
from harness.secure import client_context, secure, secure_listener
from harness.setups import LOGGED

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


@pytest.fixture(params=VERSIONS, ids=["1.2", "1.3"])
def version(request):
    return request.param


@pytest.fixture
def guarded(weir, certificates):
    """`guarded(…)` starts a proxy whose listener asks for certificates of clients."""

    def start(**keys):
        keys = {"client-authority": str(certificates.authority.file), **keys}
        listener = secure_listener(certificates.site, **keys)
        return weir({"listeners": [listener], **RESPOND, **LOGGED})

    return start


def context_of(certificates, pair, version):
    return client_context(certificates.authority, pair=pair, oldest=version, newest=version)


def refused(proxy, context):
    """Asserts that no request is served; in TLS 1.3 the client hears of it after its handshake."""
    with pytest.raises((ssl.SSLError, Closed, ConnectionError)):
        client = secure(proxy, context)
        client.send_request()
        client.response()


def test_required_and_given(guarded, certificates, version):
    client = secure(guarded(), context_of(certificates, certificates.client, version))
    for _ in range(3):
        assert client.ask().body == b"hi"


def test_required_and_missing(guarded, certificates, version):
    proxy = guarded()
    refused(proxy, context_of(certificates, None, version))
    line = proxy.access()[0]
    assert line["outcome"] == "handshake-failed"
    assert line["reason"] == "the client showed no certificate"


ROWS = {
    "foreign_client": "the certificate of the client is signed by no trusted authority",
    "ended_client": "the certificate of the client has expired",
    "site": "the certificate of the client does not fit",
}


@pytest.mark.parametrize("presence", ["required", "optional"])
@pytest.mark.parametrize("pair", ROWS)
def test_wrong_certificates(guarded, certificates, version, pair, presence):
    """Optional means that none need be shown, not that a wrong one will do."""
    proxy = guarded(**{"client-certificate": presence})
    refused(proxy, context_of(certificates, getattr(certificates, pair), version))
    line = proxy.access()[0]
    assert line["outcome"] == "handshake-failed" and line["reason"].startswith(ROWS[pair]), line


def test_optional(guarded, certificates, version):
    proxy = guarded(**{"client-certificate": "optional"})
    for pair in (None, certificates.client):
        assert secure(proxy, context_of(certificates, pair, version)).ask().status == 200


def test_revoked(guarded, certificates, version):
    proxy = guarded(**{"client-revocations": str(certificates.revocations)})
    refused(proxy, context_of(certificates, certificates.revoked_client, version))
    assert proxy.access()[0]["reason"] == "the certificate of the client has been revoked"
    context = context_of(certificates, certificates.client, version)
    assert secure(proxy, context).ask().status == 200


def test_resumed_sessions_need_no_second_look(guarded, certificates, version):
    """A session that began with a certificate goes on with it; none begins without."""
    proxy = guarded()
    context = context_of(certificates, certificates.client, version)
    client = secure(proxy, context)
    client.ask()
    again = secure(proxy, context, session=client.tls.session)
    assert again.ask().status == 200


def test_by_s_client(guarded, certificates):
    proxy = guarded()
    port = proxy.url.rsplit(":", 1)[1]
    request = "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"

    def run(*options):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof"]
        command += ["-servername", "example.test", *map(str, options)]
        done = subprocess.run(
            command, input=request, capture_output=True, text=True, timeout=scaled(20)
        )
        return done.stdout + done.stderr

    pair = certificates.client
    found = run("-cert", pair.certificate_file, "-key", pair.key_file)
    assert "HTTP/1.1 200" in found and "Weir test authority" in found, found
    found = run()
    assert "HTTP/1.1" not in found and "certificate required" in found.lower(), found
    pair = certificates.foreign_client
    found = run("-cert", pair.certificate_file, "-key", pair.key_file)
    assert "HTTP/1.1" not in found and "unknown ca" in found.lower(), found


def test_a_session_ends_with_its_certificate(guarded, certificates, version):
    """Each connection brings a new ticket, by which the session could go on for ever."""
    lasts = datetime.timedelta(seconds=4)
    pair = certificates.authority.issue("brief.client.test", client=True, lasts=lasts)
    proxy = guarded()
    context = context_of(certificates, pair, version)
    client = secure(proxy, context)
    client.ask()
    went_on = []

    def is_over():
        nonlocal client
        try:
            again = secure(proxy, context, session=client.tls.session)
            again.ask()
        except (ssl.SSLError, Closed, ConnectionError):
            return True
        went_on.append(again.tls.session_reused)
        client = again
        return False

    eventually(is_over, "the end of the session")
    assert went_on and all(went_on)
    lines = proxy.access(len(went_on) + 2)
    reasons = [line["reason"] for line in lines if line["outcome"] == "handshake-failed"]
    assert reasons == ["the certificate of the client has expired"]


def test_a_request_for_an_address_that_is_covered(guarded, certificates):
    proxy = guarded()
    context = client_context(certificates.authority, pair=certificates.client)
    client = secure(proxy, context, server_name="127.0.0.1")
    assert client.ask(host="127.0.0.1").status == 200
    assert client.ask(host=f"127.0.0.1:{proxy.address[1]}").status == 200
    assert client.ask(host="127.0.0.2").status == 421
