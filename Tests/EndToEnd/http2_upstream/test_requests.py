"""What servers see of requests, and what becomes of their answers."""

import json
import threading

import pytest
from hpack import NeverIndexedHeaderTuple

from harness import eventually
from harness.http2 import CANCEL, H2Client
from harness.http2_server import echo2, http2
from harness.setups import LOGGED, pool2, pooled


def test_request_as_the_server_sees_it(weir, server, pooled2, carrier):
    proxy = weir(pooled2(server()))
    answer = H2Client(proxy).ask(
        "POST", "/a%20b?c=d", fields=[("x-one", "1"), ("cookie", "a=b")], body=b"text"
    )
    seen = json.loads(answer.body)
    assert seen["method"] == "POST"
    assert seen["target"] == "/a%20b?c=d"
    assert seen["authority"] == "example.test"
    assert seen["scheme"] == ("https" if carrier == "tls" else "http")
    assert seen["body"] == "text"
    fields = dict(map(tuple, seen["fields"]))
    assert fields["x-one"] == "1"
    assert fields["cookie"] == "a=b"
    assert fields["content-length"] == "4"
    assert fields["via"] == "2 weir"
    assert fields["x-forwarded-host"] == "example.test"
    assert "host" not in fields
    assert "connection" not in fields


def test_host_of_http_1_0_is_not_made_up(weir, backend2, clear2):
    proxy = weir(clear2(backend2(options={"validates": False})))
    client = proxy.client()
    client.send("GET / HTTP/1.0\r\n\r\n")
    assert json.loads(client.response().body)["authority"] is None


def test_many_requests_on_one_connection(weir, server, pooled2):
    one = server()
    proxy = weir(pooled2(one))
    client = H2Client(proxy)
    for number in range(300):
        assert json.loads(client.ask(target=f"/{number}").body)["target"] == f"/{number}"
    assert len(one.connections) == 1


def test_requests_that_come_while_the_connection_is_opened(weir, server, pooled2):
    """They wait for it rather than open connections of their own."""
    one = server()
    client = H2Client(weir(pooled2(one)))
    answers = [client.open(target=f"/{number}") for number in range(60)]
    client.finish(*answers)
    assert [json.loads(one.body)["target"] for one in answers] == [f"/{n}" for n in range(60)]
    assert len(one.connections) == 1


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_streams_than_the_server_allows(weir, server, pooled2, limit):
    most, lock = [0], threading.Lock()
    running = {}

    def handler(request):
        with lock:
            key = request.session
            running[key] = running.get(key, 0) + 1
            most[0] = max(most[0], running[key])
        request.session.wait(lambda: True)
        echo2_later(request)
        with lock:
            running[key] -= 1

    def echo2_later(request):
        threading.Event().wait(0.005)
        echo2(request)

    one = server(handler, options={"settings": {3: limit}})
    client = H2Client(weir(pooled2(one)))
    answers = [client.open(target=f"/{number}") for number in range(40)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {200}
    assert len(one.connections) > 1
    for connection in one.connections:
        assert len(connection.requests) >= 1
    assert most[0] <= limit


def test_streams_wait_where_connections_are_bounded(weir, server, pooled2):
    one = server(options={"settings": {3: 1}})
    client = H2Client(weir(pooled2(one, breaker={"max-connections": 1})))
    answers = [client.open(target=f"/{number}") for number in range(30)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {200}
    assert len(one.connections) == 1


def test_interim_answers(weir, server, pooled2):
    def handler(request):
        request.whole()
        request.session.do(
            lambda h: h.send_headers(request.id, [(":status", "103"), ("link", "</a>")])
        )
        request.answer(body="done")

    answer = H2Client(weir(pooled2(server(handler)))).ask()
    assert [dict(one)["link"] for one in answer.informational] == ["</a>"]
    assert (answer.status, answer.text) == (200, "done")


def test_expect_100(weir, backend2, clear2):
    def handler(request):
        request.session.do(lambda h: h.send_headers(request.id, [(":status", "100")]))
        request.whole()
        echo2(request)

    client = weir(clear2(backend2(handler))).client()
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n")
    assert client.line().startswith(b"HTTP/1.1 100")
    while client.line():
        pass
    client.send("abc")
    assert json.loads(client.response().body)["body"] == "abc"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(weir, server, pooled2, status):
    def handler(request):
        request.whole()
        request.head(status)
        request.end()

    proxy = weir(pooled2(server(handler)))
    client = proxy.client()
    for _ in range(3):
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answer = client.response()
        assert (answer.status, answer.body, answer.chunked) == (status, b"", False)
    assert H2Client(proxy).ask().status == status


def test_early_answer_ends_the_request(weir, server, pooled2):
    """The rest of the body is not wanted: the stream is reset, the connection goes on."""
    seen = []

    def handler(request):
        if request.method == "POST":
            request.answer(413, "too much")
            seen.append(request.gone())
        else:
            echo2(request)

    one = server(handler)
    client = H2Client(weir(pooled2(one)))
    answer = client.open("POST", fields=[("content-length", "100000")], end=False)
    client.write(answer, b"a" * 1000)
    client.until(lambda: answer.over, "the answer")
    assert answer.status == 413
    eventually(lambda: seen == [CANCEL], "the reset")
    assert client.ask().status == 200
    assert len(one.connections) == 1


def test_server_resets_without_error_behind_its_answer(weir, server, pooled2):
    def handler(request):
        if request.method == "POST":
            request.answer(200, "enough")
            request.reset(0)
        else:
            echo2(request)

    client = H2Client(weir(pooled2(server(handler))))
    answer = client.open("POST", fields=[("content-length", "100000")], end=False)
    client.write(answer, b"a" * 1000)
    client.until(lambda: answer.over, "the answer")
    assert (answer.status, answer.text) == (200, "enough")


def test_stalled_window_of_the_server(weir, server, pooled2):
    """A server that takes no body stalls that request alone, and is waited for."""
    opened = threading.Event()

    def handler(request):
        if request.method == "POST":
            opened.wait(20)
            with request.session.change:
                request.session.credits = True
                request.session.credit(request)
                request.session.flush()
        echo2(request)

    one = server(handler, options={"credits": False})
    proxy = weir(pooled2(one))
    client = H2Client(proxy)
    before = proxy.resident()
    answer = client.open("POST", fields=[("content-length", "1000000")], end=False)
    client.write(answer, b"a" * 200_000)
    other = H2Client(proxy)
    for _ in range(20):
        assert other.ask().status == 200
    assert proxy.resident() - before < 8 << 20
    opened.set()
    client.write(answer, b"a" * 800_000, end=True)
    client.finish(answer)
    assert json.loads(answer.body)["body"] == 1_000_000


def test_bodies_both_ways_at_once(weir, server, pooled2):
    def handler(request):
        request.head()
        sent = 0
        while not (request.ended and sent == len(request.data)):
            request.session.wait(lambda: request.ended or len(request.data) > sent)
            data = request.body[sent:]
            sent += len(data)
            request.write(data)
        request.end()

    client = H2Client(weir(pooled2(server(handler))))
    answer = client.open("POST", end=False)
    for number in range(50):
        client.write(answer, b"%04d" % number)
        client.until(lambda: len(answer.data) == 4 * (number + 1), "the echo")
    client.write(answer, end=True)
    client.finish(answer)
    assert answer.body == b"".join(b"%04d" % number for number in range(50))


def test_log_of_a_request(weir, server, pooled2):
    one = server()
    proxy = weir(pooled2(one, more=LOGGED))
    H2Client(proxy).ask(target="/logged")
    line = proxy.access(1)[0]
    assert (line["outcome"], line["status"], line["tries"]) == ("ok", 200, 1)
    assert line["endpoint"] == one.address


def test_secrets_stay_out_of_tables(weir, backend2, clear2):
    """What one side has never indexed is not indexed on the other (RFC 7541 §7.1.3)."""
    seen = []

    def handler(request):
        seen.extend(request.session.h2.decoder.header_table.dynamic_entries)
        request.answer(fields=[NeverIndexedHeaderTuple("x-back", "secret"), ("x-open", "b")])

    client = H2Client(weir(clear2(backend2(handler))))
    fields = [NeverIndexedHeaderTuple("x-token", "secret"), ("x-plain", "a")]
    for _ in range(2):
        assert client.ask(fields=fields).get("x-back") == "secret"
    names = {bytes(name) for name, _ in seen}
    assert b"x-plain" in names
    assert b"x-token" not in names
    back = {bytes(name) for name, _ in client.h2.decoder.header_table.dynamic_entries}
    assert b"x-open" in back
    assert b"x-back" not in back


def test_websocket_has_a_connection_of_http_1(weir, secured, certificates):
    """Beside requests that share one of HTTP/2."""
    protocols = []

    def script(connection):
        protocols.append(connection.sock.tls.selected_alpn_protocol())
        if protocols[-1] == "h2":
            http2()(connection)
            return
        request = connection.request_head()
        assert request.get("upgrade") == "websocket"
        connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        )
        connection.send(connection.exactly(5).upper())
        connection.rest()

    one = secured(script, alpn=["h2", "http/1.1"])
    proxy = weir(pooled(one, pool2("tls", certificates), workers=1))
    client = proxy.client()
    assert proxy.ask().status == 200
    client.send(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
    )
    assert client.response().status == 101
    client.send("hello")
    assert client.exactly(5) == b"HELLO"
    assert proxy.ask().status == 200
    assert protocols == ["h2", "http/1.1"]
