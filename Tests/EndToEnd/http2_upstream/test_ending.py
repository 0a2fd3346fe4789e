"""Servers that end connections or streams: no request is lost, and none arrives twice."""

import socket
import time

import pytest

from harness import eventually
from harness.http2 import CANCEL, INTERNAL_ERROR, REFUSED_STREAM, H2Client
from harness.http2_server import echo2
from harness.setups import LOGGED

PATIENT = {"retries": {"attempts": 5, "budget": {"share": "100%", "min": "1000/s"}}}
ONE_TRY = {"retries": {"attempts": 1}}


def test_goaway_loses_no_request(weir, server, pooled2):
    """A server that ends each connection after ten requests, as many do."""

    def handler(request):
        if len(request.session.streams) == 10:
            request.session.goaway()
        echo2(request)

    one = server(handler)
    client = H2Client(weir(pooled2(one, **ONE_TRY)))
    for number in range(200):
        assert client.ask("POST", f"/{number}", body=b"once").status == 200
    eventually(lambda: len(one.requests) == 200, "each once")
    assert len(one.connections) == 20


def test_goaway_under_load(weir, server, pooled2):
    """What stands beyond the last stream is sent again, whatever its method."""

    def handler(request):
        request.whole()
        request.answer(body=request.target)

    one = server(handler, options={"serves": 7})
    client = H2Client(weir(pooled2(one, **ONE_TRY)))
    for number in range(5):
        answers = [
            client.open("POST", f"/{number}-{at}", [("content-length", "0")]) for at in range(60)
        ]
        client.finish(*answers)
        assert {answer.status for answer in answers} == {200}
        assert [answer.text for answer in answers] == [f"/{number}-{at}" for at in range(60)]
    # Each was looked at once.
    assert len(one.requests) == 300


def test_refused_stream_is_sent_again(weir, server, pooled2):
    """Also where its method is not idempotent: the server has not looked at it."""
    refused = []

    def handler(request):
        if len(refused) < 2:
            refused.append(request)
            request.reset(REFUSED_STREAM)
        else:
            echo2(request)

    one = server(handler)
    proxy = weir(pooled2(one, more=LOGGED, **PATIENT))
    assert H2Client(proxy).ask("POST", body=b"abc").status == 200
    assert proxy.access(1)[0]["tries"] == 3
    assert len(one.requests) == 3


def test_refused_stream_goes_elsewhere(weir, server, pooled2):
    refuses = server(lambda request: request.reset(REFUSED_STREAM), name="refuses")
    serves = server(name="serves")
    client = H2Client(weir(pooled2(refuses, serves, **PATIENT)))
    for _ in range(10):
        assert client.ask("POST", body=b"abc").status == 200
    assert len(serves.requests) == 10


def test_refused_stream_without_further_tries(weir, server, pooled2):
    one = server(lambda request: request.reset(REFUSED_STREAM))
    proxy = weir(pooled2(one, more=LOGGED, **ONE_TRY))
    assert H2Client(proxy).ask().status == 502
    assert proxy.access(1)[0]["outcome"] == "upstream-reset"


@pytest.mark.parametrize("code", [CANCEL, INTERNAL_ERROR])
def test_reset_of_what_may_have_been_processed(weir, server, pooled2, code):
    one = server(lambda request: request.reset(code))
    proxy = weir(pooled2(one, more=LOGGED, **PATIENT))
    assert H2Client(proxy).ask("POST", body=b"abc").status == 502
    assert len(one.requests) == 1
    assert proxy.access(1)[0]["outcome"] == "upstream-reset"
    assert len(one.connections) == 1


def test_connection_ends_without_a_word(weir, server, pooled2):
    """Requests that are idempotent are sent again; others fail, as nobody knows."""
    ended = []

    def handler(request):
        if len(ended) < 2:
            ended.append(request)
            drop(request.session.connection)
        else:
            echo2(request)

    def drop(connection):
        raw = getattr(connection.sock, "raw", connection.sock)
        raw.shutdown(socket.SHUT_RDWR)

    one = server(handler)
    client = H2Client(weir(pooled2(one, **PATIENT)))
    assert client.ask().status == 200
    assert len(one.requests) == 3
    ended.clear()
    assert client.ask("POST", body=b"abc").status == 502


def test_closed_while_idle(weir, server, pooled2):
    one = server()
    client = H2Client(weir(pooled2(one, **ONE_TRY)))
    for number in range(1, 6):
        assert client.ask("POST", body=b"abc").status == 200
        assert len(one.connections) == number
        one.drop()
        eventually(lambda: one.open_connections == 0, "the end")


def test_connect_failures(weir, refused, server, pooled2):
    one = server()
    client = H2Client(weir(pooled2(refused, one, **PATIENT)))
    answers = [client.open("POST", fields=[("content-length", "0")]) for _ in range(20)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {200}


def test_nobody_listens(weir, refused, pooled2):
    proxy = weir(pooled2(refused, more=LOGGED, **ONE_TRY))
    client = H2Client(proxy)
    answers = [client.open() for _ in range(10)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {503}
    assert {line["outcome"] for line in proxy.access(10)} == {"connect-failed"}


def test_connect_timeout(weir, unreachable, clear2):
    proxy = weir(clear2(unreachable, more=LOGGED, timeouts={"connect": "200ms"}, **ONE_TRY))
    client = H2Client(proxy)
    answers = [client.open() for _ in range(10)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {504}
    assert {line["outcome"] for line in proxy.access(10)} == {"connect-timeout"}


def test_idle_time(weir, server, pooled2):
    one = server()
    client = H2Client(weir(pooled2(one, timeouts={"idle": "300ms"})))
    assert client.ask().status == 200
    eventually(lambda: one.open_connections == 0, "the end of the idle connection")
    assert one.sessions[0].goaways == [(0, 0)]
    assert client.ask().status == 200


def test_requests_of_a_connection(weir, server, pooled2):
    one = server()
    client = H2Client(weir(pooled2(one, connections={"max-requests": 10})))
    for _ in range(95):
        assert client.ask().status == 200
    assert [len(connection.requests) for connection in one.connections] == [10] * 9 + [5]
    answers = [client.open() for _ in range(50)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {200}
    assert max(len(connection.requests) for connection in one.connections) == 10


def test_age_of_a_connection(weir, server, pooled2):
    one = server()
    client = H2Client(weir(pooled2(one, connections={"max-age": "1s"})))
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert client.ask("POST", body=b"abc").status == 200
        time.sleep(0.01)
    assert 3 <= len(one.connections) <= 6


def test_no_connection_is_kept(weir, server, pooled2):
    one = server()
    client = H2Client(weir(pooled2(one, connections={"max-idle": 0})))
    for _ in range(5):
        assert client.ask().status == 200
    eventually(lambda: one.open_connections == 0, "the end")
    assert len(one.connections) == 5


def test_answers_that_stand_survive_their_connection(weir, backend2, clear2):
    """A server that ends once it has answered; the client is slow to read."""

    def handler(request):
        request.answer(body=b"x" * 200_000)
        request.session.goaway()
        request.session.connection.sock.shutdown(socket.SHUT_WR)

    client = H2Client(weir(clear2(backend2(handler))), credits=False)
    answer = client.open()
    client.until(lambda: len(answer.data) == 65_535, "a shut window")
    client.settle()
    client.credits = True
    client.credit(1 << 20)
    client.h2.increment_flow_control_window(1 << 20, answer.id)
    client.flush()
    client.finish(answer)
    assert len(answer.data) == 200_000
    assert answer.ended


def test_drain_lets_streams_finish(weir, server, pooled2, gate):
    def handler(request):
        gate.wait(10)
        echo2(request)

    one = server(handler)
    proxy = weir(pooled2(one, more={"shutdown-timeout": "10s"}))
    client = H2Client(proxy)
    held = [client.open() for _ in range(5)]
    eventually(lambda: len(one.requests) == 5, "the requests")
    proxy.signal(15)
    client.until(lambda: client.goaways, "GOAWAY")
    gate.set()
    client.finish(*held)
    assert {answer.status for answer in held} == {200}
    assert proxy.wait() == 0


@pytest.mark.parametrize("carrier", ["tls"], indirect=True)
def test_server_that_prefers_http_1(weir, secured, pooled2):
    """Each request has a connection then, kept as ever."""
    one = secured(alpn=["http/1.1"])
    proxy = weir(pooled2(one))
    client = H2Client(proxy)
    answers = [client.open("POST", f"/{n}", [("content-length", "0")]) for n in range(20)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {200}
    before = len(one.connections)
    for _ in range(20):
        assert client.ask().status == 200
    assert len(one.connections) == before


@pytest.mark.parametrize("carrier", ["tls"], indirect=True)
def test_servers_speak_as_they_choose(weir, secured, server, pooled2):
    """One of each in one pool: ALPN chooses."""
    old, new = secured(alpn=["http/1.1"]), server()
    proxy = weir(pooled2(old, new))
    client = H2Client(proxy)
    answers = [client.open() for _ in range(40)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {200}
    assert len(old.requests) == 20
    assert len(new.requests) == 20
    assert len(new.connections) == 1


@pytest.mark.parametrize("carrier", ["tls"], indirect=True)
def test_untrusted_server(weir, certificates, backend2, pooled2):
    proxy = weir(pooled2(backend2(pair=certificates.foreign), more=LOGGED, **ONE_TRY))
    client = H2Client(proxy)
    answers = [client.open() for _ in range(5)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {502}
    assert {line["outcome"] for line in proxy.access(5)} == {"untrusted-server"}
