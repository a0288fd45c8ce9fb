"""Conforming files: the builder, codings, numbers of entries, widths, shapes and strips."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

from parts import (
    CODINGS,
    EXAMPLE_PALETTE,
    EXAMPLE_ROWS,
    KEND,
    Good,
    Rows,
    bits_needed,
    bits_used,
    colours,
    deflate,
    header,
    noise,
    pack,
    palette_part,
    strips,
)

LEFT_OUT: set[str] = set()


def payloads_of(
    rows: Rows,
    entries: int,
    coding: int,
    step: int,
    compress: Callable[[bytes], bytes] = deflate,
    code: Callable[[Rows], bytes] | None = None,
) -> list[bytes]:
    """Return the payloads of strips of `step` rows; for `code` see `good`."""
    payloads = []
    for top in range(0, len(rows), step):
        part = rows[top : top + step]
        payload = code(part) if code else pack(part, bits_used(entries, coding))
        payloads.append(compress(payload) if coding == 1 else payload)
    return payloads


def good(
    name: str,
    about: str,
    rows: Rows,
    palette: bytes,
    *,
    channels: int = 3,
    coding: int = 0,
    rows_per_strip: int = 0,
    sections: list[bytes] | None = None,
    metadata: dict[str, Any] | None = None,
    compress: Callable[[bytes], bytes] = deflate,
    code: Callable[[Rows], bytes] | None = None,
    coded_palette: Callable[[], bytes] | None = None,
    ramp: bool = False,
) -> Good:
    """Build a conforming file, and what is expected of it; `sections` without KEND.

    `code`, for coding 2 to 4, makes a payload from the rows of a strip. `coded_palette` makes
    the palette's part of the file, if it is coded; the ramp has none. A vector that is left out
    gets no bytes.
    """
    if name in LEFT_OUT:
        return name, b"", {}
    width, height, entries = len(rows[0]), len(rows), len(palette) // channels
    assert all(len(row) == width for row in rows)
    assert all(0 <= index < entries for row in rows for index in row)
    assert entries * channels == len(palette)
    payloads = payloads_of(rows, entries, coding, rows_per_strip or height, compress, code)
    data = header(
        width,
        height,
        entries,
        channels=channels,
        coding=coding,
        rows_per_strip=rows_per_strip,
        flags=(sections is not None) + 2 * (coded_palette is not None) + 8 * ramp,
    )
    if not ramp:
        data += coded_palette() if coded_palette else palette_part(palette)
    data += strips(*payloads)
    if sections is not None:
        data += b"".join(sections) + KEND
    expected: dict[str, Any] = {
        "about": about,
        "width": width,
        "height": height,
        "channels": channels,
        "coding": coding,
        "rows_per_strip": rows_per_strip,
        "strips": len(payloads),
        "sections": [part[:4].decode() for part in [*(sections or []), KEND]],
        "palette": palette.hex(),
        "indices": rows,
        "metadata": {"icc": None, "exif": None, "xmp": None, "text": {}, **(metadata or {})},
    }
    if sections is None:
        expected["sections"] = []
    if len(palette) > 4096:
        expected["palette_sha256"] = hashlib.sha256(palette).hexdigest()
        del expected["palette"]
    if width * height > 4096:
        flat = b"".join(struct.pack(f"<{width}H", *row) for row in rows)
        expected["indices_sha256"] = hashlib.sha256(flat).hexdigest()
        del expected["indices"]
    return name, data, expected


def good_codings() -> Iterator[Good]:
    yield good(
        "example",
        "The worked example of section 9, byte for byte.",
        EXAMPLE_ROWS,
        EXAMPLE_PALETTE,
        rows_per_strip=2,
    )
    for coding, method in CODINGS:
        for channels, model in enumerate(("grey", "grey-alpha", "rgb", "rgba"), 1):
            yield good(
                f"{method}-{model}",
                f"Coding {coding} with {channels} channels and 7 entries.",
                noise(11, 6, 7),
                colours(7, channels),
                channels=channels,
                coding=coding,
                rows_per_strip=4,
            )
    yield good(
        "k257-high-byte-first",
        "16-bit indices in deflate: the high byte of index 256 comes first.",
        [[256, 0, 1, 255, 256]],
        colours(257, 1),
        channels=1,
        coding=1,
    )
    yield good(
        "k4096-rgba",
        "4096 entries of four channels, in order: every index occurs once.",
        [list(range(row * 64, row * 64 + 64)) for row in range(64)],
        colours(4096, 4),
        channels=4,
        coding=1,
    )
    yield good(
        "sixteen-bits-large",
        "100 x 90 pixels with 65,536 entries, in strips of 64 rows.",
        [[(x * 331 + y * 65521) % 65536 for x in range(100)] for y in range(90)],
        bytes(index >> 8 for index in range(65536)),
        channels=1,
        coding=1,
        rows_per_strip=64,
    )


def good_bits() -> Iterator[Good]:
    for coding, method in CODINGS:
        for entries in (1, 2, 3, 4, 5, 16, 17, 128, 129, 256, 257, 4096, 65536):
            side = 64 if entries == 4096 else 13
            yield good(
                f"k{entries}-{method}",
                f"{entries} entries: b = {bits_needed(entries)}, coding {coding}.",
                noise(side, side - 2, entries),
                colours(entries, 1),
                channels=1,
                coding=coding,
                rows_per_strip=5,
            )
    for entries in (33, 513, 1025, 4097, 8193, 16385):
        yield good(
            f"k{entries}-packed",
            f"{entries} entries: the fewest that need {bits_needed(entries)} bits an index.",
            noise(7, 5, entries),
            colours(entries, 1),
            channels=1,
        )
    for coding, method, widths in ((0, "packed", range(1, 10)), (1, "deflate", (9,))):
        for width in widths:
            yield good(
                f"width{width}-k2-{method}",
                f"Width {width} with one bit an index.",
                noise(width, 3, 2),
                colours(2),
                coding=coding,
            )
    for width in (2, 3, 8):
        yield good(
            f"width{width}-k5-packed",
            f"Width {width} with three bits an index.",
            noise(width, 3, 5),
            colours(5),
        )
    for width in (1, 2):
        yield good(
            f"width{width}-k5-deflate",
            f"Width {width}, b = 3, so four bits an index in the deflated rows.",
            noise(width, 3, 5),
            colours(5),
            coding=1,
        )


def good_shapes() -> Iterator[Good]:
    for name, width, height, coding in (
        ("one-pixel", 1, 1, 0),
        ("one-pixel", 1, 1, 1),
        ("one-row", 40, 1, 0),
        ("one-column", 1, 40, 1),
    ):
        yield good(
            f"{name}-{CODINGS[coding][1]}",
            f"{width} x {height} pixels, coding {coding}.",
            noise(width, height, 6),
            colours(6),
            coding=coding,
        )
    yield good(
        "many-strips-packed",
        "300 strips: the strip number in the CRC needs more than a byte.",
        noise(3, 300, 6),
        colours(6),
        rows_per_strip=1,
    )
    for rows_per_strip, coding, what in (
        (1, 0, "1: as many strips as rows"),
        (1, 1, "1: as many strips as rows"),
        (2, 0, "2: the last strip is shorter"),
        (3, 0, "3: all strips are of one size"),
        (8, 1, "8: the last strip has one row"),
        (10, 0, "10: larger than the height"),
        (65535, 0, "65,535: the largest value"),
    ):
        yield good(
            f"rows-per-strip-{rows_per_strip}-{CODINGS[coding][1]}",
            f"Height 9, rows per strip {what}.",
            noise(7, 9, 6),
            colours(6),
            coding=coding,
            rows_per_strip=rows_per_strip,
        )
    for name, coding, what in (
        ("", 0, "payloads of length 0"),
        ("-deflate", 1, "each payload is the zlib stream of no bytes"),
    ):
        yield good(
            f"k1-many-strips{name}",
            f"One entry and four strips: {what}.",
            [[0] * 5 for _ in range(7)],
            b"\x80\x40\x20",
            coding=coding,
            rows_per_strip=2,
        )
    yield good(
        "k1-wide",
        "One entry, 2000 x 1500 pixels: three million pixels in 40 bytes and an entry.",
        [[0] * 2000 for _ in range(1500)],
        b"\x80\x40\x20",
    )
