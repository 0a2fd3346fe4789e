"""Frames that break RFC 9113: the connection or the stream ends with the code it names."""

import threading

import pytest
from hyperframe.frame import GoAwayFrame, PingFrame, SettingsFrame

from harness.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    setting,
    update,
)
from harness.http2 import (
    COMPRESSION_ERROR,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PREFACE,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    Frames,
    frame,
)
from harness.secure import secure_listener


def begun(frames, stream=1):
    """A request whose body is still to come."""
    return frames.request(stream, "POST", end=False)


# name: (what is sent, the codes with which the connection may end)
CONNECTION = {
    # §4.1, §4.2
    "frame larger than allowed": (lambda f: frame(DATA, 0, 1, b"x" * 16385), {FRAME_SIZE_ERROR}),
    "head frame larger than allowed": (
        lambda f: frame(HEADERS, 5, 1, b"\x82" * 16385), {FRAME_SIZE_ERROR}
    ),
    "unknown frame larger than allowed": (
        lambda f: frame(0xBB, 0, 0, b"x" * 16385), {FRAME_SIZE_ERROR}
    ),
    # §4.3, RFC 7541
    "index beyond the table": (
        lambda f: frame(HEADERS, 5, 1, b"\xff\xff\x7f"), {COMPRESSION_ERROR}
    ),
    "index 0": (lambda f: frame(HEADERS, 5, 1, b"\x80"), {COMPRESSION_ERROR}),
    "block that breaks off": (lambda f: frame(HEADERS, 5, 1, b"\x40\x0aab"), {COMPRESSION_ERROR}),
    "number without end": (
        lambda f: frame(HEADERS, 5, 1, b"\x7f" + b"\xff" * 20), {COMPRESSION_ERROR}
    ),
    "table size beyond the setting": (
        lambda f: frame(HEADERS, 5, 1, b"\x3f\xe1\xff\x03" + f.head()), {COMPRESSION_ERROR}
    ),
    "table size behind a field": (
        lambda f: frame(HEADERS, 5, 1, f.head() + b"\x20"), {COMPRESSION_ERROR}
    ),
    "bad Huffman padding": (
        lambda f: frame(HEADERS, 5, 1, b"\x40\x81\x00\x81\x00"), {COMPRESSION_ERROR}
    ),
    # §5.1, §5.1.1
    "DATA on an idle stream": (lambda f: frame(DATA, 1, 1, b"x"), {PROTOCOL_ERROR}),
    "RST_STREAM on an idle stream": (
        lambda f: frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), {PROTOCOL_ERROR}
    ),
    "WINDOW_UPDATE on an idle stream": (lambda f: update(1, 1), {PROTOCOL_ERROR}),
    "CONTINUATION on an idle stream": (
        lambda f: frame(CONTINUATION, 4, 1, f.head()), {PROTOCOL_ERROR}
    ),
    "even stream": (lambda f: f.request(2), {PROTOCOL_ERROR}),
    "stream that falls behind": (lambda f: f.request(5) + f.request(3), {PROTOCOL_ERROR}),
    # §6.1
    "DATA on stream 0": (lambda f: frame(DATA, 0, 0, b"x"), {PROTOCOL_ERROR}),
    "padding longer than DATA": (
        lambda f: begun(f) + frame(DATA, PADDED, 1, b"\x05abc"), {PROTOCOL_ERROR}
    ),
    "padded DATA without length": (
        lambda f: begun(f) + frame(DATA, PADDED, 1), {FRAME_SIZE_ERROR, PROTOCOL_ERROR}
    ),
    # §6.2
    "HEADERS on stream 0": (lambda f: f.request(0), {PROTOCOL_ERROR}),
    "padding longer than HEADERS": (
        lambda f: frame(HEADERS, 5 | PADDED, 1, b"\xff" + f.head()), {PROTOCOL_ERROR}
    ),
    "HEADERS too short for a priority": (
        lambda f: frame(HEADERS, 5 | WITH_PRIORITY, 1, b"\0\0"), {FRAME_SIZE_ERROR, PROTOCOL_ERROR}
    ),
    # §6.3
    "PRIORITY on stream 0": (lambda f: frame(PRIORITY, 0, 0, b"\0\0\0\x01\x10"), {PROTOCOL_ERROR}),
    # §6.4
    "RST_STREAM on stream 0": (
        lambda f: frame(RST_STREAM, 0, 0, b"\0\0\0\x08"), {PROTOCOL_ERROR}
    ),
    "RST_STREAM of another size": (
        lambda f: begun(f) + frame(RST_STREAM, 0, 1, b"\0\0\x08"), {FRAME_SIZE_ERROR}
    ),
    # §6.5
    "SETTINGS on a stream": (lambda f: frame(SETTINGS, 0, 1), {PROTOCOL_ERROR}),
    "SETTINGS of another size": (lambda f: frame(SETTINGS, 0, 0, b"\0" * 5), {FRAME_SIZE_ERROR}),
    "acknowledgement with settings": (
        lambda f: frame(SETTINGS, ACK, 0, setting(3, 1)), {FRAME_SIZE_ERROR}
    ),
    "push neither on nor off": (lambda f: frame(SETTINGS, 0, 0, setting(2, 2)), {PROTOCOL_ERROR}),
    "window beyond 2^31": (
        lambda f: frame(SETTINGS, 0, 0, setting(4, 1 << 31)), {FLOW_CONTROL_ERROR}
    ),
    "frame size below the least": (
        lambda f: frame(SETTINGS, 0, 0, setting(5, 16383)), {PROTOCOL_ERROR}
    ),
    "frame size beyond the most": (
        lambda f: frame(SETTINGS, 0, 0, setting(5, 1 << 24)), {PROTOCOL_ERROR}
    ),
    # §6.6
    "PUSH_PROMISE of a client": (
        lambda f: begun(f) + frame(PUSH_PROMISE, 4, 1, b"\0\0\0\x02" + f.head()), {PROTOCOL_ERROR}
    ),
    # §6.7
    "PING on a stream": (lambda f: frame(PING, 0, 1, b"12345678"), {PROTOCOL_ERROR}),
    "PING of another size": (lambda f: frame(PING, 0, 0, b"1234567"), {FRAME_SIZE_ERROR}),
    # §6.8
    "GOAWAY on a stream": (lambda f: frame(GOAWAY, 0, 1, b"\0" * 8), {PROTOCOL_ERROR}),
    "GOAWAY too short": (lambda f: frame(GOAWAY, 0, 0, b"\0" * 7), {FRAME_SIZE_ERROR}),
    # §6.9
    "WINDOW_UPDATE of another size": (
        lambda f: frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01"), {FRAME_SIZE_ERROR}
    ),
    "WINDOW_UPDATE by nothing": (lambda f: update(0, 0), {PROTOCOL_ERROR}),
    "window of the connection too large": (
        lambda f: update(0, (1 << 31) - 1), {FLOW_CONTROL_ERROR}
    ),
    # §6.2, §6.10: a head is one piece.
    "CONTINUATION without HEADERS": (
        lambda f: begun(f) + frame(CONTINUATION, 4, 1, f.head()), {PROTOCOL_ERROR}
    ),
    "DATA inside a head": (
        lambda f: frame(HEADERS, 0, 1, f.head()) + frame(DATA, 1, 1, b"x"), {PROTOCOL_ERROR}
    ),
    "PING inside a head": (
        lambda f: frame(HEADERS, 0, 1, f.head()) + frame(PING, 0, 0, b"12345678"), {PROTOCOL_ERROR}
    ),
    "unknown frame inside a head": (
        lambda f: frame(HEADERS, 0, 1, f.head()) + frame(0xBB, 0, 1), {PROTOCOL_ERROR}
    ),
    "another stream's CONTINUATION": (
        lambda f: frame(HEADERS, 0, 1, f.head()) + frame(CONTINUATION, 4, 3, b""), {PROTOCOL_ERROR}
    ),
    "CONTINUATION on stream 0": (
        lambda f: frame(HEADERS, 0, 1, f.head()) + frame(CONTINUATION, 4, 0, b""), {PROTOCOL_ERROR}
    ),
}

# name: (what is sent, the outcomes that stream 1 may have)
STREAM = {
    "PRIORITY of another size": (
        lambda f: begun(f) + frame(PRIORITY, 0, 1, b"\0\0\0\x03"),
        {("reset", FRAME_SIZE_ERROR), ("goaway", FRAME_SIZE_ERROR)},
    ),
    "WINDOW_UPDATE of a stream by nothing": (
        lambda f: begun(f) + update(1, 0), {("reset", PROTOCOL_ERROR), ("goaway", PROTOCOL_ERROR)}
    ),
    "window of a stream too large": (
        lambda f: begun(f) + update(1, (1 << 31) - 1),
        {("reset", FLOW_CONTROL_ERROR), ("goaway", FLOW_CONTROL_ERROR)},
    ),
    "DATA behind the stream's end": (
        lambda f: f.request(1, target="/held") + frame(DATA, 1, 1, b"x"),
        {("reset", STREAM_CLOSED), ("goaway", STREAM_CLOSED)},
    ),
    "HEADERS behind the stream's end": (
        lambda f: f.request(1, target="/held") + f.request(1),
        {("reset", STREAM_CLOSED), ("goaway", STREAM_CLOSED)},
    ),
    "stream that depends on itself": (
        lambda f: frame(HEADERS, 5 | WITH_PRIORITY, 1, b"\0\0\0\x01\x10" + f.head()),
        # RFC 9113 no longer knows dependencies; RFC 7540 §5.3.1 wanted an error.
        {("reset", PROTOCOL_ERROR), ("goaway", PROTOCOL_ERROR), ("status", 200)},
    ),
}

# What an endpoint must take without complaint.
FINE = {
    "unknown frame": lambda f: frame(0xBB, 0xFF, 0, b"whatever"),
    "unknown frame on a stream": lambda f: frame(0xBB, 0, 77, b"whatever"),
    "unknown setting": lambda f: frame(SETTINGS, 0, 0, setting(0xABC, 5)),
    "unknown flags": lambda f: frame(PING, 0xF0, 0, b"12345678"),
    "reserved bit of the stream": lambda f: frame(PING, 0, 0, b"12345678").replace(
        b"\0\0\0\0" + b"1234", b"\x80\0\0\0" + b"1234"
    ),
    "PRIORITY on an idle stream": lambda f: frame(PRIORITY, 0, 99, b"\0\0\0\x01\x10"),
    "largest frame": lambda f: frame(0xBB, 0, 0, b"x" * 16384),
    "acknowledged PING": lambda f: frame(PING, ACK, 0, b"12345678"),
    "smallest window": lambda f: frame(SETTINGS, 0, 0, setting(4, 0)) + frame(
        SETTINGS, 0, 0, setting(4, 65535)
    ),
    "small table": lambda f: frame(SETTINGS, 0, 0, setting(1, 0)),
}


@pytest.fixture(scope="module")
def proxy(shared_weir):
    listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
    return shared_weir({"listeners": [listener], "routes": [{"respond": {"body": "hi"}}]})


@pytest.fixture(scope="module")
def holding(shared_weir, shared_backend):
    """Before a server that never answers /held."""

    def script(connection):
        while (request := connection.request()) is not None:
            if request.target == "/held":
                connection.rest()
                return
            connection.answer(body="hi")

    listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
    return shared_weir({"listeners": [listener], "servers": [shared_backend(script).address]})


@pytest.mark.parametrize("name", CONNECTION)
def test_connection_error(holding, name):
    make, codes = CONNECTION[name]
    frames = Frames(holding)
    frames.send(make(frames))
    assert frames.goaway() in codes
    frames.close()


@pytest.mark.parametrize("name", STREAM)
def test_stream_error(holding, name):
    make, outcomes = STREAM[name]
    frames = Frames(holding)
    frames.send(make(frames))
    assert frames.outcome() in outcomes
    frames.close()


@pytest.mark.parametrize("name", FINE)
def test_taken_without_complaint(proxy, name):
    frames = Frames(proxy)
    frames.send(FINE[name](frames))
    frames.serves(1)
    frames.serves(3)
    frames.close()


@pytest.mark.parametrize("first", [b"GET / HTTP/2.0\r\n", PREFACE[:-1] + b"X", b"\0" * 24])
def test_bad_preface_over_tls(weir, certificates, first):
    """Where ALPN has chosen HTTP/2 nothing else may come."""
    listener = secure_listener(certificates.site)
    proxy = weir({"listeners": [listener], "routes": [{"respond": 200}]})
    frames = Frames(proxy, preface=False)
    frames.send(first)
    while frames.next() is not None:
        pass
    codes = [one.error_code for one in frames.seen if isinstance(one, GoAwayFrame)]
    assert codes in ([], [PROTOCOL_ERROR])


def test_preface_without_settings(proxy):
    frames = Frames(proxy, preface=False)
    frames.send(PREFACE, frame(PING, 0, 0, b"12345678"))
    assert frames.goaway() == PROTOCOL_ERROR
    frames.close()


def test_ping_comes_back(proxy):
    frames = Frames(proxy)
    frames.send(frame(PING, 0, 0, b"abcdefgh"))
    one = frames.until(PingFrame)
    assert one.opaque_data == b"abcdefgh" and "ACK" in one.flags
    frames.close()


def test_first_frames_of_the_proxy(proxy):
    """Its SETTINGS come first, and name what it allows."""
    frames = Frames(proxy)
    one = frames.next()
    assert isinstance(one, SettingsFrame) and "ACK" not in one.flags
    assert one.settings[3] == 128 and one.settings[6] >= 16384
    acknowledged = frames.until(SettingsFrame)
    assert "ACK" in acknowledged.flags
    frames.close()


def test_request_cut_into_single_bytes(proxy):
    frames = Frames(proxy, preface=False)
    whole = PREFACE + frame(SETTINGS, 0, 0) + frames.request(1)
    for number in range(len(whole)):
        frames.send(whole[number : number + 1])
    assert frames.outcome(1) == ("status", 200)
    frames.close()


def test_padding_and_priority_and_continuation(proxy):
    frames = Frames(proxy)
    block = frames.head(fields=[("x-long", "y" * 3000)])
    flags = END_STREAM | PADDED | WITH_PRIORITY
    padded = b"\x09" + b"\0\0\0\x00\x10" + block[:100] + b"\0" * 9
    pieces = frame(HEADERS, flags, 1, padded) + frame(CONTINUATION, 0, 1, block[100:900])
    frames.send(pieces, frame(CONTINUATION, END_HEADERS, 1, block[900:]))
    assert frames.outcome(1) == ("status", 200)
    frames.close()


def test_body_with_padding(weir, backend, cleartext):
    server = backend()
    frames = Frames(weir(cleartext(server)))
    frames.send(begun(frames), frame(DATA, PADDED, 1, b"\x05hello" + b"\0" * 5))
    frames.send(frame(DATA, PADDED | END_STREAM, 1, b"\xff" + b"\0" * 255))
    assert frames.outcome(1) == ("status", 200)
    assert server.requests[0].body == b"hello"


def test_data_beyond_the_window(weir, backend, cleartext):
    """A client that sends more than it was allowed is cut off."""

    def script(connection):
        connection.request_head()
        connection.backend.hold.wait(10)

    server = backend(script)
    server.hold = threading.Event()
    frames = Frames(weir(cleartext(server)))
    frames.send(begun(frames))
    frames.send(*[frame(DATA, 0, 1, b"x" * 16384) for _ in range(200)])
    outcome = frames.outcome()
    server.hold.set()
    assert outcome in {("reset", FLOW_CONTROL_ERROR), ("goaway", FLOW_CONTROL_ERROR)}
