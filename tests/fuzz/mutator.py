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
_MOST = 64  # strips, and scenes after the first
_TYPES = (b"iccp", b"exif", b"xmpp", b"text", b"labl", b"KEND", b"abcd", b"Abcd")


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
    further: list[bytes] = field(default_factory=list)
    strips: list[bytes] = field(default_factory=list)
    sections: list[tuple[bytes, bytes]] = field(default_factory=list)
    rest: bytes = b""

    def length_size(self, entries: int) -> int:
        """Bytes of the field that tells the length of a coded palette."""
        plain = entries * self.channels
        return 1 if plain <= 1 << 8 else 2 if plain <= 1 << 16 else 4

    @property
    def scenes(self) -> list[tuple[int, int, int]]:
        """Frames, flags and entries of the scenes after the first, as far as they are there."""
        if not self.flags & 4 or len(self.table) < 9 or not self.table[4] & 4:
            return []
        stored = self.table[_durations_end(self.table) + 8 :]
        found = struct.iter_unpack("<IBH", stored[: 7 * min(_MOST, len(stored) // 7)])
        return [(frames, flags, last + 1) for frames, flags, last in found]

    @property
    def strip_count(self) -> int:
        """Of a scene."""
        return -(-self.height // self.strip_rows) if self.strip_rows else 1


def split(data: bytes) -> Parts:
    """The parts of what may be a file, as far as they are there; no CRC is looked at."""
    at = 28
    fields = data[8:24].ljust(16, b"\1")
    *front, last, strip_rows = struct.unpack(_FIELDS, fields)
    parts = Parts(*front, last + 1, strip_rows)
    parts.palette, at = _split_palette(parts, data, at, parts.flags, parts.entries)
    if parts.flags & 4:
        size = _durations_end(data[at : at + 9])
        if size and data[at + 4] & 4:
            scenes = int.from_bytes(data[at + size : at + size + 4], "little")
            size += 8 + 7 * max(0, scenes - 1)
        parts.table = data[at : at + size]
        at += size + 4
    for _, flags, entries in parts.scenes:
        palette, at = _split_palette(parts, data, at, flags, entries)
        parts.further.append(palette)
    for _ in range(min(parts.strip_count * (1 + len(parts.scenes)), _MOST)):
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
    out = [fields, _crc(fields), _palette_part(parts, parts.palette, parts.flags, parts.entries)]
    if parts.flags & 4:
        out += [parts.table, _crc(parts.table)]
    for palette, (_, flags, entries) in zip(parts.further, parts.scenes, strict=False):
        out.append(_palette_part(parts, palette, flags, entries))
    for number, payload in enumerate(parts.strips):
        frame = struct.pack("<II", number, len(payload))
        out += [frame[4:], _crc(frame + payload), payload]
    for kind, payload in parts.sections:
        body = kind + struct.pack("<I", len(payload)) + payload
        out += [body, _crc(body)]
    return b"".join([*out, parts.rest])


def _split_palette(
    parts: Parts, data: bytes, at: int, flags: int, entries: int
) -> tuple[bytes, int]:
    """A palette whose part begins at a byte, coded if flags say so, and where the part ends."""
    if flags & 8:
        return b"", at
    size = entries * parts.channels
    if flags & 2:
        length_size = parts.length_size(entries)
        size = int.from_bytes(data[at : at + length_size], "little")
        at += length_size
    return data[at : at + size], at + size + 4


def _palette_part(parts: Parts, palette: bytes, flags: int, entries: int) -> bytes:
    if flags & 8:
        return b""
    if flags & 2:
        length_size = parts.length_size(entries)
        length = len(palette) & ((1 << 8 * length_size) - 1)
        palette = length.to_bytes(length_size, "little") + palette
    return palette + _crc(palette)


def _durations_end(table: bytes) -> int:
    """Where the durations of a frame table end; 0 of one that is cut off before it tells."""
    if len(table) < 9:
        return 0
    return 9 + 4 * (int.from_bytes(table[:4], "little") if table[4] & 2 else 1)


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
    if parts.further and rng.random() < 0.5:
        at = rng.randrange(len(parts.further))
        parts.further[at] = other(parts.further[at])
    else:
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
        data = {b"text": b"key\0text", b"labl": _labels(parts, rng)}.get(kind, b"data")
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


def _labels(parts: Parts, rng: random.Random) -> bytes:
    """A section of labels for the image, with gaps of some bytes or, as a zlib stream, of one."""
    head = struct.pack("<BB", rng.randrange(15), 2) + _number(parts.height) + _number(parts.width)
    if rng.random() < 0.3:
        return head + bytes([rng.choice((1, 2, 8))]) + _number(rng.choice((0, 1, 127, 1 << 63)))
    gaps = min(parts.entries, 256) - 1
    first = _number(rng.choice((0, 0, 1, 127, 128, (1 << 31) - 1, 1 << 63)))
    size = rng.choice((0, 1, 1, 2, 8))
    planes = rng.randbytes(gaps * size) if rng.random() < 0.5 else bytes(gaps * size)
    if rng.random() < 0.7:
        return head + b"\0" + _number(gaps) + first + bytes([size]) + planes
    stream = zlib.compress(planes)
    return head + b"\0" + _number(gaps) + first + bytes([16 + size]) + _number(len(stream)) + stream


def _number(value: int) -> bytes:
    groups = bytearray()
    while value > 127:
        groups.append(128 | value & 127)
        value >>= 7
    return bytes([*groups, value])


def _frames(parts: Parts, rng: random.Random, other: _Other) -> None:
    parts.flags |= 4
    if parts.table and rng.random() < 0.5:
        parts.table = other(parts.table)
        return
    count = rng.choice((0, 1, 2, 3, 5, 1 << 16, (1 << 32) - 1))
    flags = rng.choice((0, 1, 2, 3, 3, 4, 5, 7, 255))
    stored = count if flags & 2 and count < 8 else 1
    parts.table = struct.pack(f"<IBI{stored}I", count, flags, rng.randrange(3), *[40] * stored)
    if flags & 4:
        _scenes(parts, rng, count)


def _scenes(parts: Parts, rng: random.Random, frames: int) -> None:
    """Add a scene table, for so many frames most of the time."""
    counts = [rng.choice((1, 1, 2)) for _ in range(rng.choice((1, 2, 3)))]
    if rng.random() < 0.9:
        parts.table = struct.pack("<I", sum(counts)) + parts.table[4:]
        parts.table = parts.table[:4] + bytes([parts.table[4] & 5]) + parts.table[5:9] + bytes(4)
    said = len(counts) if rng.random() < 0.9 else rng.choice((0, frames, (1 << 32) - 1))
    parts.table += struct.pack("<II", said, counts[0])
    coded = 2 if parts.coding >= 2 and rng.random() < 0.5 else 0
    for count in counts[1:]:
        flags = rng.choice((0, 1, coded, coded, rng.randrange(256)))
        entries = rng.choice((1, 2, parts.width * parts.height, rng.choice(_ENTRIES)))
        parts.table += struct.pack("<IBH", count, flags, (entries - 1) & 0xFFFF)
    # Whatever stands for palettes and strips: `_fit` gives them their sizes.
    parts.further = [parts.palette] * (len(counts) - 1)


_CHANGES = (_header, _palette, _strip, _strip, _strip, _order, _section, _frames)


def _fit(parts: Parts, rng: random.Random) -> None:
    """Give the palette and the strips the sizes that the header asks for, where they are small."""
    size = parts.entries * parts.channels
    if not parts.flags & 2 and size <= 1024:
        parts.palette = parts.palette[:size].ljust(size, b"\x55")
    for number, (_, flags, entries) in enumerate(parts.scenes[: len(parts.further)]):
        size = entries * parts.channels
        if not flags & 2 and size <= 1024:
            parts.further[number] = parts.further[number][:size].ljust(size, b"\x55")
    count = min(parts.strip_count * (1 + len(parts.scenes)), _MOST)
    parts.strips = (parts.strips or [b""])[:count]
    parts.strips += parts.strips[-1:] * (count - len(parts.strips))
    if parts.coding == 0:
        for number, payload in enumerate(parts.strips):
            due = _packed_size(parts, number)
            if due < 2048:
                parts.strips[number] = payload[:due].ljust(due, b"\0")
    if parts.sections and parts.sections[-1][0] != b"KEND":
        parts.sections = [s for s in parts.sections if s[0] != b"KEND"] + [(b"KEND", b"")]
    if rng.random() < 0.8:
        parts.rest = b""


def _packed_size(parts: Parts, strip: int) -> int:
    """Bytes that a strip has with the coding packed."""
    scenes = [(1, 0, parts.entries), *parts.scenes]
    if parts.flags & 4 and len(parts.table) > 12:
        frames, flags = struct.unpack_from("<IB", parts.table)
        if flags & 4:
            (frames,) = struct.unpack_from("<I", parts.table.ljust(21, b"\0"), 17)
        scenes[0] = (frames, flags, parts.entries)
    scene, strip = divmod(strip, parts.strip_count)
    frames, flags, entries = scenes[scene]
    width, times = (parts.width, frames) if flags & 1 else (parts.width * frames, 1)
    rows = parts.strip_rows or parts.height
    bits = (entries - 1).bit_length()
    return min(rows, parts.height - strip * rows) * times * (-(-width * bits // 8))
