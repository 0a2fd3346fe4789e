"""Connections, frames and streams: h2spec's groups `http2` 3.5 to 7, 76 of its 147 cases.

Sections are those of RFC 7540, which h2spec goes by; what is expected holds by RFC 9113 too.
"""

from harness.frames import (
    DATA,
    HEADERS,
    LARGEST,
    PADDED,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    answers,
    continuation,
    data,
    dependency,
    ends,
    fails,
    goaway,
    headers,
    ping,
    pongs,
    pongs_or_closes,
    priority,
    reset,
    setting,
    settings,
    update,
)
from harness.http2 import (
    COMPRESSION_ERROR,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    frame,
)
from http2.spec_generic import acknowledges, begun, takes_preface, then
from hyperframe.frame import DataFrame, PingFrame


def half(f):
    """A head that is not whole."""
    return headers(1, f.head("POST"), end=False, whole=False)


def more(f, stream=1, whole=True):
    return continuation(stream, f.block([("x-dummy", "z")]), whole)


def sends(*lengths):
    """The answer comes in DATA frames of these lengths, as far as the window goes."""

    def check(frames):
        for length in lengths:
            one = frames.until(DataFrame, 1)
            assert len(one.data) == length, one

    return check


def nothing_else(frames):
    """No DATA comes before the answer to a PING that is sent now."""
    frames.send(ping(b"anything"))
    while not isinstance(one := frames.next(), PingFrame):
        assert not isinstance(one, DataFrame), one


def exceeds(f):
    """One stream more than the 128 that the proxy allows, none of which can end."""
    requests = [f.request(stream) for stream in range(1, 2 * 129, 2)]
    return settings(window=0) + b"".join(requests)


def both(*checks):
    def check(frames):
        for one in checks:
            one(frames)

    return check


CLOSED = fails(STREAM_CLOSED)

CASES = {
    "3.5/1 preface": (lambda f: b"", takes_preface),
    "4.1/1 unknown type": (lambda f: frame(0x16, 0, 0, bytes(8)) + ping(), pongs()),
    "4.1/2 undefined flag": (lambda f: ping(flags=0x16), pongs()),
    "4.1/3 reserved bit": (lambda f: frame(6, 0, 1 << 31, b"12345678"), pongs()),
    "4.2/1 largest DATA": (lambda f: begun(f) + data(1, b"x" * 16384, end=True), answers),
    "4.2/2 DATA too large": (lambda f: begun(f) + data(1, b"x" * 16385), fails(FRAME_SIZE_ERROR)),
    "4.2/3 HEADERS too large": (
        lambda f: headers(1, f.head() + b"\x10\x01x\x01y" * 4000), ends(FRAME_SIZE_ERROR)
    ),
    "4.3/1 bad block": (lambda f: headers(1, b"\x40"), ends(COMPRESSION_ERROR)),
    "4.3/2 PRIORITY inside a head": (
        lambda f: half(f) + priority(1) + more(f), ends(PROTOCOL_ERROR)
    ),
    "4.3/3 HEADERS inside a head": (
        lambda f: half(f) + f.request(3) + more(f), ends(PROTOCOL_ERROR)
    ),
    "5.1/1 idle: DATA": (lambda f: data(1, b"test", end=True), ends(PROTOCOL_ERROR)),
    "5.1/2 idle: RST_STREAM": (lambda f: reset(1), ends(PROTOCOL_ERROR)),
    "5.1/3 idle: WINDOW_UPDATE": (lambda f: update(1, 100), ends(PROTOCOL_ERROR)),
    "5.1/4 idle: CONTINUATION": (lambda f: continuation(1, f.head()), ends(PROTOCOL_ERROR)),
    "5.1/5 half-closed: DATA": (lambda f: f.request(1) + data(1, b"test", end=True), CLOSED),
    "5.1/6 half-closed: HEADERS": (lambda f: f.request(1) + f.request(1), CLOSED),
    "5.1/7 half-closed: CONTINUATION": (
        lambda f: f.request(1) + continuation(1, f.head()), ends(PROTOCOL_ERROR)
    ),
    "5.1/8 reset by the client: DATA": (
        lambda f: begun(f) + reset(1) + data(1, b"test", end=True), CLOSED
    ),
    "5.1/9 reset by the client: HEADERS": (
        lambda f: begun(f) + reset(1) + f.request(1), CLOSED
    ),
    "5.1/10 reset by the client: CONTINUATION": (
        lambda f: begun(f) + reset(1) + more(f), ends(PROTOCOL_ERROR)
    ),
    "5.1/11 closed: DATA": (
        lambda f: f.request(1), then(lambda f: data(1, b"test", end=True), answers, CLOSED)
    ),
    "5.1/12 closed: HEADERS": (
        lambda f: f.request(1), then(lambda f: f.request(1), answers, ends(STREAM_CLOSED))
    ),
    "5.1/13 closed: CONTINUATION": (
        lambda f: f.request(1),
        then(lambda f: continuation(1, f.head()), answers, ends(PROTOCOL_ERROR)),
    ),
    "5.1.1/1 even stream": (lambda f: f.request(2), ends(PROTOCOL_ERROR)),
    "5.1.1/2 smaller stream": (lambda f: f.request(5) + f.request(3), ends(PROTOCOL_ERROR)),
    "5.1.2/1 too many streams": (exceeds, fails(REFUSED_STREAM, stream=257)),
    "5.3.1/1 HEADERS that depend on themselves": (
        lambda f: frame(HEADERS, 5 | WITH_PRIORITY, 1, dependency(1) + f.head()),
        fails(PROTOCOL_ERROR),
    ),
    "5.3.1/2 PRIORITY that depends on itself": (
        lambda f: priority(3, parent=3), fails(PROTOCOL_ERROR, stream=3)
    ),
    "5.4.1/1 error closes the connection": (
        lambda f: frame(6, 0, 1, b"12345678"), ends(PROTOCOL_ERROR)
    ),
    "5.4.1/2 error is told by GOAWAY": (lambda f: ping(b"1234567"), ends(FRAME_SIZE_ERROR)),
    "5.5/1 extension frame": (lambda f: frame(0x16, 0, 0, bytes(8)) + ping(), pongs()),
    "5.5/2 extension frame inside a head": (
        lambda f: half(f) + frame(0x16, 0, 0, bytes(8)), ends(PROTOCOL_ERROR)
    ),
    "6.1/1 DATA on stream 0": (lambda f: data(0, b"test", end=True), ends(PROTOCOL_ERROR)),
    "6.1/2 DATA on a half-closed stream": (
        lambda f: f.request(1) + data(1, b"test", end=True), CLOSED
    ),
    "6.1/3 padding too long": (
        lambda f: begun(f) + frame(DATA, 1 | PADDED, 1, b"\x06Test"), ends(PROTOCOL_ERROR)
    ),
    "6.2/1 PRIORITY inside a head": (
        lambda f: half(f) + priority(1) + more(f), ends(PROTOCOL_ERROR)
    ),
    "6.2/2 HEADERS of another stream inside a head": (
        lambda f: half(f) + f.request(3) + more(f), ends(PROTOCOL_ERROR)
    ),
    "6.2/3 HEADERS on stream 0": (lambda f: f.request(0), ends(PROTOCOL_ERROR)),
    "6.2/4 padding too long": (
        lambda f: frame(HEADERS, 5 | PADDED, 1, bytes([len(f.head()) + 2]) + f.head()),
        fails(PROTOCOL_ERROR),
    ),
    "6.3/1 PRIORITY on stream 0": (lambda f: priority(0), ends(PROTOCOL_ERROR)),
    "6.3/2 PRIORITY of another size": (
        lambda f: begun(f) + frame(2, 0, 1, b"\x80\0\0\1"), fails(FRAME_SIZE_ERROR)
    ),
    "6.4/1 RST_STREAM on stream 0": (lambda f: reset(0), ends(PROTOCOL_ERROR)),
    "6.4/2 RST_STREAM on an idle stream": (lambda f: reset(1), ends(PROTOCOL_ERROR)),
    "6.4/3 RST_STREAM of another size": (
        lambda f: begun(f) + frame(RST_STREAM, 0, 1, bytes(3)), ends(FRAME_SIZE_ERROR)
    ),
    "6.5/1 acknowledgement with a payload": (
        lambda f: frame(SETTINGS, 1, 0, b"\0"), ends(FRAME_SIZE_ERROR)
    ),
    "6.5/2 SETTINGS on a stream": (
        lambda f: frame(SETTINGS, 0, 1, setting(3, 100)), ends(PROTOCOL_ERROR)
    ),
    "6.5/3 SETTINGS of another size": (
        lambda f: frame(SETTINGS, 0, 0, b"\0\3\0"), ends(FRAME_SIZE_ERROR)
    ),
    "6.5.2/1 push neither on nor off": (lambda f: settings(enable_push=2), ends(PROTOCOL_ERROR)),
    "6.5.2/2 window too large": (lambda f: settings(window=1 << 31), ends(FLOW_CONTROL_ERROR)),
    "6.5.2/3 frame size too small": (lambda f: settings(frame_size=16383), ends(PROTOCOL_ERROR)),
    "6.5.2/4 frame size too large": (lambda f: settings(frame_size=1 << 24), ends(PROTOCOL_ERROR)),
    "6.5.2/5 unknown setting": (
        lambda f: frame(SETTINGS, 0, 0, setting(0xFF, 1)) + ping(), pongs()
    ),
    "6.5.3/1 the last of two values counts": (
        lambda f: frame(SETTINGS, 0, 0, setting(WINDOW, 100) + setting(WINDOW, 1)) + f.request(1),
        sends(1),
    ),
    "6.5.3/2 SETTINGS is acknowledged": (lambda f: settings(window=1), acknowledges),
    "6.7/1 PING": (lambda f: ping(), pongs()),
    "6.7/2 answer to no PING": (
        lambda f: ping(b"invalid\0", flags=1) + ping(b"h2spec\0\0"), pongs(b"h2spec\0\0")
    ),
    "6.7/3 PING on a stream": (lambda f: frame(6, 0, 1, bytes(8)), ends(PROTOCOL_ERROR)),
    "6.7/4 PING of another size": (lambda f: ping(b"123456"), ends(FRAME_SIZE_ERROR)),
    "6.8/1 GOAWAY on a stream": (lambda f: goaway(stream=1), ends(PROTOCOL_ERROR)),
    "6.9/1 WINDOW_UPDATE by nothing": (lambda f: update(0, 0), ends(PROTOCOL_ERROR)),
    "6.9/2 WINDOW_UPDATE of a stream by nothing": (
        lambda f: begun(f) + update(1, 0), fails(PROTOCOL_ERROR)
    ),
    "6.9/3 WINDOW_UPDATE of another size": (
        lambda f: frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), ends(FRAME_SIZE_ERROR)
    ),
    "6.9.1/1 window of one byte": (lambda f: settings(window=1) + f.request(1), sends(1)),
    "6.9.1/2 connection's window too large": (
        lambda f: update(0, LARGEST) + update(0, LARGEST), ends(FLOW_CONTROL_ERROR)
    ),
    "6.9.1/3 stream's window too large": (
        lambda f: begun(f) + update(1, LARGEST) + update(1, LARGEST), fails(FLOW_CONTROL_ERROR)
    ),
    "6.9.2/1 window opened by SETTINGS": (
        lambda f: settings(window=0) + f.request(1) + settings(window=1), sends(1)
    ),
    "6.9.2/2 negative window": (
        lambda f: settings(window=3) + f.request(1),
        then(lambda f: settings(window=2) + update(1, 2), sends(3), both(sends(1), nothing_else)),
    ),
    "6.9.2/3 window beyond the largest by SETTINGS": (
        lambda f: settings(window=1 << 31), ends(FLOW_CONTROL_ERROR)
    ),
    "6.10/1 CONTINUATIONs behind HEADERS": (
        lambda f: headers(1, f.head(), whole=False) + more(f, whole=False) + more(f), answers
    ),
    "6.10/2 another frame between CONTINUATIONs": (
        lambda f: half(f) + more(f, whole=False) + data(1, b"test", end=True), ends(PROTOCOL_ERROR)
    ),
    "6.10/3 CONTINUATION on stream 0": (lambda f: half(f) + more(f, 0), ends(PROTOCOL_ERROR)),
    "6.10/4 CONTINUATION behind whole HEADERS": (
        lambda f: f.request(1) + more(f), ends(PROTOCOL_ERROR)
    ),
    "6.10/5 CONTINUATION behind the last one": (
        lambda f: headers(1, f.head(), whole=False) + more(f) + more(f), ends(PROTOCOL_ERROR)
    ),
    "6.10/6 CONTINUATION behind DATA": (
        lambda f: half(f) + data(1, b"test", end=True) + more(f), ends(PROTOCOL_ERROR)
    ),
    "7/1 GOAWAY with an unknown code": (
        lambda f: goaway(code=0xFF) + ping(), pongs_or_closes()
    ),
    "7/2 RST_STREAM with an unknown code": (
        lambda f: begun(f) + reset(1, 0xFF) + ping(), pongs()
    ),
}

# Sent in place of the preface: the connection is closed (§3.5).
BAD_PREFACE = b"INVALID CONNECTION PREFACE\r\n\r\n"
