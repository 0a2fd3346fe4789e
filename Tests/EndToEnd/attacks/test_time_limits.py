"""Time limits that must neither be lost nor hit those who keep them."""

import time

from harness import eventually
from harness.setups import LOGGED, pooled, single
from harness.tunnels import SWITCHED, UPGRADE


def test_tunnel_ends_by_its_limit_after_a_slow_reader(weir, backend):
    size = 8_000_000

    def script(connection):
        connection.request()
        connection.send(SWITCHED, b"x" * size)
        connection.rest()

    server = backend(script)
    proxy = weir(single(server, timeouts={"tunnel": "1s"}, **LOGGED))
    client = proxy.client(receive_buffer=4096)
    client.send_request(fields=UPGRADE)
    client.response()
    # The client reads nothing until the proxy cannot send on, then everything.
    eventually(lambda: proxy.cpu() == (time.sleep(0.05), proxy.cpu())[1], "a full tunnel")
    client.exactly(size)
    assert client.ended()
    assert proxy.access()[0]["status"] == 101


def test_reset_after_half_close_ends_a_tunnel(weir, backend):
    def script(connection):
        connection.request()
        connection.send(SWITCHED)
        connection.rest()
        connection.backend.half_closed = True
        # The server goes on listening for ever without a byte.
        connection.sock.settimeout(None)
        eventually(lambda: connection.backend.closing, "the end", within=60)

    server = backend(script)
    server.half_closed = False
    proxy = weir(single(server, **LOGGED))
    client = proxy.client()
    client.send_request(fields=UPGRADE)
    client.response()
    client.finish()
    eventually(lambda: server.half_closed, "half-close at the server")
    client.reset()
    assert proxy.access()[0]["outcome"] == "client-aborted"


def test_upload_goes_on_behind_an_early_answer(weir, backend):
    """The body's limit ends where the answer begins."""

    def script(connection):
        request = connection.request_head()
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while data := connection.chunk():
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
        connection.line()
        connection.send("0\r\n\r\n")
        connection.note(request)

    proxy = weir(single(backend(script), timeouts={"body": "300ms"}, **LOGGED))
    client = proxy.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    head = None
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        client.send("2\r\nhi\r\n")
        if head is None:
            head = client.line()
            client.field_lines()
        assert client.chunk() == b"hi"
    client.send("0\r\n\r\n")
    assert client.chunk() == b"" and client.line() == b""
    assert proxy.access()[0]["outcome"] == "ok"


def test_total_holds_while_the_client_reads_slowly(weir, backend):
    def script(connection):
        while connection.request() is not None:
            connection.answer(body=b"x" * 20_000_000)

    proxy = weir(pooled(backend(script), {"timeouts": {"total": "500ms"}}, **LOGGED))
    client = proxy.client(receive_buffer=4096)
    client.send_request()
    assert proxy.access()[0]["outcome"] == "total-timeout"


def test_date_of_own_answers_moves_without_an_access_log(weir):
    proxy = weir({"listen": "127.0.0.1:0", "routes": [{"respond": {"body": "hi"}}], "workers": 1})
    first = proxy.ask().get("date")
    assert first is not None
    eventually(lambda: proxy.ask().get("date") != first, "another Date")
