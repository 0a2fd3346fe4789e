"""`Upgrade: websocket` becomes a tunnel, every other upgrade ends here."""

import asyncio
import threading
import time

import pytest
import websockets.asyncio.client
import websockets.asyncio.server

from harness import answer, eventually, scaled
from harness.checks import assert_own_answer
from harness.setups import LOGGED, Seen, single

ASK = [("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")]
HANDSHAKE = [*ASK, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]
SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def switching(then):
    """A server that agrees to the upgrade and goes on with `then(connection)`."""

    def script(connection):
        connection.request()
        connection.send(SWITCH)
        then(connection)

    return script


def mirror(connection):
    while connection.buffer or connection.fill():
        data, connection.buffer = connection.buffer, b""
        connection.send(data)


def opened(proxy, **options):
    client = proxy.client(**options)
    client.send_request(fields=HANDSHAKE)
    response = client.response()
    assert response.status == 101, response
    assert response.get("upgrade").lower() == "websocket"
    assert "upgrade" in response.get("connection").lower()
    return client


def test_websockets_library_both_ends(weir):
    async def serve(connection):
        async for message in connection:
            await connection.send(message)

    async def talk():
        server = await websockets.asyncio.server.serve(serve, "127.0.0.1", 0, max_size=None)
        port = server.sockets[0].getsockname()[1]
        proxy = await asyncio.to_thread(weir, single(f"127.0.0.1:{port}"))
        host, listening = proxy.address
        url = f"ws://{host}:{listening}/chat"
        async with websockets.asyncio.client.connect(url, max_size=None, proxy=None) as client:
            for size in [0, 1, 125, 126, 65535, 65536, 3_000_000]:
                await client.send("x" * size)
                assert await client.recv() == "x" * size
            for number in range(300):
                await client.send(str(number))
            assert [await client.recv() for _ in range(300)] == [str(n) for n in range(300)]
        server.close()
        await server.wait_closed()

    asyncio.run(asyncio.wait_for(talk(), scaled(60)))


def test_server_sees_the_upgrade(weir, backend):
    server = backend(switching(mirror))
    opened(weir(single(server)))
    request = server.requests[0]
    assert request.get("upgrade").lower() == "websocket"
    assert "upgrade" in request.get("connection").lower()
    assert request.get("sec-websocket-key") == "dGhlIHNhbXBsZSBub25jZQ=="


def test_bytes_right_behind_the_heads(weir, backend):
    """Bytes that came in one piece with the request, and with the 101, are not lost."""

    def script(connection):
        connection.request()
        connection.send(SWITCH + "server first")
        mirror(connection)

    client = weir(single(backend(script))).client()
    client.send_request(fields=HANDSHAKE)
    client.send("client first")
    assert client.response().status == 101
    assert client.exactly(24) == b"server firstclient first"


def test_half_close_by_the_client(weir, backend):
    def then(connection):
        data = connection.rest()
        connection.send(b"got %d" % len(data))

    client = opened(weir(single(backend(switching(then)))))
    client.send(b"x" * 100_000)
    client.finish()
    assert client.rest() == b"got 100000"


def test_half_close_by_the_server(weir, backend):
    got = []

    def then(connection):
        connection.send("bye")
        connection.finish()
        got.append(connection.rest())

    client = opened(weir(single(backend(switching(then)))))
    assert client.rest() == b"bye"
    client.send("still here")
    client.finish()
    assert eventually(lambda: got) == [b"still here"]


def test_reset_reaches_the_other_side(weir, backend):
    ended = threading.Event()

    def then(connection):
        try:
            connection.rest()
        finally:
            ended.set()

    client = opened(weir(single(backend(switching(then)))))
    client.send("x")
    client.reset()
    assert ended.wait(scaled(5))


def test_back_pressure(weir, backend):
    """A side that does not read stops the other one; memory stays bounded; nothing is lost."""
    total = 60_000_000
    sent = []

    def then(connection):
        for _ in range(total // 100_000):
            connection.send(b"y" * 100_000)
            sent.append(100_000)
        connection.finish()
        connection.rest()

    server = backend(switching(then))
    proxy = weir(single(server))
    before = proxy.resident()
    client = opened(proxy, timeout=scaled(60))
    # The server has stalled once what it sent does not grow between two looks.
    eventually(lambda: sum(sent) > 1_000_000 and stalled(sent), within=scaled(30))
    assert sum(sent) < total
    assert proxy.resident() - before < 12_000_000
    client.keeps = False
    count = len(client.buffer)
    client.buffer = b""
    while client.fill():
        count += len(client.buffer)
        client.buffer = b""
    assert count == total


def stalled(sent):
    count = len(sent)
    time.sleep(0.3)
    return len(sent) == count


def test_tunnel_time_out(weir, backend):
    proxy = weir(single(backend(switching(mirror)), timeouts={"tunnel": "500ms"}, **LOGGED))
    client = opened(proxy)
    for _ in range(8):
        client.send("x")
        assert client.exactly(1) == b"x"
    assert client.ended()
    assert proxy.access()[0]["status"] == 101


def test_server_may_decline(weir, backend):
    server = backend()
    client = weir(single(server)).client()
    for _ in range(2):
        assert client.ask(fields=HANDSHAKE).status == 200
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "answered",
    [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
def test_switch_to_something_else_is_a_bad_answer(weir, backend, answered):
    def script(connection):
        connection.request()
        connection.send(answered, "evil")
        connection.rest()

    client = weir(single(backend(script))).client()
    assert_own_answer(client.ask(fields=HANDSHAKE), 502)


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0", "websocket, h2c", "websocket/13", "foo"])
def test_other_upgrades_go_on_as_plain_http(weir, backend, protocol):
    server = backend()
    client = weir(single(server)).client()
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", protocol)]
    seen = Seen(client.ask(fields=[*fields, ("HTTP2-Settings", "AAMAAABkAAQAAP__")]))
    assert not seen.all("upgrade") and not seen.all("http2-settings")
    assert "upgrade" not in ",".join(seen.all("connection")).lower()


def test_upgrade_that_connection_does_not_name(weir, backend):
    seen = Seen(weir(single(backend())).ask(fields=[("Upgrade", "websocket")]))
    assert not seen.all("upgrade")


def test_unasked_switch_is_a_bad_answer(weir, backend):
    def script(connection):
        connection.request()
        connection.send(SWITCH)
        connection.rest()

    client = weir(single(backend(script))).client()
    assert_own_answer(client.ask(), 502)


def test_routes_hold_for_upgrades(weir, backend):
    config = single(backend(switching(mirror)))
    config["pools"] = {"main": config.pop("servers")}
    config["routes"] = [{"match": "/chat", "pool": "main"}]
    client = weir(config).client()
    response = client.ask(target="/other", fields=HANDSHAKE)
    assert response.status == 404


def test_tunnel_in_the_log(weir, backend):
    proxy = weir(single(backend(switching(mirror)), **LOGGED))
    client = opened(proxy)
    client.send("12345")
    assert client.exactly(5) == b"12345"
    client.finish()
    assert client.rest() == b""
    line = proxy.access()[0]
    assert (line["status"], line["outcome"]) == (101, "ok")


def test_upgrade_required_is_passed_on(weir, backend):
    def script(connection):
        while connection.request() is not None:
            connection.send(answer(426, "no", reason="Upgrade Required", fields=[("Upgrade", "websocket")]))

    response = weir(single(backend(script))).ask(fields=HANDSHAKE)
    assert (response.status, response.body) == (426, b"no")
