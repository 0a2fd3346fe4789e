"""Bodies that are sent again, and requests that must not be."""

import random
import threading
import time

import pytest

from harness import Closed, WireError, answer, echo, eventually
from harness.checks import assert_own_answer
from harness.data import pieces
from harness.faults import closing, resetting, saying, silent, standing_in
from harness.setups import pooled

CRLF = b"\r\n"


def body_of(size):
    return b"".join(pieces(size))


def proxy_before(weir, bad, good, **retries):
    backoff = {"base": "1ms", "max": "1ms"}
    return weir(standing_in(bad, good, retries={"backoff": backoff, **retries}))


# As written in the file, and in bytes; nothing is the standard.
BUFFERS = {"4KiB": 4096, "1B": 1, "1MiB": 1 << 20, None: 65_536}


@pytest.mark.parametrize("buffer", BUFFERS)
@pytest.mark.parametrize("fault", [resetting, saying(503)], ids=["reset", "status"])
def test_a_body_as_large_as_the_buffer_is_sent_again(weir, backend, buffer, fault):
    bad, good = backend(fault), backend()
    keys = {} if buffer is None else {"buffer": buffer}
    proxy = proxy_before(weir, bad, good, status=503, **keys)
    body = body_of(BUFFERS[buffer])
    assert proxy.ask("PUT", body=body).status == 200
    assert good.requests[0].body == body
    assert good.requests[0].get("content-length") == str(len(body))
    line = proxy.access()[0]
    assert line["tries"] == 2 and line["bytes-in"] > len(body)


@pytest.mark.parametrize("buffer", BUFFERS)
def test_a_larger_body_has_one_try(weir, backend, buffer):
    bad, good = backend(resetting), backend()
    keys = {} if buffer is None else {"buffer": buffer}
    proxy = proxy_before(weir, bad, good, **keys)
    response = proxy.ask("PUT", body=body_of(BUFFERS[buffer] + 1))
    assert_own_answer(response, 502, "upstream-reset")
    assert proxy.access()[0]["tries"] == 1 and not good.connections


def test_a_larger_body_gets_the_answer_that_would_be_tried_again(weir, backend):
    bad, good = backend(saying(503, body=b"mine")), backend()
    proxy = proxy_before(weir, bad, good, status=503, buffer="4KiB")
    response = proxy.ask("PUT", body=body_of(4097))
    assert (response.status, response.body) == (503, b"mine") and not good.connections


def test_without_a_buffer_only_requests_without_a_body_are_sent_again(weir, backend):
    bad, good = backend(resetting), backend()
    proxy = proxy_before(weir, bad, good, buffer="0B")
    assert proxy.ask("PUT", body=b"").status == 200
    assert_own_answer(proxy.ask("PUT", body=b"x"), 502, "upstream-reset")


@pytest.mark.parametrize("sizes", [[1], [5, 1, 4096, 300], [20_000, 20_000], [1] * 200])
def test_a_chunked_body_is_sent_again(weir, backend, sizes):
    bad, good = backend(resetting), backend()
    body = body_of(sum(sizes))
    chunks = [body[sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(len(sizes))]
    assert proxy_before(weir, bad, good).ask("PUT", body=chunks).status == 200
    again = good.requests[0]
    assert again.body == body and again.chunked and not again.has("content-length")


def test_a_longer_chunked_body_has_one_try(weir, backend):
    bad, good = backend(resetting), backend()
    response = proxy_before(weir, bad, good).ask("PUT", body=[b"x" * 33_000] * 2)
    assert_own_answer(response, 502, "upstream-reset")
    assert not good.connections


def test_trailers_are_sent_again(weir, backend):
    bad, good = backend(resetting), backend()
    client = proxy_before(weir, bad, good).client()
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send("5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n")
    assert client.response().status == 200
    assert good.requests[0].body == b"hello"
    assert good.requests[0].trailers == [("X-Sum", "42")]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_still_coming_goes_to_the_next_server_whole(weir, backend, chunked):
    """The first server fails on half of it; the other half reaches the second one only."""

    def half(connection):
        head = connection.request_head()
        connection.note(head)
        while b"first half" not in connection.buffer:
            connection.fill()
        connection.reset()

    bad, good = backend(half), backend()
    client = proxy_before(weir, bad, good).client()
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 23"
    client.send(f"PUT / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n")
    client.send("a\r\nfirst half\r\n" if chunked else "first half")
    # It is asked before the rest is there.
    eventually(lambda: good.connections, "the second try")
    client.send("d\r\n, second half\r\n0\r\n\r\n" if chunked else ", second half")
    assert client.response().status == 200
    assert good.requests[0].body == b"first half, second half"


def test_a_body_that_outgrows_the_buffer_on_its_way_is_not_sent_again(weir, backend):
    seen = threading.Event()

    def late(connection):
        head = connection.request_head()
        connection.note(head)
        while len(connection.buffer) < 5000:
            connection.fill()
        seen.set()
        connection.reset()

    bad, good = backend(late), backend()
    client = proxy_before(weir, bad, good, buffer="4KiB").client()
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n")
    client.send(b"x" * 4096)
    bad.saw()
    client.send(b"y" * 904)
    assert seen.wait(10)
    assert_own_answer(client.response(), 502, "upstream-reset")
    assert not good.connections


KEY = ("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324")


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK"])
@pytest.mark.parametrize("fault", [resetting, closing, saying(503)], ids=["reset", "close", "503"])
def test_a_key_makes_a_request_repeatable_where_the_file_says_so(weir, backend, method, fault):
    bad, good = backend(fault), backend()
    proxy = proxy_before(weir, bad, good, status=503, **{"idempotency-key": True})
    assert proxy.ask(method, body=b"pay", fields=[KEY]).status == 200
    # With its key, by which the servers tell that it is the same.
    assert [one.get("idempotency-key") for one in [*bad.requests, *good.requests]] == [KEY[1]] * 2


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ({}, [KEY]),
        ({"idempotency-key": False}, [KEY]),
        ({"idempotency-key": True}, []),
        ({"idempotency-key": True}, [("X-Idempotency-Key", "1"), ("Idempotency", "1")]),
    ],
    ids=["by default", "off", "no key", "other fields"],
)
def test_otherwise_it_does_not(weir, backend, keys, fields):
    bad, good = backend(resetting), backend()
    proxy = proxy_before(weir, bad, good, **keys)
    assert_own_answer(proxy.ask("POST", body=b"pay", fields=fields), 502, "upstream-reset")
    assert not good.connections


# What a server does to a request; those that read one note it, so that it counts.


def unread(connection):
    """Closes before it has read anything."""


def unread_reset(connection):
    connection.reset()


def half_head(connection):
    """A crash in the middle of a head: the request line may have been acted upon."""
    connection.line()
    connection.reset()


def note_line(fault):
    """Notes a request as soon as its first line has come, since a server might act on it."""

    def script(connection):
        while b"\r\n" not in connection.buffer:
            if not connection.fill():
                return
        connection.backend.seen.append(connection.buffer.split(b" ", 2)[1].decode())
        fault(connection)

    return script


def refusing(connection):
    """Answers 503 to the request that was noted, and to others that it notes."""
    noted = True
    while (request := connection.request()) is not None:
        if not noted:
            connection.backend.seen.append(request.target)
        noted = False
        connection.answer(503, reason="No")


def answered(*pieces, then=closing):
    def script(connection):
        if connection.request() is not None:
            connection.send(*pieces)
            if then is resetting:
                connection.reset()

    return script


FAULTS = {
    "closes unread": unread,
    "resets unread": unread_reset,
    "resets inside the head": note_line(half_head),
    "resets": note_line(resetting),
    "closes": note_line(closing),
    "is silent": note_line(silent),
    "says 503": note_line(refusing),
    "says 503 and closes": note_line(answered(answer(503))),
    "says what is no HTTP": note_line(answered(b"oops\r\n\r\n")),
    "closes inside a head": note_line(answered(b"HTTP/1.1 200 OK\r\nContent-Le")),
    "resets inside a head": note_line(answered(b"HTTP/1.1 200 OK\r\nContent-Le", then=resetting)),
    "resets inside a body": note_line(answered(answer(body=b"whole")[:-2], then=resetting)),
    "closes inside a body": note_line(answered(answer(body=b"whole")[:-2])),
    "resets behind an interim answer": note_line(
        answered("HTTP/1.1 103 Early Hints\r\n\r\n", then=resetting)
    ),
}
ALL = {
    "attempts": 4,
    "on": ["connect-failure", "reset-before-answer", "timeout"],
    "status": [500, 502, 503, 504],
    "try-timeout": "150ms",
    "backoff": {"base": "1ms", "max": "2ms"},
    "budget": "none",
}


def well(connection):
    """Serves well, and notes what it serves."""
    request = connection.request

    def noting():
        found = request()
        if found is not None:
            connection.backend.seen.append(found.target)
        return found

    connection.request = noting
    echo(connection)


def noting_backend(backend, script, **options):
    server = backend(script, **options)
    server.seen = []
    return server


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_post_reaches_two_servers(weir, backend, fault, kept):
    """Whatever happens to it, on a new connection or a kept one: one server at most has seen it."""

    def script(connection):
        if kept and connection.number == 0:
            connection.request()
            connection.answer(body="kept")
            if not connection.buffer and not connection.fill():
                return
        FAULTS[fault](connection)

    bad, good = noting_backend(backend, script), noting_backend(backend, well)
    client = weir(standing_in(bad, good, retries=ALL)).client()
    if kept:
        assert client.ask(target="/before").body == b"kept"
    try:
        status = client.ask("POST", "/post", body=b"pay" * 100).status
    except (Closed, WireError):
        status = 0
    bad.close()
    good.close()
    arrived = [*bad.seen, *good.seen].count("/post")
    assert arrived <= 1
    assert (status == 200) == ("/post" in good.seen)
    assert status in (0, 200, 502, 503, 504)


def test_no_post_is_processed_twice_in_a_storm(weir, backend):
    """GETs and POSTs over servers that fail at random: each POST arrives once at most."""
    chance = random.Random(5)
    scripts = list(FAULTS.values())

    def moody(connection):
        """Serves some requests well, and then fails in some way."""
        with lock:
            left, fault = chance.randrange(6), chance.choice(scripts)
        for _ in range(left):
            if (request := connection.request()) is None:
                return
            connection.backend.seen.append(request.target)
            connection.answer(body="" if request.method == "HEAD" else request.target)
        if left and not connection.buffer and not connection.fill():
            return
        fault(connection)

    lock = threading.Lock()
    servers = [noting_backend(backend, moody) for _ in range(3)]
    pool = {"retries": {**ALL, "try-timeout": "30ms"}, "ejection": "off"}
    proxy = weir(pooled(servers, pool))
    answers = {}

    def load(number):
        client, draw = proxy.client(), random.Random(number)
        for count in range(40):
            method = draw.choice(["GET", "POST", "POST", "PUT"])
            target = f"/{method}/{number}/{count}"
            body = None if method == "GET" else b"x" * draw.choice([0, 10, 5000])
            try:
                response = client.ask(method, target, body=body)
                answers[target] = response.status
                ended = response.get("connection") == "close"
            except (Closed, WireError):
                answers[target], ended = 0, True
            if ended:
                client.close()
                client = proxy.client()

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.05)
    seen = [target for server in servers for target in server.seen]
    posts = [target for target in answers if target.startswith("/POST/")]
    assert len(answers) == 8 * 40
    assert [target for target in posts if seen.count(target) > 1] == []
    assert [target for target in answers if answers[target] == 200 and target not in seen] == []
    # The storm was one, and the retries were worth something.
    assert any(answers[target] != 200 for target in posts)
    gets = [target for target in answers if not target.startswith("/POST/")]
    assert any(seen.count(target) > 1 for target in gets)
