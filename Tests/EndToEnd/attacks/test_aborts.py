"""Either side leaves at every byte: nothing is left behind, and the next request is served."""

import pytest

from harness import answer, eventually
from harness.client import encode_chunks
from harness.setups import pooled

REQUESTS = {
    "length": b"POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n0123456789",
    "chunked": b"POST /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    + encode_chunks([b"hello", b"world"], [("X-T", "1")]),
    "upgrade": b"GET /p HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
}

ANSWERS = {
    "length": answer(body="0123456789", fields=[("X-A", "1")]),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + encode_chunks([b"hello", b"world"], [("X-T", "1")]),
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(body="ok"),
}


def tolerant(connection):
    """Serves what comes; a request that breaks off is no fault."""
    try:
        while (request := connection.request()) is not None:
            if request.has("upgrade"):
                connection.answer(400, "no", reason="Bad Request")
            else:
                connection.answer(body=request.body)
    except AssertionError:
        pass


def leave(client, way):
    {"reset": client.reset, "close": client.close, "finish": client.finish}[way]()


@pytest.mark.parametrize("way", ["reset", "close", "finish"])
@pytest.mark.parametrize("kind", REQUESTS)
def test_client_leaves_at_every_byte(weir, backend, kind, way):
    server = backend(tolerant)
    proxy = weir(pooled(server, {"timeouts": {"idle": "100ms"}}, workers=1))
    before = proxy.descriptors()
    message = REQUESTS[kind]
    clients = []
    for cut in range(len(message)):
        clients.append(proxy.client())
        if cut:
            clients[-1].send(message[:cut])
        leave(clients[-1], way)
    if way == "finish":
        for client in clients:
            client.rest()
    eventually(lambda: proxy.descriptors() <= before, "all descriptors given back")
    assert proxy.ask("POST", body=b"still here").text == "still here"


@pytest.mark.parametrize("way", ["reset", "close"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_server_leaves_at_every_byte(weir, backend, kind, way):
    whole = ANSWERS[kind]

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/whole":
                connection.answer(body="still here")
                continue
            connection.send(whole[: int(request.target[1:])])
            leave(connection, way)
            return

    proxy = weir(
        pooled(
            backend(script),
            {"timeouts": {"idle": "100ms"}},
            workers=1,
            log={"access": {"to": "stdout", "format": "json"}},
        )
    )
    before = proxy.descriptors()
    for cut in range(len(whole)):
        client = proxy.client()
        client.send_request("POST", f"/{cut}", body=b"")
        received = b""
        try:
            received = client.response().body
            assert client.buffer == b""
        except Exception as problem:
            # What had gone already breaks off; it never looks complete.
            assert type(problem).__name__ == "Closed", problem
        assert received in (b"",) or b"outcome: " in received, received
        client.close()
    assert proxy.ask(target="/whole").text == "still here"
    eventually(lambda: proxy.descriptors() <= before, "all descriptors given back")
    lines = proxy.access(len(whole) + 1)
    assert [line["path"] for line in lines].count("/0") == 1
    assert len({line["path"] for line in lines}) == len(lines) == len(whole) + 1
