"""HTTP/1 by TLS: all that holds in the clear holds here."""

import hashlib
import ssl
import threading

import pytest

from harness import Closed, answer, eventually, fixed, scaled
from harness.checks import assert_refused
from harness.client import encode_chunks
from harness.data import Hashing, digest, pieces, whole
from harness.secure import client_context, secure, secure_listener
from harness.setups import LOGGED, Seen
from harness.tunnels import UPGRADE, mirroring

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def before(certificates):
    """`before(server, …)` is a configuration of one listener with TLS before it."""

    def make(*servers, **more):
        listener = secure_listener(certificates.site)
        return {"listeners": [listener], "servers": [one.address for one in servers], **more}

    return make


@pytest.fixture(params=VERSIONS, ids=["1.2", "1.3"])
def context(request, certificates):
    return client_context(certificates.authority, oldest=request.param, newest=request.param)


def hashed(connection):
    """Answers with the count and the hash of the request's body."""
    while (head := connection.request_head()) is not None:
        body = Hashing()
        if head.chunked:
            body.take_chunks(connection)
        else:
            body.take_exactly(connection, int(head.get("content-length") or 0))
        connection.answer(body=f"{body.count} {body.hex}")


def test_get(weir, backend, before, context):
    client = secure(weir(before(backend())), context)
    seen = Seen(client.ask(target="/a?b=c"))
    assert seen["target"] == "/a?b=c" and seen.get("host") == "example.test"
    assert seen.get("x-forwarded-proto") == "https"
    assert seen.get("x-forwarded-for") == "127.0.0.1"


def test_clients_word_on_the_scheme_is_replaced(weir, backend, before):
    client = secure(weir(before(backend())))
    assert Seen(client.ask(fields=[("X-Forwarded-Proto", "http")])).get("x-forwarded-proto") == (
        "https"
    )


def test_keep_alive(weir, backend, before, context):
    server = backend()
    client = secure(weir(before(server, workers=1)), context)
    for number in range(100):
        assert Seen(client.ask(target=f"/{number}"))["target"] == f"/{number}"
    assert len(server.connections) == 1


def test_close_is_said(weir, backend, before, context):
    """The end of a connection comes with close_notify."""
    client = secure(weir(before(backend())), context)
    response = client.ask(fields=[("Connection", "close")])
    assert response.status == 200 and response.get("connection") == "close"
    assert client.rest() == b""


def test_pipelining(weir, backend, before, context):
    client = secure(weir(before(backend())), context)
    requests = [b"GET /%d HTTP/1.1\r\nHost: a.test\r\n\r\n" % number for number in range(100)]
    client.send(b"".join(requests))
    assert [Seen(client.response())["target"] for _ in requests] == [f"/{n}" for n in range(100)]


def test_request_in_many_records(weir, backend, before, context):
    client = secure(weir(before(backend())), context)
    request = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"
    for number in range(len(request)):
        client.send(request[number : number + 1])
    assert Seen(client.response())["body"] == "hello"


@pytest.mark.parametrize("size", [1, 16383, 16384, 16385, 65536, 100_000, 20_000_000])
def test_post(weir, backend, before, context, size):
    client = secure(weir(before(backend(hashed))), context, timeout=scaled(30))
    for _ in range(2):
        assert client.ask("POST", body=whole(size)).text == f"{size} {digest(size)}"
    chunks = list(pieces(size)) + [b"x"]
    text = client.ask("POST", body=chunks).text
    assert text == f"{size + 1} {hashlib.sha256(whole(size) + b'x').hexdigest()}"


@pytest.mark.parametrize("size", [0, 1, 16384, 65535, 65536, 65537, 1 << 20, 20_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_answers(weir, backend, before, context, size, chunked):
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        data = head + encode_chunks(list(pieces(size)))
    else:
        data = answer(body=whole(size))
    client = secure(weir(before(backend(fixed(data)))), context, timeout=scaled(30))
    for _ in range(2):
        response = client.ask()
        assert len(response.body) == size
        assert hashlib.sha256(response.body).hexdigest() == digest(size)


def test_trailers_and_interim_answers(weir, backend, before, context):
    def script(connection):
        while (request := connection.request()) is not None:
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send(encode_chunks([b"body"], [("X-Sum", "7"), *request.trailers]))

    client = secure(weir(before(backend(script))), context)
    for _ in range(2):
        client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(encode_chunks([b"up"], [("X-Up", "5")]))
        response = client.response()
        assert [one.status for one in response.informational] == [103]
        assert response.body == b"body" and response.trailers == [("X-Sum", "7"), ("X-Up", "5")]


def test_expect_continue(weir, backend, before):
    client = secure(weir(before(backend())))
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    client.send("ok")
    assert Seen(client.response())["body"] == "ok"


def test_answer_until_the_servers_end(weir, backend, before, context):
    data = b"HTTP/1.1 200 OK\r\n\r\n" + whole(500_000)
    client = secure(weir(before(backend(fixed(data, close=True)))), context)
    assert client.ask().body == whole(500_000)


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_server_abort_is_no_end(weir, backend, before, context, framing):
    """A truncated answer must not look like a whole one: there is no close_notify."""

    def script(connection):
        connection.request()
        part = "5\r\nhello\r\n" if "chunked" in framing else "hello"
        connection.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{part}")
        connection.backend.given.wait(scaled(10))
        connection.reset()

    server = backend(script)
    server.given = threading.Event()
    proxy = weir(before(server, **LOGGED))
    client = secure(proxy, context)
    client.send_request()
    assert client.line() == b"HTTP/1.1 200 OK"
    client.field_lines()
    assert client.exactly(5) if "Length" in framing else client.line() == b"5"
    server.given.set()
    with pytest.raises(Closed):
        client.rest()
    assert proxy.access()[0]["outcome"] == "upstream-reset"


def test_answer_to_http_1_0_that_breaks_off(weir, backend, before, context):
    """Without a length TLS alone tells the end from a cut."""

    def script(connection):
        connection.request()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        connection.backend.given.wait(scaled(10))
        connection.reset()

    server = backend(script)
    server.given = threading.Event()
    client = secure(weir(before(server)), context)
    client.send_request(version="1.0")
    client.line()
    client.field_lines()
    assert client.exactly(5) == b"hello"
    server.given.set()
    with pytest.raises(Closed):
        client.rest()


def test_slow_client_gets_it_all(weir, backend, before, context):
    """A client that reads slowly is waited for, and what it has not read takes little memory."""
    proxy = weir(before(backend(fixed(answer(body=whole(20_000_000)))), workers=1))
    clients = [secure(proxy, context, receive_buffer=4096) for _ in range(8)]
    resident = proxy.resident()
    for client in clients:
        client.send_request()
        client.line()
    assert secure(proxy, context).ask().status == 200
    assert proxy.resident() - resident < 16 << 20
    for client in clients:
        client.field_lines()
        body = Hashing()
        body.take_exactly(client, 20_000_000)
        assert body.hex == digest(20_000_000)


def test_client_that_reads_nothing_meets_its_time(weir, backend, before):
    server = backend(fixed(answer(body=whole(20_000_000))))
    proxy = weir(before(server, timeouts={"send": "500ms"}, **LOGGED))
    client = secure(proxy, receive_buffer=4096)
    client.send_request()
    assert proxy.access()[0]["outcome"] == "send-timeout"


def waiting(connection):
    """Reads a request, answers when told to, and notes the connection's end."""
    connection.request()
    try:
        if connection.backend.late:
            connection.backend.given.wait(scaled(10))
            connection.answer(body="late")
        connection.rest()
    finally:
        connection.backend.given.set()


def test_reset_while_it_waits(weir, backend, before, context):
    server = backend(waiting)
    server.late, server.given = False, threading.Event()
    proxy = weir(before(server, **LOGGED))
    client = secure(proxy, context)
    client.send_request()
    server.saw(1)
    client.reset()
    assert server.given.wait(scaled(5)), "the upstream connection stayed"
    assert proxy.access()[0]["outcome"] == "client-aborted"


@pytest.mark.parametrize("way", ["finish", "cut"])
def test_half_close_after_the_request_still_gets_the_answer(weir, backend, before, context, way):
    """The request was whole: whether close_notify came with its end makes no difference."""
    server = backend(waiting)
    server.late, server.given = True, threading.Event()
    proxy = weir(before(server, **LOGGED))
    client = secure(proxy, context)
    client.send_request()
    server.saw(1)
    getattr(client, way)()
    server.given.set()
    assert client.response().body == b"late"
    assert client.ended()
    assert proxy.access()[0]["outcome"] == "ok"


@pytest.mark.parametrize("way", ["reset", "close", "cut"])
def test_client_leaves_inside_its_body(weir, backend, before, context, way):
    begun, gone = threading.Event(), threading.Event()

    def script(connection):
        connection.request_head()
        begun.set()
        try:
            connection.rest()
        finally:
            gone.set()

    proxy = weir(before(backend(script), **LOGGED))
    client = secure(proxy, context)
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nabc")
    # A reset takes along what was not read before it.
    assert begun.wait(scaled(5))
    getattr(client, way)()
    assert gone.wait(scaled(5)), "the upstream connection stayed"
    assert proxy.access()[0]["outcome"] == "client-aborted"


def test_cut_inside_a_chunked_body_is_no_end(weir, backend, before):
    """What an attacker cut off never reaches a server as a whole request."""
    server = backend()
    proxy = weir(before(server, **LOGGED))
    client = secure(proxy)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    client.cut()
    assert proxy.access()[0]["outcome"] == "client-aborted"
    assert not server.requests
    server.problems.clear()


def test_damaged_record(weir, backend, before, context):
    """A record that does not decrypt ends the connection with an alert, not the proxy."""
    server = backend()
    proxy = weir(before(server, workers=1))
    client = secure(proxy, context)
    assert client.ask().status == 200
    client.tls.write(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    record = bytearray(client.sock.outgoing.read())
    record[-1] ^= 1
    client.sock.raw.sendall(record)
    with pytest.raises(Closed, match="(?i)bad.record.mac|reset"):
        client.rest()
        raise Closed("ended as if all were well")
    assert len(server.requests) == 1
    assert secure(proxy, context).ask().status == 200


def test_refusals(weir, backend, before):
    proxy = weir(before(backend(), limits={"body-size": "1KiB"}))
    for request, status in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: " + "b" * 17000 + "\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + "x" * 5000, 413),
    ]:
        client = secure(proxy)
        client.send(request)
        assert_refused(client, status)


def test_websocket_tunnel(weir, backend, before, context):
    client = secure(weir(before(backend(mirroring))), context)
    assert client.ask(fields=UPGRADE).status == 101
    for size in (1, 1000, 100_000):
        client.send(whole(size))
        assert client.exactly(size) == whole(size)
    client.finish()
    assert client.rest() == b""


def test_idle_and_head_times(weir, before, backend):
    times = {"keep-alive": "400ms", "head": "400ms"}
    proxy = weir(before(backend(), timeouts=times, **LOGGED))
    idle, slow = secure(proxy), secure(proxy)
    slow.send("GET / HTTP/1.1\r\nHost: a")
    assert slow.response().status == 408
    assert idle.rest() == b""


def test_many_connections_leave_nothing(weir, backend, before, context):
    proxy = weir(before(backend(), workers=1))
    start = proxy.descriptors()
    for number in range(200):
        client = secure(proxy, context)
        if number % 3:
            assert client.ask().status == 200
        [client.close, client.reset, client.cut][number % 3]()
        client.close()
    eventually(lambda: proxy.descriptors() <= start + 2, "all descriptors given back")


def test_sticky_cookies_are_secure(weir, backend, certificates):
    listener = secure_listener(certificates.site)
    pools = {"main": {"servers": [backend().address], "sticky": True}}
    response = secure(weir({"listeners": [listener], "pools": pools})).ask()
    assert "; Secure" in response.get("set-cookie")
