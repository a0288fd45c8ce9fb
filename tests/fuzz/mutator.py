"""A mutator that knows the parts of a `.kmc` file and writes their lengths and CRCs anew.

Without it hardly any input would get past the first CRC. It shares no code with the package, so
that it can write what the package never would.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

SIGNATURE = b"\x8bKMC\r\n\x1a\n"
_FIELDS = "<BBBBIIHH"
_SIZES = (*range(1, 10), 15, 16, 17, 31, 33, 63, 64, 255, 256, 65535, 1 << 20, (1 << 31) - 1)
_ENTRIES = (1, 2, 3, 4, 5, 8, 9, 16, 17, 64, 255, 256, 257, 4096, 65536)
_TYPES = (b"iccp", b"exif", b"xmpp", b"text", b"KEND", b"abcd", b"Abcd")


@dataclass
class Parts:
    """A file in parts, none of which need fit the others."""

    version: int = 1
    coding: int = 0
    channels: int = 3
    flags: int = 0
    width: int = 1
    height: int = 1
    entries: int = 1
    strip_rows: int = 0
    palette: bytes = b""
    table: bytes = b""
    strips: list[bytes] = field(default_factory=list)
    sections: list[tuple[bytes, bytes]] = field(default_factory=list)
    rest: bytes = b""

    @property
    def length_size(self) -> int:
        """Bytes of the field that tells the length of a coded palette."""
        plain = self.entries * self.channels
        return 1 if plain <= 1 << 8 else 2 if plain <= 1 << 16 else 4

    @property
    def strip_count(self) -> int:
        return -(-self.height // self.strip_rows) if self.strip_rows else 1


def split(data: bytes) -> Parts:
    """The parts of what may be a file, as far as they are there; no CRC is looked at."""
    at = 28
    fields = data[8:24].ljust(16, b"\1")
    *front, last, strip_rows = struct.unpack(_FIELDS, fields)
    parts = Parts(*front, last + 1, strip_rows)
    size = parts.entries * parts.channels
    if parts.flags & 2:
        size = int.from_bytes(data[at : at + parts.length_size], "little")
        at += parts.length_size
    parts.palette = data[at : at + size]
    at += size + 4
    if parts.flags & 4:
        size = 9 + 4 * (int.from_bytes(data[at : at + 4], "little") if _own(data[at:]) else 1)
        parts.table = data[at : at + size]
        at += size + 4
    for _ in range(min(parts.strip_count, 64)):
        if at + 8 > len(data):
            break
        (length,) = struct.unpack_from("<I", data, at)
        parts.strips.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    while parts.flags & 1 and at + 8 <= len(data) and len(parts.sections) < 16:
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        parts.sections.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    parts.rest = data[at:]
    return parts


def join(parts: Parts) -> bytes:
    """A file with these parts, all lengths and CRCs right."""
    fields = SIGNATURE + struct.pack(
        _FIELDS,
        parts.version & 255,
        parts.coding & 255,
        parts.channels & 255,
        parts.flags & 255,
        parts.width & 0xFFFFFFFF,
        parts.height & 0xFFFFFFFF,
        (parts.entries - 1) & 0xFFFF,
        parts.strip_rows & 0xFFFF,
    )
    palette = parts.palette
    if parts.flags & 2:
        length = len(palette) & ((1 << 8 * parts.length_size) - 1)
        palette = length.to_bytes(parts.length_size, "little") + palette
    out = [fields, _crc(fields), palette, _crc(palette)]
    if parts.flags & 4:
        out += [parts.table, _crc(parts.table)]
    for number, payload in enumerate(parts.strips):
        frame = struct.pack("<II", number, len(payload))
        out += [frame[4:], _crc(frame + payload), payload]
    for kind, payload in parts.sections:
        body = kind + struct.pack("<I", len(payload)) + payload
        out += [body, _crc(body)]
    return b"".join([*out, parts.rest])


def _own(table: bytes) -> bool:
    """Whether each frame has its own duration."""
    return len(table) > 4 and bool(table[4] & 2)


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def mutated(data: bytes, max_size: int, seed: int, mutate: Callable[[bytes, int], bytes]) -> bytes:
    """Another input made of this one.

    Parameters
    ----------
    data : bytes
    max_size : int
        The most bytes it may have.
    seed : int
    mutate : callable
        The fuzzer's own mutator of bytes, given the most bytes that they may become.
    """
    rng = random.Random(seed)
    if rng.random() < 0.1:
        return mutate(data, max_size)
    parts = split(data)
    room = max(8, max_size - len(data))

    def other(payload: bytes) -> bytes:
        return mutate(payload, min(len(payload) + 16, len(payload) + room))

    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(_CHANGES)(parts, rng, other)
    if rng.random() < 0.9:
        _fit(parts, rng)
    made = join(parts)
    return made if len(made) <= max_size else mutate(data, max_size)


_Other = Callable[[bytes], bytes]


def _header(parts: Parts, rng: random.Random, other: _Other) -> None:
    name, values = rng.choice(
        (
            ("coding", range(6)),
            ("channels", range(1, 5)),
            ("flags", (*range(8), rng.randrange(256))),
            ("width", range(1, 20)),
            ("height", range(1, 20)),
            ("width", _SIZES),
            ("height", _SIZES),
            ("entries", _ENTRIES[:9]),
            ("entries", _ENTRIES),
            ("strip_rows", (0, 1, 2, 3, 5, 8, 65535)),
            ("version", (1, 1, 1, 0, 2)),
        )
    )
    setattr(parts, name, rng.choice(values))


def _palette(parts: Parts, rng: random.Random, other: _Other) -> None:
    parts.palette = other(parts.palette)


def _strip(parts: Parts, rng: random.Random, other: _Other) -> None:
    if parts.strips:
        at = rng.randrange(len(parts.strips))
        payload = parts.strips[at]
        if parts.coding == 1 and rng.random() < 0.7:
            # Behind the checksum of zlib, too.
            try:
                payload = zlib.compress(other(zlib.decompress(payload)), rng.choice((0, 9)))
            except zlib.error:
                payload = other(payload)
        else:
            payload = other(payload)
        parts.strips[at] = payload


def _order(parts: Parts, rng: random.Random, other: _Other) -> None:
    strips = parts.strips
    if not strips:
        strips.append(b"")
    at = rng.randrange(len(strips))
    moved = strips.pop(at) if rng.random() < 0.5 else strips[at]
    strips.insert(rng.randrange(len(strips) + 1), moved)


def _section(parts: Parts, rng: random.Random, other: _Other) -> None:
    sections = parts.sections
    parts.flags |= 1
    if not sections or rng.random() < 0.3:
        kind = rng.choice(_TYPES)
        data = b"key\0text" if kind == b"text" else b"data"
        payload = rng.choice((b"\0" + data, b"\1" + zlib.compress(data), b""))
        sections.insert(rng.randrange(len(sections) + 1), (kind, payload))
        return
    at = rng.randrange(len(sections))
    kind, payload = sections[at]
    if rng.random() < 0.2:
        kind = rng.choice(_TYPES)
    elif payload[:1] == b"\1" and rng.random() < 0.7:
        try:
            payload = b"\1" + zlib.compress(other(zlib.decompress(payload[1:])))
        except zlib.error:
            payload = other(payload)
    else:
        payload = other(payload)
    sections[at] = kind, payload


def _frames(parts: Parts, rng: random.Random, other: _Other) -> None:
    parts.flags |= 4
    if parts.table and rng.random() < 0.5:
        parts.table = other(parts.table)
        return
    count = rng.choice((0, 1, 2, 3, 5, 1 << 16, (1 << 32) - 1))
    flags = rng.choice((0, 1, 2, 3, 3, 255))
    stored = count if flags & 2 and count < 8 else 1
    parts.table = struct.pack(f"<IBI{stored}I", count, flags, rng.randrange(3), *[40] * stored)


_CHANGES = (_header, _palette, _strip, _strip, _strip, _order, _section, _frames)


def _fit(parts: Parts, rng: random.Random) -> None:
    """Give the palette and the strips the sizes that the header asks for, where they are small."""
    size = parts.entries * parts.channels
    if not parts.flags & 2 and size <= 1024:
        parts.palette = parts.palette[:size].ljust(size, b"\x55")
    count = min(parts.strip_count, 64)
    parts.strips = (parts.strips or [b""])[:count]
    parts.strips += parts.strips[-1:] * (count - len(parts.strips))
    bits = (parts.entries - 1).bit_length()
    width, times = parts.width, 1
    if parts.flags & 4 and len(parts.table) > 4:
        frames = min(int.from_bytes(parts.table[:4], "little"), 64)
        width, times = (width, frames) if parts.table[4] & 1 else (width * frames, 1)
    if parts.coding == 0 and width * bits < 2048:
        rows = parts.strip_rows or parts.height
        for number, payload in enumerate(parts.strips):
            due = min(rows, parts.height - number * rows) * times * (-(-width * bits // 8))
            if due < 2048:
                parts.strips[number] = payload[:due].ljust(due, b"\0")
    if parts.sections and parts.sections[-1][0] != b"KEND":
        parts.sections = [s for s in parts.sections if s[0] != b"KEND"] + [(b"KEND", b"")]
    if rng.random() < 0.8:
        parts.rest = b""
