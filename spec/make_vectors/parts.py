"""The parts of a `.kmc` file, made from what they hold; nothing is checked.

"Section" in a comment is a section of kmc-1.md.
"""

from __future__ import annotations

import random
import struct
import zlib
from typing import Any

SIGNATURE = b"\x8bKMC\r\n\x1a\n"
Rows = list[list[int]]
Good = tuple[str, bytes, dict[str, Any]]
Bad = tuple[str, str, bytes]

# The image of section 9, and of most bad vectors.
EXAMPLE_PALETTE = bytes.fromhex("1D3557 E63946 F1FAEE")
EXAMPLE_ROWS = [[0, 1, 2, 0, 1], [1, 1, 1, 2, 2], [2, 0, 0, 0, 2]]
EXAMPLE_STRIPS = [bytes.fromhex("1840 5680"), bytes.fromhex("8080")]

PROFILE = bytes(range(256)) + b"not a real ICC profile"
TIFF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
PACKET = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\u00e9</x:xmpmeta>".encode()


# ---------------------------------------------------------------- the parts of a file


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def crc(data: bytes) -> bytes:
    return u32(zlib.crc32(data))


def header(
    width: int = 5,
    height: int = 3,
    entries: int = 3,
    *,
    channels: int = 3,
    coding: int = 0,
    rows_per_strip: int = 2,
    flags: int = 0,
    version: int = 1,
    signature: bytes = SIGNATURE,
) -> bytes:
    head = signature + bytes([version, coding, channels, flags])
    head += struct.pack("<IIHH", width, height, entries - 1, rows_per_strip)
    return head + crc(head)


def palette_part(samples: bytes = EXAMPLE_PALETTE) -> bytes:
    return samples + crc(samples)


def strip(number: int, payload: bytes, length: int | None = None) -> bytes:
    size = u32(len(payload) if length is None else length)
    return size + crc(u32(number) + size + payload) + payload


def strips(*payloads: bytes) -> bytes:
    return b"".join(strip(number, payload) for number, payload in enumerate(payloads))


def section(kind: bytes, payload: bytes, length: int | None = None) -> bytes:
    body = kind + u32(len(payload) if length is None else length) + payload
    return body + crc(body)


KEND = section(b"KEND", b"")


def stored(kind: bytes, data: bytes) -> bytes:
    return section(kind, b"\0" + data)


def squeezed(kind: bytes, data: bytes) -> bytes:
    return section(kind, b"\1" + deflate(data))


def text(keyword: str, content: str) -> bytes:
    return stored(b"text", keyword.encode() + b"\0" + content.encode())


# ---------------------------------------------------------------- coding (section 6)


def bits_needed(entries: int) -> int:
    bits = 0
    while 2**bits < entries:
        bits += 1
    return bits


def bits_used(entries: int, coding: int) -> int:
    bits = bits_needed(entries)
    while coding == 1 and bits not in (0, 1, 2, 4, 8, 16):
        bits += 1
    return bits


def pack_row(row: list[int], bits: int) -> bytes:
    if bits == 0:
        return b""
    string = "".join(f"{index:0{bits}b}" for index in row)
    string += "0" * (-len(string) % 8)
    return bytes(int(string[at : at + 8], 2) for at in range(0, len(string), 8))


def pack(rows: Rows, bits: int) -> bytes:
    return b"".join(pack_row(row, bits) for row in rows)


def deflate(data: bytes) -> bytes:
    return zlib.compress(data, 9)


def colours(entries: int, channels: int = 3, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(entries * channels)


def noise(width: int, height: int, entries: int, seed: int = 2) -> Rows:
    """Random rows that have index 0 and the highest index, if there is room."""
    source = random.Random(seed)
    rows = [[source.randrange(entries) for _ in range(width)] for _ in range(height)]
    rows[0][0] = 0
    rows[-1][-1] = entries - 1
    return rows


CODINGS = ((0, "packed"), (1, "deflate"))


# ---------------------------------------------------------------- whole files


def example(**fields: Any) -> bytes:
    """Make the file of section 9 with other header fields, and nothing else changed."""
    return header(**fields) + palette_part() + strips(*EXAMPLE_STRIPS)


def with_sections(*sections: bytes, end: bytes = KEND) -> bytes:
    return example(flags=1) + b"".join(sections) + end


def deflated(stream: bytes, *, entries: int = 3, width: int = 5, height: int = 3) -> bytes:
    """Make a file of one deflate strip, whose zlib stream is given."""
    samples = colours(entries)
    head = header(width, height, entries, coding=1, rows_per_strip=0)
    return head + palette_part(samples) + strips(stream)


def damaged(data: bytes, at: int, mask: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
