"""Faults of coded palettes (kmc-1.md, section 4; context.md, section 12).

The right ones come from coded_palettes.py. Every CRC is right unless it is the fault, and the
strips are those of the palette that is meant, from the encoders of coders.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from bad_context import changed
from coded_palettes import Entry, code_palette, coded_part, ordered
from coders import encode, entries_of
from good_coded import scattered, shaded, shorter
from good_context import EXAMPLE_PALETTE, patches
from parts import (
    Bad,
    bits_used,
    crc,
    damaged,
    deflate,
    header,
    pack,
    palette_part,
    strips,
    u32,
)

RIGHT = shaded(24, 3, 3)  # the first seed with which all faults show; see good_coded_cut


def with_part(
    part: bytes, entries: list[Entry] = RIGHT, *, flags: int = 2, coding: int = 2, count: int = 0
) -> bytes:
    """Make a file of 4 x 2 pixels from the palette's part of it."""
    number = count or len(entries)
    rows = patches(4, 2, len(entries))
    payload = pack(rows, bits_used(len(entries), coding))
    if coding == 1:
        payload = deflate(payload)
    elif coding > 1:
        payload = encode(rows, entries, coding)
    channels = len(entries[0])
    head = header(4, 2, number, channels=channels, coding=coding, rows_per_strip=0, flags=flags)
    return head + part + strips(payload)


def with_coded(data: bytes, entries: list[Entry] = RIGHT) -> bytes:
    return with_part(coded_part(entries, data), entries)


def plain(entries: list[Entry]) -> bytes:
    return b"".join(map(bytes, entries))


def as_long_as_plain() -> list[Entry]:
    """Return a palette that is as long coded as plain."""
    seed = 0
    while True:
        entries = scattered(17, 3, seed)
        if len(code_palette(entries)) == 51:
            return entries
        seed += 1


def bad_coded_flags() -> Iterator[Bad]:
    right = coded_part(RIGHT)
    for coding in (0, 1):
        about = f"The palette is coded, with coding {coding}."
        yield f"palette-coded-coding-{coding}", about, with_part(right, coding=coding)
    for name, about, part, flags in (
        ("flag-only", "The palette is not coded, though flag bit 1 is set.", plain(RIGHT), 2),
        ("no-flag", "The palette is coded, though flag bit 1 is not set.", b"", 0),
    ):
        data = with_part(palette_part(part) if part else right, flags=flags)
        yield f"palette-coded-{name}", about, data
    about = "Flag bit 2 is 1 and the palette is coded, but there is no frame table."
    yield "palette-coded-flag-bit-2", about, with_part(right, flags=6)


def bad_coded_lengths() -> Iterator[Bad]:
    right, equal = code_palette(RIGHT), as_long_as_plain()
    example = ordered(entries_of(EXAMPLE_PALETTE))
    dark, two, middle = [(0,)], [(0, 7), (0, 255)], shorter(86, 3)
    size, long = len(right).to_bytes(1, "little"), code_palette(middle)
    for name, about, entries, body in (
        ("length-0", "The length is 0.", RIGHT, b"\0"),
        ("length-0-one-grey", "One grey entry: the only length that is allowed, 0.", dark, b"\0"),
        ("length-equal", "51 bytes, as many as if it were not coded.", equal, None),
        ("length-above", "The example of context.md: 18 bytes instead of 15.", example, None),
        ("length-one-grey", "One grey entry takes more than a byte.", dark, None),
        ("length-u32", "The length is a u32 instead of a u8.", RIGHT, u32(len(right)) + right),
        ("length-u16", "The length is a u16 instead of a u8.", RIGHT, size + b"\0" + right),
        (
            "length-big-endian",
            "The length, a u16, has its high byte first.",
            middle,
            len(long).to_bytes(2, "big") + long,
        ),
        ("length-u8", "The length is a u8 instead of a u16.", middle, bytes([len(long)]) + long),
        ("length-all", "The length, a u8, is 255 of 72 bytes.", RIGHT, b"\xff" + right),
        ("length-short", "The length is one too small.", RIGHT, bytes([len(right) - 1]) + right),
        ("length-two", "The length of two entries is 4 of 4 bytes.", two, b"\4" + plain(two)),
    ):
        part = coded_part(entries) if body is None else body + crc(body)
        yield f"palette-coded-{name}", about, with_part(part, entries)
    head = header(4, 2, 16385, channels=4, coding=2, rows_per_strip=0, flags=2)
    for name, length in (("huge", 2**32 - 1), ("missing", 65539)):
        about = f"16,385 entries in {length} bytes, which are not there."
        yield f"palette-coded-length-{name}", about, head + u32(length) + bytes(20)


def bad_coded_crc() -> Iterator[Bad]:
    right, part = code_palette(RIGHT), coded_part(RIGHT)
    length = part[: -4 - len(right)]
    yield (
        "palette-coded-crc",
        "The CRC of a coded palette is wrong.",
        with_part(damaged(part, len(part) - 1)),
    )
    for name, what, covered in (
        ("no-length", "the coded bytes, not of the length", right),
        ("plain", "the palette that they give", plain(RIGHT)),
    ):
        about = f"The CRC of a coded palette is that of {what}."
        yield f"palette-coded-crc-{name}", about, with_part(length + right + crc(covered))
    whole = with_part(coded_part(shorter(86, 3)), shorter(86, 3))
    end = 28 + len(coded_part(shorter(86, 3)))
    for name, at, where in (
        ("length", 29, "in its length"),
        ("start", 30, "after its length"),
        ("end", end - 5, "before its last byte"),
        ("crc", end - 1, "in its CRC"),
        ("strips", end, "after its CRC"),
    ):
        about = f"The file, with a coded palette, ends {where}."
        yield f"palette-coded-truncated-{name}", about, whole[:at]


def bad_coded_bytes() -> Iterator[Bad]:
    right, all_greys = code_palette(RIGHT), [(grey,) for grey in range(256)]
    for name, what, data in (
        ("last-higher", "has a last byte that is one too high", changed(right, 1)),
        ("last-lower", "has a last byte that is one too low", changed(right, -1)),
        ("last-zero", "has a last byte of 0", right[:-1] + b"\0"),
        ("short", "lacks its last byte", right[:-1]),
        ("half", "is cut in half", right[: len(right) // 2]),
        ("one-byte", "ends after its first byte", right[:1]),
        ("long", "is followed by a zero byte", right + b"\0"),
        ("first-byte", "has another first byte", damaged(right, 0, 128)),
    ):
        yield f"palette-coded-{name}", f"The coded palette {what}.", with_coded(data)
    data = with_part(coded_part(RIGHT), count=23)
    yield "palette-coded-23-of-24", "The header says 23 entries, but 24 are coded.", data
    repeats = shaded(60, 3, 3)
    for name, about, entries in (
        ("first", "The first two entries are equal.", [repeats[0], *repeats]),
        ("middle", "Two entries are equal.", [*repeats[:20], *repeats[19:]]),
        ("last", "The last two entries are equal.", [*repeats, repeats[-1]]),
        ("all", "All 40 entries are one colour.", [(90, 91, 92)] * 40),
        ("white", "40 times 255: no bit is coded after the first entry.", [(255,)] * 40),
        ("257-greys", "All 256 greys, and one of them again.", [*all_greys, (255,)]),
        ("257-greys-first", "All 256 greys, and one of them again.", [(0,), *all_greys]),
    ):
        data = code_palette(entries)
        assert len(data) < len(plain(entries))
        yield f"palette-coded-repeat-{name}", about, with_coded(data, entries)
