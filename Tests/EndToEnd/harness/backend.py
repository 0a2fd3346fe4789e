"""Backends that do what a script says, well-behaved or not."""

import json
import os
import socket
import ssl
import threading
import time

from harness.secure import SecureSocket
from harness.wait import DEADLINE, eventually
from harness.wire import Closed, Stream, WireError


def answer(status=200, body=b"", fields=(), reason="OK", version="1.1", length=True):
    """The bytes of an answer."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/{version} {status} {reason}"] + [f"{n}: {v}" for n, v in fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Connection(Stream):
    """One connection that the proxy opened."""

    def __init__(self, sock, backend, number):
        super().__init__(sock, DEADLINE * 6)
        self.backend = backend
        self.number = number
        self.requests = []
        self.open = True

    def request(self):
        request = super().request()
        if request is not None:
            self.note(request)
        return request

    def note(self, request):
        """Counts a request that was read by hand, and when that was."""
        request.time = time.monotonic()
        self.requests.append(request)
        self.backend.requests.append(request)

    def answer(self, *arguments, **options):
        """Sends an answer made by `answer`."""
        self.send(answer(*arguments, **options))


def echo(connection):
    """Answers each request with a JSON description of it."""
    while (request := connection.request()) is not None:
        seen = {
            "backend": connection.backend.name,
            "connection": connection.number,
            "method": request.method,
            "target": request.target,
            "version": request.version,
            "fields": request.fields,
            "body": request.text if len(request.body) <= 4096 else len(request.body),
            "trailers": request.trailers,
        }
        body = b"" if request.method == "HEAD" else json.dumps(seen).encode()
        connection.answer(body=body, fields=[("Content-Type", "application/json")])


def fixed(*pieces, close=False):
    """A script that answers each request with the same bytes."""

    def script(connection):
        while connection.request() is not None:
            connection.send(*pieces)
            if close:
                return

    return script


def gated(gate, target=None):
    """A script that answers with the target; requests for `target`, or all, wait for the gate."""

    def script(connection):
        while (request := connection.request()) is not None:
            if target in (None, request.target):
                gate.wait(60)
            connection.answer(body=request.target)

    return script


class Backend:
    """A server; each connection runs `script(connection)` in a thread of its own.

    With a `context` of `server_context` it speaks TLS; `handshakes` has what came of each.
    """

    def __init__(
        self,
        script=echo,
        name="backend",
        host="127.0.0.1",
        path=None,
        backlog=4096,
        port=0,
        context=None,
    ):
        self.name = name
        self.script = script
        self.context = context
        self.handshakes = []
        self.connections = []
        self.requests = []
        self.problems = []
        self.path = path
        self.closing = False
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.address = f"unix:{path}"
        else:
            v6 = ":" in host
            self.listener = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
            self.port = self.listener.getsockname()[1]
            self.address = f"[{host}]:{self.port}" if v6 else f"{host}:{self.port}"
        self.listener.listen(backlog)
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.path is None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self, len(self.connections))
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context is None:
                self.script(connection)
            elif self._secure(connection):
                self.script(connection)
                connection.sock.say_end()
        except (WireError, AssertionError) as problem:
            if not self.closing:
                self.problems.append(problem)
        except (Closed, OSError):
            pass
        finally:
            connection.close()
            connection.open = False

    def _secure(self, connection):
        """The handshake; False if it failed."""
        secure = SecureSocket(connection.sock, self.context, server_side=True)
        try:
            secure.handshake()
        except (ssl.SSLError, OSError) as problem:
            self.handshakes.append(problem)
            return False
        connection.sock = secure
        self.handshakes.append(secure.tls)
        return True

    @property
    def open_connections(self):
        return sum(connection.open for connection in self.connections)

    def saw(self, count=1):
        """Waits for this many requests and returns the last one."""
        eventually(lambda: len(self.requests) >= count, f"{count} requests at {self.name}")
        return self.requests[count - 1]

    def refuse(self):
        """From now on connecting is refused; connections that stand go on."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.acceptor.join()

    def drop(self):
        """Ends every connection; the listener goes on."""
        for connection in list(self.connections):
            raw = getattr(connection.sock, "raw", connection.sock)
            try:
                raw.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        """Ends the listener and every connection."""
        self.closing = True
        for shut in [lambda: self.listener.shutdown(socket.SHUT_RDWR), self.listener.close]:
            try:
                shut()
            except OSError:
                pass
        self.drop()
        if self.path is not None and os.path.exists(self.path):
            os.unlink(self.path)


def refused_address():
    """An address at which nothing listens: bound, so that nobody else gets it meanwhile."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, f"127.0.0.1:{sock.getsockname()[1]}"
