"""HTTP/1 bytes, read by the letter: whatever is ambiguous is an error, never a guess."""

import re
import socket

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/(1\.[01])")
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9][0-9][0-9]) ([\t -~\x80-\xff]*)")
_VALUE = re.compile(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")


class WireError(Exception):
    """Bytes that are no HTTP/1 message by RFC 9112."""


class Closed(Exception):
    """The connection ended inside a message, or was reset."""


class Message:
    """A request or an answer as it came over the wire."""

    def __init__(self, start, fields):
        self.start = start
        self.fields = fields
        self.body = b""
        self.trailers = []
        self.chunks = []
        self.informational = []
        # When a backend had read it, by the monotonic clock.
        self.time = None

    def all(self, name):
        """Every value of this field, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The one value of this field, or None; two of them fail the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def has(self, name):
        return bool(self.all(name))

    @property
    def version(self):
        """`1.0` or `1.1`."""
        first = self.start[0]
        return first.removeprefix("HTTP/") if first.startswith("HTTP/") else self.start[2]

    @property
    def method(self):
        return self.start[0]

    @property
    def target(self):
        return self.start[1]

    @property
    def status(self):
        return int(self.start[1])

    @property
    def reason(self):
        return self.start[2]

    @property
    def chunked(self):
        return self.has("transfer-encoding")

    @property
    def text(self):
        return self.body.decode("latin-1")

    def __repr__(self):
        return f"<{' '.join(self.start)} {self.fields} {self.body[:200]!r}>"


class Stream:
    """A socket with a buffer; everything that came is kept in `received`."""

    def __init__(self, sock, timeout):
        self.sock = sock
        self.sock.settimeout(timeout)
        self.buffer = b""
        self.received = bytearray()
        self.keeps = True

    def send(self, *pieces):
        """Sends everything; str is taken as Latin-1."""
        for piece in pieces:
            self.sock.sendall(piece.encode("latin-1") if isinstance(piece, str) else piece)

    def fill(self):
        """Reads once more; False at the end of the stream."""
        try:
            data = self.sock.recv(262144)
        except ConnectionError as problem:
            raise Closed(f"reset with {self.buffer[:200]!r} unread") from problem
        except TimeoutError as problem:
            raise AssertionError(f"nothing came in time; unread: {self.buffer[:300]!r}") from problem
        if self.keeps:
            self.received += data
        self.buffer += data
        return bool(data)

    def line(self):
        """A line without its CRLF; a bare CR or LF in it is an error."""
        while b"\n" not in self.buffer:
            if not self.fill():
                raise Closed(f"ended inside a line: {self.buffer[:200]!r}")
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1] or b"\0" in line:
            raise WireError(f"bad line end in {line[:200]!r}")
        return line[:-1]

    def exactly(self, count):
        pieces, missing = [], count
        while missing:
            if not self.buffer and not self.fill():
                raise Closed(f"ended {missing} of {count} bytes short")
            piece, self.buffer = self.buffer[:missing], self.buffer[missing:]
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def rest(self):
        """Everything up to the end of the stream."""
        while self.fill():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def ended(self):
        """True if the peer closes (or resets) without another byte."""
        try:
            return not self.buffer and not self.fill()
        except Closed:
            return True

    def field_lines(self):
        fields = []
        while line := self.line():
            name, colon, value = line.partition(b":")
            value = value.strip(b" \t")
            if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
                raise WireError(f"bad field line {line[:200]!r}")
            fields.append((name.decode(), value.decode("latin-1")))
        return fields

    def head(self, pattern):
        line = self.line()
        match = pattern.fullmatch(line)
        if not match:
            raise WireError(f"bad first line {line[:200]!r}")
        return Message([part.decode("latin-1") for part in match.groups()], self.field_lines())

    def request_head(self):
        """The next request's head; None if the client closed before its first byte."""
        if not self.buffer and not self.fill():
            return None
        return self.head(_REQUEST_LINE)

    def request(self):
        """The next request whole; None if the client closed before its first byte."""
        head = self.request_head()
        if head is not None:
            self.body(head)
        return head

    def response(self, to="GET"):
        """The next final answer to a request with this method, interim ones in `informational`."""
        interim = []
        while True:
            head = self.head(_STATUS_LINE)
            head.start = [f"HTTP/{head.start[0]}", head.start[1], head.start[2]]
            if head.status == 101 or head.status >= 200:
                break
            interim.append(head)
        head.informational = interim
        if to != "HEAD" and head.status not in (101, 204, 304):
            self.body(head, until_close=True)
        return head

    def body(self, message, until_close=False):
        """Reads the body that `message` announces into it."""
        length, coding = message.get("content-length"), message.get("transfer-encoding")
        if length is not None and coding is not None:
            raise WireError("both Content-Length and Transfer-Encoding")
        if coding is not None:
            if coding != "chunked":
                raise WireError(f"Transfer-Encoding: {coding}")
            self.chunked_body(message)
        elif length is not None:
            if not re.fullmatch("[0-9]+", length):
                raise WireError(f"Content-Length: {length}")
            message.body = self.exactly(int(length))
        elif until_close:
            message.body = self.rest()

    def chunk(self):
        """The next chunk's bytes, empty for the last one; an extension is an error."""
        line = self.line()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", line):
            raise WireError(f"bad chunk size {line[:200]!r}")
        data = self.exactly(int(line, 16))
        if data and self.line() != b"":
            raise WireError("no CRLF after a chunk")
        return data

    def chunked_body(self, message):
        while data := self.chunk():
            message.chunks.append(data)
        message.body = b"".join(message.chunks)
        message.trailers = self.field_lines()

    def close(self):
        """Closes; again does no harm."""
        try:
            self.sock.close()
        except OSError:
            pass

    def finish(self):
        """Says that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()
