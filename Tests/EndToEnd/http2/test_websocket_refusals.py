"""What becomes of extended CONNECT (RFC 8441) where no WebSocket is opened."""

import pytest

from harness.http2 import NO_ERROR, PROTOCOL_ERROR, H2Client
from harness.setups import LOGGED
from harness.websocket import StreamSide, mirror, serves


@pytest.mark.parametrize("status", [302, 401, 403, 404, 426, 500, 503])
def test_refusal_by_the_server(weir, backend, over, status):
    """Any answer from 300 on is an answer like others, and passes as it is."""

    def script(connection):
        while (request := connection.request()) is not None:
            refuses = request.has("upgrade")
            fields = [("X-Why", "no"), ("Location", "/elsewhere")] if refuses else []
            body = "not here" if refuses else "plain"
            connection.answer(status if refuses else 200, body, fields, reason="No")

    proxy = weir(over(backend(script), **LOGGED))
    client = H2Client(proxy)
    socket = StreamSide(client)
    client.finish(socket.answer)
    answer = socket.answer
    assert (answer.status, answer.body, answer.get("x-why")) == (status, b"not here", "no")
    assert answer.ended and answer.code in (None, NO_ERROR)
    assert client.ask().body == b"plain"
    assert proxy.access(2)[0]["status"] == status


@pytest.mark.parametrize("status", [200, 204, 299])
def test_success_that_opens_nothing(weir, backend, over, status):
    """Every 2xx to extended CONNECT says that the WebSocket is open (RFC 8441 §5), which only the
    server's 101 does."""

    def script(connection):
        while (request := connection.request()) is not None:
            found = status if request.has("upgrade") else 200
            connection.answer(found, "" if found == 204 else "x")

    proxy = weir(over(backend(script), **LOGGED))
    client = H2Client(proxy)
    socket = StreamSide(client)
    client.finish(socket.answer)
    for _ in range(7):
        assert socket.answer.status == 501
        assert socket.answer.get("x-weir-outcome") == "protocol-refused"
        socket = StreamSide(client)
        client.finish(socket.answer)
    # The server has done nothing wrong, and stays.
    assert client.ask().body == b"x"
    assert proxy.access(9)[0]["outcome"] == "protocol-refused"
    assert not any("eject" in line for line in proxy.lines)


def test_route_of_the_file_opens_nothing(weir, over):
    proxy = weir(over(routes=[{"respond": {"body": "hello"}}]))
    client = H2Client(proxy)
    for more in [(), [("content-type", "application/grpc")]]:
        socket = StreamSide(client, fields=more)
        client.finish(socket.answer)
        assert socket.answer.status == 501, socket.answer
        assert socket.answer.get("x-weir-outcome") == "protocol-refused"
    assert client.ask().text == "hello"


@pytest.mark.parametrize("length", ["0", "5"])
def test_length_of_a_tunnel(weir, backend, over, length):
    """A tunnel has no length: taken for a body, what it carries would be one request and more."""
    server = backend(serves(mirror))
    client = H2Client(weir(over(server)))
    socket = StreamSide(client, fields=[("content-length", length)])
    client.finish(socket.answer)
    assert socket.answer.code == PROTOCOL_ERROR
    assert client.ask().status == 200
    assert [one.target for one in server.requests] == ["/"]


def test_upgrade_to_something_else(weir, backend, over):
    """101 to another protocol is no answer to this request."""

    def script(connection):
        connection.request_head()
        connection.send("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
        connection.rest()

    client = H2Client(weir(over(backend(script))))
    socket = StreamSide(client)
    client.finish(socket.answer)
    assert socket.answer.status == 502 and socket.answer.get("x-weir-outcome") == "bad-answer"


@pytest.mark.parametrize("protocol", ["connect-udp", "connect-ip", "webtransport", "WebSocketX"])
def test_other_protocols_are_refused(weir, backend, over, protocol):
    server = backend(serves(mirror))
    client = H2Client(weir(over(server)))
    socket = StreamSide(client, protocol=protocol)
    client.finish(socket.answer)
    assert socket.answer.status == 501
    assert client.ask().body == b"plain"
    assert len(server.requests) == 1
