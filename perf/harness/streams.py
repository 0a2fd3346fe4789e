"""Streams without end through a proxy: half of server-sent events, half of a WebSocket."""

import selectors
import socket
import threading
import time
from dataclasses import dataclass

# Milliseconds between two events of a stream.
EVERY = 200
# A stream that brings nothing for this long has ended too, in nanoseconds.
_SILENCE = 2_000_000_000
_LAST_CHUNK = b"0\r\n\r\n"
_CLOSE_FRAME = b"\x88"
_HEAD = (f"GET /long/{EVERY} HTTP/1.1\r\nHost: www.example.com\r\n"
         "Accept: text/event-stream\r\n\r\n")
_SOCKET_HEAD = (f"GET /long/{EVERY} HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


@dataclass
class Stream:
    """One stream: to which endpoint, and when its last event came and it was cut, if it was."""

    connection: socket.socket
    is_socket: bool
    endpoint: int
    latest: int
    cut: int | None = None


def _open(port, is_socket):
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall((_SOCKET_HEAD if is_socket else _HEAD).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            raise RuntimeError(f"a stream was not begun: {head!r}")
        head += data
    lines = head.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    if lines[0].split()[1] != ("101" if is_socket else "200"):
        raise RuntimeError(f"a stream was answered {lines[0]}")
    return Stream(connection, is_socket, int(fields["x-endpoint"]), time.monotonic_ns())


class Streams:
    """Opens them, and reads until `finish`."""

    def __init__(self, port, count):
        self.all = [_open(port, bool(index % 2)) for index in range(count)]
        self._selector = selectors.DefaultSelector()
        for stream in self.all:
            stream.connection.setblocking(False)
            self._selector.register(stream.connection, selectors.EVENT_READ, stream)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._is_over.is_set():
            for key, _ in self._selector.select(0.1):
                self._receive(key.data)

    def _receive(self, stream):
        now = time.monotonic_ns()
        try:
            data = stream.connection.recv(65536)
        except OSError:
            data = b""
        is_last = data.startswith(_CLOSE_FRAME) if stream.is_socket else data.endswith(_LAST_CHUNK)
        if data and not is_last:
            stream.latest = now
            return
        stream.cut = now
        self._selector.unregister(stream.connection)

    def finish(self):
        """Ends them all. What has been silent for long counts as cut when it fell silent."""
        self._is_over.set()
        self._thread.join()
        now = time.monotonic_ns()
        for stream in self.all:
            stream.connection.close()
            if stream.cut is None and now - stream.latest > _SILENCE:
                stream.cut = stream.latest
        self._selector.close()
