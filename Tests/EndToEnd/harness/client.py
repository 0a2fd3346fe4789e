"""A client that sends exactly the bytes it is told to."""

import socket

from harness.wait import DEADLINE
from harness.wire import Stream


def connect(address, timeout=DEADLINE, receive_buffer=None):
    """A connected socket; `address` is (host, port) or the path of a unix socket."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
    else:
        sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    sock.settimeout(timeout)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(address)
    if not isinstance(address, str):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def encode_chunks(chunks, trailers=()):
    """A chunked body of these pieces."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
    return body + b"0\r\n" + lines.encode("latin-1") + b"\r\n"


class Client(Stream):
    """One connection to the proxy."""

    def __init__(self, address, timeout=DEADLINE, receive_buffer=None):
        super().__init__(connect(address, timeout, receive_buffer), timeout)

    def send_request(
        self, method="GET", target="/", fields=(), body=None, version="1.1", host="example.test"
    ):
        """Sends a request; a body of bytes gets its Content-Length, a list is sent in chunks."""
        lines = [f"{method} {target} HTTP/{version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{name}: {value}" for name, value in fields]
        if isinstance(body, list):
            lines.append("Transfer-Encoding: chunked")
            body = encode_chunks(body)
        elif body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def ask(self, method="GET", target="/", **options):
        """Sends a request and reads its answer."""
        self.send_request(method, target, **options)
        return self.response(to=method)
