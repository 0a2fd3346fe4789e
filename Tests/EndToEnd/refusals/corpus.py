"""Requests made to be read differently by two parsers, generated.

None of them is right or wrong by a mark in this file: what may reach a server is decided by
reading the same bytes by the letter of RFC 9112 (`readings`)."""

import itertools

from harness.wire import Closed, Stream, WireError

INNER = b"GET /smuggled HTTP/1.1\r\nHost: evil.test\r\nX: "

CODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding:chunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: chunked \t",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b" Transfer-Encoding: chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding:\x0cchunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: chunked;",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: cow",
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding: chu\r\n nked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\r\r\nTransfer-Encoding: chunked",
    b"X: y\x00\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding\x00: chunked",
    b"Transfer_Encoding: chunked",
    b"Transfer Encoding: chunked",
    b"\x00Transfer-Encoding: chunked",
    b"Transfer-Encoding: \xffchunked",
    b"Transfer-Encoding: chunked\xa0",
    b"Connection: close, transfer-encoding\r\nTransfer-Encoding: chunked",
    b"X-Transfer-Encoding: chunked",
]

LENGTHS = [
    b"",
    b"Content-Length: %d",
    b"Content-Length: 0",
    b"Content-Length: +%d",
    b"Content-Length : %d",
    b"Content-Length: %d, %d",
    b"Content-Length: %d\r\nContent-Length: 0",
    b"Content-Length: 0\r\nContent-Length: %d",
    b"Content-Length: 0%d",
    b"Content-Length: %d\r\n 0",
    b"content-length: %d\x00",
    b"Content_Length: %d",
    b"Connection: content-length\r\nContent-Length: %d",
]

BODIES = {
    "ended": b"0\r\n\r\n" + INNER,
    "whole": b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER),
}

CHUNKINGS = [
    b"5;x=y\r\nhello\r\n0\r\n\r\n",
    b"5 ;x\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"5\t\r\nhello\r\n0\r\n\r\n",
    b"005\r\nhello\r\n000\r\n\r\n",
    b"5\r\nhello\r\n0;x\r\n\r\n",
    b'5;x="a\r\nb"\r\nhello\r\n0\r\n\r\n',
    b"5;\nhello\r\n0\r\n\r\n",
    b"5;\rhello\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello\r0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhelloXX0\r\n\r\n",
    b"6\r\nhello\r\n0\r\n\r\n",
    b"4\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"5h\r\nhello\r\n0\r\n\r\n",
    b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"5\r\n\r\nhello\r\n0\r\n\r\n",
    b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"100000005\r\nhello\r\n0\r\n\r\n",
    b"0\r\n\n" + INNER,
    b"0\n\r\n" + INNER,
    b"0\r\n\r" + INNER,
    b"0\r\nA: b\r\n\r\n" + INNER,
    b"0\r\nContent-Length: 50\r\n\r\n" + INNER,
    b"0\r\nTransfer-Encoding: chunked\r\n\r\n" + INNER,
    b"0\r\n : x\r\n\r\n" + INNER,
    b"0\r\nA: b\n\n" + INNER,
    b"00000000000000000\r\n\r\n" + INNER,
    b"-0\r\n\r\n" + INNER,
]

FIRST_LINES = [
    b"POST /first HTTP/1.1\r\nX: y",
    b"\r\nPOST /first HTTP/1.1",
    b"\nPOST /first HTTP/1.1",
    b"POST /first HTTP/1.1\n",
    b"POST /first HTTP/1.1\r",
    b"POST /first\tHTTP/1.1",
    b"POST /first\x0bHTTP/1.1",
    b"POST  /first HTTP/1.1",
    b"POST /first HTTP/1.1 ",
    b"POST /first HTTP/1.10",
    b"POST /first HTTP/01.1",
    b"POST /first HTTP/1.1/x",
    b"POST /first HTTP/1.1\r\n\tX: y",
    b"POST /first",
    b"POST /fi rst HTTP/1.1",
    b"POST /first\x00 HTTP/1.1",
    b"POST /first%0d%0aX:%20y HTTP/1.1",
    b"POST /first?a=\nb HTTP/1.1",
]


def corpus():
    """(name, bytes) of every case."""
    for (m, coding), (n, length) in itertools.product(enumerate(CODINGS), enumerate(LENGTHS)):
        kind = "whole" if (m + n) % 2 else "ended"
        fields = b"\r\n".join(line for line in (length, coding) if line)
        yield f"coding {m}, length {n}, {kind}", request(fields, BODIES[kind])
    for m, body in enumerate(CHUNKINGS):
        yield f"chunks {m}", request(CODINGS[0], body)
        yield f"chunks {m} and another request", request(CODINGS[0], body + INNER + b"y\r\n\r\n")
    for m, first in enumerate(FIRST_LINES):
        yield f"first line {m}", request(b"Content-Length: 2", b"ok", first)
        yield f"first line {m}, with a request inside", request(LENGTHS[1], INNER, first)


def request(fields, body, first=b"POST /first HTTP/1.1"):
    fields = fields.replace(b"%d", b"%d" % len(body))
    return first + b"\r\nHost: example.test\r\n" + fields + b"\r\n\r\n" + body


class Reading(Stream):
    """Reads requests out of bytes instead of a socket."""

    def __init__(self, data):
        self.buffer, self.received, self.keeps = data, bytearray(), False

    def fill(self):
        return False

    def chunk(self):
        """A chunk extension is allowed in what a client sends."""
        line, rest = self.buffer.split(b"\r\n", 1) if b"\r\n" in self.buffer else (b"", self.buffer)
        size, semicolon, extension = line.partition(b";")
        if semicolon and not any(byte < 32 and byte != 9 for byte in extension):
            self.buffer = size.rstrip(b" \t") + b"\r\n" + rest
        elif not semicolon and size.rstrip(b" \t") != size:
            self.buffer = size.rstrip(b" \t") + b"\r\n" + rest
        return super().chunk()

    def body(self, message, until_close=False):
        for number, (name, value) in enumerate(message.fields):
            if name.lower() == "transfer-encoding":
                message.fields[number] = (name, value.lower())
        super().body(message, until_close)


def readings(data):
    """(method, target, body) of each request that these bytes hold up to the first fault."""
    while data.startswith(b"\r\n"):
        data = data[2:]
    stream, found = Reading(data), []
    try:
        while (message := stream.request()) is not None:
            found.append((message.method, message.target, message.body))
    except (WireError, Closed, AssertionError):
        pass
    return found
