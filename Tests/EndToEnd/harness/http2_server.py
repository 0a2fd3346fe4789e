"""Servers that speak HTTP/2, well-behaved or not; each stream has a thread of its own."""

import json
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from harness.backend import Backend
from harness.http2 import CANCEL, NO_ERROR, REFUSED_STREAM
from harness.secure import server_context
from harness.wait import DEADLINE
from harness.wire import Closed

PIECE = 16_384


class Request:
    """One request, as far as it has come, and what answers it."""

    def __init__(self, session, stream, fields):
        self.session = session
        self.id = stream
        self.fields = [(name, value) for name, value in fields if not name.startswith(":")]
        pseudo = {name: value for name, value in fields if name.startswith(":")}
        self.pseudo = pseudo
        self.method = pseudo.get(":method")
        self.target = pseudo.get(":path")
        self.authority = pseudo.get(":authority")
        self.scheme = pseudo.get(":scheme")
        self.data = bytearray()
        self.trailers = []
        # Body bytes that came and were not given back to the proxy's window.
        self.owed = 0
        self.ended = False
        # The code with which the proxy reset it.
        self.code = None
        self.time = time.monotonic()

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def body(self):
        return bytes(self.data)

    @property
    def text(self):
        return self.body.decode("latin-1")

    def whole(self):
        """Waits until all of it is there; returns the body."""
        self.session.wait(lambda: self.ended or self.code is not None)
        if not self.ended:
            raise Closed("reset inside a request")
        return self.body

    def gone(self):
        """Waits until the proxy has reset it; returns the code."""
        self.session.wait(lambda: self.code is not None)
        return self.code

    # What answers it.

    def head(self, status=200, fields=(), end=False):
        head = [(":status", str(status)), *fields]
        self.session.do(lambda one: one.send_headers(self.id, head, end_stream=end))

    def write(self, data, end=False):
        """Sends body bytes as the proxy's windows let it."""
        view = memoryview(data)
        while view:
            room = self.session.room(self)
            last = end and room >= len(view)
            piece = bytes(view[:room])
            view = view[room:]
            self.session.do(
                lambda one, piece=piece, last=last: one.send_data(self.id, piece, end_stream=last)
            )
        if end and not data:
            self.session.do(lambda one: one.end_stream(self.id))

    def end(self, trailers=()):
        if trailers:
            self.session.do(
                lambda one: one.send_headers(self.id, list(trailers), end_stream=True)
            )
        else:
            self.session.do(lambda one: one.end_stream(self.id))

    def answer(self, status=200, body=b"", fields=(), trailers=(), length=True):
        body = body.encode() if isinstance(body, str) else body
        if length and not trailers:
            fields = [*fields, ("content-length", str(len(body)))]
        if len(body) > PIECE:
            self.head(status, fields)
            self.write(body, end=not trailers)
            if trailers:
                self.end(trailers)
            return
        if body:
            self.session.room(self)
        head = [(":status", str(status)), *fields]

        def send(one):
            one.send_headers(self.id, head, end_stream=not body and not trailers)
            if body:
                one.send_data(self.id, body, end_stream=not trailers)
            if trailers:
                one.send_headers(self.id, list(trailers), end_stream=True)

        # In one piece, as servers do.
        self.session.do(send)

    def reset(self, code=CANCEL):
        self.session.do(lambda one: one.reset_stream(self.id, code))


class Session:
    """One connection; whatever is sent on it is sent under one lock."""

    def __init__(
        self, connection, handler, settings=None, credits=True, serves=None, validates=True
    ):
        self.connection = connection
        self.handler = handler
        self.credits = credits
        # How many requests are looked at before GOAWAY.
        self.serves = serves
        self.change = threading.Condition()
        self.streams = {}
        self.requests = []
        self.goaways = []
        self.ended = False
        self.gone = False
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False, header_encoding="latin-1", validate_inbound_headers=validates
            )
        )
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values=settings)

    def do(self, action):
        """Has `action(h2)` done and sends what comes of it."""
        with self.change:
            try:
                action(self.h2)
            except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError) as problem:
                raise Closed(str(problem)) from problem
            self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.connection.send(data)

    def wait(self, condition):
        with self.change:
            assert self.change.wait_for(lambda: condition() or self.ended, DEADLINE)
            if not condition():
                raise Closed("the connection ended")

    def room(self, request):
        """Waits until some bytes may be sent; how many."""

        def open_now():
            if request.code is not None:
                return 1
            try:
                window = self.h2.local_flow_control_window(request.id)
            except h2.exceptions.StreamClosedError:
                return 1
            return min(window, self.h2.max_outbound_frame_size)

        with self.change:
            self.wait(lambda: open_now() > 0)
            if request.code is not None:
                raise Closed("reset by the proxy")
            return open_now()

    def run(self):
        with self.change:
            self.h2.initiate_connection()
            self.flush()
        try:
            while self.connection.buffer or self.connection.fill():
                data, self.connection.buffer = self.connection.buffer, b""
                with self.change:
                    for event in self.h2.receive_data(data):
                        self.take(event)
                    self.flush()
                    self.change.notify_all()
        finally:
            with self.change:
                self.ended = True
                self.change.notify_all()

    def take(self, event):
        stream = getattr(event, "stream_id", None)
        request = self.streams.get(stream)
        if stream and request is None and not isinstance(event, h2.events.RequestReceived):
            # One that is not looked at.
            return
        match event:
            case h2.events.RequestReceived() if len(self.streams) == self.serves:
                if not self.gone:
                    self.gone = True
                    self.goaway()
            case h2.events.RequestReceived():
                request = Request(self, event.stream_id, event.headers)
                self.streams[event.stream_id] = request
                self.requests.append(request)
                self.connection.requests.append(request)
                self.connection.backend.requests.append(request)
                threading.Thread(target=self.serve, args=(request,), daemon=True).start()
            case h2.events.DataReceived():
                request.data += event.data
                request.owed += event.flow_controlled_length
                if self.credits and event.flow_controlled_length:
                    self.credit(request)
            case h2.events.TrailersReceived():
                request.trailers = event.headers
            case h2.events.StreamEnded():
                request.ended = True
            case h2.events.StreamReset():
                request.code = int(event.error_code)
            case h2.events.ConnectionTerminated():
                self.goaways.append((event.error_code, event.last_stream_id))

    def credit(self, request):
        count, request.owed = request.owed, 0
        self.h2.increment_flow_control_window(count)
        try:
            self.h2.increment_flow_control_window(count, request.id)
        except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
            pass

    def serve(self, request):
        try:
            self.handler(request)
        except (Closed, OSError):
            pass
        except AssertionError as problem:
            if not self.connection.backend.closing:
                self.connection.backend.problems.append(problem)

    def goaway(self, last=None, code=NO_ERROR):
        """Says that no request beyond `last`, of the newest one by default, is looked at."""
        newest = max(self.streams, default=0)
        with self.change:
            self.connection.send(goaway(newest if last is None else last, code))


def goaway(last, code=NO_ERROR):
    """A GOAWAY frame."""
    payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
    return len(payload).to_bytes(3, "big") + b"\x07\x00\x00\x00\x00\x00" + payload


def echo2(request):
    """Answers with a JSON description of the request."""
    body = request.whole()
    seen = {
        "method": request.method,
        "target": request.target,
        "authority": request.authority,
        "scheme": request.scheme,
        "fields": request.fields,
        "body": request.text if len(body) <= 4096 else len(body),
        "trailers": request.trailers,
        "connection": request.session.connection.number,
    }
    data = b"" if request.method == "HEAD" else json.dumps(seen).encode()
    request.answer(body=data, fields=[("content-type", "application/json")])


def http2(handler=echo2, **options):
    """A script for `Backend` that speaks HTTP/2; `sessions` of the backend has what it serves."""

    def script(connection):
        session = Session(connection, handler, **options)
        sessions = vars(connection.backend).setdefault("sessions", [])
        sessions.append(session)
        session.run()

    return script


class H2Backend(Backend):
    """A server for HTTP/2: over TLS with a `pair`, else in cleartext."""

    def __init__(self, handler=echo2, pair=None, alpn=("h2",), options=None, **more):
        self.sessions = []
        context = server_context(pair, alpn=alpn) if pair else None
        super().__init__(http2(handler, **(options or {})), context=context, **more)


__all__ = ["H2Backend", "NO_ERROR", "REFUSED_STREAM", "Request", "Session", "echo2", "goaway", "http2"]
