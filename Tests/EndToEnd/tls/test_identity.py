"""What servers learn of clients' certificates through changed heads, and that nobody can forge it."""

import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from harness.http2 import H2Client
from harness.secure import client_context, secure, secure_listener
from harness.setups import Seen

NAMES = {"x-client": "{tls.subject}", "x-names": "{tls.san}", "x-print": "{tls.fingerprint}"}
FORGED = [("X-CLIENT", "CN=forged"), ("x-client", "CN=forged"), ("x-names", "f"), ("x-print", "f")]


def passing_on(certificates, server, **keys):
    keys = {"client-authority": str(certificates.authority.file), **keys}
    return {
        "listeners": [secure_listener(certificates.site, **keys)],
        "routes": [
            {"match": "/me", "respond": {"body": "<{tls.subject}|{tls.san}|{tls.fingerprint}>"}},
            {"pool": "main", "request-headers": {"set": NAMES}, "response-headers": {"set": NAMES}},
        ],
        "pools": {"main": [server.address]},
    }


def asking(proxy, http2, context, session=None):
    """A client that asks by HTTP/2 or HTTP/1."""
    if http2:
        context.set_alpn_protocols(["h2"])
        return H2Client(proxy, context=context, session=session)
    return secure(proxy, context, session=session)


@pytest.fixture(params=[False, True], ids=["1.1", "2"])
def http2(request):
    return request.param


def test_a_certificate_is_passed_on(weir, backend, certificates, http2):
    pair = certificates.client
    proxy = weir(passing_on(certificates, backend()))
    client = asking(proxy, http2, client_context(certificates.authority, pair=pair))
    for _ in range(3):
        found = client.ask(fields=[(name.lower(), value) for name, value in FORGED])
        seen = Seen(found)
        assert seen.get("x-client") == "CN=alice.client.test" == found.get("x-client")
        assert seen.get("x-names") == "alice.client.test" == found.get("x-names")
        assert seen.get("x-print") == pair.fingerprint == found.get("x-print")
    expected = f"<CN=alice.client.test|alice.client.test|{pair.fingerprint}>"
    assert client.ask(target="/me").body.decode() == expected


def test_without_a_certificate_nothing_is(weir, backend, certificates, http2):
    proxy = weir(passing_on(certificates, backend(), **{"client-certificate": "optional"}))
    client = asking(proxy, http2, client_context(certificates.authority))
    for _ in range(2):
        found = client.ask(fields=[(name.lower(), value) for name, value in FORGED])
        seen = Seen(found)
        for name in NAMES:
            assert not seen.all(name) and not found.all(name)
    assert client.ask(target="/me").body == b"<||>"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_that_goes_on_keeps_its_certificate(weir, backend, certificates, version):
    proxy = weir(passing_on(certificates, backend(), **{"client-certificate": "optional"}))
    context = client_context(
        certificates.authority, pair=certificates.client, oldest=version, newest=version
    )
    first = secure(proxy, context)
    first.ask()
    again = secure(proxy, context, session=first.tls.session)
    assert again.tls.session_reused
    assert Seen(again.ask()).get("x-client") == "CN=alice.client.test"


ODD = {
    # What stands in the certificate, and what is to become of it (RFC 4514 §2.4).
    "comma": ("a,b", "CN=a\\,b"),
    "quoted": ('"a"', 'CN=\\"a\\"'),
    "plus": ("a+O=b", "CN=a\\+O=b"),
    "blank": (" a ", "CN=\\ a\\20"),
    "umlaut": ("Jürgen", "CN=J\\C3\\BCrgen"),
    "line": ("a\r\nx-admin: 1", "CN=a\\0D\\0Ax-admin: 1"),
    "zero": ("a\0b", "CN=a\\00b"),
    "template": ("{method}", "CN={method}"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_subjects(weir, backend, certificates, case):
    given, expected = ODD[case]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, given)])
    pair = certificates.authority.issue("odd.test", client=True, subject=subject, file=f"odd-{case}")
    server = backend()
    proxy = weir(passing_on(certificates, server))
    seen = Seen(secure(proxy, client_context(certificates.authority, pair=pair)).ask())
    assert seen.get("x-client") == expected
    assert not seen.all("x-admin")


def test_several_parts_stand_last_first(weir, backend, certificates):
    parts = [(NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "A, B & C")]
    parts += [(NameOID.COMMON_NAME, "x")]
    subject = x509.Name([x509.NameAttribute(*part) for part in parts])
    pair = certificates.authority.issue("x.test", client=True, subject=subject, file="several")
    proxy = weir(passing_on(certificates, backend()))
    seen = Seen(secure(proxy, client_context(certificates.authority, pair=pair)).ask())
    assert seen.get("x-client") == "CN=x,O=A\\, B & C,C=DE"


def test_names_that_pass_for_others_are_left_out(weir, backend, certificates):
    names = [x509.DNSName("a.test"), x509.UniformResourceIdentifier("spiffe://x/y")]
    names += [x509.DNSName("b.test, admin.test"), x509.RFC822Name("c@d.test")]
    names += [x509.DNSName("spiffe://x/admin"), x509.DNSName("e\r\nx-admin: 1")]
    pair = certificates.authority.issue("n.test", client=True, alternatives=names, file="names")
    proxy = weir(passing_on(certificates, backend()))
    seen = Seen(secure(proxy, client_context(certificates.authority, pair=pair)).ask())
    assert seen.get("x-names") == "a.test, spiffe://x/y, c@d.test"
    assert not seen.all("x-admin")


def test_what_is_too_long_counts_as_missing(weir, backend, certificates):
    """A part of a subject might be somebody else's."""
    units = [NameOID.ORGANIZATIONAL_UNIT_NAME] * 80
    parts = [x509.NameAttribute(unit, "u" * 60) for unit in units]
    names = [x509.DNSName(f"{'n' * 50}-{number}.test") for number in range(100)]
    pair = certificates.authority.issue(
        "l.test", client=True, subject=x509.Name(parts), alternatives=names, file="long"
    )
    proxy = weir(passing_on(certificates, backend()))
    client = secure(proxy, client_context(certificates.authority, pair=pair))
    seen = Seen(client.ask(fields=FORGED))
    assert not seen.all("x-client") and not seen.all("x-names")
    assert seen.get("x-print") == pair.fingerprint
