"""Conforming files with a section `labl` (kmc-1.md, section 7.1)."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from good import good
from parts import (
    EXAMPLE_PALETTE,
    EXAMPLE_ROWS,
    Good,
    Rows,
    colours,
    noise,
    squeezed,
    stored,
)

NAMES = ("|b1", "|i1", "|u1", "<i2", "<u2", ">i2", ">u2", "<i4", "<u4", ">i4", ">u4", "<i8", "<u8")
NAMES += (">i8", ">u8")


def number(value: int) -> bytes:
    digits = [value >> shift & 127 for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([digit | 128 for digit in digits[:-1]] + digits[-1:])


def least_of(dtype: int) -> int:
    name = NAMES[dtype]
    return -(1 << 8 * int(name[2]) - 1) if name[1] == "i" else 0


def head(dtype: int, shape: list[int], planes: int) -> bytes:
    return bytes([dtype, len(shape)]) + b"".join(map(number, shape)) + bytes([planes])


def table(dtype: int, values: list[int], size: int, *, packed: bool = False) -> bytes:
    """Make the table of values, with gaps of `size` bytes."""
    gaps = [after - before - 1 for before, after in pairwise(values)]
    planes = bytes(gap >> 8 * plane & 255 for plane in range(size) for gap in gaps)
    start = number(len(values) - 1) + number(values[0] - least_of(dtype))
    if not packed:
        return start + bytes([size]) + planes
    stream = zlib.compress(planes, 9)
    return start + bytes([16 + size]) + number(len(stream)) + stream


def in_order(palette: bytes, channels: int) -> list[int]:
    """Return the entries of a palette from dark to bright, as context.md, section 12, says."""
    entries = [palette[i : i + channels] for i in range(0, len(palette), channels)]

    def key(entry: int) -> tuple[bool, int, bytes]:
        c = entries[entry]
        luma = c[0] if channels < 3 else 299 * c[0] + 587 * c[1] + 114 * c[2]
        return channels % 2 == 1 or c[-1] > 0, luma, c

    return sorted(range(len(entries)), key=key)


def told(dtype: int, shape: list[int], planes: int, values: list[int], ids: Any) -> dict[str, Any]:
    strings = None if ids is None else list(map(str, ids))
    about = {"dtype": NAMES[dtype], "shape": shape, "planes": planes}
    return {"labels": {**about, "values": list(map(str, values)), "ids": strings}}


def entries_file(
    name: str,
    about: str,
    dtype: int,
    shape: list[int],
    values: list[int],
    *,
    size: int = 1,
    packed: bool = False,
    deflated: bool = False,
    palette: bytes = b"",
    channels: int = 1,
    rows: Rows | None = None,
    fits: bool = True,
) -> Good:
    """Make a file whose pixels stand for values; greys if no palette is given."""
    count = len(values)
    palette = palette or bytes(255 * i // max(1, count - 1) for i in range(count))
    height = math.prod(shape[:-1]) if 0 not in shape else 1
    rows = rows or noise(shape[-1] if shape and 0 not in shape else 1, height, count)
    value_of = dict(zip(in_order(palette, channels), values, strict=fits))
    ids = [value_of[index] for row in rows for index in row] if fits else None
    data = head(dtype, shape, 0) + table(dtype, values, size, packed=packed)
    make = squeezed if deflated else stored
    ids = [] if fits and 0 in shape else ids
    facts = told(dtype, shape, 0, values, ids)
    return good(
        f"labl-{name}",
        about,
        rows,
        palette,
        channels=channels,
        sections=[make(b"labl", data)],
        metadata=facts,
    )


def bytes_file(
    name: str,
    about: str,
    dtype: int,
    shape: list[int],
    least: int,
    planes: list[Rows],
    *,
    fits: bool = True,
    channels: int = 1,
) -> Good:
    """Make a file of values in bytes, the highest first, with all greys as the palette."""
    flat = [[grey for row in plane for grey in row] for plane in planes]
    ids: list[int] | None = [least + int.from_bytes(bytes(each), "big") for each in zip(*flat)]  # noqa: B905
    ids = None if not fits else [] if 0 in shape else ids
    data = head(dtype, shape, len(planes)) + number(least - least_of(dtype))
    palette = b"".join(bytes([grey] * channels) for grey in range(256))
    return good(
        f"labl-{name}",
        about,
        [row for plane in planes for row in plane],
        palette,
        channels=channels,
        sections=[stored(b"labl", data)],
        metadata=told(dtype, shape, len(planes), [least], ids),
    )


def good_label_sections() -> Iterator[Good]:
    yield good(
        "labl-text",
        "A text with the keyword of an earlier draft is only a text.",
        EXAMPLE_ROWS,
        EXAMPLE_PALETTE,
        sections=[stored(b"text", b"label array\0|u1 (3,5) 0,1*2")],
        metadata={"text": {"label array": "|u1 (3,5) 0,1*2"}},
    )
    yield entries_file("example", "The first example of the text.", 4, [2, 3], [3, 4, 5, 9])
    yield bytes_file("example-bytes", "The second one.", 7, [1, 2], -3, [[[0, 1]], [[0, 9]]])


def good_label_dtypes() -> Iterator[Good]:
    for dtype, name in enumerate(NAMES):
        bits = 1 if dtype == 0 else 8 * int(name[2])
        least = least_of(dtype)
        most = least + 2**bits - 1
        values = [least, most] if dtype == 0 else [least, most - 1, most]
        what = f"The least and the greatest value of {name}."
        size = -(-(bits - 1) // 8) if dtype == 0 else bits // 8
        yield entries_file(f"dtype-{dtype}", what, dtype, [3, 7], values, size=size)
        top = max(0, most - least - 255)
        greys = [0, min(255, most - least), 1]
        grey_rows = [[[grey * (plane == 7) for grey in greys]] for plane in range(8)]
        yield bytes_file(
            f"bytes-{dtype}",
            f"{name} in eight bytes, up to the most.",
            dtype,
            [3],
            least + top,
            grey_rows,
        )
        if dtype:
            past = [[[0, 0, grey] for grey in [256 - 1]]]
            about = f"{name} in a byte, with a value above the most: no labels."
            yield bytes_file(f"bytes-past-{dtype}", about, dtype, [3], most - 254, past, fits=False)


def good_label_tables() -> Iterator[Good]:
    wide = [-(2**63), -1, 0, 1, 255, 2**32, 2**53 + 1, 2**63 - 1]
    yield entries_file("wide", "Gaps of eight bytes.", 11, [4, 5], wide, size=8)
    yield entries_file(
        "wide-deflated", "The section is a zlib stream.", 11, [4, 5], wide, size=8, deflated=True
    )
    yield entries_file("no-gaps", "Gaps of no bytes: neighbours.", 8, [4, 5], [7, 8, 9, 10], size=0)
    yield entries_file("more-bytes", "Gaps of more bytes than they need.", 8, [9], [0, 5], size=3)
    many = [i * i for i in range(300)]
    tints = colours(300, 3, 5)
    yield entries_file(
        "packed",
        "300 values, gaps as a zlib stream.",
        8,
        [20, 20],
        many,
        size=2,
        packed=True,
        palette=tints,
        channels=3,
    )
    yield entries_file(
        "one-value", "One value, and a zlib stream of no gaps.", 2, [2, 2], [200], packed=True
    )


def good_label_palettes() -> Iterator[Good]:
    for channels in (2, 4):
        palette = colours(9, channels, 6)[:-channels] + b"\xff" * (channels - 1) + b"\0"
        yield entries_file(
            f"alpha-{channels}",
            "Transparent entries come first.",
            1,
            [5, 5],
            list(range(-9, 0)),
            palette=palette,
            channels=channels,
            size=1,
        )
    yield entries_file(
        "turned", "A palette from bright to dark.", 2, [2, 5], [1, 2, 9], palette=b"\xff\x80\0"
    )
    yield entries_file(
        "luma",
        "Entries of the same brightness are sorted by channels.",
        2,
        [3, 5],
        [4, 6, 9, 12],
        palette=bytes([0, 57, 0, 114, 0, 0, 0, 0, 0, 0, 0, 1]),
        channels=3,
    )


def good_label_shapes() -> Iterator[Good]:
    yield entries_file("no-axes", "A single value.", 9, [], [-77])
    yield entries_file("axes-32", "The most axes.", 2, [1] * 30 + [2, 3], [1, 3])
    yield entries_file("volume", "Three axes.", 2, [2, 3, 4], [0, 1, 7])
    yield entries_file("empty", "An axis of length 0.", 6, [3, 0, 2], [0])
    yield bytes_file("empty-bytes", "An axis of length 0, in bytes.", 6, [0], 0, [[[0]], [[0]]])
    yield entries_file("empty-long", "The largest shape there may be.", 2, [0, 2**62], [0])
    yield entries_file(
        "empty-longest",
        "The product of the lengths is 2^63 - 1.",
        2,
        [0, 7**2 * 73 * 127, (2**63 - 1) // (7**2 * 73 * 127)],
        [0],
    )
    yield bytes_file(
        "bytes-volume",
        "Three axes, in three bytes.",
        8,
        [2, 2, 3],
        70_000,
        [noise(3, 4, 256, seed) for seed in (5, 6, 7)],
    )


def good_label_unfit() -> Iterator[Good]:
    unfit: dict[str, Any] = {"fits": False}
    yield entries_file(
        "unfit-shape",
        "The shape has more columns than the image.",
        2,
        [2, 4],
        [0, 9],
        rows=[[0, 1, 0], [1, 1, 0]],
        **unfit,
    )
    yield entries_file(
        "unfit-rows",
        "The shape has more rows than the image.",
        2,
        [3, 3],
        [0, 9],
        rows=[[0, 1, 0], [1, 1, 0]],
        **unfit,
    )
    yield entries_file(
        "unfit-empty",
        "An axis of length 0, but two pixels.",
        2,
        [0],
        [0, 9],
        rows=[[0, 1]],
        **unfit,
    )
    for count in (2, 4):
        yield entries_file(
            f"unfit-values-{count}",
            f"{count} values, three entries.",
            2,
            [2, 3],
            list(range(count)),
            palette=b"\0\x80\xff",
            rows=[[0, 1, 0], [1, 1, 0]],
            **unfit,
        )
    yield entries_file(
        "unfit-repeated",
        "An entry is there twice.",
        2,
        [2, 3],
        [0, 1, 2],
        palette=b"\0\x80\0",
        rows=[[0, 1, 0], [1, 1, 0]],
        **unfit,
    )
    yield bytes_file(
        "unfit-colours",
        "Bytes in grey, but as colours.",
        7,
        [1, 2],
        -3,
        [[[0, 1]], [[0, 9]]],
        fits=False,
        channels=3,
    )
    yield bytes_file(
        "unfit-planes",
        "The image has two rows, the shape has two bytes of two.",
        7,
        [2, 2],
        -3,
        [[[0, 1]], [[0, 9]]],
        fits=False,
    )
