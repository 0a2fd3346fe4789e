"""HTTP/2 clients: one by the book, and one that sends the frames it is told to."""

import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import hpack
from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

from harness.client import Client
from harness.secure import SecureClient, client_context
from harness.wait import DEADLINE
from harness.wire import Closed, Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 9, 11, 13

# `h2` takes a connection for over as soon as GOAWAY comes, though streams go on (RFC 9113 §6.8).
_States, _Inputs = h2.connection.ConnectionState, h2.connection.ConnectionInputs
h2.connection.H2ConnectionStateMachine._transitions[
    (_States.CLIENT_OPEN, _Inputs.RECV_GOAWAY)
] = (None, _States.CLIENT_OPEN)


def stream_to(proxy, listener=0, context=None, server_name="example.test", **options):
    """A connection to the proxy that will speak HTTP/2: over TLS where the listener does."""
    from harness.proxy import parse_address

    url = proxy.urls[listener]
    if url.startswith("https"):
        context = context or client_context(alpn=["h2"])
        client = SecureClient(parse_address(url), context, server_name=server_name, **options)
        assert client.tls.selected_alpn_protocol() == "h2"
    else:
        client = Client(parse_address(url), **options)
    client.keeps = False
    proxy.clients.append(client)
    return client


def head_of(method="GET", target="/", fields=(), authority="example.test", scheme="https"):
    """A request's fields, in order."""
    return [
        (":method", method),
        (":scheme", scheme),
        (":authority", authority),
        (":path", target),
        *fields,
    ]


class Answer:
    """What has come of an answer so far."""

    def __init__(self, stream):
        self.id = stream
        self.fields = None
        self.informational = []
        self.data = bytearray()
        self.trailers = []
        self.ended = False
        self.code = None
        # When its last byte came, by the monotonic clock.
        self.time = None

    def all(self, name):
        return [value for key, value in self.fields or [] if key == name]

    def get(self, name):
        """The one value of this field, or None; two of them fail the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def status(self):
        return int(self.get(":status"))

    @property
    def body(self):
        return bytes(self.data)

    @property
    def text(self):
        return self.body.decode("latin-1")

    @property
    def over(self):
        return self.ended or self.code is not None

    def __repr__(self):
        return (
            f"<stream {self.id} {self.fields} {bytes(self.data[:200])!r} ended={self.ended}"
            f" code={self.code}>"
        )


class H2Client:
    """A connection whose frames `h2` makes and checks: what breaks RFC 9113 fails the test.

    With `credits` false no window is ever opened again.
    """

    def __init__(self, proxy, credits=True, settings=None, checks=True, **options):
        self.stream = stream_to(proxy, **options)
        self.scheme = "https" if isinstance(self.stream, SecureClient) else "http"
        self.credits = credits
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding="latin-1",
                validate_outbound_headers=checks,
                normalize_outbound_headers=checks,
            )
        )
        self.answers = {}
        self.goaways = []
        self.ended = False
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.stream.send(data)

    def pump(self):
        """Takes in what comes next; False at the end of the stream."""
        if not self.stream.buffer:
            try:
                self.ended = not self.stream.fill()
            except Closed:
                self.ended = True
        if self.ended:
            return False
        data, self.stream.buffer = self.stream.buffer, b""
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()
        return True

    def _take(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.ConnectionTerminated():
                self.goaways.append((event.error_code, event.last_stream_id))
            case h2.events.InformationalResponseReceived():
                answer.informational.append(event.headers)
            case h2.events.ResponseReceived():
                answer.fields = event.headers
            case h2.events.DataReceived():
                answer.data += event.data
                answer.time = time.monotonic()
                if self.credits and event.flow_controlled_length:
                    self.credit(event.flow_controlled_length, answer)
            case h2.events.TrailersReceived():
                answer.trailers = event.headers
            case h2.events.StreamEnded():
                answer.ended = True
                answer.time = time.monotonic()
            case h2.events.StreamReset():
                answer.code = int(event.error_code)

    def credit(self, count, answer=None):
        """Opens the connection's window, and the stream's unless it is over."""
        self.h2.increment_flow_control_window(count)
        if answer is not None and not answer.over:
            try:
                self.h2.increment_flow_control_window(count, answer.id)
            except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
                pass
        self.flush()

    def open(self, method="GET", target="/", fields=(), end=True, authority="example.test"):
        """Begins a request; returns its answer, of which nothing has come."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer(stream)
        fields = head_of(method, target, fields, authority, self.scheme)
        self.h2.send_headers(stream, fields, end_stream=end)
        self.flush()
        return self.answers[stream]

    def write(self, answer, data=b"", end=False, trailers=None):
        """Sends body bytes as far and as fast as the windows let it."""
        view = memoryview(data)
        while view and not answer.over:
            room = self.h2.local_flow_control_window(answer.id)
            room = min(room, self.h2.max_outbound_frame_size, len(view))
            if room == 0:
                if not self.pump():
                    raise Closed("ended inside a request")
                continue
            last = end and room == len(view) and not trailers
            self.h2.send_data(answer.id, bytes(view[:room]), end_stream=last)
            self.flush()
            view = view[room:]
        if answer.over:
            return answer
        if trailers:
            self.h2.send_headers(answer.id, trailers, end_stream=True)
        elif end and not data:
            self.h2.end_stream(answer.id)
        self.flush()
        return answer

    def until(self, condition, what="the condition", within=DEADLINE):
        """Reads until `condition()` holds, and returns its value."""
        end = time.monotonic() + within
        while not (value := condition()):
            assert time.monotonic() < end, f"{what} did not hold: {list(self.answers.values())}"
            if not self.pump():
                raise Closed(f"ended before {what}: {self.goaways} {list(self.answers.values())}")
        return value

    def finish(self, *answers):
        """Reads until these are over; returns the last one."""
        for answer in answers:
            self.until(lambda: answer.over, f"the end of {answer!r}")
        return answers[-1]

    def ask(self, method="GET", target="/", fields=(), body=None, trailers=None, length=True):
        """A whole request; returns its whole answer. `length` false sends no content-length."""
        if body is None:
            return self.finish(self.open(method, target, fields))
        if length:
            fields = [*fields, ("content-length", str(len(body)))]
        answer = self.open(method, target, fields, end=False)
        return self.finish(self.write(answer, body, end=True, trailers=trailers))

    def reset(self, answer, code=CANCEL):
        self.h2.reset_stream(answer.id, code)
        self.flush()

    def settle(self):
        """Waits until the proxy has seen all that was sent so far."""
        self.h2.ping(b"settling")
        self.flush()
        acknowledged = []
        take = self._take

        def watch(event):
            if isinstance(event, h2.events.PingAckReceived):
                acknowledged.append(event)
            take(event)

        self._take = watch
        try:
            self.until(lambda: acknowledged, "the answer to a ping")
        finally:
            self._take = take

    def close(self):
        self.stream.close()


class Frames:
    """A connection on which the test sends frames by hand and sees those that come."""

    def __init__(self, proxy, preface=True, settings=b"", **options):
        self.stream = stream_to(proxy, **options)
        self.scheme = "https" if isinstance(self.stream, SecureClient) else "http"
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.seen = []
        if preface:
            self.send(PREFACE, frame(4, 0, 0, settings))

    def send(self, *pieces):
        """Sends bytes and frames; that the proxy has gone shows when reading."""
        data = b"".join(one.serialize() if isinstance(one, Frame) else one for one in pieces)
        try:
            self.stream.send(data)
        except OSError:
            pass

    def block(self, fields):
        return self.encoder.encode(fields)

    def head(self, method="GET", target="/", fields=()):
        """A block of fields of a good request."""
        return self.block(head_of(method, target, fields, scheme=self.scheme))

    def request(self, stream=1, method="GET", target="/", fields=(), end=True):
        """A good HEADERS frame."""
        return frame(1, 4 | int(end), stream, self.head(method, target, fields))

    def next(self):
        """The next frame; None at the end of the stream."""
        try:
            head = self.stream.exactly(9)
            one, length = Frame.parse_frame_header(memoryview(head))
            one.parse_body(memoryview(self.stream.exactly(length)))
        except Closed:
            return None
        if isinstance(one, SettingsFrame) and "ACK" not in one.flags:
            self.send(frame(4, 1, 0))
        if isinstance(one, HeadersFrame):
            assert "END_HEADERS" in one.flags
            one.fields = self.decoder.decode(one.data)
        self.seen.append(one)
        return one

    def until(self, kind, stream=None):
        """Reads up to the next frame of this kind, for this stream, and returns it."""
        while (one := self.next()) is not None:
            if isinstance(one, kind) and stream in (None, one.stream_id):
                return one
        raise Closed(f"ended without {kind.__name__}: {self.seen[-10:]}")

    def goaway(self):
        """The code of the GOAWAY with which the connection ends."""
        code = None
        while (one := self.next()) is not None:
            if isinstance(one, GoAwayFrame):
                code = one.error_code
        assert code is not None, f"ended without GOAWAY: {self.seen[-10:]}"
        return code

    def outcome(self, stream=1):
        """What came of a stream: ("status", n), ("reset", code) or ("goaway", code)."""
        status = None
        while (one := self.next()) is not None:
            if isinstance(one, GoAwayFrame):
                return "goaway", one.error_code
            if one.stream_id != stream:
                continue
            if isinstance(one, RstStreamFrame):
                return "reset", one.error_code
            if isinstance(one, HeadersFrame) and status is None:
                status = int(dict(one.fields)[":status"])
            if "END_STREAM" in one.flags:
                return "status", status
        raise Closed(f"ended without an outcome: {self.seen[-10:]}")

    def serves(self, stream):
        """Asserts that the connection still answers requests."""
        self.send(self.request(stream))
        assert self.outcome(stream) == ("status", 200), self.seen[-10:]

    def close(self):
        self.stream.close()


def frame(kind, flags, stream, payload=b"", length=None):
    """Any frame, whatever it is."""
    length = len(payload) if length is None else length
    head = length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


__all__ = ["Answer", "Frames", "H2Client", "PREFACE", "Stream", "frame", "head_of", "stream_to"]
