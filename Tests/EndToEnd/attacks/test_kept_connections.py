"""What is left of one answer must never become part of the next."""

import threading

import pytest

from harness import answer, eventually
from harness.checks import idle
from harness.setups import pooled, single


def pieces(*cuts):
    """Answers each request with its target as the body, in pieces that arrive one by one."""

    def script(connection):
        while (request := connection.request()) is not None:
            whole = answer(body=request.target)
            before = 0
            for cut in [*cuts, len(whole)]:
                connection.send(whole[before:cut])
                before = cut
                # The proxy has read the piece before the next one comes.
                connection.backend.pause(connection)

    return script


@pytest.mark.parametrize("cut", [1, 12, 17, 30, 36])
def test_answer_in_pieces_leaves_nothing_behind(weir, backend, cut):
    server = backend(pieces(cut))
    server.pause = lambda connection: eventually(lambda: unread(connection) == 0)
    client = weir(single(server, workers=1)).client()
    for target in ("/first", "/second-longer", "/3"):
        response = client.ask(target=target)
        assert (response.status, response.text) == (200, target)
    assert len(server.connections) == 1


def unread(connection):
    """Bytes that the proxy's end of this connection has received and not read."""
    ours, theirs = connection.sock.getsockname()[1], connection.sock.getpeername()[1]
    with open("/proc/net/tcp") as table:
        for line in table:
            parts = line.split()
            if parts[1].endswith(f":{theirs:04X}") and parts[2].endswith(f":{ours:04X}"):
                return int(parts[4].split(":")[1], 16)
    return 0


@pytest.mark.parametrize("size", [200, 65_000, 200_000, 1_000_000])
def test_bytes_behind_an_answer_reach_nobody(weir, backend, size):
    """Whatever way the body goes, the connection with bytes behind it is not used again."""
    stray = answer(body="stolen")

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/big":
                connection.send(answer(body=b"x" * size) + stray)
            else:
                connection.answer(body="mine")

    proxy = weir(single(backend(script), workers=1))
    for _ in range(5):
        client = proxy.client()
        client.send_request(target="/big")
        client.send_request(target="/next")
        first = client.fill() and client.buffer[:12]
        if first == b"HTTP/1.1 200":
            try:
                response = client.response()
                assert response.body == b"x" * size
                assert client.response().text == "mine"
            except Exception as problem:
                assert type(problem).__name__ == "Closed", problem
        assert b"stolen" not in client.received
        client.close()


def test_many_requests_in_one_write_are_answered_in_order(weir, backend):
    def script(connection):
        while (request := connection.request()) is not None:
            connection.answer(body=request.target)

    server = backend(script)
    client = weir(pooled(server, {}, workers=1)).client()
    count = 1000
    whole = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(count))
    sender = threading.Thread(target=client.send, args=(whole,), daemon=True)
    sender.start()
    for number in range(count):
        assert client.response().text == f"/{number}"
    sender.join()
    idle(None, server, 1)
