"""WebSockets by extended CONNECT (RFC 8441), before servers that know the Upgrade of HTTP/1."""

import threading

import pytest
from wsproto.events import CloseConnection, Ping, Pong

from harness import eventually, scaled
from harness.data import whole
from harness.http2 import CANCEL, NO_ERROR, Answer, H2Client
from harness.setups import LOGGED
from harness.websocket import StreamSide, mirror, serves


def opened(client, **options):
    return StreamSide(client, **options).opened()


def test_echo(weir, backend, over):
    server = backend(serves(mirror))
    socket = opened(H2Client(weir(over(server))), target="/chat?room=1")
    for message in ["hello", b"\0\1\2", "", "ä" * 1000, b"x" * 70_000]:
        socket.send(message)
        assert socket.event() == message
    socket.send_piece(b"first ", False)
    socket.send_piece(b"second", True)
    assert socket.event() == b"first second"
    socket.ping(b"there?")
    found = socket.event()
    assert isinstance(found, Pong) and found.payload == b"there?"
    request = server.requests[0]
    assert (request.method, request.target) == ("GET", "/chat?room=1")
    assert request.get("connection").lower() == "upgrade"
    assert request.get("host") == "example.test"
    assert not request.has("content-length") and not request.has("transfer-encoding")


def switching(*interim, rest=b""):
    """A script that switches protocols behind interim answers, all in one piece, and mirrors."""

    def script(connection):
        connection.note(connection.request_head())
        heads = "".join(f"HTTP/1.1 {status} Wait\r\n\r\n" for status in interim)
        heads += "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        connection.send(heads.encode() + b"Sec-WebSocket-Accept: x\r\n\r\n" + rest)
        while connection.buffer or connection.fill():
            data, connection.buffer = connection.buffer, b""
            connection.send(data)
        connection.send(b"<end>")

    return script


@pytest.mark.parametrize("rest", [b"", b"first"], ids=["alone", "with bytes"])
@pytest.mark.parametrize("interim", [(), (100,), (103,), (100, 103, 103)], ids=str)
def test_interim_answers_before_the_tunnel(weir, backend, over, interim, rest):
    client = H2Client(weir(over(backend(switching(*interim, rest=rest)))))
    socket = opened(client)
    client.h2.send_data(socket.answer.id, b"more", end_stream=True)
    client.flush()
    assert client.finish(socket.answer).body == rest + b"more<end>"


@pytest.mark.parametrize("data", [None, b"", b"bye"])
def test_an_end_that_comes_before_the_answer(weir, backend, over, data):
    """END_STREAM is the end of this direction (RFC 8441 §5), whenever it comes."""
    client = H2Client(weir(over(backend(switching()))))
    stream = client.h2.get_next_available_stream_id()
    answer = client.answers[stream] = Answer(stream)
    head = [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", client.scheme),
        (":path", "/chat"), (":authority", "example.test"), ("sec-websocket-version", "13"),
    ]
    client.h2.send_headers(stream, head, end_stream=data is None)
    if data is not None:
        client.h2.send_data(stream, data, end_stream=True)
    client.flush()
    found = client.finish(answer)
    assert (found.status, found.body, found.code) == (200, (data or b"") + b"<end>", None)


def test_handshake_fields(weir, backend, over):
    """What the two sides agree on passes; keys and what answers them are of HTTP/1 only."""
    fields = [("Sec-WebSocket-Protocol", "chat.v2"), ("Set-Cookie", "a=1"), ("X-Own", "yes")]
    server = backend(serves(mirror, fields))
    client = H2Client(weir(over(server)))
    offered = [
        ("sec-websocket-protocol", "chat.v1, chat.v2"), ("origin", "https://example.test"),
        ("sec-websocket-extensions", "permessage-deflate"), ("cookie", "c=d"),
        ("sec-websocket-key", "bXkgb3duIGtleSBvZiAxNg=="),
    ]
    answer = opened(client, fields=offered).answer
    assert answer.get("sec-websocket-protocol") == "chat.v2" and answer.get("x-own") == "yes"
    assert answer.get("set-cookie") == "a=1"
    names = {name for name, _ in answer.fields}
    assert not names & {"connection", "upgrade", "sec-websocket-accept", "content-length"}
    request = server.requests[0]
    assert request.get("sec-websocket-protocol") == "chat.v1, chat.v2"
    assert request.get("sec-websocket-extensions") == "permessage-deflate"
    assert request.get("origin") == "https://example.test" and request.get("cookie") == "c=d"
    assert request.get("sec-websocket-key") != "bXkgb3duIGtleSBvZiAxNg=="


def test_keys_differ(weir, backend, over):
    server = backend(serves(mirror))
    client = H2Client(weir(over(server)))
    for _ in range(10):
        opened(client)
    assert len({one.get("sec-websocket-key") for one in server.requests}) == 10


def test_large_messages_both_ways(weir, backend, over):
    """Each side sends 8 MB before it reads: neither waits for the other for ever."""
    message = whole(1_000_000)

    def talk(side):
        def send():
            for _ in range(8):
                side.send(message)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        for _ in range(8):
            assert side.event() == message
        sender.join()
        assert isinstance(side.event(), CloseConnection)

    server = backend(serves(talk))
    socket = opened(H2Client(weir(over(server, workers=1))))
    for _ in range(8):
        socket.send(message)
    for _ in range(8):
        assert socket.event() == message
    socket.close()
    assert isinstance(socket.event(), CloseConnection)


def test_server_that_does_not_read(weir, backend, over):
    """The client's window shuts, memory stays bounded, and nothing is lost."""
    reads = threading.Event()

    def talk(side):
        reads.wait(scaled(20))
        mirror(side)

    proxy = weir(over(backend(serves(talk)), workers=1))
    client = H2Client(proxy)
    before = proxy.resident()
    socket = opened(client)
    message = whole(20_000_000)
    data, sent, chunk = socket.ws.send(_bytes(message)), 0, 16384
    stalls = 0
    while stalls < 20:
        room = min(client.h2.local_flow_control_window(socket.answer.id), chunk)
        if room:
            client.write(socket.answer, data[sent : sent + room])
            sent, stalls = sent + room, 0
        else:
            # An answer to another request shows that the connection lives.
            assert client.ask().body == b"plain"
            stalls += 1
    assert sent < len(data), "the window of a socket that nobody reads opens without end"
    assert proxy.resident() - before < 8 << 20
    reads.set()
    client.write(socket.answer, data[sent:])
    assert socket.event() == message


def _bytes(message):
    from wsproto.events import BytesMessage

    return BytesMessage(data=message)


def test_client_that_does_not_read(weir, backend, over):
    """A stream's shut window stalls its server, and no other stream."""
    done = threading.Event()

    def talk(side):
        side.send(whole(20_000_000))
        done.set()
        side.event()

    proxy = weir(over(backend(serves(talk)), workers=1))
    client = H2Client(proxy, credits=False)
    client.credit(1 << 24)
    before = proxy.resident()
    socket = opened(client)
    client.until(lambda: len(socket.answer.data) == 65535, "a shut window")
    for _ in range(20):
        assert client.ask().body == b"plain"
    assert not done.is_set() and proxy.resident() - before < 8 << 20
    client.credits = True
    client.credit((1 << 25), socket.answer)
    assert socket.event() == whole(20_000_000)


def test_close_by_the_client(weir, backend, over):
    closed = []

    def talk(side):
        closed.append(side.event())

    proxy = weir(over(backend(serves(talk)), **LOGGED))
    client = H2Client(proxy)
    socket = opened(client)
    socket.close(4000, "enough")
    found = socket.event()
    assert isinstance(found, CloseConnection) and found.code == 4000
    assert socket.event() is None and socket.answer.ended
    socket.finish()
    assert [(one.code, one.reason) for one in closed] == [(4000, "enough")]
    assert client.ask().body == b"plain"
    line = proxy.access(2)[0]
    assert (line["path"], line["outcome"]) == ("/chat", "ok")


def test_close_by_the_server(weir, backend, over):
    def talk(side):
        side.send("last words")
        side.close(1001, "over")
        assert isinstance(side.event(), CloseConnection)

    client = H2Client(weir(over(backend(serves(talk)))))
    socket = opened(client)
    assert socket.event() == "last words"
    found = socket.event()
    assert (found.code, found.reason) == (1001, "over")
    assert socket.event() is None and socket.answer.ended
    socket.finish()
    assert socket.answer.code in (None, NO_ERROR)
    assert client.ask().body == b"plain"


def test_end_of_the_clients_direction(weir, backend, over):
    """END_STREAM is the end of TCP's stream (RFC 8441 §5): the server may go on."""

    def talk(side):
        while side.event() is not None:
            pass
        side.send("still here")

    client = H2Client(weir(over(backend(serves(talk)))))
    socket = opened(client)
    socket.send("one")
    socket.finish()
    assert socket.event() == "still here"
    assert socket.event() is None and socket.answer.ended


def test_end_of_the_servers_direction(weir, backend, over):
    """The end of TCP's stream is END_STREAM: the client may go on."""
    heard = []

    def talk(side):
        side.send("my last")
        side.connection.finish()
        while (event := side.event()) is not None:
            heard.append(event)

    client = H2Client(weir(over(backend(serves(talk)))))
    socket = opened(client)
    assert socket.event() == "my last"
    assert socket.event() is None and socket.answer.ended and socket.answer.code is None
    socket.send("still here")
    socket.finish()
    eventually(lambda: heard == ["still here"], "what came behind")
    assert client.ask().body == b"plain"


def test_abort_by_the_client(weir, backend, over):
    """RST_STREAM ends the server's connection, and nothing else."""
    gone = threading.Event()

    def talk(side):
        try:
            while side.event() is not None:
                pass
        finally:
            gone.set()

    proxy = weir(over(backend(serves(talk)), workers=1, **LOGGED))
    client = H2Client(proxy)
    other = opened(client)
    descriptors = proxy.descriptors()
    for _ in range(10):
        gone.clear()
        socket = opened(client)
        socket.send("x")
        client.reset(socket.answer, CANCEL)
        assert gone.wait(scaled(5)), "the server's connection stayed"
    eventually(lambda: proxy.descriptors() <= descriptors, "descriptors given back")
    other.ping()
    assert isinstance(other.event(), Pong)
    assert {line["outcome"] for line in proxy.access(10)} == {"client-aborted"}


def test_abort_by_the_server(weir, backend, over):
    """A reset of TCP is RST_STREAM with CANCEL (RFC 8441 §5)."""

    def talk(side):
        side.send("before")
        side.event()
        side.connection.reset()

    proxy = weir(over(backend(serves(talk)), **LOGGED))
    client = H2Client(proxy)
    socket = opened(client)
    assert socket.event() == "before"
    socket.send("go")
    client.finish(socket.answer)
    assert not socket.answer.ended and socket.answer.code == CANCEL
    assert client.ask().body == b"plain"
    assert proxy.access(2)[0]["outcome"] == "upstream-reset"


def test_connection_lost(weir, backend, over):
    gone = threading.Semaphore(0)

    def talk(side):
        try:
            while side.event() is not None:
                pass
        finally:
            gone.release()

    client = H2Client(weir(over(backend(serves(talk)))))
    for _ in range(5):
        opened(client)
    client.stream.reset()
    for _ in range(5):
        assert gone.acquire(timeout=scaled(5)), "a server's connection stayed"


def test_no_server(weir, refused, over):
    client = H2Client(weir(over(refused)))
    socket = StreamSide(client)
    client.finish(socket.answer)
    assert socket.answer.status == 503
    assert socket.answer.get("x-weir-outcome") == "connect-failed"


def test_many_at_once(weir, backend, over):
    """A hundred sockets and plain requests on one connection do not mix."""
    client = H2Client(weir(over(backend(serves(mirror)), workers=1)))
    sockets = [opened(client) for _ in range(100)]
    for turn in range(3):
        for number, socket in enumerate(sockets):
            socket.send(f"{turn}:{number}" * 100)
        assert client.ask().body == b"plain"
        for number, socket in enumerate(sockets):
            assert socket.event() == f"{turn}:{number}" * 100
    for socket in sockets:
        socket.close()
    for socket in sockets:
        assert isinstance(socket.event(), CloseConnection)


def test_pings_of_the_server(weir, backend, over):
    answered = []

    def talk(side):
        side.ping(b"1")
        answered.append(side.event())

    client = H2Client(weir(over(backend(serves(talk)))))
    socket = opened(client)
    assert isinstance(socket.event(), Ping)
    eventually(lambda: answered, "an answer to the server's ping")
    assert isinstance(answered[0], Pong) and answered[0].payload == b"1"


def test_idle_sockets_end(weir, backend, over):
    """`timeouts.tunnel` holds for a stream as for a connection."""
    proxy = weir(over(backend(serves(mirror)), timeouts={"tunnel": "500ms"}, **LOGGED))
    client = H2Client(proxy)
    socket = opened(client)
    client.finish(socket.answer)
    assert client.ask().body == b"plain"
    assert proxy.access(2)[0]["outcome"] == "ok"


def test_access_log(weir, backend, over):
    """A socket is one line, written when it ends, with the bytes of both ways."""
    proxy = weir(over(backend(serves(mirror)), **LOGGED))
    client = H2Client(proxy)
    socket = opened(client, target="/chat?x")
    socket.send(b"x" * 10_000)
    assert len(socket.event()) == 10_000
    socket.close()
    socket.event()
    socket.finish()
    line = proxy.access()[0]
    assert (line["path"], line["host"], line["outcome"]) == ("/chat?x", "example.test", "ok")
    assert line["status"] == 101
    assert line["bytes-in"] > 10_000 and line["bytes-out"] > 10_000
