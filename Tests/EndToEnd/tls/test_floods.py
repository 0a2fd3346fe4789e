"""Clients that keep to TLS and waste it: what they ask for is bounded, and others are served."""

import ssl
import threading
import time

import pytest

from harness import eventually
from harness.records import ALERT, HANDSHAKE, Records
from harness.secure import client_context, secure, secure_listener
from harness.setups import LOGGED
from harness.tunnels import SWITCHED
from harness.wait import scaled

RESPOND = {"routes": [{"respond": {"body": "hi"}}]}
TLS13 = ssl.TLSVersion.TLSv1_3
REQUEST = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"


@pytest.fixture
def proxy(weir, certificates):
    listener = secure_listener(certificates.site)
    return weir({"workers": 1, "listeners": [listener], **RESPOND, **LOGGED})


@pytest.fixture
def by_hand(proxy, tmp_path):
    """A client, and what makes its records."""

    def connect(server=proxy, alpn=("http/1.1",)):
        keys = tmp_path / "keys"
        keys.unlink(missing_ok=True)
        context = client_context(oldest=TLS13, alpn=alpn)
        context.keylog_filename = str(keys)
        client = secure(server, context)
        return client, Records(client, keys)

    return connect


def push(client, data):
    """Sends bytes past TLS; whether the proxy still took them."""
    try:
        client.sock.raw.sendall(data)
        return True
    except OSError:
        return False


def ended(client):
    """Waits for the connection's end, however it comes."""
    try:
        while client.sock.raw.recv(65536):
            pass
    except TimeoutError as problem:
        raise AssertionError("the connection goes on") from problem
    except ConnectionError:
        pass


def test_key_updates_are_answered(by_hand):
    """A few are well: the request behind each is served under the new keys."""
    client, records = by_hand()
    for number in range(20):
        push(client, records.key_update(answered=number % 2 == 0) + records.record(REQUEST))
        assert client.response().body == b"hi"


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_a_flood_of_key_updates_ends(proxy, by_hand, answered, together):
    client, records = by_hand()
    flood = [records.key_update(answered) for _ in range(1000)]
    if together:
        push(client, b"".join(flood))
    else:
        all(push(client, one) for one in flood)
    ended(client)
    assert secure(proxy).ask().status == 200


def test_key_updates_of_a_client_that_reads_nothing(weir, backend, certificates, by_hand):
    """The answers wait behind a tunnel's bytes, and are not lost."""

    def script(connection):
        connection.request()
        connection.send(SWITCHED)
        # Beside the reading: how much the kernel takes before the client reads is its affair.
        sending = threading.Thread(target=connection.send, args=[b"x" * 8_000_000])
        sending.start()
        while connection.fill():
            pass
        sending.join()

    server = backend(script)
    listener = secure_listener(certificates.site)
    proxy = weir({"listeners": [listener], "servers": [server.address]})
    client, records = by_hand(proxy)
    upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    push(client, records.record(upgrade))
    assert client.response().status == 101
    # Nothing is read until the proxy has all it will take.
    eventually(proxy.asleep, "the proxy waits for the client")
    for _ in range(50):
        push(client, records.key_update() + records.record(b"y"))
    eventually(lambda: proxy.asleep() and server.connections[0].buffer.count(b"y") == 50, "50 bytes")
    assert client.exactly(8_000_000) == b"x" * 8_000_000


def test_records_without_content_are_no_sign_of_life(weir, backend, certificates, by_hand):
    """Whoever owes a body and sends key updates meets its time all the same."""
    listener = secure_listener(certificates.site)
    server = backend()
    proxy = weir(
        {"listeners": [listener], "servers": [server.address], "timeouts": {"body": "500ms"}}
    )
    client, records = by_hand(proxy)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
    push(client, records.record(head))
    over = threading.Event()

    def ask_for_keys():
        for _ in range(100):
            if over.wait(0.05) or not push(client, records.key_update(answered=False)):
                return

    thread = threading.Thread(target=ask_for_keys, daemon=True)
    began = time.monotonic()
    thread.start()
    assert client.response().status == 408
    over.set()
    thread.join()
    assert time.monotonic() - began < scaled(3)


def test_empty_records_end(proxy, by_hand):
    client, records = by_hand()
    for padding in (0, 16_000):
        client, records = by_hand()
        all(push(client, records.record(b"", padding=padding)) for _ in range(200))
        ended(client)
    assert secure(proxy).ask().status == 200


def test_a_request_in_records_of_one_byte(by_hand):
    client, records = by_hand()
    for _ in range(3):
        push(client, b"".join(records.record(bytes([byte])) for byte in REQUEST))
        assert client.response().body == b"hi"


def test_warnings_end(proxy, by_hand):
    """TLS 1.3 knows no warnings but the end and a user's leave (RFC 8446 §6)."""
    client, records = by_hand()
    all(push(client, records.record(bytes([1, 90]), ALERT)) for _ in range(200))
    ended(client)
    assert secure(proxy).ask().status == 200


@pytest.mark.parametrize("content", [bytes([1, 0, 0, 0]), bytes([4, 0, 0, 0]), bytes([11, 0, 0, 4])])
def test_handshakes_inside_a_connection_end_it(proxy, by_hand, content):
    client, records = by_hand()
    push(client, records.record(content, HANDSHAKE))
    ended(client)
    assert secure(proxy).ask().status == 200


def wasting(client, records, until):
    """Full records of one byte each, as fast as they are taken."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
    push(client, records.record(head))
    while time.monotonic() < until:
        push(client, b"".join(records.record(b"x", padding=16_000) for _ in range(100)))


@pytest.mark.alone
def test_padding_holds_nobody_up(weir, backend, certificates, by_hand):
    """Others are served while one client sends nothing but padding."""

    def script(connection):
        while (request := connection.request()) is not None:
            connection.answer(body=str(len(request.body)))

    listener = secure_listener(certificates.site)
    proxy = weir({"workers": 1, "listeners": [listener], "servers": [backend(script).address]})
    waster, records = by_hand(proxy)
    until = time.monotonic() + scaled(3)
    thread = threading.Thread(target=wasting, args=(waster, records, until), daemon=True)
    other = secure(proxy)
    other.ask()
    thread.start()
    times = []
    while time.monotonic() < until:
        began = time.monotonic()
        assert other.ask().status == 200
        times.append(time.monotonic() - began)
    thread.join()
    times.sort()
    assert len(times) > 20 and times[len(times) * 95 // 100] < scaled(0.1), times[-20:]
