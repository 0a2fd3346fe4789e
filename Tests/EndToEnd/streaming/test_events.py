"""Answers that never end pass event by event."""

import http.client
import json
import subprocess
import threading

import pytest

from harness import answer, eventually, scaled
from harness.checks import outcome_of
from harness.setups import LOGGED, pooled, single

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def event(number):
    return b"data: %d\n\n" % number


class Events:
    """A server whose events are sent one by one, each when the test says so."""

    def __init__(self, framing):
        self.framing = framing
        self.going = threading.Semaphore(0)
        self.sent = 0

    def __call__(self, connection):
        connection.request()
        extra = "Transfer-Encoding: chunked\r\n" if self.framing == "chunked" else ""
        connection.send(HEAD + extra + "\r\n")
        while self.going.acquire(timeout=scaled(30)):
            data = event(self.sent)
            self.sent += 1
            chunked = b"%x\r\n%s\r\n" % (len(data), data)
            connection.send(chunked if self.framing == "chunked" else data)

    def next(self):
        self.going.release()


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_each_event_arrives_before_the_next_is_sent(weir, backend, framing, version):
    events = Events(framing)
    client = weir(single(backend(events))).client()
    client.send_request(version=version)
    head = client.line()
    assert head.split(b" ")[1] == b"200"
    fields = dict((name.lower(), value) for name, value in client.field_lines())
    assert fields["content-type"] == "text/event-stream"
    assert "content-length" not in fields
    assert ("transfer-encoding" in fields) == (version == "1.1")
    for number in range(100):
        assert events.sent == number, "an event was sent before it was asked for"
        events.next()
        if "transfer-encoding" in fields:
            assert client.chunk() == event(number)
        else:
            assert client.exactly(len(event(number))) == event(number)


def test_head_arrives_before_the_first_event(weir, backend):
    events = Events("chunked")
    client = weir(single(backend(events))).client()
    client.send_request()
    assert client.line() == b"HTTP/1.1 200 OK"
    client.field_lines()
    assert events.sent == 0


def test_http_client_reads_events(weir, backend):
    events = Events("chunked")
    proxy = weir(single(backend(events)))
    client = http.client.HTTPConnection(*proxy.address, timeout=scaled(10))
    client.request("GET", "/", headers={"Accept": "text/event-stream"})
    response = client.getresponse()
    for number in range(50):
        events.next()
        assert response.readline() == b"data: %d\n" % number
        assert response.readline() == b"\n"
    client.close()


def test_curl_reads_events(weir, backend):
    events = Events("chunked")
    proxy = weir(single(backend(events)))
    command = ["curl", "-sSN", "--noproxy", "*", proxy.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        for number in range(20):
            events.next()
            assert curl.stdout.readline() == b"data: %d\n" % number
            assert curl.stdout.readline() == b"\n"
        curl.terminate()


def test_many_streams_at_once_each_get_their_own(weir, backend):
    """Events of 50 streams, sent in turn, reach the client that asked for them."""
    streams = {}

    def script(connection):
        request = connection.request()
        gate = streams.setdefault(request.target, threading.Semaphore(0))
        connection.send(HEAD + "Transfer-Encoding: chunked\r\n\r\n")
        while gate.acquire(timeout=scaled(30)):
            data = request.target.encode()
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))

    proxy = weir(single(backend(script)))
    clients = [proxy.client() for _ in range(50)]
    for number, client in enumerate(clients):
        client.send_request(target=f"/{number}")
        client.line()
        client.field_lines()
    for _ in range(5):
        for number, client in enumerate(clients):
            streams[f"/{number}"].release()
            assert client.chunk() == b"/%d" % number


def test_silence_shorter_than_the_stream_time_out_is_endured(weir, backend):
    """Neither `idle` nor `response`, `body` or `send` end a stream that is silent."""
    events = Events("chunked")
    pool = {"timeouts": {"stream": "30s", "response": "200ms", "idle": "200ms"}}
    timeouts = {"body": "200ms", "send": "200ms", "keep-alive": "200ms", "head": "200ms"}
    proxy = weir(pooled(backend(events), pool, timeouts=timeouts))
    client = proxy.client()
    client.send_request()
    client.line()
    client.field_lines()
    # The other connection's end shows that more than the short times have passed.
    assert proxy.client().ended()
    assert proxy.client().ended()
    events.next()
    assert client.chunk() == event(0)


def test_stream_time_out_cuts_a_silent_answer(weir, backend):
    ended = threading.Event()

    def script(connection):
        connection.request()
        connection.send(HEAD + "Transfer-Encoding: chunked\r\n\r\n" + "5\r\nhello\r\n")
        connection.rest()
        ended.set()

    server = backend(script)
    proxy = weir(pooled(server, {"timeouts": {"stream": "500ms"}}, **LOGGED))
    client = proxy.client()
    client.send_request()
    client.line()
    client.field_lines()
    assert client.chunk() == b"hello"
    assert client.ended(), "the answer must end without its last chunk"
    assert ended.wait(scaled(5)), "the upstream connection stayed"
    assert outcome_of(proxy) == "stream-timeout"


def test_events_keep_the_stream_time_out_away(weir, backend):
    """Each event begins the time anew: 6 x 400 ms pass 1500 ms."""

    def script(connection):
        connection.request()
        connection.send(HEAD + "Transfer-Encoding: chunked\r\n\r\n")
        pause = threading.Event()
        for number in range(6):
            pause.wait(0.4)
            connection.send(b"%x\r\n%s\r\n" % (len(event(number)), event(number)))
        connection.send("0\r\n\r\n")

    proxy = weir(pooled(backend(script), {"timeouts": {"stream": "1500ms"}}))
    response = proxy.ask()
    assert response.body == b"".join(event(number) for number in range(6))


def test_logged_once_it_ends(weir, backend):
    def script(connection):
        connection.request()
        connection.send(answer(body=b"", length=False, fields=[("Transfer-Encoding", "chunked")]))
        connection.send("3\r\nabc\r\n", "0\r\n\r\n")
        connection.rest()

    proxy = weir(single(backend(script), **LOGGED))
    assert proxy.ask().body == b"abc"
    eventually(lambda: any(json.loads(line)["outcome"] == "ok" for line in proxy.output))
