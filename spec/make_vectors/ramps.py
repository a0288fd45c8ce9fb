"""Files whose palette is the ramp of section 4.3, good and bad."""

from __future__ import annotations

from collections.abc import Iterator

from coders import PROFILES, encode, entries_of
from frames import table
from good import good
from parts import (
    EXAMPLE_ROWS,
    EXAMPLE_STRIPS,
    Bad,
    Good,
    example,
    header,
    noise,
    strip,
    strips,
    text,
)


def ramp(entries: int) -> bytes:
    """Return the ramp of so many entries, in as many channels as it has."""
    if entries == 1:
        return b"\0"
    if entries <= 256:
        return bytes(255 * i // (entries - 1) for i in range(entries))
    bits = 9
    while 2**bits < entries:
        bits += 1
    per_channel = (bits + 2) // 3
    colours = []
    for i in range(entries):
        digits = f"{i:0{3 * per_channel}b}"[::-1]  # the lowest first
        colours.append(tuple(int(f"{digits[c::3][::-1]:0<8}", 2) for c in range(3)))
    colours.sort(key=lambda c: (299 * c[0] + 587 * c[1] + 114 * c[2], c))
    return b"".join(map(bytes, colours))


def good_ramps() -> Iterator[Good]:
    for entries in (1, 2, 3, 7, 255, 256, 257, 512, 513, 4096, 4097, 32769, 65536):
        rows = noise(13, 9, entries)
        channels = 1 if entries <= 256 else 3
        for coding, name in ((0, "packed"), (1, "deflate")):
            if coding == 1 and entries not in (2, 257):
                continue
            yield good(
                f"ramp-k{entries}-{name}",
                f"The ramp of {entries:,} entries, {name}.",
                rows,
                ramp(entries),
                channels=channels,
                coding=coding,
                ramp=True,
            )
    for entries in (5, 300):
        for coding, name in PROFILES:
            palette, channels = ramp(entries), 1 if entries <= 256 else 3
            listed = entries_of(palette, channels)
            yield good(
                f"ramp-k{entries}-coding-{coding}",
                f"The ramp of {entries} entries, {name}, in strips, with a section.",
                noise(17, 6, entries),
                palette,
                channels=channels,
                coding=coding,
                rows_per_strip=4,
                sections=[text("Title", "ramp")],
                metadata={"text": {"Title": "ramp"}},
                code=lambda rows, listed=listed, coding=coding: encode(rows, listed, coding),
                ramp=True,
            )
    yield good(
        "ramp-stored",
        "The ramp as a palette like any other.",
        EXAMPLE_ROWS,
        ramp(3),
        channels=1,
    )


def bad_ramps() -> Iterator[Bad]:
    reason = "The flag says that the palette is the ramp of 3 entries, but it has 3 channels."
    yield "flag-bit-3", reason, example(flags=8)
    body = strips(*EXAMPLE_STRIPS)
    for channels in (2, 4):
        reason = f"The ramp of 3 entries has {channels} channels."
        yield f"ramp-channels-{channels}", reason, header(channels=channels, flags=8) + body
    deep = strip(0, bytes(30))
    for entries, channels in ((256, 3), (257, 1), (257, 4), (65536, 1)):
        reason = f"The ramp of {entries:,} entries has {channels} channels."
        head = header(5, 3, entries, channels=channels, rows_per_strip=0, flags=8)
        payload = deep if entries > 256 else strip(0, bytes(15))
        yield f"ramp-k{entries}-channels-{channels}", reason, head + payload
    head = header(channels=1, flags=8)
    yield (
        "ramp-palette",
        "A palette follows, although it is the ramp.",
        (head + example(channels=1)[28:]),
    )
    yield "ramp-crc", "The CRC of no bytes follows.", head + bytes(4) + body
    yield (
        "ramp-coded",
        "The palette is the ramp, and coded.",
        (header(channels=1, coding=2, flags=10) + b"\0" + bytes(4) + body),
    )
    yield (
        "ramp-frames",
        "The palette is the ramp, and there is a frame table.",
        (header(channels=1, flags=12) + table(1) + body),
    )
    yield (
        "ramp-index",
        "An index is 3, but the ramp has 3 entries.",
        (header(4, 1, channels=1, rows_per_strip=0, flags=8) + strip(0, b"\x1b")),
    )
    yield "ramp-cut", "The file ends after the header.", head
