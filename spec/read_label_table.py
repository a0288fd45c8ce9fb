"""Types, shapes and values of arrays of labels: the second reader, written from the texts.

kmc-1.md, section 7.1, and labels.md, section 10, whose streams store them too. Python standard
library only, and read_input.py and read_palette.py.
"""

from __future__ import annotations

import math
from typing import Any

from read_input import Input, inflate, refuse
from read_palette import place

MOST_VALUES, MOST_AXES, MOST_PLANES = 65_536, 32, 8
DTYPES = ["|b1", "|i1", "|u1"]
DTYPES += [f"{order}{kind}{size}" for size in (2, 4, 8) for order in "<>" for kind in "iu"]


def number(source: Input, part: str) -> int:
    value = bits = 0
    while True:
        byte = source.take(1, part)[0]
        value |= (byte & 127) << bits
        bits += 7
        if byte < 128:
            break
        if bits > 63:
            refuse(part, source.at, "a number of more than ten bytes")
    if value >= 2**64 or (byte == 0 and bits > 7):
        refuse(part, source.at, "a number that is too large, or takes too many bytes")
    return value


def read_kind(source: Input, part: str) -> tuple[str, list[int]]:
    kind, axes = source.take(2, part)
    if kind >= len(DTYPES) or axes > MOST_AXES:
        refuse(part, source.at, f"dtype {kind}, {axes} axes")
    return DTYPES[kind], [number(source, part) for _ in range(axes)]


def span(dtype: str) -> tuple[int, int]:
    """Return the least and the greatest value of a dtype."""
    bits = 1 if dtype == "|b1" else 8 * int(dtype[2:])
    least = -(2 ** (bits - 1)) if dtype[1] == "i" else 0
    return least, least + 2**bits - 1


def read_first(source: Input, dtype: str, part: str) -> int:
    least, most = span(dtype)
    value = least + number(source, part)
    if value > most:
        refuse(part, source.at, f"the value {value} is not in {dtype}")
    return value


def read_values(source: Input, dtype: str, part: str) -> list[int]:
    count = number(source, part) + 1
    first = read_first(source, dtype, part)
    form = source.take(1, part)[0]
    size = form & 15
    if count > MOST_VALUES or size > 8 or form & 0xE0:
        refuse(part, source.at, "too many values, or a form that is not known")
    length = size * (count - 1)
    if form & 16:
        packed = source.take(number(source, part), part)
        planes = inflate(packed, length, part, source.at)
    else:
        planes = source.take(length, part)
    if len(planes) != length:
        refuse(part, source.at, f"{len(planes)} bytes of gaps, {length} expected")
    values = [first]
    for i in range(count - 1):
        gap = sum(planes[i + plane * (count - 1)] << 8 * plane for plane in range(size))
        values.append(values[-1] + gap + 1)
    if values[-1] > span(dtype)[1]:
        refuse(part, source.at, f"the value {values[-1]} is not in {dtype}")
    return values


def read_labels(data: bytes, part: str, at: int) -> dict[str, Any]:  # kmc-1.md, section 7.1
    source = Input(data)
    dtype, shape = read_kind(source, part)
    if math.prod(side for side in shape if side) * int(dtype[2:]) >= 2**63:
        refuse(part, at, f"the shape {shape} is too large")
    planes = source.take(1, part)[0]
    if planes > MOST_PLANES:
        refuse(part, at, f"values in {planes} bytes")
    values = [read_first(source, dtype, part)] if planes else read_values(source, dtype, part)
    if source.left():
        refuse(part, at, f"{source.left()} bytes after the values")
    return {"dtype": dtype, "shape": shape, "planes": planes, "values": values}


def labels_of(
    told: dict[str, Any], palette: list[tuple[int, ...]], rows: list[list[int]]
) -> list[int] | None:
    """Return the values of all pixels, row after row; None if section and image do not fit."""
    shape, planes, values = told["shape"], told["planes"], told["values"]
    width, height = (shape or [1])[-1], math.prod(shape[:-1])
    if 0 in shape:
        width = height = 1
    if [len(rows), len(rows[0])] != [height * max(1, planes), width]:
        return None
    flat = [palette[index] for row in rows for index in row]
    if planes:
        found = []
        if len(palette[0]) == 1:
            found = [from_bytes(flat[at :: width * height]) for at in range(width * height)]
        return ranged([values[0] + distance for distance in found], told["dtype"], shape)
    dark_first = sorted(set(palette), key=place)
    if len(dark_first) != len(palette) or len(palette) != len(values):
        return None
    value_of = dict(zip(dark_first, values, strict=True))
    return [] if 0 in shape else [value_of[entry] for entry in flat]


def from_bytes(greys: list[tuple[int, ...]]) -> int:
    """Return the number whose bytes are these greys, the highest first."""
    return int.from_bytes(bytes(grey for (grey,) in greys), "big")


def ranged(found: list[int], dtype: str, shape: list[int]) -> list[int] | None:
    if not found or max(found) > span(dtype)[1]:
        return None
    return [] if 0 in shape else found
