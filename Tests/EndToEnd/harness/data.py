"""Bytes of which each piece differs, made again on both sides and compared by their hash."""

import hashlib

PIECE = 1 << 20
_BASE = hashlib.shake_128(b"weir").digest(PIECE + 4096)


def pieces(size):
    """`size` bytes in pieces of 1 MiB at most."""
    for number, start in enumerate(range(0, size, PIECE)):
        offset = number * 61 % 4096
        yield _BASE[offset : offset + min(PIECE, size - start)]


def whole(size):
    """`size` bytes at once."""
    return b"".join(pieces(size))


def digest(size):
    """The hash of those bytes."""
    total = hashlib.sha256()
    for piece in pieces(size):
        total.update(piece)
    return total.hexdigest()


class Hashing:
    """Counts and hashes what it is given."""

    def __init__(self):
        self.count = 0
        self.hash = hashlib.sha256()

    def take(self, data):
        self.count += len(data)
        self.hash.update(data)

    def take_exactly(self, stream, count):
        """Takes `count` bytes from a stream without keeping them."""
        stream.keeps = False
        while count:
            if not stream.buffer and not stream.fill():
                raise AssertionError(f"ended {count} bytes short")
            data, stream.buffer = stream.buffer[:count], stream.buffer[count:]
            self.take(data)
            count -= len(data)

    def take_chunks(self, stream):
        """Takes a chunked body, without its trailers, from a stream."""
        stream.keeps = False
        while data := stream.chunk():
            self.take(data)
        assert stream.field_lines() == []

    @property
    def hex(self):
        return self.hash.hexdigest()
