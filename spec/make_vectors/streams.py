"""Zlib streams that compress as no library does by itself, and streams that are wrong."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from parts import damaged, deflate, u32


def deflate_with(
    data: bytes,
    level: int = -1,
    wbits: int = 15,
    strategy: int = zlib.Z_DEFAULT_STRATEGY,
) -> bytes:
    machine = zlib.compressobj(level=level, wbits=wbits, strategy=strategy)
    return machine.compress(data) + machine.flush()


def deflate_stored(data: bytes, block: int = 65535) -> bytes:
    """Make a zlib stream by hand, of stored blocks of at most `block` bytes."""
    parts = [data[at : at + block] for at in range(0, len(data), block)] or [b""]
    result = b"\x78\x01"
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        result += struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF) + part
    return result + struct.pack(">I", zlib.adler32(data))


def from_bits(bits: str) -> bytes:
    """Fill bytes from their least significant bit, as deflate does."""
    bits = bits.replace(" ", "")
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def deflate_farthest(data: bytes) -> bytes:
    """Store 32,768 bytes; make the next 512, which repeat the first, of two matches by hand."""
    assert len(data) == 32768 + 512
    assert data[32768:] == data[:512]
    distance = "11101" + "1" * 13  # code 29: 24,577 + 8,191
    matches = "11000101" + distance  # symbol 285: 258 bytes
    matches += "11000100 11011" + distance  # symbol 284: 227 + 27 bytes
    result = b"\x78\x01" + struct.pack("<BHH", 0, 0x8000, 0x7FFF) + data[:32768]
    result += from_bits("1 10" + matches + "0000000")
    return result + struct.pack(">I", zlib.adler32(data))


def deflate_blocks(data: bytes, pieces: int = 3) -> bytes:
    """Make a zlib stream of several blocks, with empty stored blocks between them."""
    machine = zlib.compressobj(9)
    step = -(-len(data) // pieces)
    result = b""
    for at in range(0, len(data), step):
        result += machine.compress(data[at : at + step])
        result += machine.flush(zlib.Z_FULL_FLUSH)
    return result + machine.flush()


def bad_streams(data: bytes, *names: str) -> Iterator[tuple[str, str, bytes]]:
    """Make streams for `data` that are wrong in themselves: name, fault, stream."""
    stream, stored = deflate(data), deflate_stored(data)
    machine = zlib.compressobj(9, zlib.DEFLATED, 15, zdict=data)
    dictionary = machine.compress(data) + machine.flush()
    # One fixed block: copy 6 bytes from distance 1, end. Who takes the window for zeros gets 6.
    far = b"\x78\x01" + from_bits("1 10 0000100 00000 0000000") + u32(0x01000600)[::-1]
    wrong = {
        "adler": ("has a wrong Adler-32", damaged(stream, len(stream) - 1)),
        "no-adler": ("has no Adler-32", stream[:-4]),
        "trailing": ("is followed by a byte", stream + b"\0"),
        "two-streams": ("is followed by another one", stream + deflate(b"")),
        "truncated": ("ends in its first block", stream[: len(stream) // 2]),
        "dictionary": ("uses a preset dictionary", dictionary),
        "no-last-block": ("has no block marked as the last", damaged(stored, 2)),
        "block-type-3": ("has a block of type 3", b"\x78\x01\x07" + stream[-4:]),
        "check-bits": ("has wrong check bits in its second byte", damaged(stream, 1)),
        "raw": ("is a raw deflate stream, without header and Adler-32", stream[2:-4]),
        "gzip": ("is a gzip stream", deflate_with(data, wbits=31)),
        "distance": ("copies from before its start", far),
        "empty": ("has no bytes", b""),
    }
    for name in names or wrong:
        yield name, *wrong[name]
