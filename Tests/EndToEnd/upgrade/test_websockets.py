"""The websockets library on both ends of a tunnel, many at once, in the clear and over TLS."""

import asyncio

import pytest
import websockets.asyncio.client
import websockets.asyncio.server
from websockets.exceptions import ConnectionClosedOK

from harness import scaled
from harness.data import whole
from harness.secure import client_context, secure_listener
from harness.setups import single


@pytest.fixture(params=["clear", "tls"])
def carrier(request, weir, certificates):
    """Starts a proxy; gives it, the scheme, and what a client wants of TLS."""

    def start(server):
        if request.param == "clear":
            return weir(single(server)), "ws", None
        listener = secure_listener(certificates.site)
        context = client_context(certificates.authority)
        return weir({"listeners": [listener], "servers": [server]}), "wss", context

    return start


async def mirror(connection):
    async for message in connection:
        await connection.send(message)


def talk(carrier, serve, visit):
    """Runs `visit(connect)` against a websockets server behind the proxy."""

    async def run():
        async with websockets.asyncio.server.serve(serve, "127.0.0.1", 0, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            proxy, scheme, context = await asyncio.to_thread(carrier, f"127.0.0.1:{port}")
            host, listening = proxy.address
            tls = {} if context is None else {"ssl": context, "server_hostname": "example.test"}

            def connect():
                url = f"{scheme}://{host}:{listening}/"
                # Not compressed, so that the proxy is tried and not zlib.
                return websockets.asyncio.client.connect(
                    url, max_size=None, proxy=None, compression=None, **tls
                )

            await visit(connect)

    asyncio.run(asyncio.wait_for(run(), scaled(60)))


def test_twenty_at_once_with_large_messages(carrier):
    async def one(connect, number):
        message = whole(1_000_000 + number)
        async with connect() as client:
            for _ in range(3):
                await client.send(message)
                assert await client.recv() == message

    async def visit(connect):
        await asyncio.gather(*(one(connect, number) for number in range(20)))

    talk(carrier, mirror, visit)


def test_full_duplex(carrier):
    """Both sides send 20 MB at once, neither waits for the other."""
    message = whole(1_000_000)

    async def both(connection):
        async def receive():
            for _ in range(20):
                assert await connection.recv() == message

        async def send():
            for _ in range(20):
                await connection.send(message)

        await asyncio.gather(receive(), send())

    async def visit(connect):
        async with connect() as client:
            await both(client)

    talk(carrier, both, visit)


def test_pings_and_the_closing_handshake(carrier):
    async def visit(connect):
        async with connect() as client:
            for _ in range(10):
                await asyncio.wait_for(await client.ping(), scaled(5))
            await client.close(4000, "enough")
            assert (client.close_code, client.close_reason) == (4000, "enough")

    talk(carrier, mirror, visit)


def test_closing_by_the_server(carrier):
    async def serve(connection):
        await connection.send("last words")
        await connection.close(1000, "over")

    async def visit(connect):
        async with connect() as client:
            assert await client.recv() == "last words"
            try:
                await client.recv()
                raise AssertionError("more came")
            except ConnectionClosedOK as end:
                assert end.rcvd.reason == "over"

    talk(carrier, serve, visit)
