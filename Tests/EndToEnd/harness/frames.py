"""The frames of HTTP/2 by hand (RFC 9113 §6), and what may come of sending them."""

from hyperframe.frame import GoAwayFrame, PingFrame

from harness.http2 import Frames, frame

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
# The numbers of settings (§6.5.2, RFC 8441 §3).
TABLE_SIZE, ENABLE_PUSH, MOST_STREAMS, WINDOW, FRAME_SIZE, LIST_SIZE = range(1, 7)
CONNECT_PROTOCOL = 8
# The largest window (§6.9.1).
LARGEST = (1 << 31) - 1


def data(stream, payload=b"", end=False):
    return frame(DATA, int(end), stream, payload)


def headers(stream, block, end=True, whole=True):
    """A HEADERS frame; a head that is not `whole` goes on in CONTINUATIONs."""
    return frame(HEADERS, int(end) | (END_HEADERS if whole else 0), stream, block)


def continuation(stream, block, whole=True):
    return frame(CONTINUATION, END_HEADERS if whole else 0, stream, block)


def priority(stream, parent=0, weight=15, exclusive=False):
    return frame(PRIORITY, 0, stream, dependency(parent, weight, exclusive))


def dependency(parent=0, weight=15, exclusive=False):
    """The five bytes that say what a stream depends on (RFC 7540 §6.3)."""
    return (parent | (1 << 31 if exclusive else 0)).to_bytes(4, "big") + bytes([weight])


def reset(stream, code=8):
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def setting(number, value):
    return number.to_bytes(2, "big") + value.to_bytes(4, "big")


def settings(**values):
    """SETTINGS whose values are named as above, in lower case."""
    names = {key.lower(): number for key, number in globals().items() if isinstance(number, int)}
    return frame(SETTINGS, 0, 0, b"".join(setting(names[k], v) for k, v in values.items()))


def ping(payload=b"12345678", flags=0):
    return frame(PING, flags, 0, payload)


def goaway(last=0, code=0, stream=0, text=b""):
    return frame(GOAWAY, 0, stream, last.to_bytes(4, "big") + code.to_bytes(4, "big") + text)


def update(stream, count):
    return frame(WINDOW_UPDATE, 0, stream, count.to_bytes(4, "big"))


def integer(value, bits, first=0):
    """An integer of HPACK with a prefix of so many bits (RFC 7541 §5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    found, value = [first | most], value - most
    while value >= 128:
        found.append(128 | value & 127)
        value >>= 7
    return bytes([*found, value])


def literal(name, value, first=0x00):
    """A field that is not indexed, its name and value as they are (RFC 7541 §6.2.2)."""
    found = bytes([first])
    for text in (name, value):
        found += integer(len(text), 7) + text
    return found


# What may come of it.


def answers(frames, stream=1, status=200):
    """The stream is answered."""
    assert frames.outcome(stream) == ("status", status), frames.seen[-5:]


def pongs(payload=b"12345678"):
    """A PING is answered that was sent with it."""

    def check(frames):
        while (one := frames.until(PingFrame)).opaque_data != payload or "ACK" not in one.flags:
            assert "ACK" not in one.flags, f"answered {one.opaque_data}"

    return check


def pongs_or_closes(payload=b"12345678"):
    """A PING is answered that was sent with it, or the connection ends in peace."""

    def check(frames):
        while (one := frames.next()) is not None:
            if isinstance(one, PingFrame) and "ACK" in one.flags:
                assert one.opaque_data == payload
                return
            assert not isinstance(one, GoAwayFrame) or one.error_code == 0, one

    return check


def ends(code):
    """The connection ends with GOAWAY of this code, and is closed then."""

    def check(frames):
        found = frames.goaway()
        assert found == code, f"GOAWAY with {found} instead of {code}"

    return check


def fails(code, stream=1):
    """The stream ends with this code, alone or with its connection."""

    def check(frames):
        outcome = frames.outcome(stream)
        assert outcome in {("reset", code), ("goaway", code)}, outcome

    return check


def resets(code, stream=1):
    """The stream ends with this code, and the connection goes on."""

    def check(frames):
        outcome = frames.outcome(stream)
        assert outcome == ("reset", code), outcome
        frames.serves(max(stream, 999) | 1)

    return check


def closes(stream=1):
    """Reads the whole answer, so that the stream is closed on both sides."""

    def check(frames):
        assert frames.outcome(stream)[0] == "status"

    return check


def play(proxy, case):
    """Sends what a case says and looks at what comes of it; then another client is served."""
    sent, check = case
    frames = Frames(proxy)
    frames.send(sent(frames))
    check(frames)
    frames.close()
    other = Frames(proxy)
    other.serves(1)
    other.close()
