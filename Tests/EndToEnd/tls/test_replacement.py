"""Certificates that are replaced while everybody goes on, and bad ones that are not taken."""

import os
import time

from harness import eventually
from harness.certificates import pem
from harness.http2 import H2Client
from harness.loads import Loads, fresh, reopened
from harness.secure import SecureClient, client_context, secure

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


def serving(weir, folder, pair, **more):
    """A proxy whose certificate lies in files of its own; returns it and these."""
    files = folder / "site.pem", folder / "site.key"
    pair.write_to(*files)
    certificate, key = map(str, files)
    listener = {"address": "127.0.0.1:0", "tls": {"certificate": certificate, "key": key}}
    return weir({"listeners": [listener], **RESPOND, **more}), files


def replace(pair, files):
    """Puts new files in the place of old ones, one after the other as tools do."""
    news = [file.with_suffix(file.suffix + ".new") for file in files]
    pair.write_to(*news)
    for new, file in zip(news, files):
        os.rename(new, file)


def serial(proxy, certificates):
    client = secure(proxy, client_context(certificates.authority))
    found = client.serial
    client.close()
    return found


def resumed(address, authority):
    """Sessions that began with one certificate go on under the next."""
    while True:
        context, session = client_context(authority), None
        for _ in range(20):
            client = SecureClient(address, context, session=session)
            try:
                assert client.ask().status == 200
                session = client.tls.session
            finally:
                client.close()
            yield


def bursts(proxy, authority):
    """Many streams at once on a connection each time."""
    while True:
        client = H2Client(proxy, context=client_context(authority, alpn=["h2"]))
        try:
            held = [client.open() for _ in range(20)]
            client.finish(*held)
            assert {one.status for one in held} == {200}
        finally:
            client.close()
        yield


def test_replaced_twenty_times_under_load(weir, certificates, tmp_path):
    authority = certificates.authority
    pairs = [
        authority.issue("example.test", file=f"turn-{number}", kind=["ec", "ec", "rsa"][number % 3])
        for number in range(20)
    ]
    proxy, files = serving(weir, tmp_path, certificates.site)
    serials = set()

    def connect():
        return SecureClient(proxy.address, client_context(authority))

    with Loads() as loads:
        loads.run("fresh", fresh, connect, "/", lambda client: serials.add(client.serial))
        # Each goes on for about a second, while certificates change.
        loads.run("kept", reopened, connect, "/", 500)
        loads.run("resumed", resumed, proxy.address, authority)
        loads.run("streams", bursts, proxy, authority)
        for pair in pairs:
            replace(pair, files)
            eventually(lambda: serial(proxy, certificates) == pair.serial, "the new certificate")
        loads.end()
    assert {pair.serial for pair in pairs[:-1]} <= serials | {pairs[-1].serial}


def log(proxy, words):
    return [line for line in list(proxy.lines) if words in line]


def test_bad_files_leave_the_old_certificate(weir, certificates, tmp_path):
    proxy, (certificate, key) = serving(weir, tmp_path, certificates.site)
    old = certificates.site.serial
    faults = [
        lambda: certificate.write_text("nonsense"),
        lambda: certificate.write_bytes(pem(certificates.other.certificate)),
        lambda: certificate.unlink(),
    ]
    for count, fault in enumerate(faults, 1):
        fault()
        eventually(lambda: len(log(proxy, "that were read before stay")) >= count, "a word of it")
        assert serial(proxy, certificates) == old
    lines = log(proxy, "that were read before stay")
    assert all("error" in line and "listener" in line for line in lines), lines
    assert "site.pem" in lines[0]
    # Said once each, not at every look.
    time.sleep(1.5)
    assert len(log(proxy, "that were read before stay")) == len(faults)
    certificates.other.write_to(certificate, key)
    context = client_context(certificates.authority)
    context.check_hostname = False

    def served():
        client = secure(proxy, context)
        found = client.serial
        client.close()
        return found

    eventually(lambda: served() == certificates.other.serial, "the good certificate")
    eventually(lambda: log(proxy, "new certificates are in use"), "a word of that")


def test_a_bad_certificate_at_the_start_is_refused(weir, certificates, tmp_path):
    entry = {"certificate": str(tmp_path / "none.pem"), "key": str(tmp_path / "none.key")}
    listener = {"address": "127.0.0.1:0", "tls": entry}
    proxy = weir({"listeners": [listener], **RESPOND}, listeners=0)
    assert proxy.wait() == 1
    assert log(proxy, "none.pem")
    # The fixture wants every proxy to end well; this one was not meant to.
    proxy.process.returncode = 0


def test_new_files_in_a_folder(weir, certificates, tmp_path):
    certificates.site.write_to(tmp_path / "a.pem", tmp_path / "a.key")
    tls = {"certificates": [{"folder": str(tmp_path)}]}
    proxy = weir({"listeners": [{"address": "127.0.0.1:0", "tls": tls}], **RESPOND})
    context = client_context(certificates.authority)
    context.check_hostname = False

    def served():
        client = secure(proxy, context, server_name="other.test")
        found = client.serial
        client.close()
        return found

    assert served() == certificates.site.serial
    certificates.other.write_to(tmp_path / "b.pem", tmp_path / "b.key")
    eventually(lambda: served() == certificates.other.serial, "the new pair")


def test_encrypted_key(weir, certificates, tmp_path):
    pair = certificates.authority.issue("example.test", file="sealed", passphrase=b"open sesame")
    assert b"ENCRYPTED" in pair.key_file.read_bytes()
    (tmp_path / "pass").write_text("open sesame\n")
    tls = {"certificates": [{**pair.entry, "passphrase-file": str(tmp_path / "pass")}]}
    proxy = weir({"listeners": [{"address": "127.0.0.1:0", "tls": tls}], **RESPOND})
    assert serial(proxy, certificates) == pair.serial
