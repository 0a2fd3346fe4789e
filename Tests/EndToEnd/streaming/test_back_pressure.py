"""200 MB to a reader that stands still, and from a writer before a server that does: the proxy
stops reading, its memory stays bounded, and nothing is lost."""

import threading
import time

import pytest

from harness import eventually, scaled
from harness.client import encode_chunks
from harness.data import Hashing, digest, pieces
from harness.setups import single

SIZE = 200_000_000
GROWTH = 20_000_000
# Both may pass silently for longer than the defaults under a sanitizer.
TIMEOUTS = {"timeouts": {"body": "5m", "send": "5m"}}

pytestmark = [pytest.mark.alone, pytest.mark.release, pytest.mark.timeout(300)]


class Progress:
    """How many bytes a side has got rid of."""

    def __init__(self):
        self.sent = 0
        self.ended = threading.Event()

    def send(self, stream, framing):
        for piece in pieces(SIZE):
            for start in range(0, len(piece), 65536):
                part = piece[start : start + 65536]
                stream.send(encode_chunks([part])[:-5] if framing == "chunked" else part)
                self.sent += len(part)
        if framing == "chunked":
            stream.send("0\r\n\r\n")
        self.ended.set()

    def stalled(self):
        """True once something was sent and no more goes for half a second."""
        before = self.sent
        time.sleep(0.5)
        return 0 < before == self.sent


class Watch:
    """The most memory that a proxy held while the block ran."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.before = proxy.resident()
        self.most = self.before
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self.proxy.resident())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    @property
    def growth(self):
        return self.most - self.before


def framing_field(framing):
    fields = {
        "length": f"Content-Length: {SIZE}\r\n",
        "chunked": "Transfer-Encoding: chunked\r\n",
        "close": "Connection: close\r\n",
    }
    return fields[framing]


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_answer_to_a_reader_that_stands_still(weir, backend, framing):
    progress = Progress()

    def script(connection):
        connection.request()
        connection.send(f"HTTP/1.1 200 OK\r\n{framing_field(framing)}\r\n")
        progress.send(connection, framing)

    proxy = weir({"workers": 1, **single(backend(script), **TIMEOUTS)})
    with Watch(proxy) as watch:
        client = proxy.client(timeout=scaled(60), receive_buffer=65536)
        client.send_request()
        eventually(progress.stalled, "the server's stop", within=scaled(30))
        assert progress.sent < SIZE // 2, "the answer was collected"
        body = Hashing()
        assert client.line() == b"HTTP/1.1 200 OK"
        client.field_lines()
        if framing == "length":
            body.take_exactly(client, SIZE)
        else:
            body.take_chunks(client)
    assert (body.count, body.hex) == (SIZE, digest(SIZE))
    assert watch.growth < GROWTH


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_post_to_a_server_that_stands_still(weir, backend, framing):
    progress = Progress()
    going = threading.Event()
    body = Hashing()

    def script(connection):
        request = connection.request_head()
        connection.note(request)
        going.wait(scaled(60))
        if request.chunked:
            body.take_chunks(connection)
        else:
            body.take_exactly(connection, SIZE)
        connection.answer(body="done")

    proxy = weir({"workers": 1, **single(backend(script), **TIMEOUTS)})
    with Watch(proxy) as watch:
        client = proxy.client(timeout=scaled(60))
        client.send(f"POST / HTTP/1.1\r\nHost: a.test\r\n{framing_field(framing)}\r\n")
        writer = threading.Thread(target=progress.send, args=(client, framing), daemon=True)
        writer.start()
        eventually(progress.stalled, "the client's stop", within=scaled(30))
        assert progress.sent < SIZE // 2, "the request was collected"
        going.set()
        assert client.response().body == b"done"
        writer.join()
    assert (body.count, body.hex) == (SIZE, digest(SIZE))
    assert watch.growth < GROWTH


def rests(proxy):
    """Whether it did next to nothing for half a second; its control thread ticks all the time."""
    before = proxy.cpu()
    time.sleep(0.5)
    return proxy.cpu() - before < 0.01


def test_many_standing_readers(weir, backend):
    """What one of 200 readers may hold is small: 100 KiB each beside the worker's own."""

    def script(connection):
        connection.request()
        connection.send(f"HTTP/1.1 200 OK\r\n{framing_field('length')}\r\n")
        Progress().send(connection, "length")

    proxy = weir({"workers": 1, **single(backend(script), **TIMEOUTS)})
    with Watch(proxy) as watch:
        clients = [proxy.client(receive_buffer=16384) for _ in range(200)]
        for client in clients:
            client.send_request()
        eventually(lambda: rests(proxy), "buffers that are full", within=scaled(60))
        for client in clients:
            assert client.line() == b"HTTP/1.1 200 OK"
    assert watch.growth < 40_000_000
