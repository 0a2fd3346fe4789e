"""Servers that break the protocol, flood, or say nothing: each harms itself alone."""

import threading
import time

import pytest

from harness import eventually
from harness.http2 import CANCEL, H2Client, frame
from harness.http2_server import echo2
from harness.setups import LOGGED

ONE_TRY = {"retries": {"attempts": 1}}


def silent(connection):
    """A server that takes connections and says nothing."""
    connection.rest()


def test_server_without_settings(weir, backend, clear2):
    proxy = weir(clear2(backend(silent), more=LOGGED, timeouts={"connect": "300ms"}, **ONE_TRY))
    client = H2Client(proxy)
    answers = [client.open() for _ in range(3)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {504}


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        b"\0" * 100,
        frame(4, 0, 0) + frame(0, 1, 1, b"data before a head"),
        frame(4, 0, 0) + frame(8, 0, 0, b"\0\0\0\0"),
        frame(4, 0, 0) + frame(4, 1, 0) + frame(5, 4, 1, b"\0\0\0\2"),
        frame(4, 0, 0) + frame(1, 5, 1, b"\x80"),
        frame(4, 0, 0) + frame(3, 0, 5, b"\0\0\0\0"),
    ],
    ids=["http1", "zeros", "data", "window", "push", "hpack", "idle"],
)
def test_server_that_breaks_the_protocol(weir, backend, clear2, said):
    """It is told so by GOAWAY, and its streams get 502."""
    heard = []

    def script(connection):
        connection.exactly(24)
        connection.send(said)
        try:
            heard.append(connection.rest())
        except Exception as problem:  # noqa: BLE001
            heard.append(connection.buffer)

    proxy = weir(clear2(backend(script), more=LOGGED, **ONE_TRY))
    client = H2Client(proxy)
    answers = [client.open() for _ in range(3)]
    client.finish(*answers)
    assert {answer.status for answer in answers} == {502}
    eventually(lambda: heard and b"\x07\0\0\0\0\0" in heard[0], "GOAWAY")
    outcomes = {line["outcome"] for line in proxy.access(3)}
    assert outcomes <= {"bad-answer", "upstream-reset"}
    assert "bad-answer" in outcomes


@pytest.mark.parametrize(
    "fields",
    [
        [(":status", "200"), ("Upper", "case")],
        [(":status", "200"), ("connection", "close")],
        [(":status", "2000")],
        [("x-no", "status")],
        [(":status", "200"), ("content-length", "5")],
        [(":status", "200"), ("a", "b" * 20_000)],
    ],
    ids=["upper", "connection", "status", "none", "length", "large"],
)
def test_malformed_answer_ends_its_stream_alone(weir, server, pooled2, gate, fields):
    def handler(request):
        if request.target == "/bad":
            session = request.session
            session.do(
                lambda h: session.connection.send(
                    frame(1, 5, request.id, h.encoder.encode(fields))
                )
            )
        else:
            gate.wait(10)
            echo2(request)

    one = server(handler)
    proxy = weir(pooled2(one, more=LOGGED, **ONE_TRY))
    client = H2Client(proxy)
    held = client.open(target="/held")
    answer = client.ask(target="/bad")
    assert answer.status == 502
    gate.set()
    assert client.finish(held).status == 200
    assert [line["outcome"] for line in proxy.access(2)] == ["bad-answer", "ok"]
    assert len(one.connections) == 1


def flooding(kind, flags, stream, payload):
    """A server that sends frames of this kind without end."""

    def script(connection):
        connection.exactly(24)
        connection.send(frame(4, 0, 0))
        flood = frame(kind, flags, stream, payload) * 1000
        try:
            while True:
                connection.send(flood)
        except OSError:
            return

    return script


@pytest.mark.parametrize(
    "flood",
    [flooding(6, 0, 0, b"12345678"), flooding(4, 0, 0, b""), flooding(0, 0, 1, b"")],
    ids=["ping", "settings", "empty"],
)
def test_floods_of_a_server(weir, backend, clear2, server, flood):
    proxy = weir(clear2(backend(flood), more=LOGGED, **ONE_TRY))
    client = H2Client(proxy)
    before = proxy.resident()
    assert client.ask().status == 502
    assert proxy.access(1)[0]["outcome"] in ("bad-answer", "upstream-reset")
    assert proxy.resident() - before < 8 << 20


def test_response_timeout_of_one_stream(weir, server, pooled2):
    """The others go on."""
    codes = []

    def handler(request):
        if request.target == "/late":
            codes.append(request.gone())
        else:
            echo2(request)

    one = server(handler)
    proxy = weir(pooled2(one, more=LOGGED, timeouts={"response": "300ms"}, **ONE_TRY))
    client = H2Client(proxy)
    late = client.open(target="/late")
    while not late.over:
        assert client.ask().status == 200
        time.sleep(0.02)
        client.settle()
    assert late.status == 504
    eventually(lambda: codes == [CANCEL], "the reset")
    assert len(one.connections) == 1
    lines = [line for line in proxy.access(2) if line["path"] == "/late"]
    eventually(lambda: any(l["path"] == "/late" for l in proxy.access(3)), "the log")
    assert [line["outcome"] for line in lines] in ([], ["response-timeout"])


def test_silent_server_gets_no_new_requests(weir, server, pooled2):
    """A connection on which nothing comes may be dead: the next request goes on a new one."""
    release = threading.Event()

    def handler(request):
        if request.session.connection.number == 0:
            release.wait(10)
        else:
            echo2(request)

    one = server(handler)
    proxy = weir(pooled2(one, timeouts={"response": "300ms"}, **ONE_TRY))
    client = H2Client(proxy)
    assert client.ask().status == 504
    assert client.ask().status == 200
    release.set()
    assert len(one.connections) == 2


@pytest.mark.parametrize("limit", ["total", "stream"])
def test_time_inside_an_answer(weir, backend2, clear2, limit):
    def handler(request):
        request.head()
        request.write(b"abc")
        assert request.gone() == CANCEL

    proxy = weir(clear2(backend2(handler), more=LOGGED, timeouts={limit: "300ms"}))
    answer = H2Client(proxy).ask()
    assert not answer.ended
    assert proxy.access(1)[0]["outcome"] == f"{limit}-timeout"
