"""WebSockets by wsproto: over a stream of HTTP/2 (RFC 8441) and, for servers, over HTTP/1."""

import base64
import hashlib
import time

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from harness.http2 import Answer
from harness.wait import DEADLINE
from harness.wire import Closed

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept(key):
    """What a server says to a key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


class _Side:
    """Messages in and out; `_read` and `_write` are what carries them."""

    def __init__(self, kind):
        self.ws = Connection(kind)
        self.events = []
        self.pieces = []

    def send(self, message):
        """A whole message, of text or of bytes."""
        kind = TextMessage if isinstance(message, str) else BytesMessage
        self._write(self.ws.send(kind(data=message)))

    def send_piece(self, piece, last):
        self._write(self.ws.send(BytesMessage(data=piece, message_finished=last)))

    def ping(self, payload=b"ping"):
        self._write(self.ws.send(Ping(payload)))

    def close(self, code=1000, reason=""):
        """Begins the closing handshake."""
        self._write(self.ws.send(CloseConnection(code, reason)))

    def event(self):
        """The next message (str or bytes), Ping, Pong or CloseConnection; None at the end.

        Pings and the closing handshake are answered.
        """
        while True:
            if found := self._take():
                return found[0]
            data = self._read()
            if data is None:
                return None
            self.ws.receive_data(data)
            self.events += self.ws.events()

    def _take(self):
        while self.events:
            one = self.events.pop(0)
            if isinstance(one, Ping):
                self._write(self.ws.send(one.response()))
                return [one]
            if isinstance(one, CloseConnection):
                if self.ws.state.name == "REMOTE_CLOSING":
                    self._write(self.ws.send(one.response()))
                return [one]
            if isinstance(one, Pong):
                return [one]
            self.pieces.append(one.data)
            if one.message_finished:
                pieces, self.pieces = self.pieces, []
                return [("" if isinstance(pieces[0], str) else b"").join(map(_plain, pieces))]
        return None


def _plain(piece):
    return piece if isinstance(piece, str) else bytes(piece)


class ServerSide(_Side):
    """The server's end, on a connection of a backend; the request has been read."""

    def __init__(self, connection, request, fields=()):
        super().__init__(ConnectionType.SERVER)
        self.connection = connection
        lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"]
        lines.append(f"Sec-WebSocket-Accept: {accept(request.get('sec-websocket-key'))}")
        lines += [f"{name}: {value}" for name, value in fields]
        connection.send("\r\n".join(lines) + "\r\n\r\n")

    def _write(self, data):
        self.connection.send(data)

    def _read(self):
        if not self.connection.buffer and not self.connection.fill():
            return None
        data, self.connection.buffer = self.connection.buffer, b""
        return data


def serves(talk, fields=()):
    """A script that answers plain requests with `plain`, and gives sockets to `talk`."""

    def script(connection):
        while (request := connection.request_head()) is not None:
            connection.note(request)
            if not request.has("upgrade"):
                connection.body(request)
                connection.answer(body="plain")
                continue
            assert request.get("upgrade").lower() == "websocket"
            assert request.get("sec-websocket-version") == "13"
            assert len(base64.b64decode(request.get("sec-websocket-key"))) == 16
            talk(ServerSide(connection, request, fields))
            return

    return script


def mirror(side):
    """Sends every message back, until the client closes."""
    while (event := side.event()) is not None:
        if isinstance(event, CloseConnection):
            return
        if isinstance(event, (str, bytes)):
            side.send(event)


class StreamSide(_Side):
    """The client's end, on a stream of an `H2Client`."""

    def __init__(self, client, target="/chat", fields=(), protocol="websocket"):
        super().__init__(ConnectionType.CLIENT)
        self.client = client
        stream = client.h2.get_next_available_stream_id()
        self.answer = client.answers[stream] = Answer(stream)
        self.read = 0
        head = [
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", client.scheme),
            (":path", target),
            (":authority", "example.test"),
            ("sec-websocket-version", "13"),
            *fields,
        ]
        client.h2.send_headers(stream, head)
        client.flush()

    def opened(self):
        """Waits for the answer's head; returns this."""
        self.client.until(lambda: self.answer.fields or self.answer.over, "the answer's head")
        assert self.answer.status == 200 and self.answer.code is None, self.answer
        return self

    def _write(self, data):
        """As far and as fast as the windows let it, also behind the server's last byte."""
        h2, view = self.client.h2, memoryview(data)
        while view and self.answer.code is None:
            room = h2.local_flow_control_window(self.answer.id)
            room = min(room, h2.max_outbound_frame_size, len(view))
            if room == 0:
                if not self.client.pump():
                    raise Closed("ended inside a message")
                continue
            h2.send_data(self.answer.id, bytes(view[:room]))
            self.client.flush()
            view = view[room:]

    def _read(self):
        end = time.monotonic() + DEADLINE
        while len(self.answer.data) == self.read:
            if self.answer.over or self.client.ended:
                return None
            assert time.monotonic() < end, f"nothing came on {self.answer!r}"
            if not self.client.pump():
                raise Closed("the connection ended under a socket")
        data = bytes(self.answer.data[self.read :])
        self.read = len(self.answer.data)
        return data

    def finish(self):
        """Ends this direction (END_STREAM)."""
        self.client.h2.end_stream(self.answer.id)
        self.client.flush()
