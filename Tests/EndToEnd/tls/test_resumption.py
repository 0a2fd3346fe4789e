"""Sessions are resumed on whichever worker, or machine with the same keys, a client comes to."""

import ssl

import pytest

from harness import Closed
from harness.secure import client_context, s_client, secure, secure_listener

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_resumption_by_s_client(weir, certificates, tmp_path, version):
    """Sixteen connections over two workers: each resumes the one session."""
    proxy = weir({"listeners": [secure_listener(certificates.site)], **RESPOND})
    session = tmp_path / "session"
    request = "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"
    options = [version, "-servername", "example.test", "-ign_eof"]
    found = s_client(proxy, *options, "-sess_out", session, given=request)
    assert "New, TLSv1" in found and "HTTP/1.1 200" in found, found
    for _ in range(16):
        found = s_client(proxy, *options, "-sess_in", session, given=request)
        assert "Reused, TLSv1" in found and "HTTP/1.1 200" in found, found


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_resumption_on_every_worker(weir, certificates, version):
    proxy = weir({"listeners": [secure_listener(certificates.site)], "workers": 4, **RESPOND})
    context = client_context(oldest=version, newest=version)
    first = secure(proxy, context)
    assert first.ask().status == 200
    session = first.tls.session
    for _ in range(32):
        client = secure(proxy, context, session=session)
        assert client.tls.session_reused and client.ask().status == 200
        client.close()


def test_resumption_by_a_file_of_keys(weir, certificates, tmp_path):
    """Two proxies with one file of keys resume each other's sessions; one without does not."""
    keys = tmp_path / "tickets"
    keys.write_bytes(bytes(range(80)))
    shared = {
        "listeners": [secure_listener(certificates.site, **{"ticket-keys": str(keys)})],
        **RESPOND,
    }
    one, two = weir(shared), weir(shared)
    alone = weir({"listeners": [secure_listener(certificates.site)], **RESPOND})
    context = client_context()
    client = secure(one, context)
    client.ask()
    session = client.tls.session
    again = secure(two, context, session=session)
    assert again.tls.session_reused and again.ask().status == 200
    other = secure(alone, context, session=session)
    assert not other.tls.session_reused and other.ask().status == 200


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_sessions_do_not_go_where_certificates_are_asked_for(weir, certificates, version):
    """All listeners share the keys of tickets, and yet a session stays with those that ask alike."""
    asking = {"client-authority": str(certificates.authority.file)}
    lax = {**asking, "client-certificate": "optional"}
    stranger = {"client-authority": str(certificates.stranger.file)}
    listeners = [secure_listener(certificates.site, **keys) for keys in ({}, asking, lax, stranger)]
    proxy = weir({"listeners": listeners, **RESPOND}, listeners=4)
    plain = client_context(oldest=version, newest=version)
    for listener in (0, 2):
        client = secure(proxy, plain, listener=listener)
        client.ask()
        session = client.tls.session
        with pytest.raises((ssl.SSLError, Closed, ConnectionError)):
            other = secure(proxy, plain, listener=1, session=session)
            other.ask()
    # With a certificate it is another client's handshake, not the old session.
    known = client_context(pair=certificates.client, oldest=version, newest=version)
    client = secure(proxy, known, listener=1)
    client.ask()
    session = client.tls.session
    for listener in (0, 2):
        other = secure(proxy, known, listener=listener, session=session)
        assert not other.tls.session_reused and other.ask().status == 200
    with pytest.raises((ssl.SSLError, Closed, ConnectionError)):
        other = secure(proxy, known, listener=3, session=session)
        other.ask()
    again = secure(proxy, known, listener=1, session=session)
    assert again.tls.session_reused and again.ask().status == 200
