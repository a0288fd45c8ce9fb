"""Faults of the coded indices."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from parts import (
    CODINGS,
    EXAMPLE_ROWS,
    EXAMPLE_STRIPS,
    Bad,
    bits_used,
    colours,
    damaged,
    deflate,
    deflated,
    header,
    noise,
    pack,
    palette_part,
    strip,
    strips,
)
from streams import bad_streams

# index, entries, coding, row and column
INDICES = (
    (3, 3, 0, (0, 0)),
    (3, 3, 1, (2, 4)),
    (5, 5, 0, (1, 2)),
    (15, 5, 1, (1, 2)),
    (255, 255, 1, (0, 4)),
    (257, 257, 0, (0, 0)),
    (65535, 257, 1, (0, 0)),
    (4095, 4095, 0, (2, 4)),
)


def bad_packed() -> Iterator[Bad]:
    head = header() + palette_part()
    first, second = EXAMPLE_STRIPS
    for name, what, payloads in (
        ("short", "Strip 0 has a byte less than its rows need.", (first[:3], second)),
        ("long", "Strip 0 has a byte more than its rows need.", (first + b"\0", second)),
        ("last-long", "The last strip has two rows where there is one left.", (first, second * 2)),
    ):
        yield f"packed-{name}", what, head + strips(*payloads)
    for length in (3, 2**32 - 1):
        data = head + strip(0, first, length) + strip(1, second)
        yield f"packed-length-{length}", f"Strip 0 has 4 bytes but says {length}.", data
    solid = header(entries=1, rows_per_strip=0) + palette_part(b"abc") + strip(0, b"\0")
    yield "packed-k1-byte", "One entry needs no payload, but there is a byte.", solid
    head = header(rows_per_strip=0) + palette_part()
    bits = "".join(f"{index:02b}" for row in EXAMPLE_ROWS for index in row) + "00"
    run_on = head + strip(0, int(bits, 2).to_bytes(4, "big"))
    yield "packed-rows-run-on", "The rows are not padded to whole bytes each.", run_on
    wide = head + strip(0, pack(EXAMPLE_ROWS, 8))
    yield "packed-eight-bits", "Packed with 8 bits an index, though b is 2.", wide


def bad_indices() -> Iterator[Bad]:
    for index, entries, coding, (row, column) in INDICES:
        rows = [[0] * 5 for _ in range(3)]
        rows[row][column] = index
        packed = pack(rows, bits_used(entries, coding))
        data = header(entries=entries, coding=coding, rows_per_strip=0)
        data += palette_part(colours(entries)) + strip(0, deflate(packed) if coding else packed)
        yield (
            f"index-{index}-of-{entries}-{CODINGS[coding][1]}-row-{row}",
            f"Index {index} in row {row}, of {entries} entries, coding {coding}.",
            data,
        )


def bad_pads() -> Iterator[Bad]:
    for row, name, bit in ((0, "first", 5), (2, "last", 0)):
        packed = damaged(pack(EXAMPLE_ROWS, 2), row * 2 + 1, 1 << bit)
        data = header(rows_per_strip=0) + palette_part() + strip(0, packed)
        yield f"pad-{name}-row-bit-{bit}", f"Pad bit {bit} of the {name} row is 1.", data
    packed = damaged(pack(EXAMPLE_ROWS, 2), 3)
    yield "pad-deflate", "A pad bit of the second row is 1, deflated.", deflated(deflate(packed))
    packed = damaged(pack([[4]] * 3, 4), 2)
    data = deflated(deflate(packed), entries=5, width=1)
    yield "pad-deflate-four-bits", "A pad bit is 1: four bits an index, width 1.", data


def bad_deflate() -> Iterator[Bad]:
    packed = pack(EXAMPLE_ROWS, 2)
    for name, what, stream in bad_streams(packed):
        yield f"zlib-{name}", f"The zlib stream of a strip {what}.", deflated(stream)
    for name, what, data in (
        ("short", "a byte too few", packed[:-1]),
        ("long", "a byte too many", packed + b"\0"),
        ("bomb", "20 million bytes where 6 are needed", packed + bytes(20_000_000)),
    ):
        about = f"The zlib stream of a strip decompresses to {what}."
        yield f"zlib-{name}", about, deflated(deflate(data))
    stream = deflate(packed + b"\0")[:-4] + struct.pack(">I", zlib.adler32(packed))
    about = "The stream gives a byte too many, and its Adler-32 is of the rest."
    yield "zlib-long-adler", about, deflated(stream)
    little = b"".join(struct.pack("<8H", *row) for row in noise(8, 3, 257))
    for name, about, entries, data in (
        (
            "b-bits",
            "Three bits an index inside deflate, where four are to be used.",
            5,
            pack(noise(8, 3, 5), 3),
        ),
        (
            "nine-bits",
            "Nine bits an index inside deflate, where 16 are to be used.",
            257,
            pack(noise(8, 3, 257), 9),
        ),
        ("low-byte-first", "16-bit indices with the low byte first are above K.", 257, little),
    ):
        yield f"zlib-{name}", about, deflated(deflate(data), entries=entries, width=8)
    about = "One entry: the stream must be of no bytes but gives one."
    yield "zlib-k1-byte", about, deflated(deflate(b"\0"), entries=1)
    about = "One entry: the payload has no bytes, and so no stream."
    yield "zlib-k1-empty", about, deflated(b"", entries=1)
    head, whole = header(coding=1) + palette_part(), deflate(packed)
    about = "The first strip has the rows of all, the second has none."
    yield "zlib-one-for-all", about, head + strips(whole, deflate(b""))
    yield "zlib-cut", "One stream is cut across two strips.", head + strips(whole[:6], whole[6:])
