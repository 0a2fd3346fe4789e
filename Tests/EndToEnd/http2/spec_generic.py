"""What every endpoint has to take: the cases of h2spec's group `generic`, 44 of its 147.

Sections are those of RFC 7540, which h2spec goes by. A row is what is sent and what comes of it.
"""

from harness.frames import (
    DATA,
    END_STREAM,
    HEADERS,
    PADDED,
    WITH_PRIORITY,
    answers,
    continuation,
    data,
    dependency,
    goaway,
    headers,
    ping,
    pongs,
    pongs_or_closes,
    priority,
    reset,
    settings,
    update,
)
from harness.http2 import frame
from hyperframe.frame import SettingsFrame

NO_BYTES = bytes(8)


def begun(f, stream=1):
    """A request whose body is still to come."""
    return f.request(stream, "POST", end=False)


def cut(f, *places):
    """A head in pieces."""
    block = f.head()
    places = [0, *places, len(block)]
    pieces = [block[a:b] for a, b in zip(places, places[1:])]
    first = headers(1, pieces[0], whole=False)
    rest = [continuation(1, one, whole=one is pieces[-1]) for one in pieces[1:]]
    return first + b"".join(rest)


def takes_preface(frames):
    first = frames.next()
    assert isinstance(first, SettingsFrame) and "ACK" not in first.flags


def then(sent, *checks):
    """Frames that are sent behind what came of the ones before."""

    def check(frames):
        checks[0](frames)
        frames.send(sent(frames))
        for one in checks[1:]:
            one(frames)

    return check


def adds(representation):
    """A field behind those of a good request, as HPACK has it (RFC 7541 §6)."""
    return lambda f: headers(1, f.head() + bytes.fromhex(representation))


# "user-agent" and "x-test" as they are, and by Huffman's code; so is the value.
AGENT, AGENT_CODED = "0a757365722d6167656e74", "87b505b161cc5a93"
NEW, NEW_CODED = "06782d74657374", "85f2b24a84ff"
VALUE, VALUE_CODED = "06683273706563", "849c48aca4"

WINDOW_SHUT = settings(window=0)

CASES = {
    "1/1 preface": (lambda f: b"", takes_preface),
    "2/1 PRIORITY on an idle stream": (
        lambda f: priority(1, weight=255) + ping(NO_BYTES), pongs(NO_BYTES)
    ),
    "2/2 WINDOW_UPDATE on a half-closed stream": (
        lambda f: WINDOW_SHUT + f.request(1) + update(1, 1 << 20), answers
    ),
    "2/3 PRIORITY on a half-closed stream": (
        lambda f: WINDOW_SHUT + f.request(1) + priority(1) + update(1, 1 << 20), answers
    ),
    "2/4 RST_STREAM on a half-closed stream": (
        lambda f: f.request(1) + reset(1) + ping(NO_BYTES), pongs(NO_BYTES)
    ),
    "2/5 PRIORITY on a closed stream": (
        lambda f: f.request(1),
        then(lambda f: priority(1, weight=255) + ping(NO_BYTES), answers, pongs(NO_BYTES)),
    ),
    "3.1/1 DATA": (lambda f: begun(f) + data(1, b"test", end=True), answers),
    "3.1/2 several DATA frames": (
        lambda f: begun(f) + data(1, b"test") + data(1, b"test", end=True), answers
    ),
    "3.1/3 padded DATA": (
        lambda f: begun(f) + frame(DATA, END_STREAM | PADDED, 1, b"\x05test" + b"\0" * 5), answers
    ),
    "3.2/1 HEADERS": (lambda f: f.request(1), answers),
    "3.2/2 padded HEADERS": (
        lambda f: frame(HEADERS, 5 | PADDED, 1, b"\x08" + f.head() + b"\0" * 8), answers
    ),
    "3.2/3 HEADERS with a priority": (
        lambda f: frame(HEADERS, 5 | WITH_PRIORITY, 1, dependency(weight=255) + f.head()), answers
    ),
    "3.3/1 PRIORITY with weight 1": (lambda f: priority(1, weight=0) + f.request(1), answers),
    "3.3/2 PRIORITY with weight 256": (lambda f: priority(1, weight=255) + f.request(1), answers),
    "3.3/3 PRIORITY with a dependency": (lambda f: priority(3, parent=1) + f.request(1), answers),
    "3.3/4 exclusive PRIORITY": (
        lambda f: priority(1, exclusive=True) + f.request(1), answers
    ),
    "3.3/5 PRIORITY for a later stream": (lambda f: priority(3) + f.request(1), answers),
    "3.4/1 RST_STREAM": (lambda f: begun(f) + reset(1) + ping(NO_BYTES), pongs(NO_BYTES)),
    "3.5/1 SETTINGS": (
        lambda f: settings(
            table_size=4096, enable_push=1, most_streams=100, window=65535, frame_size=16384,
            list_size=100,
        ),
        lambda f: acknowledges(f),
    ),
    "3.7/1 PING": (lambda f: ping(b"h2spec\0\0"), pongs(b"h2spec\0\0")),
    "3.8/1 GOAWAY": (
        lambda f: goaway(text=b"text") + ping(NO_BYTES), pongs_or_closes(NO_BYTES)
    ),
    "3.9/1 WINDOW_UPDATE of the connection": (
        lambda f: update(0, 1) + ping(NO_BYTES), pongs(NO_BYTES)
    ),
    "3.9/2 WINDOW_UPDATE of a stream": (lambda f: f.request(1) + update(1, 1), answers),
    "3.10/1 CONTINUATION": (lambda f: cut(f, 5), answers),
    "3.10/2 several CONTINUATIONs": (lambda f: cut(f, 5, 10), answers),
    "4/1 GET": (lambda f: f.request(1), answers),
    "4/2 HEAD": (lambda f: f.request(1, "HEAD"), answers),
    "4/3 POST": (lambda f: begun(f) + data(1, b"test", end=True), answers),
    "4/4 POST with trailers": (
        lambda f: begun(f) + data(1, b"test") + headers(1, f.block([("x-test", "ok")])), answers
    ),
    "5/1 indexed field": (
        lambda f: headers(1, f.head(fields=[("x-test", "ok")]) + b"\xbe"), answers
    ),
    "5/2 indexing, known name": (adds("7a" + VALUE), answers),
    "5/3 indexing, known name, coded": (adds("7a" + VALUE_CODED), answers),
    "5/4 indexing, new name": (adds("40" + NEW + VALUE), answers),
    "5/5 indexing, new name, coded": (adds("40" + NEW_CODED + VALUE_CODED), answers),
    "5/6 no indexing, known name": (adds("0f2b" + VALUE), answers),
    "5/7 no indexing, known name, coded": (adds("0f2b" + VALUE_CODED), answers),
    "5/8 no indexing, new name": (adds("00" + AGENT + VALUE), answers),
    "5/9 no indexing, new name, coded": (adds("00" + AGENT_CODED + VALUE_CODED), answers),
    "5/10 never indexed, known name": (adds("1f2b" + VALUE), answers),
    "5/11 never indexed, known name, coded": (adds("1f2b" + VALUE_CODED), answers),
    "5/12 never indexed, new name": (adds("10" + NEW + VALUE), answers),
    "5/13 never indexed, new name, coded": (adds("10" + NEW_CODED + VALUE_CODED), answers),
    "5/14 size of the table": (lambda f: headers(1, b"\x3f\x61" + f.head()), answers),
    "5/15 size of the table, twice": (
        lambda f: headers(1, b"\x3f\x61\x3f\xe1\x1f" + f.head()), answers
    ),
}


def acknowledges(frames):
    """SETTINGS is acknowledged, as often as it was sent."""
    count = 0
    while count < 2:
        count += "ACK" in frames.until(SettingsFrame).flags

