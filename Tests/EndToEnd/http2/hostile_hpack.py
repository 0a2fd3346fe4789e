"""Blocks of fields that lie, overflow or unfold (RFC 7541, RFC 9113 §4.3)."""

import hpack.huffman
import hpack.huffman_constants

from harness.frames import answers, continuation, ends, headers, integer, literal, resets
from harness.http2 import COMPRESSION_ERROR, PROTOCOL_ERROR
from http2.spec_generic import adds, begun, then

UNREADABLE = ends(COMPRESSION_ERROR)
coder = hpack.huffman.HuffmanEncoder(
    hpack.huffman_constants.REQUEST_CODES, hpack.huffman_constants.REQUEST_CODES_LENGTH
)
EVICTED = b"\x20" + b"\x3f\xe1\x1f"


def coded(text):
    """A string by Huffman's code (RFC 7541 §5.2)."""
    found = coder.encode(text)
    return integer(len(found), 7, 0x80) + found


def behind(piece):
    """A good request and then these bytes, in one block."""
    return lambda f: headers(1, f.head() + piece)


def before(piece):
    return lambda f: headers(1, piece + f.head())


def lost(number):
    """A block of which the last bytes are missing."""
    return lambda f: headers(1, (f.head() + literal(b"x-name", b"value"))[:-number])


def bomb(f):
    """One large field, and then four thousand times its index."""
    block = f.head() + f.block([("x-bomb", "b" * 3900)])
    index = f.block([("x-bomb", "b" * 3900)])
    return headers(1, block + index * 4000)


def unindexed(count, size=1):
    """Fields that no table remembers, in as many frames as they take."""

    def make(f):
        block = f.head() + literal(b"x", b"y" * size) * count
        pieces = [block[start : start + 16384] for start in range(0, len(block), 16384)]
        first = headers(1, pieces[0], whole=len(pieces) == 1)
        rest = [continuation(1, one, whole=one is pieces[-1]) for one in pieces[1:]]
        return first + b"".join(rest)

    return make


def forget(f):
    """A request that fills the table and empties it again, and one that trusts it."""
    filled = f.head(fields=[("x-kept", "1")])
    return headers(1, filled) + headers(3, EVICTED + b"\x82\x86\x84\xbe")


CASES = {
    # Integers, §5.1.
    "integer without end": (behind(b"\xff" + b"\xff" * 30), UNREADABLE),
    "integer of zeros without end": (behind(b"\xff" + b"\x80" * 30 + b"\0"), UNREADABLE),
    "integer beyond 32 bits": (behind(integer(1 << 33, 7, 0x80)), UNREADABLE),
    "integer beyond 63 bits": (behind(integer((1 << 64) - 1, 7, 0x80)), UNREADABLE),
    "integer that wraps to a good index": (
        behind(integer((1 << 32) + 2, 7, 0x80)), UNREADABLE
    ),
    "integer cut off": (behind(b"\xff\x80"), UNREADABLE),
    "length of a name beyond 32 bits": (
        behind(b"\x00" + integer(1 << 40, 7) + b"x"), UNREADABLE
    ),
    "length of a value beyond 32 bits": (
        behind(b"\x00\x01x" + integer(1 << 40, 7) + b"x"), UNREADABLE
    ),
    "length of a name beyond the block": (behind(b"\x00\x7fx"), UNREADABLE),
    "length of a value beyond the block": (behind(b"\x00\x01x\x7ey"), UNREADABLE),
    # Blocks that break off: each place is inside another part of the field.
    "no value": (lost(6), UNREADABLE),
    "half a value": (lost(3), UNREADABLE),
    "one byte short": (lost(1), UNREADABLE),
    "half a name": (lost(9), UNREADABLE),
    "no name": (lost(13), UNREADABLE),
    # Indices, §2.3.3 and §6.1.
    "index 0": (behind(b"\x80"), UNREADABLE),
    "the first index of an empty table": (
        lambda f: headers(1, b"\x20\x82\x86\x84\xbe"), UNREADABLE
    ),
    "index 127 and more": (behind(integer(5000, 7, 0x80)), UNREADABLE),
    "name by an index beyond the table, indexing": (behind(b"\x7f\x7f\x01y"), UNREADABLE),
    "name by an index beyond the table": (behind(b"\x0f\x7f\x01y"), UNREADABLE),
    "name by an index beyond the table, never indexed": (behind(b"\x1f\x7f\x01y"), UNREADABLE),
    "index of a field that was evicted": (forget, UNREADABLE),
    "field too large for the table empties it": (
        lambda f: headers(1, f.head() + b"\x40\x01x" + integer(4100, 7) + b"y" * 4100),
        then(lambda f: headers(3, b"\x82\x86\x84\xbe"), answers, UNREADABLE),
    ),
    # Sizes of the table, §4.2 and §6.3.
    "size beyond the setting by one": (before(integer(4097, 5, 0x20)), UNREADABLE),
    "size beyond 32 bits": (before(integer(1 << 34, 5, 0x20)), UNREADABLE),
    "size of nothing": (before(b"\x20"), answers),
    "size twice": (before(EVICTED), answers),
    "size a third time beyond the setting": (
        before(EVICTED + integer(4097, 5, 0x20)), UNREADABLE
    ),
    "size between two fields": (
        lambda f: headers(1, b"\x82\x20\x86\x84\x41\x01a"), UNREADABLE
    ),
    "size at the end": (behind(b"\x20"), UNREADABLE),
    "size in a CONTINUATION": (
        lambda f: headers(1, f.head(), whole=False) + continuation(1, b"\x20"), UNREADABLE
    ),
    "size in a block of nothing else": (lambda f: headers(1, b"\x20"), resets(PROTOCOL_ERROR)),
    # Huffman's code, §5.2.
    "padding of 8 ones in a value": (behind(b"\x00\x01x\x82\x1f\xff"), UNREADABLE),
    "padding of zeros in a value": (behind(b"\x00\x01x\x81\x18"), UNREADABLE),
    "padding of zeros in a name": (behind(b"\x00\x81\x18\x01y"), UNREADABLE),
    "padding of 8 ones in a name": (behind(b"\x00\x82\x1f\xff\x01y"), UNREADABLE),
    "nothing but the end of string": (behind(b"\x00\x01x\x84\x3f\xff\xff\xff"), UNREADABLE),
    "end of string in a name": (behind(b"\x00\x84\xff\xff\xff\xff\x01y"), UNREADABLE),
    "nothing but padding": (behind(b"\x00\x01x\x81\xff"), UNREADABLE),
    "coded value of no bytes": (behind(b"\x00\x01x\x80"), answers),
    "coded value of every byte that may be": (
        behind(b"\x00\x01x" + coded(bytes([*range(33, 127), *range(128, 256)]))), answers
    ),
    "coded line end in a value": (
        behind(b"\x00\x01x" + coded(b"a\r\nevil: 1")), resets(PROTOCOL_ERROR)
    ),
    "coded NUL in a value": (behind(b"\x00\x01x" + coded(b"a\0b")), resets(PROTOCOL_ERROR)),
    "coded capitals in a name": (
        behind(b"\x00" + coded(b"X-Upper") + b"\x01y"), resets(PROTOCOL_ERROR)
    ),
    "coded name of no bytes": (behind(b"\x00\x80\x01y"), resets(PROTOCOL_ERROR)),
    # Blocks in pieces, §4.3.
    "CONTINUATION inside an integer": (
        lambda f: headers(1, f.head() + b"\x00\x01x\x7f", whole=False)
        + continuation(1, b"\x01" + b"y" * 128),
        answers,
    ),
    "bad block in a CONTINUATION": (
        lambda f: headers(1, f.head(), whole=False) + continuation(1, b"\x80"), UNREADABLE
    ),
    "empty CONTINUATIONs": (
        lambda f: headers(1, f.head(), whole=False)
        + continuation(1, b"", whole=False) * 10
        + continuation(1, b""),
        answers,
    ),
    "empty HEADERS and all in CONTINUATION": (
        lambda f: headers(1, b"", whole=False) + continuation(1, f.head()), answers
    ),
    "no fields": (lambda f: headers(1, b""), resets(PROTOCOL_ERROR)),
    "bad block in trailers": (lambda f: begun(f) + headers(1, b"\x80"), UNREADABLE),
    "bad block on a stream that was reset": (
        lambda f: headers(1, f.block([("x", "y")])) + headers(3, b"\x80"), UNREADABLE
    ),
    "bad block on a stream that is refused": (
        lambda f: headers(1, f.head(fields=[("connection", "close")]) + b"\x80"), UNREADABLE
    ),
    # Bombs: the answer is one, and the table stays in step (`resets` and `answers` go on).
    "one large field four thousand times": (bomb, lambda f: unfolds(f)),
    "ten thousand small fields": (unindexed(10_000), lambda f: unfolds(f)),
    "two hundred large fields": (unindexed(200, 1000), lambda f: unfolds(f)),
    "fields named by an index": (adds("0f2b01790f2b0179" * 100), lambda f: unfolds(f)),
}


def unfolds(frames):
    """431, and the connection goes on."""
    answers(frames, status=431)
    frames.serves(999)
