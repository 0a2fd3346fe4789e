"""Messages and HPACK: h2spec's groups `http2` 8 and `hpack`, 26 of its 147 cases.

Sections are those of RFC 7540 and RFC 7541, which h2spec goes by.
"""

from harness.frames import PUSH_PROMISE, data, ends, fails, frame, headers, integer
from harness.http2 import COMPRESSION_ERROR, PROTOCOL_ERROR, head_of
from http2.spec_generic import NEW_CODED, adds, begun

MALFORMED = fails(PROTOCOL_ERROR)
UNREADABLE = ends(COMPRESSION_ERROR)


def fields(change):
    """HEADERS of a good request whose fields `change` gives back changed."""
    return lambda f: headers(1, f.block(change(head_of(scheme=f.scheme))))


def also(*more):
    return fields(lambda head: [*head, *more])


def without(name):
    return fields(lambda head: [one for one in head if one[0] != name])


def twice(name):
    return fields(lambda head: [*head, *(one for one in head if one[0] == name)])


def posts(length, *bodies):
    """POST with this Content-Length, and DATA."""

    def make(f):
        head = headers(1, f.head("POST", fields=[("content-length", length)]), end=False)
        last = len(bodies) - 1
        return head + b"".join(data(1, one, n == last) for n, one in enumerate(bodies))

    return make


CASES = {
    "8.1/1 second HEADERS that ends nothing": (
        lambda f: begun(f) + data(1, b"test") + headers(1, f.block([("x-test", "ok")]), end=False),
        MALFORMED,
    ),
    "8.1.2/1 upper-case name": (also(("X-TEST", "ok")), MALFORMED),
    "8.1.2.1/1 unknown pseudo-header field": (also((":test", "ok")), MALFORMED),
    "8.1.2.1/2 pseudo-header field of an answer": (also((":status", "200")), MALFORMED),
    "8.1.2.1/3 pseudo-header field in trailers": (
        lambda f: begun(f) + data(1, b"test") + headers(1, f.block([(":method", "POST")])),
        MALFORMED,
    ),
    "8.1.2.1/4 pseudo-header field behind another": (
        fields(lambda head: [("x-test", "ok"), *head]), MALFORMED
    ),
    "8.1.2.2/1 connection": (also(("connection", "keep-alive")), MALFORMED),
    "8.1.2.2/2 te": (also(("trailers", "test"), ("te", "trailers, deflate")), MALFORMED),
    "8.1.2.3/1 empty :path": (
        fields(lambda head: [one if one[0] != ":path" else (":path", "") for one in head]),
        MALFORMED,
    ),
    "8.1.2.3/2 no :method": (without(":method"), MALFORMED),
    "8.1.2.3/3 no :scheme": (without(":scheme"), MALFORMED),
    "8.1.2.3/4 no :path": (without(":path"), MALFORMED),
    "8.1.2.3/5 :method twice": (twice(":method"), MALFORMED),
    "8.1.2.3/6 :scheme twice": (twice(":scheme"), MALFORMED),
    "8.1.2.3/7 :path twice": (twice(":path"), MALFORMED),
    "8.1.2.6/1 length against DATA": (posts("1", b"test"), MALFORMED),
    "8.1.2.6/2 length against the sum of DATA": (posts("1", b"test", b"test"), MALFORMED),
    "8.2/1 PUSH_PROMISE": (
        lambda f: f.request(1) + frame(PUSH_PROMISE, 4, 1, b"\0\0\0\2" + f.head()),
        ends(PROTOCOL_ERROR),
    ),
    "hpack 2.3.3/1 index beyond the table": (adds("ff46"), UNREADABLE),
    "hpack 2.3.3/2 name beyond the table": (adds("7f4600"), UNREADABLE),
    "hpack 4.2/1 size at the end": (adds("21"), UNREADABLE),
    "hpack 5.2/1 padding beyond 7 bits": (adds("00" + NEW_CODED + "8449509fff"), UNREADABLE),
    "hpack 5.2/2 padding of zeros": (adds("00" + NEW_CODED + "83495090"), UNREADABLE),
    "hpack 5.2/3 end of string inside one": (
        adds("00" + NEW_CODED + "874951fffffffa7f"), UNREADABLE
    ),
    "hpack 6.1/1 index 0": (adds("80"), UNREADABLE),
    "hpack 6.3/1 size beyond the setting": (
        lambda f: headers(1, integer(4097, 5, 0x20) + f.head()), UNREADABLE
    ),
}
