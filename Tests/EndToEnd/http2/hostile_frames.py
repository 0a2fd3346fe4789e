"""Frames that break RFC 9113 §4 to §6, beyond what h2spec looks at."""

from harness.frames import (
    DATA,
    GOAWAY,
    HEADERS,
    LARGEST,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    TABLE_SIZE,
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
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    frame,
)
from http2.spec_frames import half
from http2.spec_generic import begun, then

WRONG, SIZE = ends(PROTOCOL_ERROR), ends(FRAME_SIZE_ERROR)
FLOW = ends(FLOW_CONTROL_ERROR)
MALFORMED = [("x", "y"), ("connection", "close")]


def sized(kind, *lengths, stream=0, check=SIZE):
    """Rows of frames of lengths that they cannot have (§6.3 to §6.9)."""
    names = {
        PRIORITY: "PRIORITY",
        RST_STREAM: "RST_STREAM",
        SETTINGS: "SETTINGS",
        PING: "PING",
        GOAWAY: "GOAWAY",
        WINDOW_UPDATE: "WINDOW_UPDATE",
    }

    def sends(length):
        begins = begun if stream else lambda f: b""
        return lambda f: begins(f) + frame(kind, 0, stream, bytes([0, 0, 0, 1, 1] * length)[:length])

    return {f"{names[kind]} of {length} bytes": (sends(length), check) for length in lengths}


def inside(name, make):
    """A row with a frame between HEADERS and CONTINUATION (§4.3, §6.10)."""
    return {f"{name} inside a head": (lambda f: half(f) + make(f), WRONG)}


def malformed(f):
    """A request that the proxy resets."""
    return f.request(1, fields=MALFORMED, end=False)


def goes_on(frames):
    """The connection is as good as ever."""
    frames.serves(101)


def ignored(make):
    """A row in which frames come for a stream that is over."""
    return (lambda f: f.request(1), then(make, answers, goes_on))


def after_reset(make):
    """Frames on a stream that the proxy has reset: they may have crossed (§5.1)."""

    def check(frames):
        assert frames.outcome(1) == ("reset", PROTOCOL_ERROR)
        frames.send(make(frames))
        goes_on(frames)

    return malformed, check


CASES = {
    **sized(PRIORITY, 0, 4, 6, stream=1, check=fails(FRAME_SIZE_ERROR)),
    **sized(RST_STREAM, 0, 3, 5, stream=1),
    **sized(SETTINGS, 1, 5, 7),
    **sized(PING, 0, 7, 9),
    **sized(GOAWAY, 0, 4, 7),
    **sized(WINDOW_UPDATE, 0, 3, 5),
    # Larger than any may be, §4.2.
    "SETTINGS too large": (lambda f: frame(SETTINGS, 0, 0, bytes(16386)), SIZE),
    "PING too large": (lambda f: ping(bytes(16385)), SIZE),
    "CONTINUATION too large": (
        lambda f: half(f) + continuation(1, bytes(16385)), SIZE
    ),
    "GOAWAY too large": (lambda f: goaway(text=bytes(16385)), SIZE),
    "announced and never sent": (lambda f: frame(DATA, 0, 1, length=(1 << 24) - 1), SIZE),
    "HTTP/1 behind the preface": (lambda f: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", SIZE),
    "a second preface": (lambda f: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SIZE),
    "TLS behind the preface": (
        lambda f: bytes.fromhex("16030100a5010000a10303") + bytes(160), SIZE
    ),
    # Numbers of streams, §5.1.1.
    "even stream": (lambda f: f.request(4), WRONG),
    "DATA on a stream of the server's": (lambda f: data(2, b"x"), WRONG),
    "RST_STREAM on a stream of the server's": (lambda f: reset(2), WRONG),
    "WINDOW_UPDATE on a stream of the server's": (lambda f: update(2, 1), WRONG),
    "PRIORITY on a stream of the server's": (lambda f: priority(2) + ping(), pongs()),
    "DATA on a stream passed over": (lambda f: f.request(5) + data(3, b"x"), WRONG),
    "HEADERS on a stream passed over": (lambda f: f.request(5) + f.request(3), WRONG),
    "the last stream there is": (
        lambda f: f.request(LARGEST), lambda f: answers(f, stream=LARGEST)
    ),
    # The limit is known once SETTINGS is acknowledged, §5.1.2.
    "streams beyond the limit, once it is known": (lambda f: settled(f) + too_many(f), WRONG),
    # Streams that are over, §5.1.
    "WINDOW_UPDATE on a closed stream": ignored(lambda f: update(1, 5)),
    "RST_STREAM on a closed stream": ignored(lambda f: reset(1)),
    "PRIORITY on a closed stream": ignored(lambda f: priority(1)),
    "DATA on a stream that the proxy has reset": after_reset(lambda f: data(1, b"x" * 100)),
    "trailers on a stream that the proxy has reset": after_reset(
        lambda f: headers(1, f.block([("x-table", "1")]))
    ),
    "RST_STREAM on a stream that the proxy has reset": after_reset(lambda f: reset(1)),
    "WINDOW_UPDATE on a stream that the proxy has reset": after_reset(lambda f: update(1, 9)),
    "trailers behind the end": (
        lambda f: begun(f) + data(1, b"x", end=True) + headers(1, f.block([("x", "y")])),
        fails(STREAM_CLOSED),
    ),
    "DATA behind trailers": (
        lambda f: begun(f) + headers(1, f.block([("x", "y")])) + data(1, b"x"),
        fails(STREAM_CLOSED),
    ),
    "trailers twice": (
        lambda f: begun(f) + headers(1, f.block([("x", "y")])) * 2, fails(STREAM_CLOSED)
    ),
    "trailers that do not end": (
        lambda f: begun(f) + headers(1, f.block([("x", "y")]), end=False), fails(PROTOCOL_ERROR)
    ),
    # Padding, §6.1 and §6.2.
    "DATA padded by as much as there is": (
        lambda f: begun(f) + frame(DATA, PADDED, 1, b"\x04\0\0\0\0"),
        then(lambda f: data(1, end=True), lambda f: None, answers),
    ),
    "DATA padded by one byte more": (
        lambda f: begun(f) + frame(DATA, PADDED, 1, b"\x05\0\0\0\0"), WRONG
    ),
    "DATA with padding that is not zero": (
        lambda f: begun(f) + frame(DATA, 1 | PADDED, 1, b"\x03abcxyz"), answers
    ),
    "HEADERS padded by as much as there is": (
        lambda f: frame(HEADERS, 5 | PADDED, 1, b"\x04\0\0\0\0"), fails(PROTOCOL_ERROR)
    ),
    "HEADERS padded by one byte more": (
        lambda f: frame(HEADERS, 5 | PADDED, 1, b"\x05\0\0\0\0"), WRONG
    ),
    "padded HEADERS of no bytes": (
        lambda f: frame(HEADERS, 5 | PADDED, 1), lambda f: either_size(f)
    ),
    "HEADERS padded into their priority": (
        lambda f: frame(HEADERS, 5 | PADDED | WITH_PRIORITY, 1, b"\x03" + dependency()), WRONG
    ),
    # A head is one piece, §4.3.
    **inside("SETTINGS", lambda f: settings(window=5)),
    **inside("PING", lambda f: ping()),
    **inside("RST_STREAM", lambda f: reset(1)),
    **inside("WINDOW_UPDATE", lambda f: update(1, 1)),
    **inside("GOAWAY", lambda f: goaway()),
    **inside("PRIORITY of another stream", lambda f: priority(3)),
    **inside("HEADERS of the same stream", lambda f: f.request(1)),
    **inside("DATA", lambda f: data(1, b"x")),
    **inside("PUSH_PROMISE", lambda f: frame(PUSH_PROMISE, 4, 1, b"\0\0\0\2")),
    **inside("unknown frame of the same stream", lambda f: frame(0xFE, 4, 1)),
    **inside("CONTINUATION of another stream", lambda f: continuation(3, b"")),
    # SETTINGS, §6.5.
    "push of 2^32 - 1": (lambda f: settings(enable_push=(1 << 32) - 1), WRONG),
    "window of 2^32 - 1": (lambda f: settings(window=(1 << 32) - 1), FLOW),
    "frame size of nothing": (lambda f: settings(frame_size=0), WRONG),
    "largest values": (
        lambda f: settings(
            table_size=(1 << 32) - 1, most_streams=(1 << 32) - 1, window=LARGEST,
            frame_size=(1 << 24) - 1, list_size=(1 << 32) - 1,
        ),
        goes_on,
    ),
    "smallest values": (
        lambda f: settings(table_size=0, most_streams=0, frame_size=16384, list_size=0), goes_on
    ),
    "one setting 32 times": (
        lambda f: frame(SETTINGS, 0, 0, setting(TABLE_SIZE, 4096) * 32), goes_on
    ),
    "one setting a thousand times": (
        lambda f: frame(SETTINGS, 0, 0, setting(TABLE_SIZE, 4096) * 1000), ends(ENHANCE_YOUR_CALM)
    ),
    "priorities neither old nor new": (lambda f: frame(SETTINGS, 0, 0, setting(9, 2)), WRONG),
    "extended CONNECT neither on nor off": (
        lambda f: frame(SETTINGS, 0, 0, setting(8, 2)), WRONG
    ),
    "window of a stream too large by SETTINGS": (
        lambda f: begun(f) + update(1, LARGEST - 65535) + settings(window=65536), FLOW
    ),
    # Windows, §6.9.
    "WINDOW_UPDATE with the reserved bit": (
        lambda f: frame(WINDOW_UPDATE, 0, 0, b"\x80\0\0\5"), goes_on
    ),
    "WINDOW_UPDATE of the reserved bit only": (
        lambda f: frame(WINDOW_UPDATE, 0, 0, b"\x80\0\0\0"), WRONG
    ),
    "window of a stream too large": (
        lambda f: begun(f) + update(1, LARGEST), fails(FLOW_CONTROL_ERROR)
    ),
    "window of the connection too large": (lambda f: update(0, LARGEST), FLOW),
    # Pushing, §6.6 and §8.4.
    "PUSH_PROMISE on stream 0": (lambda f: frame(PUSH_PROMISE, 4, 0, b"\0\0\0\2"), WRONG),
    "PUSH_PROMISE on an idle stream": (
        lambda f: frame(PUSH_PROMISE, 4, 1, b"\0\0\0\2" + f.head()), WRONG
    ),
    "PUSH_PROMISE of a stream of the client's": (
        lambda f: begun(f) + frame(PUSH_PROMISE, 4, 1, b"\0\0\0\3" + f.head()), WRONG
    ),
    # What must be passed over, §4.1 and §5.5.
    "unknown frames of all kinds": (
        lambda f: b"".join(frame(kind, 0xFF, 0, b"x" * kind) for kind in range(10, 100)), goes_on
    ),
    "unknown frame on a stream that is open": (
        lambda f: begun(f) + frame(0xC, 1, 1, b"x") + data(1, b"x", end=True), answers
    ),
    "unknown frame on a stream of the server's": (lambda f: frame(0xC, 0, 8, b"x"), goes_on),
    "reserved bit of a stream": (
        lambda f: frame(HEADERS, 5, 1 | 1 << 31, f.head()), answers
    ),
    "flags that mean nothing": (
        lambda f: frame(HEADERS, 5 | 0x92, 1, f.head()), answers
    ),
    "GOAWAY with an unknown code and text": (
        lambda f: goaway(code=0xABCDEF, text=b"t" * 1000) + ping(), pongs_or_closes()
    ),
    "RST_STREAM with the largest code": (
        lambda f: begun(f) + reset(1, (1 << 32) - 1), goes_on
    ),
}


def settled(f):
    """Acknowledges the proxy's SETTINGS, which have come."""
    f.next()
    return b""


def too_many(f):
    """One stream more than the 128 that the proxy allows, none of which can end."""
    requests = [f.request(stream, "POST", end=False) for stream in range(1, 2 * 129, 2)]
    return b"".join(requests)


def either_size(frames):
    """§6.2 calls it an error of the protocol, §4.2 one of size."""
    assert frames.goaway() in {PROTOCOL_ERROR, FRAME_SIZE_ERROR}
